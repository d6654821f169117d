"""Outputs of a fitted outlier detector: scores, decisions, p-values and reasons."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import OutlierMixin

from gensynth.detector.calibration import benjamini_hochberg
from gensynth.engine.fitted_model import FittedModel
from gensynth.engine.inputs.streams import as_stream
from gensynth.engine.notebook import NotebookContent, shown_models
from gensynth.engine.scoring.analysis import Analysis
from gensynth.errors import OptionError

Floats = NDArray[np.float64]


class OutlierDecisions(OutlierMixin):
    """Mixin of detectors: decisions by the threshold ``offset_``, p-values and reasons."""

    offset_: float
    contamination_: float
    method_: str
    estimators_: list[FittedModel]

    @abstractmethod
    def analyse(self, X: Any, method: str | None = None) -> Analysis:
        """Return scores, p-values, attributions and reasons of rows; parameters as for `score_samples`."""

    def score_samples(self, X: Any, method: str | None = None) -> Floats:
        """Score rows, higher = more normal.

        Parameters
        ----------
        X : table of shape (n_samples, n_features), TableStream or pyarrow.dataset.Dataset
            As for `fit`; columns may be in another order. A stream (`gensynth.tables.open_table`) or a data set is read
            in batches.
        method : str or None
            One of the model's score methods, or "auto"; None for the detector's own, on which offset and p-values are
            based.

        Returns
        -------
        ndarray of shape (n_samples,), float64
            Higher = more normal, from -100 to 0: the logarithm, in nats, of the probability that a normal row is at
            least as anomalous. -3 is one normal row in twenty, -7 one in a thousand; below -20 scores are compressed,
            never beyond -100. With another ``method`` than the detector's, 0 is the median of the training rows, and
            the unit is the interquartile range of their scores. A row's score is independent of other rows.
        """
        return np.concatenate([found.scores for found in self._analyses(X, method)])

    def anomaly_score(self, X: Any) -> Floats:
        """Return minus `score_samples`: higher = more anomalous, as in PyOD."""
        return -self.score_samples(X)

    def decision_function(self, X: Any) -> Floats:
        """Return ``score_samples(X) - offset_``: negative for anomalies."""
        return self.score_samples(X) - self.offset_

    def predict(self, X: Any, *, fdr: float | None = None) -> NDArray[np.int64]:
        """Return -1 for anomalies and 1 for normal rows.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
            The rows.
        fdr : float or None
            False discovery rate, in (0, 1): the expected fraction of normal rows among those returned as -1
            (Benjamini-Hochberg on `p_values`).
            None: a row is an anomaly if its score is below ``offset_``.
        """
        if fdr is None:
            return np.where(self.decision_function(X) >= 0, 1, -1)
        if not isinstance(fdr, int | float) or not 0 < fdr < 1:
            raise OptionError(f"fdr={fdr!r}: expected a number above 0 and below 1")
        return np.where(benjamini_hochberg(self.p_values(X), fdr), -1, 1)

    def p_values(self, X: Any) -> Floats:
        """Return the probability of a score at least as low among normal rows.

        Split-conformal: with ``novelty=True`` a normal row has p <= a with probability at most a, whatever the model
        (see ``calibration_fraction``).
        With ``novelty=False`` the calibration rows are the training rows, anomalies included: p is a rank.

        Returns
        -------
        ndarray of shape (n_samples,), float64
            In [1 / (1 + n_calibration), 1].
        """
        return np.concatenate([found.p_values for found in self._analyses(X)])

    def predict_proba(self, X: Any) -> Floats:
        """Return pseudo-probabilities (normal, anomalous) of each row from its p-value (see `p_values`).

        Returns
        -------
        ndarray of shape (n_samples, 2), float64
            p and 1 - p: the fractions of normal rows that are more and less anomalous. As in PyOD, the second column is
            that of anomalies; it is not the probability of an anomaly, which would depend on the contamination.
        """
        p = self.p_values(X)
        return np.column_stack([p, 1.0 - p])

    def reasons(self, X: Any, max_columns: int = 3) -> list[str]:
        """Return a sentence for each row: "amount 9,300 where 20 to 140 was expected".

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
            The rows.
        max_columns : int
            Maximal number of columns that a sentence names.
        """
        return self.analyse(X).reasons(max_columns=max_columns)

    def _analyses(self, X: Any, method: str | None = None) -> Iterator[Analysis]:
        """Give what `analyse` says of a table, or of each batch of one that is read in batches."""
        table = as_stream(X)
        if table is None:
            yield self.analyse(X, method)
            return
        estimator: Any = self  # a `TableEstimator`
        for _, found in estimator.analyse_batches(table, method):
            yield found

    def _shown(self) -> NotebookContent | None:
        """Return the notebook display of the fitted models and the threshold."""
        if not hasattr(self, "estimators_"):
            return None
        share = f"{100 * self.contamination_:.3g} % of the rows that p-values are counted among"
        threshold = f"Rows with a score below {self.offset_:.4g} are anomalies ({share}); score method: {self.method_}."
        return shown_models(type(self).__name__, self.estimators_, [threshold])
