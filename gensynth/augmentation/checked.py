"""Result of the cross-validated check of augmentation: scores per fold, and the recommendation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from gensynth.html import Section, fragment

_LEAST = 0.005  # difference of scores that is worth a word
_SURE = 0.95  # level of the one-sided t test; of three folds the quantile is 2.9

Way = Literal["synthetic", "nothing", "weights", "oversampling", "smote"]
SIMPLE: dict[Way, tuple[str, str]] = {
    "nothing": ("without them", "the real rows alone"),
    "weights": ("with class weights", "class weights on the real rows"),
    "oversampling": ("with random oversampling", "random oversampling of the real rows"),
    "smote": ("with SMOTE", "SMOTE on the real rows"),
}
"""The baselines without a model, simplest first: the words for their scores, and for recommending them."""


@dataclass(frozen=True)
class AugmentCheck:
    """Effect of synthetic rows on a classifier.

    Parameters
    ----------
    synthetic, nothing, weights, oversampling, smote : tuple of float
        Average precision on each fold's held-out real rows, in [0, 1], higher is better: of the rarer class, or the
        mean over more than two classes. Gradient boosted trees learned from the other folds and synthetic rows of
        their model; from these folds alone; from them with balanced class weights; with copies of random rows of the
        smaller classes; with SMOTE. Empty: not tried (SMOTE without imbalanced-learn, or of very many rows).
    positive : class or None
        The rarer class of the whole table; None where there are more than two.
    note : str or None
        What makes the comparison less than fair, in one line.
    images : bool
        Whether a linear model on pixels stands in the place of the trees: the rows are images.
    skipped : str or None
        Why SMOTE, which could be tried, was not, in one line.
    """

    synthetic: tuple[float, ...]
    nothing: tuple[float, ...]
    weights: tuple[float, ...]
    positive: Any = None
    note: str | None = None
    oversampling: tuple[float, ...] = ()
    smote: tuple[float, ...] = ()
    images: bool = False
    skipped: str | None = None

    @property
    def simple(self) -> tuple[Way, ...]:
        """The baselines that were tried, the simplest first."""
        return tuple(way for way in SIMPLE if getattr(self, way))

    @property
    def best(self) -> Way:
        """The best method if a one-sided t test over the folds is significant at 5 %, else the simplest."""
        if all(self._beats("synthetic", way) for way in self.simple):
            return "synthetic"
        best: Way = "nothing"
        for way in self.simple:
            best = way if self._beats(way, best) else best
        return best

    def mean(self, way: Way) -> float:
        """Return the mean score of one method."""
        return float(np.mean(getattr(self, way)))

    def _repr_html_(self) -> str:
        """Return what a notebook shows: the recommendation, and the scores of each fold."""
        ways: dict[Way, str] = {"synthetic": "with the new rows", **{way: SIMPLE[way][0] for way in self.simple}}
        folds = [f"fold {k + 1}" for k in range(len(self.nothing))]
        rows = [
            (said, f"{self.mean(way):.4f}", *(f"{score:.4f}" for score in getattr(self, way)))
            for way, said in ways.items()
        ]
        scores = Section("average precision on held-out real rows", ("trained", "mean", *folds), rows)
        return fragment("Check of the new rows", [f"{str(self)[:1].upper()}{str(self)[1:]}."], [scores])

    def _beats(self, one: Way, other: Way) -> bool:
        from scipy.stats import t

        gain = np.subtract(getattr(self, one), getattr(self, other))
        reach = t.ppf(_SURE, len(gain) - 1) * gain.std(ddof=1) / np.sqrt(len(gain))
        return bool(gain.mean() > max(_LEAST, reach))

    def __str__(self) -> str:
        what = "mean over classes" if self.positive is None else f"of {self.positive!r}"
        others = (f"{self.mean(way):.3f} {SIMPLE[way][0]}" for way in self.simple)
        scores = ", ".join((f"{self.mean('synthetic'):.3f} with the new rows", *others))
        if self.best == "synthetic":
            said = "the new rows help; keep them"
        else:
            effect = "hurt" if self._beats("nothing", "synthetic") else "do not help"
            if self.best == "nothing" or not self._beats("synthetic", "nothing"):
                said = f"the new rows {effect}; use {SIMPLE[self.best][1]}"
            else:
                said = f"the new rows help no more than what is simpler; use {SIMPLE[self.best][1]}"
        notes = "; ".join(text for text in (self.skipped, self.note) if text is not None)
        note = f" ({notes})" if notes else ""
        by = "a linear model on pixels" if self.images else "gradient boosting"
        return f"checked on held-out real rows ({by}, average precision {what}): {scores}: {said}{note}"
