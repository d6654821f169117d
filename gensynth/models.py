"""Every installed plugin's recipes by class name, imported at first use: ``from gensynth.models import VLAE``."""

from __future__ import annotations

from typing import Any

from gensynth.errors import PluginError
from gensynth.registry import ModelEntry, default_registry


def __getattr__(name: str) -> Any:
    registry = default_registry()
    found = {target: place for target, place in _targets().items() if target.partition(":")[2] == name}
    if not found:
        raise AttributeError(f"no installed plugin has a recipe {name!r}; there are {', '.join(__dir__()) or 'none'}")
    if len(found) > 1:
        # not an AttributeError: `from gensynth.models import X` would swallow its message
        modules = " or ".join(f"from {target.replace(':', ' import ')}" for target in sorted(found))
        raise PluginError(f"several plugins have a recipe {name!r}: write {modules}")
    entry, detector = next(iter(found.values()))
    return registry.load(entry, detector=detector)


def __dir__() -> list[str]:
    return sorted({target.partition(":")[2] for target in _targets()})


def _targets() -> dict[str, tuple[ModelEntry, bool]]:
    """Return every recipe's target, detectors' included, with its entry and whether it is a detector's."""
    entries = default_registry().models()
    detectors = {entry.spec.detector: (entry, True) for entry in entries if entry.spec.detector is not None}
    return {**detectors, **{entry.spec.target: (entry, False) for entry in entries}}
