"""How unlikely it is that a relation holds in all rows by chance."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from gensynth.relations.sheet import Bools, Domain, Sheet, Values

EVIDENCE = 30.0
"""Nats: a relation counts if shuffled cells would keep it with a probability below exp(-EVIDENCE) over the number of
candidates."""
MIN_ROWS = 20
_BLOCKS, _BLOCK = 40, 50


class Cells(Protocol):
    """Source of the values of columns."""

    def sheet(self, names: Any, rows: NDArray[np.int64] | None = None) -> Sheet:
        """Return the cells of some columns, in some rows or in all."""


@dataclass
class Source:
    """Training rows for the search of relations: first a sample, then all rows of a few columns.

    Parameters
    ----------
    n : int
        Number of rows.
    cells : Cells
        The values.
    domains : dict
        What the columns hold.
    """

    n: int
    cells: Cells
    domains: dict[str | int, Domain]
    sample: Sheet = field(init=False)
    _whole: dict[str | int, Sheet] = field(default_factory=dict)

    def __post_init__(self) -> None:
        rows = np.arange(self.n)
        if self.n > 2 * _BLOCKS * _BLOCK:  # rows of one thing often stand side by side: blocks of rows
            starts = np.linspace(0, self.n - _BLOCK, _BLOCKS).astype(np.int64)
            rows = np.unique((starts[:, None] + np.arange(_BLOCK)).ravel())
        self.sample = self.cells.sheet(list(self.domains), rows)
        if len(rows) == self.n:
            values, missing = self.sample.values, self.sample.missing
            self._whole = {name: Sheet({name: values[name]}, {name: missing[name]}) for name in self.domains}

    def whole(self, names: Any) -> Sheet:
        """Return all rows of some columns."""
        for name in names:
            if name not in self._whole:
                self._whole[name] = self.cells.sheet([name])
        parts = [self._whole[name] for name in names]
        return Sheet(
            {k: v for p in parts for k, v in p.values.items()}, {k: v for p in parts for k, v in p.missing.items()}
        )

    @cached_property
    def distinct(self) -> Bools:
        """The first (n,) of duplicate rows: duplicates are not evidence."""
        weights = np.random.default_rng(0).integers(1, 2**63, 2 * len(self.domains), dtype=np.uint64)
        hashes = np.zeros(self.n, dtype=np.uint64)
        for i, name in enumerate(self.domains):
            sheet = self._whole[name] if name in self._whole else self.cells.sheet([name])
            there = ~sheet.missing[name]
            cells = np.where(there, sheet.values[name], 0).astype(sheet.values[name].dtype).view(np.uint64)
            cells = (cells ^ (cells >> np.uint64(29))) * weights[2 * i]
            hashes += (cells ^ (cells >> np.uint64(32))) * weights[2 * i + 1] + there * weights[2 * i]
        first = np.zeros(self.n, dtype=bool)
        first[np.unique(hashes, return_index=True)[1]] = True
        return first

    def evidence(self, names: Any) -> Sheet:
        """Return some columns of the distinct rows."""
        return self.whole(names).take(self.distinct)

    @property
    def limit(self) -> float:
        """Evidence in nats that a relation needs."""
        return EVIDENCE + 3.0 * float(np.log(max(len(self.domains), 1)))


def surprise(values: Values, rows: Bools) -> float:
    """Return minus the log-probability that shuffled values would equal the unshuffled ones."""
    _, counts = np.unique(values[rows], return_counts=True)
    n = int(counts.sum())
    if n < MIN_ROWS:
        return 0.0
    same = float(((counts / n) ** 2).sum())
    return -n * float(np.log(min(max(same, 1e-12), 1.0)))


def informative(sheet: Sheet, names: Any, limit: float) -> bool:
    """Whether each of the columns would break an exact relation if its cells were shuffled."""
    rows = sheet.present(names)
    return all(surprise(sheet.values[name], rows) >= limit for name in names)
