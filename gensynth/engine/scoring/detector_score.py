"""A detector's score: log-probability of so anomalous a row among normal ones, by ensemble and density."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gensynth.arrays import Arrays, arrays_of, named
from gensynth.encoding.rows import Rows
from gensynth.encoding.table import TableEncoder
from gensynth.engine.fitted_model import FittedModel
from gensynth.engine.scoring.ensemble import Ensemble, RowScorer
from gensynth.engine.scoring.tails import Tail, readable

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ScoreProfile:
    """Calibration of the scores of an ensemble or of a density.

    Parameters
    ----------
    tail : Tail
        Distribution of the anomaly scores of normal rows.
    usual : ndarray of shape (k,)
        Usual (median) contribution of each column of the layout, and of the image, to the anomaly score.
    usual_map : ndarray of shape (height, width) or None
        Usual contribution of each pixel; None without images, or if the models have no maps.
    """

    tail: Tail
    usual: Floats
    usual_map: Floats | None = None

    def to_arrays(self) -> dict[str, Floats]:
        """Return the fitted state as arrays."""
        arrays = {"tail": self.tail.to_array(), "usual": self.usual}
        return arrays if self.usual_map is None else {**arrays, "usual_map": self.usual_map}

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Self:
        """Rebuild from `to_arrays`; other arrays are left out."""
        usual_map = np.asarray(arrays["usual_map"], dtype=np.float64) if "usual_map" in arrays else None
        return cls(Tail.from_array(arrays["tail"]), np.asarray(arrays["usual"], dtype=np.float64), usual_map)

    def shares(self, attributions: Floats) -> Floats:
        """Return (n, k), rows summing to 1: each column's share of the excess over usual attributions (n, k)."""
        return _shares(attributions - self.usual)

    def map_shares(self, maps: Floats) -> Floats:
        """Return (n, h, w), images summing to 1: each pixel's share of the excess over usual maps (n, h, w)."""
        above = maps if self.usual_map is None else maps - self.usual_map
        return _shares(above.reshape(len(maps), -1)).reshape(maps.shape)


def _shares(above: Floats) -> Floats:
    """Return (n, k), rows summing to 1: shares of the positive part, equal ones if nothing is positive."""
    above = np.maximum(above, 0.0)
    total = above.sum(1, keepdims=True)
    return np.where(total > 0, above / np.where(total > 0, total, 1.0), 1.0 / above.shape[1])


@dataclass(frozen=True)
class WeighedDensity:
    """A density of the rows, and its weight beside an ensemble.

    Parameters
    ----------
    model : FittedModel
        The trained density, with the ensemble's encoder.
    profile : ScoreProfile
        Calibration of its scores.
    agreement : float
        Squared rank correlation of its scores and the ensemble's on held-out rows, in (0, 1): the ensemble's weight is
        its agreement with a density that is known to be good.
    """

    model: FittedModel
    profile: ScoreProfile
    agreement: float

    @property
    def scorer(self) -> Ensemble:
        """The density as a scorer of rows."""
        return Ensemble([self.model], {"log_likelihood": 1.0})

    def nats(self, rows: Rows) -> Floats:
        """Return (n,) -log P(a normal row is as unlikely), >= 0."""
        return self.profile.tail.nats(-self.scorer.score(rows))


class DetectorScorer(RowScorer):
    """Score of rows: log-probability of one so anomalous among normal rows, by an ensemble and a density.

    Their p-values p and q are combined to the weighted harmonic mean 1 / (a / p + (1 - a) / q), which is valid for
    dependent p-values: a row is anomalous if either model says so (Wilson 2019, "The harmonic mean p-value for
    combining dependent tests", Proceedings of the National Academy of Sciences 116). The weight a is their agreement.

    Parameters
    ----------
    ensemble : Ensemble
        The detector's models.
    profile : ScoreProfile
        Calibration of their scores.
    density : WeighedDensity or None
        The density; None if it was rejected.
    """

    def __init__(self, ensemble: Ensemble, profile: ScoreProfile, density: WeighedDensity | None = None) -> None:
        self.ensemble, self.profile, self.density = ensemble, profile, density

    def to_arrays(self) -> dict[str, Floats]:
        """Return the fitted state beside the models, as arrays."""
        arrays = named("profile", self.profile.to_arrays())
        if self.density is not None:
            own = {**self.density.profile.to_arrays(), "agreement": np.array([self.density.agreement])}
            arrays |= named("density", own)
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Arrays, ensemble: Ensemble, density: FittedModel | None) -> Self:
        """Rebuild from `to_arrays` and the models; other arrays are left out."""
        profile, weighed = ScoreProfile.from_arrays(arrays_of("profile", arrays)), None
        if density is not None:
            own = arrays_of("density", arrays)
            weighed = WeighedDensity(density, ScoreProfile.from_arrays(own), float(own["agreement"][0]))
        return cls(ensemble, profile, weighed)

    @property
    def encoder(self) -> TableEncoder:
        """The encoder of all models."""
        return self.ensemble.encoder

    def encode(self, frame: pd.DataFrame) -> tuple[pd.DataFrame, Rows]:
        """Return new rows aligned and encoded."""
        return self.ensemble.encode(frame)

    def score(self, rows: Rows) -> Floats:
        """Return (n,) minus `readable` nats, in [-100, 0]: -3 is one normal row in twenty, -7 one in a thousand."""
        return self.combined(self.ensemble.score(rows), self.density_scores(rows))

    def density_scores(self, rows: Rows) -> Floats | None:
        """Return the density's scores (n,), higher = more normal; None if there is none."""
        return None if self.density is None else self.density.scorer.score(rows)

    def combined(self, ensemble: Floats, density: Floats | None) -> Floats:
        """Return the `score` (n,) of rows from the scores of the ensemble and the density."""
        return np.asarray(0.0 - readable(np.logaddexp.reduce(self._nats(ensemble, density))))

    def attributions(self, rows: Rows) -> Floats:
        """Return (n, k) the contribution of each column to minus the score, >= 0; a row sums to it.

        Ensemble and density contribute in proportion to their parts of the score; within each, columns contribute in
        proportion to their excess over the usual contribution.
        """
        nats = self._nats_of(rows)
        total = np.logaddexp.reduce(nats)
        out = np.exp(nats[0] - total)[:, None] * self.profile.shares(self.ensemble.attributions(rows))
        if self.density is not None:
            found = self.density.profile.shares(self.density.scorer.attributions(rows))
            out = out + np.exp(nats[1] - total)[:, None] * found
        return np.asarray(readable(total)[:, None] * out)

    def maps(self, rows: Rows) -> Floats:
        """Return (n, height, width) the contribution of each pixel to minus the score, >= 0.

        The attribution of an image is distributed in proportion to the excess of its pixels over their usual
        contribution to the ensemble's score.
        """
        shares = self.profile.map_shares(self.ensemble.maps(rows))
        return self.attributions(rows)[:, -1, None, None] * shares

    def explainers(self, rows: Rows) -> list[tuple[FittedModel, NDArray[np.int64]]]:
        """Return the model with the larger part in the score, for each row."""
        nats = self._nats_of(rows)
        by_density = nats[-1] > nats[0]
        out = self.ensemble.explainers(rows)
        if self.density is None or not by_density.any():
            return out
        return [(out[0][0], np.flatnonzero(~by_density)), (self.density.model, np.flatnonzero(by_density))]

    def _nats_of(self, rows: Rows) -> Floats:
        """Return `_nats` of rows."""
        return self._nats(self.ensemble.score(rows), self.density_scores(rows))

    def _nats(self, ensemble: Floats, density: Floats | None) -> Floats:
        """Return (1 or 2, n): log of weight over p-value, for the ensemble and the density, from their scores."""
        # both scores are independent of the batch, bit by bit, and so is their combination
        own = self.profile.tail.nats(-ensemble)
        if self.density is None or density is None:
            return own[None]
        weight = self.density.agreement
        return np.stack([np.log(weight) + own, np.log1p(-weight) + self.density.profile.tail.nats(-density)])
