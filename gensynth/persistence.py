"""Save and load fitted estimators as one ``.gensynth`` file; nothing in it is ever run."""

from __future__ import annotations

import os
from typing import Any

from gensynth.archive import read_archive
from gensynth.detector import AnomalyDetector
from gensynth.errors import ModelFileError
from gensynth.registry import Registry, default_registry
from gensynth.synthesizer import Synthesizer

_KINDS: dict[str, type[Synthesizer] | type[AnomalyDetector]] = {
    "synthesizer": Synthesizer,
    "detector": AnomalyDetector,
}


def save(estimator: Synthesizer | AnomalyDetector, path: str | os.PathLike[str]) -> None:
    """Write a fitted estimator to one file, atomically; the same estimator always gives the same bytes.

    Parameters
    ----------
    estimator : Synthesizer or AnomalyDetector
        Fitted, with a recipe that a plugin registers.
    path : path-like
        Usually ending in ``.gensynth``. An existing file is replaced.

    Raises
    ------
    PluginError
        The recipe is not registered.
    OSError
        The file cannot be written.
    """
    estimator.save(path)


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
        The file is missing, damaged, changed, too new, or not a ``.gensynth`` file.
    UnknownModelError
        The plugin of its model is not installed; names it.
    OptionError
        The device is not there.
    """
    archive = read_archive(path)
    if archive.kind not in _KINDS:
        raise ModelFileError(f"{os.fspath(path)!r} holds a {archive.kind!r}, which this gensynth does not know")
    known = default_registry() if registry is None else registry
    return _KINDS[archive.kind].from_archive(archive, device, known)
