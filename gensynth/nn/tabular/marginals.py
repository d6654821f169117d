"""Marginal bias correction: adjusts biases of the heads until codes have their training frequencies."""

from __future__ import annotations

import torch
from torch import Tensor

from gensynth.nn.tabular.categorical_slots import CategoricalSlots

ROUNDS = 3
"""Corrections of a column's biases: fixed-point steps, of which the first nearly suffices."""
MAX_CHANGE = 2.0
"""Largest change of a bias: larger errors have another cause."""
MIN_FREQUENCY = 1e-6
"""Lower bound on frequencies."""
DRAWN = 10_000
"""Rows that are drawn to see how often each code comes out, ..."""
MAX_CELLS = 1_000_000
"""... as long as they have no more cells than this."""


def n_marginal_rows(n_columns: int) -> int:
    """Return the number of rows to sample for the correction."""
    return max(1000, min(DRAWN, MAX_CELLS // n_columns))


@torch.no_grad()
def correct_biases(bias: Tensor, logits: Tensor, codes: Tensor, slots: CategoricalSlots) -> None:
    """Change the biases (n_slots,) of columns that are independent of each other, given their logits (n, n_slots).

    ``codes`` (m, columns) are those of the table.
    """
    for own_codes, first, size in zip(codes.unbind(1), slots.offsets.tolist(), slots.sizes, strict=True):
        own = slice(first, first + size)
        bias[own] += bias_change(logits[:, own], own_codes)


@torch.no_grad()
def bias_change(logits: Tensor, codes: Tensor, shares: tuple[Tensor, Tensor] | None = None) -> Tensor:
    """Return the change (c,) of a column's biases that gives each code its training frequency.

    The mean probability of each code over rows of logits (n, c) is brought to its frequency in ``codes`` (m,). The
    first code, `UNKNOWN`, is never drawn and stays as it is. Only the marginal changes: differences between rows of the
    log-odds do not. ``shares``: the weight of this softmax (n, 1) in a mixture, and the probability of each code (n, c)
    by the other components.
    """
    counts = torch.bincount(codes, minlength=logits.shape[1])[1:].to(logits.dtype)
    target = (counts / counts.sum()).clamp(min=MIN_FREQUENCY)
    change = logits.new_zeros(logits.shape[1])
    known = change[1:]
    for _ in range(ROUNDS):
        probability = (logits[:, 1:] + known).softmax(-1)
        if shares is not None:
            probability = probability * shares[0] + shares[1][:, 1:]
        mean = probability.mean(0)
        known.add_((target / mean.clamp(min=MIN_FREQUENCY)).log()).clamp_(-MAX_CHANGE, MAX_CHANGE)
    return change
