"""A plugin that registers the toy recipe, and a registry that holds it alone."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import EntryPoint

from gensynth.hookspecs import ModelSpec, hookimpl
from gensynth.registry import Registry


@hookimpl
def register_models(register: Callable[[ModelSpec], None]) -> None:
    register(
        ModelSpec(
            "toy", "toy_models:Toy", "for tests", frozenset({"sample", "conditional", "score"}), ("likelihood", "half")
        )
    )


def toy_registry() -> Registry:
    return Registry([EntryPoint("toy", "toy_plugin", "gensynth")], strict=True)


def empty_registry() -> Registry:
    return Registry([], strict=True)
