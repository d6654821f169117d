"""Hook specifications for plugins, and the announcement of a model.

A plugin is a module named by an entry point of the group ``gensynth``. It implements any of the functions below,
marked with `hookimpl`; an argument that it does not need it may leave out. The module is imported at start-up,
so it must be light: no torch, no pandas. It may say which version of these hooks it was written for::

    GENSYNTH_API_VERSION = 1
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pluggy

from gensynth.errors import PluginError

if TYPE_CHECKING:
    import typer

API_VERSION = 1
"""Version of the hooks and of `gensynth.model`; raised when a plugin written for the old one would break."""

ENTRY_POINT_GROUP = "gensynth"
"""Entry-point group that plugins are found in; the value of an entry point is a module."""

hookspec = pluggy.HookspecMarker("gensynth")
hookimpl = pluggy.HookimplMarker("gensynth")
"""Decorator that marks a function of a plugin as the implementation of the hook of the same name."""


CAPABILITIES = {
    "sample": "sample rows",
    "conditional": "sample rows given some of their cells",
    "conditional-on-fitted": "sample rows given cells of the columns that were named at the fit",
    "impute": "impute missing cells",
    "score": "score rows",
    "latent": "transform rows to latents",
    "images": "learn images, alone or as a column of a table",
}
"""Capabilities of families of models, with a description of each."""

_NAME = re.compile(r"[a-z0-9]+([._-][a-z0-9]+)*")
_TARGET = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")


@dataclass(frozen=True)
class ModelSpec:
    """Announcement of a family of models by a plugin, without importing it.

    Parameters
    ----------
    name : str
        Name that users write: lower-case letters, digits and ``. _ -``.
    target : str
        ``"package.module:Class"`` of the `gensynth.model.Recipe`, imported at first use.
    summary : str
        One line for the list of models.
    capabilities : frozenset of str
        What the family can do, of `CAPABILITIES`; the same as `gensynth.model.Recipe.capabilities`, which is not
        imported to know it.
    score_methods : tuple of str
        How it can score rows, the default first; likewise.
    """

    name: str
    target: str
    summary: str = ""
    capabilities: frozenset[str] = frozenset({"sample", "score"})
    score_methods: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not _NAME.fullmatch(self.name):
            raise PluginError(f"model name {self.name!r}: expected lower-case letters, digits and . _ - between them")
        if not isinstance(self.target, str) or not _TARGET.fullmatch(self.target):
            raise PluginError(f"target {self.target!r} of model {self.name!r}: expected 'package.module:Class'")
        object.__setattr__(self, "capabilities", frozenset(self.capabilities))
        object.__setattr__(self, "score_methods", tuple(self.score_methods))
        for word in sorted(self.capabilities - set(CAPABILITIES)):
            close = difflib.get_close_matches(word, CAPABILITIES, n=1)
            meant = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(CAPABILITIES)}"
            raise PluginError(f"model {self.name!r}: there is no capability {word!r}; {meant}")

    @property
    def class_name(self) -> str:
        """Name of the recipe's class."""
        return self.target.partition(":")[2]


@hookspec
def register_models(register: Callable[[ModelSpec], None]) -> None:
    """Call ``register`` once for each family of models."""


@hookspec
def register_commands(app: typer.Typer) -> None:
    """Add commands to the ``gensynth`` command line: ``@app.command()``."""


@hookspec
def register_metrics(register: Callable[[str, Callable[..., Any]], None]) -> None:
    """Call ``register(name, function)`` for each metric ``function(real, synthetic) -> float`` of two frames.

    ``gensynth evaluate`` shows it beside that of real rows and that of independent columns.
    """


@hookspec
def register_datasets(register: Callable[[Path], None]) -> None:
    """Call ``register`` with the path of each data set card (a TOML file), or of a folder of cards."""
