"""Normalizing flows: invertible maps with a known log-determinant."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from gensynth.nn.made import MaskedLinear


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
        Hidden units per dimension.
    """

    def __init__(self, dim: int, context: int, width: int = 8) -> None:
        super().__init__()
        degree = torch.arange(dim)
        unit = degree.repeat_interleave(width)
        self.inner = MaskedLinear(degree, unit, strict=True)
        self.context = nn.Linear(context, dim * width, bias=False)
        self.outer = MaskedLinear(unit, degree.repeat(2))
        nn.init.normal_(self.outer.weight, std=0.01)
        nn.init.zeros_(self.outer.bias)
        with torch.no_grad():
            self.outer.bias[dim:] = 2.0

    def forward(self, z: Tensor, context: Tensor) -> tuple[Tensor, Tensor]:
        """Return the mapped (n, dim) and log |d out / d z| (n,)."""
        shift, gate = self.outer(F.relu(self.inner(z) + self.context(context))).chunk(2, -1)
        moved, log_gate = gated(z, shift, gate)
        return moved.flip(-1), log_gate.sum(-1)


def gated(z: Tensor, shift: Tensor, gate: Tensor) -> tuple[Tensor, Tensor]:
    """Return g z + (1 - g) shift with g = sigmoid(gate), and log g, which is log |d out / d z| of each entry."""
    log_gate = F.logsigmoid(gate)
    return torch.exp(log_gate) * z + (1.0 - torch.exp(log_gate)) * shift, log_gate
