"""Layers of a causal network in training, with hand-written gradients to save memory traffic.

What surrounds the matrix products of these layers (scales, rectifiers, dropout masks, running sums) takes a CPU longer
than they do, when autograd does it operation by operation, each with an array of its own.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from gensynth.nn.layers import kept_entries


class StepWeights(NamedTuple):
    """The weights of some steps, a first axis of steps each."""

    gain: Tensor
    shift: Tensor
    inner: Tensor
    inner_bias: Tensor
    feature: Tensor
    feature_gain: Tensor
    feature_shift: Tensor
    outer: Tensor
    outer_bias: Tensor
    contribute: Tensor


class CausalLayers(torch.autograd.Function):
    """Autograd function of `CausalNetwork.forward`, with dropout."""

    @staticmethod
    def forward(ctx: Any, cells: Tensor, context: Tensor, n_groups: int, rate: float, *weights: Tensor) -> Tensor:
        """Return (k, n, hidden) for cells (k, n, dim) and a context (n, width); ``weights`` are `StepWeights`."""
        own = StepWeights(*weights)
        kept = 1.0 / (1.0 - rate)  # relu(c x) = c relu(x): the scale of what is kept goes into the small arrays
        nothing = torch.zeros_like(context)
        seen = running_sums_(torch.bmm(cells, own.contribute), context, n_groups)  # (k, n, width)
        first = _drop_(torch.addcmul(own.shift * kept, seen, own.gain * kept).relu_(), rate)
        h = torch.baddbmm(own.inner_bias, first, own.inner).relu_()  # (k, n, hidden)
        features = running_sums_(torch.bmm(h, own.feature), nothing, n_groups, inclusive=True)  # (k, n, width)
        second = _drop_(torch.addcmul(own.feature_shift * kept, features, own.feature_gain * kept).relu_(), rate)
        last = torch.baddbmm(own.outer_bias, second, own.outer, beta=kept, alpha=kept).relu_()  # (k, n, hidden)
        out = _drop_(last.add(h, alpha=kept), rate)
        ctx.save_for_backward(cells, seen, first, h, features, second, last, out, *weights)
        ctx.n_groups, ctx.kept = n_groups, kept
        return out

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of cells, context and weights; what was dropped is 0 and has none."""
        cells, seen, first, h, features, second, last, out, *weights = ctx.saved_tensors
        own, n_groups, kept = StepWeights(*weights), ctx.n_groups, ctx.kept
        nothing = torch.zeros_like(seen[0])
        by_out = torch.ops.aten.threshold_backward(gradients[0], out, 0) * kept  # (k, n, hidden)
        by_last = torch.ops.aten.threshold_backward(by_out, last, 0)
        by_second = _rectified_(torch.bmm(by_last, own.outer.mT), second)  # (k, n, width)
        by_feature_gain, by_feature_shift = _by_scales(by_second, features, kept)
        by_features = by_second.mul_(own.feature_gain * kept)
        by_feature = running_sums_(by_features, nothing, n_groups, inclusive=True, backwards=True)
        by_h = _rectified_(torch.baddbmm(by_out, by_feature, own.feature.mT), h)  # (k, n, hidden)
        by_first = _rectified_(torch.bmm(by_h, own.inner.mT), first)  # (k, n, width)
        by_gain, by_shift = _by_scales(by_first, seen, kept)
        by_seen = by_first.mul_(own.gain * kept)
        by_context = by_seen.sum(0)
        by_contribution = running_sums_(by_seen, nothing, n_groups, backwards=True)
        by_weights = StepWeights(
            by_gain,
            by_shift,
            inner=torch.bmm(first.mT, by_h),
            inner_bias=by_h.sum(1, keepdim=True),
            feature=torch.bmm(h.mT, by_feature),
            feature_gain=by_feature_gain,
            feature_shift=by_feature_shift,
            outer=torch.bmm(second.mT, by_last),
            outer_bias=by_last.sum(1, keepdim=True),
            contribute=torch.bmm(cells.mT, by_contribution),
        )
        return torch.bmm(by_contribution, own.contribute.mT), by_context, None, None, *by_weights


def running_sums_(
    x: Tensor, start: Tensor, n_groups: int, *, inclusive: bool = False, backwards: bool = False
) -> Tensor:
    """Replace steps (k, n, width) by ``start`` and the steps of the passes before theirs, in place; return them.

    Step i is of pass i % ``n_groups``. ``inclusive`` sums hold the step itself, ``backwards`` the passes after count.
    """
    passes = range(n_groups)
    for g in reversed(passes) if backwards else passes:
        steps = x[g::n_groups]
        before = start
        start = start + (steps[0] if len(steps) == 1 else steps.sum(0))
        steps.add_(before) if inclusive else steps.copy_(before)
    return x


def _drop_(x: Tensor, rate: float) -> Tensor:
    """Set a share of the entries to 0; what is kept is not scaled."""
    return x.mul_(kept_entries(x, rate)) if rate else x


def _rectified_(gradient: Tensor, value: Tensor) -> Tensor:
    """Set a gradient to 0 where the rectified value is."""
    torch.ops.aten.threshold_backward.grad_input(gradient, value, 0, grad_input=gradient)
    return gradient


def _by_scales(gradient: Tensor, x: Tensor, kept: float) -> tuple[Tensor, Tensor]:
    """Return the gradients of gain and shift (k, 1, width) of kept * (shift + x * gain)."""
    return (gradient * x).sum(1, keepdim=True).mul_(kept), gradient.sum(1, keepdim=True).mul_(kept)
