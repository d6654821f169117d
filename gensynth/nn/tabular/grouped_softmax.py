"""Softmax heads of all columns over one hidden vector, in groups of similar cardinality."""

from __future__ import annotations

from typing import Any

import torch
from torch import Generator, Tensor, nn

from gensynth.layout import Layout
from gensynth.nn.categorical import LOG_2E, draw_powers, in_range, row_slices, uniform_open
from gensynth.nn.tabular.categorical_slots import CategoricalSlots, SlotGroup

WASTE = 1.2
"""Maximal ratio of widths in a group: fewer groups have less overhead, but padding costs time, too."""


class GroupedSoftmax(nn.Module):
    """The slots of `CategoricalSlots` without most of their padding, for heads that are one linear map.

    Weights are in the order of `CategoricalSlots`, as files hold them, and are gathered for use. Columns of nearly the
    same cardinality are in one run, padded to the widest of them.

    Parameters
    ----------
    layout : Layout
        What a row looks like.
    code_slots : CategoricalSlots
        Its code slots.
    """

    slots: Tensor
    padding: Tensor
    never: Tensor
    offsets: Tensor
    order: Tensor
    place: Tensor

    def __init__(self, layout: Layout, code_slots: CategoricalSlots) -> None:
        super().__init__()
        widths = layout.cardinalities
        order = sorted(range(len(widths)), key=lambda i: widths[i])
        runs: list[list[int]] = []
        for i in order:
            if not runs or widths[i] > WASTE * widths[runs[-1][0]] + 2:
                runs.append([])
            runs[-1].append(i)
        made, slots, padding, start = [], [], [], 0
        offsets = torch.zeros(len(widths), dtype=torch.long)
        for run in runs:
            width = widths[run[-1]]
            made.append(SlotGroup(tuple(run), width, start))
            for i in run:
                offsets[i] = start
                start += width
                place = torch.arange(width)
                slots.append(code_slots.offsets[i] + place.clamp(max=widths[i] - 1))
                padding.append(torch.where(place < widths[i], 0.0, -torch.inf))
        ends = torch.tensor([len(run.columns) for run in made]).cumsum(0).tolist()
        self.parts = tuple((run, slice(end - len(run.columns), end)) for run, end in zip(made, ends, strict=True))
        self.n_slots = code_slots.n_slots
        self.register_buffer("slots", torch.cat(slots), persistent=False)
        self.register_buffer("padding", torch.cat(padding), persistent=False)
        self.register_buffer("never", self.padding + code_slots.never[self.slots], persistent=False)
        self.register_buffer("offsets", offsets, persistent=False)
        self.register_buffer("order", torch.tensor(order), persistent=False)
        self.register_buffer("place", torch.tensor(order).argsort(), persistent=False)

    def log_likelihood(self, hidden: Tensor, heads: nn.Linear, codes: Tensor) -> Tensor:
        """Return (n, k): log-probability of each code; ``hidden`` is (n, width), ``heads`` has a slot an output."""
        slots = codes + self.offsets
        out: Tensor = _LogLikelihood.apply(hidden, heads.weight, heads.bias, slots, self)  # type: ignore[no-untyped-call]
        return out

    def sample(self, hidden: Tensor, heads: nn.Linear, rng: Generator) -> Tensor:
        """Draw codes (n, k); never `UNKNOWN`, never padding."""
        weight = heads.weight.index_select(0, self.slots)
        bias = (heads.bias.index_select(0, self.slots) + self.never) * LOG_2E
        uniform = uniform_open((len(hidden), len(self.place)), hidden, rng)
        drawn = []
        for run, columns in self.parts:
            own = slice(run.start, run.start + run.size)
            parts = []
            for rows in row_slices(len(hidden), run.size):
                powers = torch.addmm(bias[own], hidden[rows], weight[own].t(), alpha=LOG_2E)
                parts.append(draw_powers(powers.view(-1, len(run.columns), run.width), uniform[rows, columns]))
            drawn.append(parts[0] if len(parts) == 1 else torch.cat(parts))
        return torch.cat(drawn, 1).index_select(1, self.place)


class _LogLikelihood(torch.autograd.Function):
    """log softmax of linear heads at the chosen slots; its gradient is made from the exponentials of the way there."""

    @staticmethod
    def forward(
        ctx: Any, hidden: Tensor, weight: Tensor, bias: Tensor, slots: Tensor, softmax: GroupedSoftmax
    ) -> Tensor:
        """Return (n, k); ``weight`` is (n_slots, width), ``slots`` (n, k) are packed ones."""
        weight = weight.index_select(0, softmax.slots)
        bias = (bias.index_select(0, softmax.slots) + softmax.padding) * LOG_2E
        powers = torch.addmm(bias, hidden, weight.t(), alpha=LOG_2E)
        chosen = powers.gather(1, slots)
        exponential, total, top = _exponentials(powers, softmax)
        ctx.save_for_backward(hidden, weight, exponential, total, slots)
        ctx.grouped_softmax = softmax
        normaliser = total.log2() if top is None else total.log2() + top
        return (chosen - normaliser.index_select(1, softmax.place)) / LOG_2E

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of hidden vectors, weights and biases."""
        hidden, weight, exponential, total, slots = ctx.saved_tensors
        (gradient,) = gradients
        softmax = ctx.grouped_softmax
        factor = gradient.index_select(1, softmax.order).neg_().div_(total)
        out = torch.empty_like(exponential)
        for run, own in softmax.parts:
            torch.mul(run.view(exponential), factor[:, own].unsqueeze(-1), out=run.view(out))
        out.scatter_add_(1, slots, gradient)
        n_slots = softmax.n_slots
        by_weight = weight.new_zeros(n_slots, weight.shape[1]).index_add_(0, softmax.slots, out.t() @ hidden)
        by_bias = weight.new_zeros(n_slots).index_add_(0, softmax.slots, out.sum(0))
        return out @ weight, by_weight, by_bias, None, None


def _exponentials(powers: Tensor, softmax: GroupedSoftmax) -> tuple[Tensor, Tensor, Tensor | None]:
    """Return 2^powers (n, n_packed), their totals (n, k) a column in packed order, and what was taken off before.

    Columns are moved about 0 only where one is out of the range of its floats, which is seldom; an accelerator would
    have to wait for the answer, so there it is always done.
    """
    if powers.device.type == "cpu":
        exponential = powers.exp2()
        total = torch.cat([run.view(exponential).sum(-1) for run, _ in softmax.parts], 1)
        if in_range(total):
            return exponential, total, None
    top = torch.cat([run.view(powers).amax(-1) for run, _ in softmax.parts], 1)
    for run, own in softmax.parts:
        run.view(powers).sub_(top[:, own].unsqueeze(-1))
    exponential = powers.exp2_()
    return exponential, torch.cat([run.view(exponential).sum(-1) for run, _ in softmax.parts], 1), top
