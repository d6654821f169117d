"""The joint distribution of the columns that a conditional model is given."""

from __future__ import annotations

import torch
from torch import Generator, Tensor, nn

from gensynth.errors import CapabilityError
from gensynth.layout import Layout
from gensynth.model import Batch, Observed

MAX_COMBINATIONS = 4096
"""Combinations of condition codes whose frequency is kept; of more, a random draw of rows stands for all."""


class ConditionTable(nn.Module):
    """How often each combination of condition codes stands in the training rows, and draws from it.

    Drawing from it gives every class its true share. (CTGAN trains on log-frequencies and also samples from them:
    a 99/1 column comes out 64/36.) Numbers beside the drawn codes follow their marginals: normal where they are
    "continuous", uniform "within_bin".

    Parameters
    ----------
    layout : Layout
        Shape of the rows, with ``n_conditions`` > 0.
    """

    codes: Tensor
    counts: Tensor
    low: Tensor
    high: Tensor

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        self.layout, self.n_columns = layout, layout.n_conditions
        self.slots = {i: c.numeric for i, c in enumerate(layout.columns[: self.n_columns]) if c.numeric is not None}
        size = 1
        for column in layout.columns[: self.n_columns]:
            size = min(size * column.cardinality, MAX_COMBINATIONS)
        self.register_buffer("codes", torch.zeros(size, self.n_columns, dtype=torch.long))
        self.register_buffer("counts", torch.zeros(size, dtype=torch.long))

    def fit(self, rows: Batch, rng: Generator) -> None:
        """Count the combinations in all training rows."""
        codes, counts = torch.unique(rows.codes[:, : self.n_columns], dim=0, return_counts=True)
        size = len(self.codes)
        if len(codes) > size:
            codes, counts = rows.subsample(size, rng).codes[:, : self.n_columns], torch.ones_like(counts[:size])
        self.codes.zero_()
        self.counts.zero_()
        self.codes[: len(codes)] = codes
        self.counts[: len(counts)] = counts

    def draw(self, n: int, rng: Generator, observed: Observed | None, like: Tensor) -> Batch:
        """Return n rows whose condition cells are the observed ones, the rest of them drawn given those.

        Other cells are 0; ``like`` says device and floating dtype.

        Raises
        ------
        CapabilityError
            A column is given that is no condition column.
        """
        columns = () if observed is None else observed.columns
        self._check(columns)
        codes = torch.zeros(n, len(self.layout.columns), dtype=torch.long, device=like.device)
        numeric = torch.zeros(n, self.layout.n_numeric, dtype=like.dtype, device=like.device)
        codes[:, : self.n_columns] = self._draw_codes(n, rng, observed)
        for position, slot in self.slots.items():
            if observed is not None and position in columns:
                numeric[:, slot.index] = observed.rows.numeric[:, slot.index]
                continue
            draw = torch.randn if slot.kind == "continuous" else torch.rand
            number = draw((n,), generator=rng, device=like.device, dtype=like.dtype)
            numeric[:, slot.index] = number * slot.beside(codes[:, position])
        return Batch(numeric, codes)

    def _check(self, columns: tuple[int, ...]) -> None:
        names = [column.name for column in self.layout.columns]
        other = [names[i] for i in columns if i >= self.n_columns]
        if other:
            own = ", ".join(map(repr, names[: self.n_columns]))
            raise CapabilityError(
                f"condition on {', '.join(map(repr, other))}: this model was fitted to be conditioned on {own} only; "
                f"fit it with condition_on={[names[i] for i in columns]!r}"
            )

    def _draw_codes(self, n: int, rng: Generator, observed: Observed | None) -> Tensor:
        """Return condition codes (n, n_columns); given ones restrict what the others are drawn from."""
        weights = self.counts.to(torch.float32)
        if observed is None:
            return self.codes[torch.multinomial(weights, n, replacement=True, generator=rng)]
        columns = list(observed.columns)
        if len(columns) == self.n_columns:
            return observed.rows.codes[:, : self.n_columns]
        wanted, which = torch.unique(observed.rows.codes[:, columns], dim=0, return_inverse=True)
        out = torch.empty(n, self.n_columns, dtype=torch.long, device=self.codes.device)
        for i, codes in enumerate(wanted):
            here = (which == i).nonzero().squeeze(1)
            fits = weights * (self.codes[:, columns] == codes).all(1)
            # a combination that no training row holds: the other condition columns do not depend on it then
            fits = torch.where(fits.sum() > 0, fits, weights)
            out[here] = self.codes[torch.multinomial(fits, len(here), replacement=True, generator=rng)]
        out[:, columns] = observed.rows.codes[:, columns]
        return out


def given_cells(
    layout: Layout, conditions: ConditionTable | None, n: int, rng: Generator, observed: Observed | None, like: Tensor
) -> Batch | None:
    """Return n rows with the condition cells of a sample, see `ConditionTable.draw`; None for a game without any.

    Raises
    ------
    CapabilityError
        Columns are given that are no condition columns, or gaps are to be filled in.
    """
    if observed is not None and observed.impute:
        raise CapabilityError("a generative adversarial network cannot fill in missing cells")
    if conditions is not None:
        return conditions.draw(n, rng, observed, like)
    if observed is not None and observed.columns:
        names = ", ".join(repr(layout.columns[i].name) for i in observed.columns)
        raise CapabilityError(
            f"condition on {names}: this model was fitted without conditions; take a family that can be given "
            "cells, with condition_on set to these columns"
        )
    return None
