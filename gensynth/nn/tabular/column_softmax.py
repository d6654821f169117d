"""Log-likelihood of codes by one softmax head per column, with a hand-written gradient."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from gensynth.nn.categorical import LOG_2E, in_range
from gensynth.nn.tabular.categorical_slots import SlotGroup


class ColumnSoftmax(torch.autograd.Function):
    """log softmax of linear heads at the codes, a batched product for the columns of each group of like width.

    The exponentials of the way there make the gradient: taken apart by autograd, the many small steps of the groups
    take longer than the products.
    """

    @staticmethod
    def forward(
        ctx: Any, hidden: Tensor, weight: Tensor, bias: Tensor, codes: Tensor, groups: Sequence[SlotGroup]
    ) -> Tensor:
        """Return (k, n) log-probabilities of ``codes`` (k, n).

        ``hidden`` is (k, n, width), ``weight`` (n_slots, width); ``bias`` (n_slots,) is -inf for padding.
        """
        out = hidden.new_empty(codes.shape)
        saved = []
        for group in groups:
            columns = torch.tensor(group.columns, device=hidden.device)
            h = hidden.index_select(0, columns)  # (columns, n, width)
            own = weight[group.start : group.start + group.size].view(len(h), group.width, -1)
            powers = torch.baddbmm(group.view(bias * LOG_2E).unsqueeze(1), h, own.mT, alpha=LOG_2E)
            places = codes.index_select(0, columns).unsqueeze(-1)
            chosen, top = powers.gather(-1, places).squeeze(-1), None
            exponential = powers.exp2()
            total = exponential.sum(-1)  # (columns, n)
            if not in_range(total):
                top = powers.amax(-1, keepdim=True)
                exponential = (powers - top).exp2_()
                total, chosen = exponential.sum(-1), chosen - top.squeeze(-1)
            out.index_copy_(0, columns, chosen - total.log2())
            saved += [columns, own, h, places, exponential, total]
        ctx.save_for_backward(*saved)
        ctx.groups = groups
        return out.div_(LOG_2E)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of hidden vectors, weights and biases."""
        saved, by_hidden = ctx.saved_tensors, None
        by_weight, by_bias = [], []
        for i in range(len(ctx.groups)):
            columns, own, h, places, exponential, total = saved[6 * i : 6 * i + 6]
            gradient = gradients[0].index_select(0, columns)
            by_logits = exponential * (gradient / total).neg_().unsqueeze(-1)
            by_logits.scatter_add_(-1, places, gradient.unsqueeze(-1))  # (columns, n, codes)
            if by_hidden is None:
                by_hidden = h.new_empty(gradients[0].shape + h.shape[-1:])
            by_hidden.index_copy_(0, columns, torch.bmm(by_logits, own))
            by_weight.append(torch.bmm(by_logits.mT, h).flatten(0, 1))
            by_bias.append(by_logits.sum(1).flatten())
        return by_hidden, torch.cat(by_weight), torch.cat(by_bias), None, None
