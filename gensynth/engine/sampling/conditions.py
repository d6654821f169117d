"""Conditional sampling: cells that are given, and sets of allowed values by rejection."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gensynth.encoding.acceptance import meets, split_conditions
from gensynth.encoding.related_rows import settle
from gensynth.encoding.rows import Rows
from gensynth.encoding.table import TableEncoder
from gensynth.engine.sampling.blocks import draw_rows
from gensynth.engine.sampling.relations import draw_settled, given_cells
from gensynth.errors import CapabilityError, ColumnWarning
from gensynth.model import GenerativeModel

MIN_SHARE = 0.05
"""Minimal fraction of drawn rows that meet the conditions for rejection sampling to continue."""
MIN_SHARE_OF_ALL = 0.001
"""The same for families that cannot condition on cells."""
FIRST_BLOCK, MAX_BLOCK = 512, 65_536
"""Rows that are drawn at a time; the same for any number of rows asked for, so that fewer are a prefix of more."""
MIN_EXAMPLES = 20
"""Number of accepted rows from which on their cells serve as conditions for further rows."""

Bools = NDArray[np.bool_]


def draw_conditional(
    model: GenerativeModel,
    encoder: TableEncoder,
    conditions: Mapping[Any, Any] | pd.DataFrame | None,
    n: int,
    seed: int,
    rng: np.random.Generator,
) -> tuple[Rows, Bools]:
    """Return ``n`` encoded rows that meet conditions, and a mask (n, k) of the given cells.

    Columns with one value are given to the model. Where others may have several values, rows are drawn and those that
    meet all conditions kept: that is the joint distribution. If too few do, the rarest condition is drawn by fitted
    frequency and given too, then the next. What is missing in the end is given the cells of rows that were found; if
    there are next to none, every column is drawn by itself.
    """
    if conditions is None:
        return draw_settled(model, encoder, n, seed, rng)
    if isinstance(conditions, pd.DataFrame) or n == 0:
        return draw_settled(model, encoder, n, seed, rng, conditions)
    encoder.encode_condition(conditions, 1, rng.spawn(1)[0])  # raises for conditions that cannot be met
    single, several = split_conditions(encoder, conditions)
    learned = [name for name in conditions if name in encoder.columns]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ColumnWarning)  # has been said
        if len(learned) < 2 or not several:
            try:
                return draw_settled(model, encoder, n, seed, rng, conditions)
            except CapabilityError:
                if not several:
                    raise
        found = _AcceptedRows(model, encoder, n, rng)
        try:
            found.look_for(single, several)
            names = list(several)
            for k in range(1, len(names)):  # too rare together: the rarest are given
                if found.n_missing and len(found) < MIN_EXAMPLES:
                    drawn = {name: several[name] for name in names[:k]}
                    found.look_for(single | drawn, {name: several[name] for name in names[k:]})
            found.fill(conditions, learned, seed)
        except CapabilityError:
            found.look_for(single, several, min_share=MIN_SHARE_OF_ALL)
            if found.n_missing:
                raise
    return found.rows, found.given


class _AcceptedRows:
    """Rows that meet conditions, found by rejection sampling.

    Parameters
    ----------
    model, encoder
        What draws and decodes them.
    n : int
        How many are wanted.
    rng : numpy.random.Generator
        Its children draw.
    """

    def __init__(self, model: GenerativeModel, encoder: TableEncoder, n: int, rng: np.random.Generator) -> None:
        self.model = model
        self.encoder = encoder
        self.n = n
        self.rng = rng
        k = len(encoder.layout.columns)
        self.rows = Rows.zeros(0, encoder.layout)
        self.given = np.zeros((0, k), dtype=bool)
        self.decoded: list[pd.DataFrame] = []

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def n_missing(self) -> int:
        """Number of rows still needed."""
        return self.n - len(self)

    def look_for(self, given: Mapping[Any, Any], several: Mapping[Any, Any], min_share: float = MIN_SHARE) -> None:
        """Sample rows with ``given`` cells and keep those that meet ``several``, while enough of them do."""
        n_kept, n_drawn, size = 0, 0, FIRST_BLOCK
        while self.n_missing and (n_kept >= min_share * n_drawn or n_drawn < 4 * FIRST_BLOCK):
            own = self.rng.spawn(1)[0]
            columns, cells = self.encoder.encode_condition(given, size, own)
            rows = draw_rows(self.model, size, int(own.integers(2**63)), columns, cells)
            mask = given_cells(rows, columns)
            rows, broken = settle(self.encoder, rows, own.spawn(1)[0], mask)
            frame = self.encoder.decode(rows, own, mask)
            met = np.flatnonzero(meets(self.encoder, several, frame) & ~broken)
            self._add(rows, mask, met[: self.n_missing])
            self.decoded.append(frame.iloc[met])
            n_kept, n_drawn, size = n_kept + len(met), n_drawn + size, min(2 * size, MAX_BLOCK)

    def fill(self, conditions: Mapping[Any, Any], names: list[Any], seed: int) -> None:
        """Sample the remaining rows given cells of accepted rows, or cells sampled from their marginals."""
        n = self.n_missing
        if not n:
            return
        wanted: Mapping[Any, Any] | pd.DataFrame = conditions
        if len(self) >= MIN_EXAMPLES:
            examples = pd.concat(self.decoded, ignore_index=True)[names]
            wanted = examples.iloc[self.rng.spawn(1)[0].integers(len(examples), size=n)]
        rows, mask = draw_settled(self.model, self.encoder, n, seed, self.rng, wanted)
        self._add(rows, mask, np.arange(n))

    def _add(self, rows: Rows, mask: Bools, which: NDArray[np.int64]) -> None:
        self.rows = Rows.cat([self.rows, rows[which]])
        self.given = np.concatenate([self.given, mask[which]])
