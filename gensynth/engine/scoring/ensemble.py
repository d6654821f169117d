"""Ensemble of fitted models of one table: the mean of the members' scores, scaled by interquartile range."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gensynth.encoding.rows import Rows
from gensynth.encoding.table import TableEncoder
from gensynth.engine.fitted_model import FittedModel
from gensynth.engine.scoring.attributions import member_attributions, member_maps
from gensynth.engine.scoring.row_scores import LEAST, member_scores, reproducible_scores
from gensynth.errors import CapabilityError

MAX_SCALING_ROWS = 2_000
"""Maximal number of training rows used to put the members' scores on a common scale."""
_BLOCK = 8_192
_IMAGES = 512

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ScoreScaling:
    """Location and scale of the members' scores on the training rows, by score method.

    Members are the networks of all models, one after the other: a model has one, or those of its members axis.

    Parameters
    ----------
    score_median : dict of str to ndarray of shape (members,)
        Median of each member's scores.
    score_iqr : dict of str to ndarray of shape (members,)
        Distance between their quartiles, above 0.
    """

    score_median: Mapping[str, Floats]
    score_iqr: Mapping[str, Floats]

    @classmethod
    def fit(cls, models: Sequence[FittedModel], rows: Rows) -> Self:
        """Fit to the scores of training rows by every score method of the models."""
        rows = rows.evenly(MAX_SCALING_ROWS)
        median, iqr = {}, {}
        for method in models[0].model.score_methods:
            low, middle, high = np.quantile(
                _all_members(member_scores, models, rows, method), (0.25, 0.5, 0.75), axis=1
            )
            median[method] = middle
            iqr[method] = np.maximum(high - low, 1e-6 + 1e-4 * np.abs(middle))
        return cls(median, iqr)

    @property
    def n_members(self) -> int:
        """Number of networks in all models."""
        return len(next(iter(self.score_iqr.values())))

    def to_arrays(self) -> dict[str, Floats]:
        """Return the fitted state as arrays."""
        parts = {"median": self.score_median, "iqr": self.score_iqr}
        return {f"{part}.{method}": values for part, own in parts.items() for method, values in own.items()}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Rebuild from `to_arrays`; other arrays are left out."""
        parts: dict[str, dict[str, Floats]] = {"median": {}, "iqr": {}}
        for name, values in arrays.items():
            part, _, method = name.partition(".")
            if part in parts:
                parts[part][method] = np.asarray(values, dtype=np.float64)
        return cls(parts["median"], parts["iqr"])


class RowScorer(ABC):
    """Interface of scorers: scores of rows, attributions to columns, and the models that explain them."""

    @property
    @abstractmethod
    def encoder(self) -> TableEncoder:
        """The encoder of the table, one for all models."""

    @abstractmethod
    def encode(self, frame: pd.DataFrame) -> tuple[pd.DataFrame, Rows]:
        """Return new rows aligned and encoded, once for all models."""

    @abstractmethod
    def score(self, rows: Rows) -> Floats:
        """Return (n,) scores, higher = more normal; a row's score is bit-identical in any batch."""

    @abstractmethod
    def attributions(self, rows: Rows) -> Floats:
        """Return (n, k) the contribution of each column, then the image, to minus the score; a row sums to it."""

    @abstractmethod
    def maps(self, rows: Rows) -> Floats:
        """Return (n, height, width) the contribution of each pixel to minus the score.

        A row's sum to the attribution of its image; `CapabilityError` where the models cannot say.
        """

    @abstractmethod
    def explainers(self, rows: Rows) -> list[tuple[FittedModel, NDArray[np.int64]]]:
        """Return models, and for each the positions of the rows that it explains best."""


class Ensemble(RowScorer):
    """Fitted models of one table whose scores are averaged.

    Parameters
    ----------
    models : sequence of FittedModel
        With one encoder.
    weights : mapping of str to float
        Weight of each score method in the score, which is averaged over the members.
    scaling : ScoreScaling or None
        Puts the members on a common scale: 0 is typical of the training rows and 1 the distance between their
        quartiles, for each member and method. None: scores are averaged as they are.
    """

    def __init__(
        self, models: Sequence[FittedModel], weights: Mapping[str, float], scaling: ScoreScaling | None = None
    ) -> None:
        self.models = tuple(models)
        self.weights = weights
        self.scaling = scaling

    @property
    def encoder(self) -> TableEncoder:
        """The models' encoder."""
        return self.models[0].encoder

    def encode(self, frame: pd.DataFrame) -> tuple[pd.DataFrame, Rows]:
        """Return new rows aligned and encoded."""
        return self.models[0].encode(frame)

    def score(self, rows: Rows) -> Floats:
        """Return (n,) scores.

        Raises
        ------
        PluginError
            A score is not finite.
        """

        def score(rows: Rows) -> Floats:
            total = np.zeros(len(rows))
            for method, weight in self.weights.items():
                scores = _all_members(member_scores, self.models, rows, method)
                median, iqr = self._units(method, scores.ndim)
                total += weight * ((scores - median) / iqr).mean(0)
            return total

        magnitude = LEAST
        if self.scaling is not None:
            centres = {m: np.abs(self.scaling.score_median[m]) / self.scaling.score_iqr[m] for m in self.weights}
            magnitude = max(magnitude, sum(w * float(centres[m].max()) for m, w in self.weights.items()))
        return reproducible_scores(score, rows, magnitude)

    def attributions(self, rows: Rows) -> Floats:
        """Return (n, k) the contribution of each column of the layout to minus the score; a row sums to it."""
        out = np.zeros((len(rows), self._n_attributions))
        for start in range(0, len(rows), _BLOCK):  # all members at once would take many times the memory of the table
            part = slice(start, start + _BLOCK)
            for method, weight in self.weights.items():
                found = _all_members(member_attributions, self.models, rows[part], method)
                median, iqr = self._units(method, found.ndim)
                out[part] += weight * ((found + median / found.shape[2]) / iqr).mean(0)
        return out

    def maps(self, rows: Rows) -> Floats:
        """Return (n, height, width) the contribution of each pixel to minus the score.

        What a method adds that cannot tell places apart is divided evenly, if there is another one that can.

        Raises
        ------
        CapabilityError
            The rows have no images, or no method of the score can say.
        """
        image = self.encoder.layout.image
        if image is None:
            raise CapabilityError("the rows have no images: `explain` says what each column adds to a score")
        out, told = np.zeros((len(rows), image.height, image.width)), False
        for start in range(0, len(rows), _IMAGES):
            part = slice(start, start + _IMAGES)
            if start and not told:
                break
            for method, weight in self.weights.items():
                maps = [member_maps(model.scorer, rows[part], method) for model in self.models]
                known = [own for own in maps if own is not None]
                told = told or bool(known)
                if known:
                    found = np.concatenate(known)
                else:
                    whole = _all_members(member_attributions, self.models, rows[part], method)[..., -1:, None]
                    found = np.broadcast_to(whole / out[0].size, (*whole.shape[:2], *out.shape[1:]))
                median, iqr = self._units(method, found.ndim)
                out[part] += weight * ((found + median / (self._n_attributions * out[0].size)) / iqr).mean(0)
        if not told and len(rows):
            raise self._no_maps(rows[:1])
        return out

    def _no_maps(self, row: Rows) -> CapabilityError:
        """Return the error that the score has no maps, which names the methods that do."""
        model = self.models[0]
        able = (m for m in model.model.score_methods if member_maps(model.scorer, row, m) is not None)
        others = ", ".join(f"method={name!r}" for name in able)
        return CapabilityError(
            f"{type(self.models[0].model).__name__} cannot say by the score {', '.join(map(repr, self.weights))} what "
            f"each place of an image adds; {f'try {others}, or take' if others else 'take'} `explain`, which says it "
            "of the image as a whole"
        )

    @property
    def _n_attributions(self) -> int:
        """Number of attributions: the columns of the layout, and the image."""
        return len(self.encoder.layout.columns) + (self.encoder.layout.image is not None)

    def explainers(self, rows: Rows) -> list[tuple[FittedModel, NDArray[np.int64]]]:
        """Return the first model, for all rows."""
        return [(self.models[0], np.arange(len(rows)))]

    def _units(self, method: str, n_axes: int) -> tuple[Floats, Floats]:
        """Return median and interquartile range of the members' scores, on the first of ``n_axes`` axes."""
        if self.scaling is None:
            return np.zeros((1,) * n_axes), np.ones((1,) * n_axes)
        median, iqr = self.scaling.score_median[method], self.scaling.score_iqr[method]
        shape = (-1, *(1,) * (n_axes - 1))
        return median.reshape(shape), iqr.reshape(shape)


def _all_members(function: Callable[..., Floats], models: Sequence[FittedModel], rows: Rows, method: str) -> Floats:
    """Return the results of a function of every scorer, concatenated over members on the first axis."""
    return np.concatenate([function(model.scorer, rows, method) for model in models])
