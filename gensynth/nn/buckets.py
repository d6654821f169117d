"""Columns of like cardinality side by side, so that a thousand heads cost a handful of tensor operations."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor, nn

from gensynth.encoding.layout import UNKNOWN, Layout


@dataclass(frozen=True)
class Bucket:
    """Columns padded to one width: their positions in the layout, and where their slots start in a flat row."""

    columns: tuple[int, ...]
    width: int
    start: int

    @property
    def size(self) -> int:
        """Number of slots in the flat row."""
        return len(self.columns) * self.width

    def view(self, flat: Tensor) -> Tensor:
        """Return this bucket's part of ``flat`` (..., n_slots) as (..., n_columns, width)."""
        part = flat[..., self.start : self.start + self.size]
        return part.view(*flat.shape[:-1], len(self.columns), self.width)


LOG_2E = 1.0 / math.log(2.0)
"""exp(x) = 2^(x * LOG_2E): powers of two cost a CPU a third of powers of e."""
_TINY, _HUGE = 1e-30, 1e30


def draw_codes(weight: Tensor, rng: Generator) -> Tensor:
    """Return codes (...) drawn in proportion to ``weight`` (..., width); never one of weight 0."""
    return _reached(weight.cumsum(-1), shares(weight.shape[:-1], weight, rng))


def draw_powers(powers: Tensor, share: Tensor) -> Tensor:
    """Return codes (...) drawn in proportion to 2^``powers`` (..., width); never one of -inf.

    ``share`` (...) in (0, 1] says which: from `shares`.
    """
    total = powers.exp2().cumsum_(-1)
    if not in_range(total[..., -1]):  # seldom; only then the powers are moved about 0
        total = (powers - powers.amax(-1, keepdim=True)).exp2_().cumsum_(-1)
    return _reached(total, share)


def in_range(total: Tensor) -> bool:
    """Return whether sums of powers are all far from 0 and from infinity."""
    if not total.numel():
        return True
    lowest, highest = total.aminmax()
    return bool(lowest > _TINY) and bool(highest < _HUGE)  # NaN is not


def shares(shape: Sequence[int], like: Tensor, rng: Generator) -> Tensor:
    """Return uniform draws in (0, 1]: one of exactly 0 would land on `UNKNOWN`, whose probability is 0."""
    return torch.rand(shape, generator=rng, device=like.device, dtype=like.dtype).neg_().add_(1.0)


def _reached(total: Tensor, share: Tensor) -> Tensor:
    """Return the first places (...) at which running totals (..., width) reach a share (...) of the last."""
    return torch.searchsorted(total, share.unsqueeze(-1) * total[..., -1:]).squeeze(-1)


class Buckets(nn.Module):
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
        buckets, start = [], 0
        for width, columns in sorted(by_width.items()):
            buckets.append(Bucket(tuple(columns), width, start))
            start += buckets[-1].size
        self.buckets = tuple(buckets)
        self.n_slots = start
        offsets = torch.zeros(len(layout.columns), dtype=torch.long)
        padding = torch.full((start,), -torch.inf)
        never = padding.clone()
        marginals = padding.clone()
        for bucket in buckets:
            for i, position in enumerate(bucket.columns):
                column = layout.columns[position]
                first = bucket.start + i * bucket.width
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
        for bucket in self.buckets:
            columns = torch.as_tensor(bucket.columns, device=logits.device)
            out = out.index_copy(-1, columns, bucket.view(logits).logsumexp(-1))
        return chosen - out

    def sample(self, logits: Tensor, rng: Generator) -> Tensor:
        """Draw codes (n, k) from ``logits`` (n, n_slots); never `UNKNOWN`, never padding."""
        logits = logits + self.never
        codes = torch.empty(logits.shape[0], len(self.offsets), dtype=torch.long, device=logits.device)
        share = shares(codes.shape, logits, rng)
        for bucket in self.buckets:
            columns = list(bucket.columns)
            codes[:, columns] = draw_powers(bucket.view(logits) * LOG_2E, share[:, columns])
        return codes

    def softmax(self, logits: Tensor) -> Tensor:
        """Return the flat row of probabilities, 0 for `UNKNOWN` and padding."""
        logits = logits + self.never
        return torch.cat([bucket.view(logits).softmax(-1).flatten(-2) for bucket in self.buckets], -1)
