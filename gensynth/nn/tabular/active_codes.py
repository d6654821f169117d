"""Which cells have a number beside their code, for several columns at once."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from gensynth.layout import NumericSlot


class ActiveCodes(nn.Module):
    """The codes of some columns that have a number beside them (`NumericSlot.codes`).

    Parameters
    ----------
    slots : sequence of NumericSlot
        Those of the p columns.
    """

    first: Tensor
    stop: Tensor

    def __init__(self, slots: Sequence[NumericSlot]) -> None:
        super().__init__()
        self.slots = tuple(slots)
        first, stop = ([getattr(slot.codes, end) for slot in slots] for end in ("start", "stop"))
        self.register_buffer("first", torch.tensor(first, dtype=torch.long), persistent=False)
        self.register_buffer("stop", torch.tensor(stop, dtype=torch.long), persistent=False)

    def forward(self, codes: Tensor) -> Tensor:
        """Return (n, p) bool: whether cells of these columns, with the codes (n, p), have a number."""
        return (codes >= self.first) & (codes < self.stop)
