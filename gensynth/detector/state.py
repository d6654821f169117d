"""Fitted state of a detector: models, calibration scores, threshold; and its file format."""

from __future__ import annotations

import os
from typing import Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from gensynth.engine.fitted_model import FittedModel
from gensynth.engine.scoring.detector_score import DetectorScorer, WeighedDensity
from gensynth.engine.scoring.ensemble import Ensemble, ScoreScaling
from gensynth.persistence import Contents, save
from gensynth.registry import Registry

Floats = NDArray[np.float64]


class FittedDetector:
    """Mixin of detectors: fitted attributes, and their file."""

    estimators_: list[FittedModel]
    method_: str
    scaling_: ScoreScaling
    scorer_: DetectorScorer
    offset_: float
    threshold_: float
    contamination_: float
    contamination_range_: tuple[float, float] | None
    calibration_scores_: Floats

    @property
    def seed_(self) -> int:
        """Seed that reproduces the fit."""
        return self.estimators_[0].seed

    @property
    def density_(self) -> WeighedDensity | None:
        """The density, its score profile and its agreement with the ensemble; None if it was rejected."""
        return self.scorer_.density

    @property
    def score_weights_(self) -> dict[str, float]:
        """Weights of the models' score methods in the detector's score."""
        return self._weights(self.method_)

    def _weights(self, method: str) -> dict[str, float]:
        """Return the weights of the models' score methods that make up ``method``."""
        first = self.estimators_[0]
        if method == "auto" and first.recipe.score_weights:
            return dict(first.recipe.score_weights)
        return {first.model.score_method(None if method == "auto" else method): 1.0}

    def save(self, path: str | os.PathLike[str], *, registry: Registry | None = None) -> None:
        """Write a ``.gensynth`` file, which `gensynth.load` reads."""
        save(self, path, registry=registry)

    def to_contents(self) -> Contents:
        """Return the contents of the detector's file."""
        check_is_fitted(self, "estimators_")
        state = {"method": self.method_, "offset": self.offset_, "range": self.contamination_range_}
        arrays = {
            "calibration": self.calibration_scores_,
            **self.scaling_.to_arrays(),
            **self.scorer_.to_arrays(),
        }
        density = None if self.density_ is None else self.density_.model
        return Contents.of("detector", self, self.estimators_, state, arrays, density)

    @classmethod
    def from_contents(cls, contents: Contents) -> Self:
        """Return the fitted detector from a file's contents."""
        out, state, arrays = contents.restore(cls), contents.state, contents.arrays
        out.estimators_ = list(contents.models)
        out.method_ = str(state["method"])
        out.offset_ = float(state["offset"])
        out.threshold_ = -out.offset_
        out.calibration_scores_ = np.asarray(arrays["calibration"], dtype=np.float64)
        out.contamination_ = float(np.mean(out.calibration_scores_ < out.offset_))
        out.contamination_range_ = None if state["range"] is None else tuple(state["range"])
        out.scaling_ = ScoreScaling.from_arrays(arrays)
        ensemble = Ensemble(out.estimators_, out.score_weights_, out.scaling_)
        out.scorer_ = DetectorScorer.from_arrays(arrays, ensemble, contents.density)
        return out
