"""The hooks of gensynth: the table of contents for plugin authors.

A plugin is a module named by an entry point of the group ``gensynth``. It implements any of the functions below,
marked with `hookimpl`; an argument that it does not need it may leave out. The module is imported at start-up,
so it must be light: no torch, no pandas. It may say which version of these hooks it was written for::

    GENSYNTH_API_VERSION = 1
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    import typer

    from gensynth.registry import ModelSpec

API_VERSION = 1
"""Version of the hooks and of `gensynth.model`; raised when a plugin written for the old one would break."""

ENTRY_POINT_GROUP = "gensynth"
"""Entry-point group that plugins are found in; the value of an entry point is a module."""

hookspec = pluggy.HookspecMarker("gensynth")
hookimpl = pluggy.HookimplMarker("gensynth")
"""Decorator that marks a function of a plugin as the implementation of the hook of the same name."""


@hookspec
def register_models(register: Callable[[ModelSpec], None]) -> None:
    """Call ``register`` once for each family of models."""


@hookspec
def register_commands(app: typer.Typer) -> None:
    """Add commands to the ``gensynth`` command line: ``@app.command()``."""


@hookspec
def register_metrics(register: Callable[[str, Callable[..., Any]], None]) -> None:
    """Call ``register(name, function)`` for each metric ``function(real, synthetic) -> float`` of two frames."""


@hookspec
def register_datasets(register: Callable[[Path], None]) -> None:
    """Call ``register`` with the path of each data set card (a TOML file), or of a folder of cards."""
