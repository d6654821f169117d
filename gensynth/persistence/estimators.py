"""Saving and loading of fitted estimators; no code in a file is ever run."""

from __future__ import annotations

import importlib
import os
from typing import Any, Protocol, Self

from gensynth.errors import GensynthError, ModelFileError
from gensynth.persistence.contents import Contents
from gensynth.persistence.members import read_archive, write_archive
from gensynth.registry import Registry, default_registry

_KINDS = {
    "synthesizer": "gensynth.synthesizer:Synthesizer",
    "detector": "gensynth.detector:AnomalyDetector",
}
"""Estimators by kind of file; as names, since they import this package."""


class Storable(Protocol):
    """An estimator that a file can hold: `gensynth.Synthesizer`, `gensynth.AnomalyDetector`."""

    def to_contents(self) -> Contents:
        """Return the contents of the estimator's file."""

    @classmethod
    def from_contents(cls, contents: Contents) -> Self:
        """Return the fitted estimator from a file's contents."""


def save(estimator: Storable, path: str | os.PathLike[str], *, registry: Registry | None = None) -> None:
    """Write a fitted estimator to one file, atomically; the same estimator always gives the same bytes.

    Parameters
    ----------
    estimator : Synthesizer or AnomalyDetector
        Fitted, with a recipe that a plugin registers.
    path : path-like
        Usually ending in ``.gensynth``. An existing file is replaced.
    registry : Registry, optional
        Where the model's recipe is registered; default: the installed plugins.

    Raises
    ------
    PluginError
        The recipe is not registered.
    OSError
        The file cannot be written.
    """
    write_archive(estimator.to_contents().pack(default_registry() if registry is None else registry), path)


def load(path: str | os.PathLike[str], device: str = "auto", *, registry: Registry | None = None) -> Any:
    """Read a fitted `Synthesizer` or `AnomalyDetector`, wherever it was trained.

    The sequence of `Synthesizer.sample` starts anew.

    Parameters
    ----------
    path : path-like
        Written by `save`.
    device : str
        "auto", "cpu", "cuda", "mps".
    registry : Registry, optional
        Where the model's recipe is looked up; default: the installed plugins.

    Raises
    ------
    ModelFileError
        The file is missing, damaged, changed, too old, too new, or not a ``.gensynth`` file.
    UnknownModelError
        The plugin of its model is not installed; names it.
    OptionError
        The device is not there.
    """
    archive = read_archive(path)
    if archive.kind not in _KINDS:
        raise ModelFileError(f"{os.fspath(path)!r} holds a {archive.kind!r}, which this gensynth does not know")
    module, _, name = _KINDS[archive.kind].partition(":")
    estimator: type[Storable] = getattr(importlib.import_module(module), name)
    try:
        known = default_registry() if registry is None else registry
        return estimator.from_contents(Contents.unpack(archive, device, known))
    except GensynthError:
        raise
    except Exception as error:  # whatever else malformed contents run into
        raise ModelFileError(f"the file's contents cannot be read: {type(error).__name__}: {error}") from error
