"""Categorical distributions: sampling by inversion of the cumulative weights."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Sequence
from contextvars import ContextVar

import torch
from torch import Generator, Tensor

LOG_2E = 1.0 / math.log(2.0)
"""exp(x) = 2^(x * LOG_2E): powers of two cost a CPU a third of powers of e."""
SLICE_ELEMENTS = 2**17
"""Weights per cumulative sum: as many as stay in a core's cache, without new memory pages."""
_TINY, _HUGE = 1e-30, 1e30
_branches: ContextVar[bool] = ContextVar("branches", default=True)


@contextlib.contextmanager
def without_branches() -> Iterator[None]:
    """Avoid control flow on values within the block, so that the computation can be recorded as a graph."""
    token = _branches.set(False)
    try:
        yield
    finally:
        _branches.reset(token)


def draw_codes(weight: Tensor, rng: Generator) -> Tensor:
    """Sample codes (...) in proportion to ``weight`` (..., width); never one of weight 0."""
    return inverse_cdf(weight.cumsum(-1), uniform_open(weight.shape[:-1], weight, rng))


def draw_powers(powers: Tensor, uniform: Tensor) -> Tensor:
    """Sample codes (...) in proportion to 2^``powers`` (..., width); never one of -inf.

    ``uniform`` (...) in (0, 1], from `uniform_open`, says which.
    """
    total = powers.exp2().cumsum_(-1)
    if not in_range(total[..., -1]):  # seldom, but always in a graph: the powers are moved to below 1
        # by whole numbers, so that only the rounding of the difference changes what is drawn
        total = (powers - powers.amax(-1, keepdim=True).floor()).exp2_().cumsum_(-1)
    return inverse_cdf(total, uniform)


def in_range(total: Tensor) -> bool:
    """Return whether sums of powers can neither underflow nor overflow; always False in `without_branches`."""
    if not _branches.get():
        return False
    if not total.numel():
        return True
    lowest, highest = total.aminmax()
    return bool(lowest > _TINY) and bool(highest < _HUGE)  # NaN is not


def row_slices(n: int, width: int) -> list[slice]:
    """Return the slices of ``n`` rows of ``width`` weights to sample at a time; one in `without_branches`."""
    step = max(SLICE_ELEMENTS // max(width, 1), 64)
    if n <= step or not _branches.get():
        return [slice(None)]
    return [slice(start, start + step) for start in range(0, n, step)]


def uniform_open(shape: Sequence[int], like: Tensor, rng: Generator) -> Tensor:
    """Return uniform draws in (0, 1]: exactly 0 would select `UNKNOWN`, whose probability is 0."""
    return torch.rand(shape, generator=rng, device=like.device, dtype=like.dtype).neg_().add_(1.0)


def inverse_cdf(total: Tensor, uniform: Tensor) -> Tensor:
    """Return the first indices (...) at which running totals (..., width) reach ``uniform`` (...) of the last."""
    return torch.searchsorted(total, uniform.unsqueeze(-1) * total[..., -1:]).squeeze(-1)


def draw(logits: Tensor, rng: Generator) -> Tensor:
    """Draw (n,) indices from rows of log-weights (n, width); a weight of -inf is never drawn."""
    return draw_powers(logits * LOG_2E, uniform_open(logits.shape[:-1], logits, rng))


def draw_many(logits: Tensor, n: int, rng: Generator) -> Tensor:
    """Draw (n,) indices from one row of log-weights (width,); a weight of -inf is never drawn."""
    return inverse_cdf(logits.softmax(-1).cumsum(-1), uniform_open((n,), logits, rng))
