"""Encoded rows in numpy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Rows:
    """Encoded rows in numpy.

    Parameters
    ----------
    numeric : ndarray of shape (n, layout.n_numeric), float64
        Numbers beside the codes. float64 so that decoding restores integers and dates exactly.
    codes : ndarray of shape (n, len(layout.columns)), int32
        Code of every cell.
    log_jacobian : ndarray of shape (n, layout.n_numeric), float64, or None
        log |d numeric / d standardised value| of each cell (0 where the number has no meaning): what a
        likelihood over encoded rows must add to be a density over values. Only for scoring.
    """

    numeric: NDArray[np.float64]
    codes: NDArray[np.int32]
    log_jacobian: NDArray[np.float64] | None = None

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, some: slice | NDArray[np.int64]) -> Rows:
        """Rows by a slice or by their positions."""
        jacobian = None if self.log_jacobian is None else self.log_jacobian[some]
        return Rows(self.numeric[some], self.codes[some], jacobian)
