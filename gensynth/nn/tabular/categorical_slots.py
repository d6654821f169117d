"""Slots of the codes of all columns in one flat vector; similar columns share a softmax operation."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Generator, Tensor, nn

from gensynth.layout import UNKNOWN, Layout
from gensynth.nn.categorical import LOG_2E, draw_powers, uniform_open


@dataclass(frozen=True)
class SlotGroup:
    """Columns padded to one width: their positions in the layout, and where their slots start in a flat row."""

    columns: tuple[int, ...]
    width: int
    start: int

    @property
    def size(self) -> int:
        """Number of slots in the flat row."""
        return len(self.columns) * self.width

    def view(self, flat: Tensor) -> Tensor:
        """Return this group's part of ``flat`` (..., n_slots) as (..., n_columns, width)."""
        part = flat[..., self.start : self.start + self.size]
        return part.view(*flat.shape[:-1], len(self.columns), self.width)


class CategoricalSlots(nn.Module):
    """The code slots of a layout: every code of every column has one slot in a flat row of ``n_slots``.

    Columns are grouped by width: the next power of two, to which they are padded, or (not ``padded``) their own.
    ``padding`` (n_slots,) is 0 for a real code and -inf for padding; ``never`` is -inf for `UNKNOWN` too (what is added
    to logits to sample); ``offsets`` (k,) is the first slot of each column: ``codes + offsets`` are slot indices.
    """

    padding: Tensor
    never: Tensor
    offsets: Tensor

    def __init__(self, layout: Layout, *, padded: bool = True) -> None:
        super().__init__()
        by_width: dict[int, list[int]] = {}
        for position, cardinality in enumerate(layout.cardinalities):
            width = 1 << (cardinality - 1).bit_length() if padded else cardinality
            by_width.setdefault(width, []).append(position)
        groups, start = [], 0
        for width, columns in sorted(by_width.items()):
            groups.append(SlotGroup(tuple(columns), width, start))
            start += groups[-1].size
        self.groups, self.sizes = tuple(groups), layout.cardinalities
        self.n_slots = start
        offsets = torch.zeros(len(layout.columns), dtype=torch.long)
        padding = torch.full((start,), -torch.inf)
        never = padding.clone()
        marginals = padding.clone()
        for group in groups:
            for i, position in enumerate(group.columns):
                column = layout.columns[position]
                first = group.start + i * group.width
                offsets[position] = first
                padding[first : first + column.cardinality] = 0.0
                never[first : first + column.cardinality] = 0.0
                never[first + UNKNOWN] = -torch.inf
                counts = torch.tensor(column.frequencies) * layout.n_rows + 0.5
                marginals[first : first + column.cardinality] = torch.log(counts / counts.sum())
        self.register_buffer("offsets", offsets, persistent=False)
        self.register_buffer("padding", padding, persistent=False)
        self.register_buffer("never", never, persistent=False)
        self.log_marginals = marginals  # a plain tensor: only read when heads are initialised

    def log_likelihood(self, logits: Tensor, codes: Tensor) -> Tensor:
        """Return (n, k): log-probability of each code under ``logits`` (n, n_slots)."""
        logits = logits + self.padding
        chosen = logits.gather(-1, codes + self.offsets)
        out = torch.empty_like(chosen)
        for group in self.groups:
            columns = torch.as_tensor(group.columns, device=logits.device)
            out = out.index_copy(-1, columns, group.view(logits).logsumexp(-1))
        return chosen - out

    def sample(self, logits: Tensor, rng: Generator) -> Tensor:
        """Draw codes (n, k) from ``logits`` (n, n_slots); never `UNKNOWN`, never padding."""
        logits = logits + self.never
        codes = torch.empty(logits.shape[0], len(self.offsets), dtype=torch.long, device=logits.device)
        uniform = uniform_open(codes.shape, logits, rng)
        for group in self.groups:
            columns = list(group.columns)
            codes[:, columns] = draw_powers(group.view(logits) * LOG_2E, uniform[:, columns])
        return codes

    def softmax(self, logits: Tensor) -> Tensor:
        """Return the flat row of probabilities, 0 for `UNKNOWN` and padding."""
        logits = logits + self.never
        return torch.cat([group.view(logits).softmax(-1).flatten(-2) for group in self.groups], -1)
