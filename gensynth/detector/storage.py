"""A fitted AnomalyDetector as the contents of a file, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gensynth.archive import Archive, join_weights, split_weights
from gensynth.errors import ModelFileError
from gensynth.registry import Registry
from gensynth.synthesizer import Synthesizer
from gensynth.synthesizer.storage import pack as pack_synthesizer
from gensynth.synthesizer.storage import pack_relations
from gensynth.tables import Container

if TYPE_CHECKING:
    from gensynth.detector.estimator import AnomalyDetector

KIND = "detector"
_PARAMETERS = ("method", "n_estimators", "contamination", "novelty", "calibration_fraction")


def pack(detector: AnomalyDetector, registry: Registry) -> Archive:
    """Return the contents of a file for a fitted detector."""
    parts = [pack_synthesizer(s, registry) for s in detector.estimators_]
    state = {
        "parameters": {name: _plain(getattr(detector, name)) for name in _PARAMETERS}
        | pack_relations(detector.relations),
        "method": detector.method_,
        "offset": detector.offset_,
        "seed": detector.seed_,
        "container": detector.container_.to_json(),
        "features": {
            "n": detector.n_features_in_,
            "names": [str(name) for name in getattr(detector, "feature_names_in_", ())],
        },
        "estimators": [part.state for part in parts],
    }
    arrays = {"units": detector.units_, "calibration": detector.calibration_scores_}
    for i, part in enumerate(parts):
        arrays |= {f"{i}.{name}": array for name, array in part.arrays.items()}
    return Archive(KIND, state, arrays, join_weights([part.weights for part in parts]))


def unpack(archive: Archive, device: str, registry: Registry) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return constructor parameters and fitted attributes.

    Raises
    ------
    ModelFileError
        The contents do not make sense.
    UnknownModelError
        The plugin of the model is not installed.
    """
    state = archive.state
    try:
        weights = split_weights(archive.weights, len(state["estimators"]))
        parts = [
            Archive("synthesizer", part, _own(archive.arrays, i), own)
            for i, (part, own) in enumerate(zip(state["estimators"], weights, strict=True))
        ]
        scores = np.array(archive.arrays["calibration"], dtype=np.float64)
        fitted: dict[str, Any] = {
            "method_": str(state["method"]),
            "offset_": float(state["offset"]),
            "seed_": int(state["seed"]),
            "container_": Container.from_json(state["container"]),
            "calibration_scores_": scores,
            "units_": np.array(archive.arrays["units"], dtype=np.float64),
            "n_features_in_": int(state["features"]["n"]),
        }
        fitted["contamination_"] = float(np.mean(scores < fitted["offset_"]))
        if state["features"]["names"]:
            fitted["feature_names_in_"] = np.array(state["features"]["names"], dtype=object)
        parameters = {name: state["parameters"][name] for name in _PARAMETERS}
    except (KeyError, TypeError, ValueError) as error:
        raise ModelFileError(f"the file's contents cannot be read: {type(error).__name__}: {error}") from error
    fitted["estimators_"] = [Synthesizer.from_archive(part, device, registry) for part in parts]
    first = fitted["estimators_"][0]
    parameters["relations"] = state["parameters"].get("relations", "auto")
    parameters |= {"model": first.recipe_, "trainer": first.trainer, "schema": first.schema}
    return parameters, fitted


def _own(named: Any, i: int) -> dict[str, Any]:
    prefix = f"{i}."
    return {name.removeprefix(prefix): value for name, value in named.items() if name.startswith(prefix)}


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
