"""The joint distribution of the condition columns of a conditional GAN."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Generator, Tensor, nn

from gensynth.errors import CapabilityError
from gensynth.layout import Layout
from gensynth.model import Batch, Observed

MAX_COMBINATIONS = 4096
"""Maximal number of condition code combinations whose frequencies are kept; of more, a random sample."""


class ConditionTable(nn.Module):
    """Joint distribution of the condition codes in the training rows, and sampling from it.

    Drawing from it gives every class its true share. (CTGAN trains on log-frequencies and also samples from them:
    a 99/1 column comes out 64/36.) Places within bins, beside the drawn codes, are uniform.

    Parameters
    ----------
    layout : Layout
        Shape of the rows, with ``n_conditions`` > 0.
    """

    codes: Tensor
    counts: Tensor

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        self.layout, self.n_columns = layout, layout.n_conditions
        self.slots = {i: c.numeric for i, c in enumerate(layout.columns[: self.n_columns]) if c.numeric is not None}
        size = min(math.prod(layout.cardinalities[: self.n_columns]), MAX_COMBINATIONS)
        self.register_buffer("codes", torch.zeros(size, self.n_columns, dtype=torch.long))
        self.register_buffer("counts", torch.zeros(size, dtype=torch.long))

    def fit(self, rows: Batch, rng: Generator) -> None:
        """Count the combinations in all training rows."""
        codes, counts = torch.unique(rows.codes[:, : self.n_columns], dim=0, return_counts=True)
        size = len(self.codes)
        if len(codes) > size:
            codes, counts = rows.subsample(size, rng).codes[:, : self.n_columns], torch.ones_like(counts[:size])
        self.codes.copy_(F.pad(codes, (0, 0, 0, size - len(codes))))
        self.counts.copy_(F.pad(counts, (0, size - len(counts))))

    def draw(self, n: int, rng: Generator, observed: Observed | None, like: Tensor) -> Observed:
        """Return the condition cells of n rows: observed ones, and the others sampled given those.

        ``like`` says device and floating dtype.
        """
        codes = torch.zeros(n, len(self.layout.columns), dtype=torch.long, device=like.device)
        numeric = torch.zeros(n, self.layout.n_numeric, dtype=like.dtype, device=like.device)
        codes[:, : self.n_columns] = self._draw_codes(n, rng, observed)
        for position, slot in self.slots.items():
            if observed is not None and position in observed.columns:
                numeric[:, slot.index] = observed.rows.numeric[:, slot.index]
            else:
                place = torch.rand((n,), generator=rng, device=like.device, dtype=like.dtype)
                numeric[:, slot.index] = place * slot.beside(codes[:, position])
        return Observed.of_columns(tuple(range(self.n_columns)), Batch(numeric, codes))

    def _draw_codes(self, n: int, rng: Generator, observed: Observed | None) -> Tensor:
        """Sample condition codes (n, n_columns), conditional on the given ones."""
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
            # an unseen combination: the other condition columns are then independent of it
            fits = torch.where(fits.sum() > 0, fits, weights)
            out[here] = self.codes[torch.multinomial(fits, len(here), replacement=True, generator=rng)]
        out[:, columns] = observed.rows.codes[:, columns]
        return out


def check_given(layout: Layout, n_conditions: int, observed: Observed | None) -> None:
    """Raise `CapabilityError` for observed cells outside the condition columns, and for imputation."""
    if observed is None:
        return
    if observed.impute:
        raise CapabilityError("a generative adversarial network cannot impute missing cells")
    names = [repr(column.name) for column in layout.columns]
    other = ", ".join(names[i] for i in observed.columns if i >= n_conditions)
    if not other:
        return
    if n_conditions:
        raise CapabilityError(
            f"condition on {other}: this model was fitted to be conditioned on {', '.join(names[:n_conditions])} only; "
            f"fit it with condition_on=[{', '.join(names[i] for i in observed.columns)}]"
        )
    raise CapabilityError(
        f"condition on {other}: this model was fitted without conditions; use a family with conditional sampling, with "
        "condition_on set to these columns"
    )
