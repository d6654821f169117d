"""Interface of the encoder of one column."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gensynth.layout import ColumnLayout

State = tuple[dict[str, Any], dict[str, NDArray[Any]]]
"""Fitted state: plain JSON values, and arrays by name."""


Counts = NDArray[np.int64] | NDArray[np.float64]
"""Row counts: integers, or sums of fractional weights."""


def weighted_counts(codes: NDArray[Any], n: int, weights: Counts | None) -> Counts:
    """Return (n,) how many rows each code has, of whole numbers where the weights are."""
    counts = np.bincount(codes, weights=weights, minlength=n)
    whole = weights is None or weights.dtype.kind == "i"
    return counts.astype(np.int64) if whole else counts.astype(np.float64)


@dataclass(frozen=True)
class Cells:
    """Encoded cells of one column: codes (n,), and for columns with a number beside the code the numbers (n,)."""

    codes: NDArray[np.int32]
    numbers: NDArray[np.float64] | None = None
    log_jacobian: NDArray[np.float64] | None = None


class ColumnEncoder(ABC):
    """Encoder of one column: cells to codes and numbers, and back."""

    @abstractmethod
    def layout(self, numeric: int) -> ColumnLayout:
        """Return the layout; ``numeric`` is the next free column of numbers."""

    @abstractmethod
    def set_code_counts(self, counts: NDArray[Any]) -> None:
        """Set the counts of the codes from another table."""

    @abstractmethod
    def encode(self, series: pd.Series[Any], *, jacobian: bool = False) -> Cells:
        """Return codes and numbers of aligned cells."""

    @abstractmethod
    def decode(self, cells: Cells) -> pd.Series[Any]:
        """Return cells of the fitted dtype."""

    @abstractmethod
    def unseen(self, series: pd.Series[Any]) -> NDArray[np.bool_]:
        """Return a mask (n,) of aligned cells that encoding and decoding would change."""

    @abstractmethod
    def known(self) -> str:
        """Describe the fitted column: up to 10 values, or the range."""

    @abstractmethod
    def weights(self, cells: Cells) -> NDArray[np.float64]:
        """Return the number of fitted rows (n,) with the code of each cell."""

    @abstractmethod
    def state(self) -> State:
        """Return the fitted state."""
