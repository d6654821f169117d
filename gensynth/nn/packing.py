"""Softmax heads of many columns over one hidden vector: dense rows of logits, and no pass over them too many."""

from __future__ import annotations

from typing import Any

import torch
from torch import Generator, Tensor, nn

from gensynth.encoding.layout import Layout
from gensynth.nn.buckets import LOG_2E, Bucket, Buckets, draw_powers, shares

WASTE = 1.2
"""How much wider than its narrowest column a run may be: fewer runs cost less to start, padding costs its slots."""


class Packing(nn.Module):
    """The slots of `Buckets` without most of their padding, for heads that are one linear map.

    Weights lie in the order of `Buckets`, as files hold them, and are gathered for use. Columns of nearly the same
    cardinality stand in a run, padded to the widest of them.

    Parameters
    ----------
    layout : Layout
        What a row looks like.
    buckets : Buckets
        Its code slots.
    """

    slots: Tensor
    padding: Tensor
    never: Tensor
    offsets: Tensor
    order: Tensor
    place: Tensor

    def __init__(self, layout: Layout, buckets: Buckets) -> None:
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
            made.append(Bucket(tuple(run), width, start))
            for i in run:
                offsets[i] = start
                start += width
                place = torch.arange(width)
                slots.append(buckets.offsets[i] + place.clamp(max=widths[i] - 1))
                padding.append(torch.where(place < widths[i], 0.0, -torch.inf))
        self.runs = tuple(made)
        self.register_buffer("slots", torch.cat(slots), persistent=False)
        self.register_buffer("padding", torch.cat(padding), persistent=False)
        self.register_buffer("never", self.padding + buckets.never[self.slots], persistent=False)
        self.register_buffer("offsets", offsets, persistent=False)
        self.register_buffer("order", torch.tensor(order), persistent=False)
        self.register_buffer("place", torch.tensor(order).argsort(), persistent=False)

    def log_likelihood(self, hidden: Tensor, heads: nn.Linear, codes: Tensor) -> Tensor:
        """Return (n, k): log-probability of each code; ``hidden`` is (n, width), ``heads`` has a slot an output."""
        weight = heads.weight.index_select(0, self.slots)
        bias = heads.bias.index_select(0, self.slots) + self.padding
        chosen: Tensor = _LogLikelihood.apply(hidden, weight, bias, codes + self.offsets, self.place, self.runs)
        return chosen

    def sample(self, hidden: Tensor, heads: nn.Linear, rng: Generator) -> Tensor:
        """Draw codes (n, k); never `UNKNOWN`, never padding."""
        weight = heads.weight.index_select(0, self.slots)
        bias = (heads.bias.index_select(0, self.slots) + self.never) * LOG_2E
        share = shares((len(hidden), len(self.place)), hidden, rng)
        drawn, first = [], 0
        for run in self.runs:
            own = slice(run.start, run.start + run.size)
            powers = torch.addmm(bias[own], hidden, weight[own].t(), alpha=LOG_2E)
            last = first + len(run.columns)
            drawn.append(draw_powers(powers.view(-1, len(run.columns), run.width), share[:, first:last]))
            first = last
        return torch.cat(drawn, 1).index_select(1, self.place)


class _LogLikelihood(torch.autograd.Function):
    """log softmax of linear heads at the chosen slots, its gradient made from the probabilities of the way there."""

    @staticmethod
    def forward(
        ctx: Any, hidden: Tensor, weight: Tensor, bias: Tensor, slots: Tensor, place: Tensor, runs: tuple[Bucket, ...]
    ) -> Tensor:
        """Return (n, k); ``weight`` is (n_packed, width), ``slots`` (n, k), ``place`` (k,) that of a column in runs."""
        logits = torch.addmm(bias, hidden, weight.t())
        chosen = logits.gather(1, slots)
        parts = [run.view(logits) for run in runs]  # views: what follows is written into ``logits``
        tops = [part.amax(-1, keepdim=True) for part in parts]
        for part, top in zip(parts, tops, strict=True):
            part.sub_(top)
        logits.mul_(LOG_2E).exp2_()
        totals = [part.sum(-1, keepdim=True) for part in parts]
        for part, total in zip(parts, totals, strict=True):
            part.div_(total)
        normaliser = torch.cat([(top + total.log()).squeeze(-1) for top, total in zip(tops, totals, strict=True)], 1)
        ctx.save_for_backward(hidden, weight, logits, slots, place)
        ctx.runs = runs
        return chosen - normaliser.index_select(1, place)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of hidden vectors, weights and biases."""
        hidden, weight, probability, slots, place = ctx.saved_tensors
        (gradient,) = gradients
        by_run = torch.empty_like(gradient).index_copy_(1, place, gradient).neg_()
        out = torch.empty_like(probability)
        first = 0
        for run in ctx.runs:
            last = first + len(run.columns)
            torch.mul(run.view(probability), by_run[:, first:last].unsqueeze(-1), out=run.view(out))
            first = last
        out.scatter_add_(1, slots, gradient)
        return out @ weight, out.t() @ hidden, out.sum(0), None, None, None
