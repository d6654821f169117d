"""Recipes of all installed plugins by class name, imported at first use: ``from gensynth.models import VLAE``."""

from __future__ import annotations

from typing import Any

from gensynth.errors import PluginError
from gensynth.registry import default_registry


def __getattr__(name: str) -> Any:
    registry = default_registry()
    found = {entry.spec.target: entry for entry in registry.models() if entry.spec.class_name == name}
    if not found:
        raise AttributeError(f"no installed plugin has a recipe {name!r}; there are {', '.join(__dir__()) or 'none'}")
    if len(found) > 1:
        # not an AttributeError: `from gensynth.models import X` would swallow its message
        modules = " or ".join(f"from {target.replace(':', ' import ')}" for target in sorted(found))
        raise PluginError(f"several plugins have a recipe {name!r}: write {modules}")
    return registry.load(next(iter(found.values())))


def __dir__() -> list[str]:
    return sorted({entry.spec.class_name for entry in default_registry().models()})
