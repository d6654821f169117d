"""Rows with some cells replaced, the same in every row, for denoising scores."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Generator, Tensor, nn

from gensynth.model import Batch, Layout

SHARES = (0.1, 0.3, 0.5)
"""Fractions of cells that are replaced: the noise levels for rows of codes."""
PATTERNS = 2
"""Random choices of cells per level, complementary so that every column is replaced in some."""


class Corruption(nn.Module):
    """Corruption that replaces cells by codes sampled from their marginals, and numbers by their expectation.

    Parameters
    ----------
    layout : Layout
        What a row looks like.
    """

    chosen: Tensor
    codes: Tensor

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        rng = Generator().manual_seed(0)
        k = len(layout.columns)
        masks = [torch.rand(k, generator=rng).argsort() < max(1, round(share * k))
                 for share in SHARES for _ in range(PATTERNS)]  # fmt: skip
        drawn = []
        for column in layout.columns:
            weights = torch.tensor(column.frequencies).clamp(min=0.0) + torch.tensor(
                [0.0] + [1e-9] * (column.cardinality - 1)
            )
            drawn.append(torch.multinomial(weights, len(masks), replacement=True, generator=rng))
        self.register_buffer("chosen", torch.stack(masks), persistent=False)
        self.register_buffer("codes", torch.stack(drawn, 1), persistent=False)
        numbered = [(i, c.numeric) for i, c in enumerate(layout.columns) if c.numeric is not None]
        order = sorted(numbered, key=lambda pair: pair[1].index)
        self.register_buffer("owner", torch.tensor([i for i, _ in order], dtype=torch.long), persistent=False)
        middle = torch.tensor([slot.middle for _, slot in order])
        self.register_buffer("middle", middle, persistent=False)

    owner: Tensor
    middle: Tensor

    def forward(self, batch: Batch) -> Iterator[Batch]:
        """Yield the rows (n, k) under every level and pattern."""
        for chosen, codes in zip(self.chosen, self.codes, strict=True):
            numeric = torch.where(chosen[self.owner], self.middle.to(batch.numeric.dtype), batch.numeric)
            yield Batch(numeric, torch.where(chosen, codes, batch.codes))
