"""Normalizing flows: invertible maps with a known log-determinant."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn


class InverseAutoregressiveFlow(nn.Module):
    """z_i = g_i m_i + (1 - g_i) z_i with m, g functions of z_<i (Kingma et al. 2016, arXiv 1606.04934, equation 14).

    Both gate and shift see the dimensions before and a context; the order is turned round, so that stacked flows
    mix all dimensions. Starts near the identity.

    Parameters
    ----------
    dim : int
        Width of z.
    context : int
        Width of the context that conditions the flow.
    width : int
        Hidden units a dimension.
    """

    mask_in: Tensor
    mask_out: Tensor

    def __init__(self, dim: int, context: int, width: int = 8) -> None:
        super().__init__()
        self.inner = nn.Linear(dim, dim * width)
        self.context = nn.Linear(context, dim * width, bias=False)
        self.outer = nn.Linear(dim * width, 2 * dim)
        nn.init.normal_(self.outer.weight, std=0.01)
        nn.init.zeros_(self.outer.bias)
        with torch.no_grad():
            self.outer.bias[dim:] = 2.0
        degree = torch.arange(dim)
        unit = degree.repeat_interleave(width)
        self.register_buffer("mask_in", (degree[None, :] < unit[:, None]).float(), persistent=False)
        self.register_buffer("mask_out", (unit[None, :] <= degree.repeat(2)[:, None]).float(), persistent=False)

    def forward(self, z: Tensor, context: Tensor) -> tuple[Tensor, Tensor]:
        """Return the mapped (n, dim) and log |d out / d z| (n,)."""
        h = F.relu(F.linear(z, self.inner.weight * self.mask_in, self.inner.bias) + self.context(context))
        shift, gate = F.linear(h, self.outer.weight * self.mask_out, self.outer.bias).chunk(2, -1)
        moved, log_gate = gated(z, shift, gate)
        return moved.flip(-1), log_gate.sum(-1)


def gated(z: Tensor, shift: Tensor, gate: Tensor) -> tuple[Tensor, Tensor]:
    """Return g z + (1 - g) shift with g = sigmoid(gate), and log g, which is log |d out / d z| of each entry."""
    log_gate = F.logsigmoid(gate)
    return torch.exp(log_gate) * z + (1.0 - torch.exp(log_gate)) * shift, log_gate
