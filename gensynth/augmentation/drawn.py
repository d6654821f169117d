"""Synthetic rows as sampled: their classes, the number of copies of real rows, and their schema."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gensynth.schema import Column


@dataclass(frozen=True)
class Copies:
    """Synthetic rows that equal a real row of their class in every column but the identifiers.

    Parameters
    ----------
    n : int
        How many of the rows that are returned do.
    n_dropped : int
        How many others were drawn anew, because ``drop_copies`` asked for it.
    real_share : float
        Share of the real rows that equal another real one, in [0, 1], the classes in the proportions of the synthetic
        rows: what held-out real rows would have beside the rest. NaN if there is nothing to compare.
    """

    n: int = 0
    n_dropped: int = 0
    real_share: float = np.nan


@dataclass(frozen=True)
class SyntheticRows:
    """Synthetic rows, the class of each (its position among the classes), and how many copies there are.

    ``columns`` say what the columns of the rows hold, as far as a model was fitted to them, and ``history`` how it was
    trained: of models of single classes one after the other.
    """

    rows: pd.DataFrame
    codes: NDArray[np.int64]
    copies: Copies = Copies()
    columns: tuple[Column, ...] = ()
    history: pd.DataFrame = field(default_factory=pd.DataFrame)

    @property
    def keys(self) -> frozenset[Any]:
        """The identifier columns, which are generated and not learned."""
        return frozenset(column.name for column in self.columns if column.kind == "identifier")
