"""Analysis of new rows from one encoding: scores, attributions to columns, and reasons."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gensynth.engine.scoring.attributions import by_table_column
from gensynth.engine.scoring.conformal import conformal_p_values
from gensynth.engine.scoring.ensemble import RowScorer
from gensynth.engine.scoring.reasons import row_reasons
from gensynth.errors import OptionError

Which = NDArray[np.int64] | slice
"""Positions of some of the rows."""

_ALL = slice(None)


class Analysis:
    """Analysis of n rows by fitted models; every result is computed on demand.

    Parameters
    ----------
    scorer : RowScorer
        What scores them.
    frame : DataFrame of shape (n, n_features)
        New rows, with the fitted columns.
    index : Index or None
        Row labels of what is returned as a DataFrame; None: 0, 1, ...
    calibration_scores : ndarray of shape (n_calibration,) or None
        Scores of normal rows that nothing was learned from: p-values are counted among them.
    """

    def __init__(
        self,
        scorer: RowScorer,
        frame: pd.DataFrame,
        index: pd.Index[Any] | None = None,
        calibration_scores: NDArray[np.float64] | None = None,
    ) -> None:
        self._scorer = scorer
        self._index = pd.RangeIndex(len(frame)) if index is None else index
        self._calibration_scores = calibration_scores
        self._frame, self._rows = scorer.encode(frame)

    @cached_property
    def scores(self) -> NDArray[np.float64]:
        """Scores of shape (n,), higher = more normal."""
        return self._scorer.score(self._rows)

    @property
    def p_values(self) -> NDArray[np.float64]:
        """Split-conformal p-values of shape (n,), in [1 / (1 + n_calibration), 1]."""
        if self._calibration_scores is None:
            raise OptionError("p-values are those of an AnomalyDetector, by the score method that it was fitted with")
        return conformal_p_values(self.scores, self._calibration_scores)

    def attributions(self, which: Which = _ALL) -> pd.DataFrame:
        """Return the contribution of each column to minus the scores of some rows; a row sums to it.

        Returns
        -------
        DataFrame of shape (n_rows, n_features)
            In the score's unit, higher = more anomalous. Columns that are not learned add 0.
        """
        found = self._scorer.attributions(self._rows[which])
        return pd.DataFrame(by_table_column(found, self._scorer.encoder), index=self._index[which])

    def maps(self, which: Which = _ALL) -> NDArray[np.float64]:
        """Return (n_rows, height, width) the contribution of each pixel to minus the scores of some rows.

        `CapabilityError` where the rows have no images, or the models cannot say.
        """
        return self._scorer.maps(self._rows[which])

    def reasons(
        self, which: Which = _ALL, *, attributions: pd.DataFrame | None = None, max_columns: int = 3
    ) -> list[str]:
        """Return a reason for each of some rows: "amount 9,300 where 20 to 140 was expected".

        Parameters
        ----------
        which : ndarray of int or slice
            Positions of the rows.
        attributions : DataFrame or None
            What `attributions` returned for these rows; None computes it.
        max_columns : int
            Columns that a sentence names at most.
        """
        attributions = self.attributions(which) if attributions is None else attributions
        frame, rows = self._frame.iloc[which], self._rows[which]
        out = [""] * len(frame)
        for model, at in self._scorer.explainers(rows):
            found = row_reasons(model, frame.iloc[at], rows[at], attributions.iloc[at], max_columns)
            for i, reason in zip(at.tolist(), found, strict=True):
                out[i] = reason
        return out
