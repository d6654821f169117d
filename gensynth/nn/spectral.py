"""Spectral regularization: a penalty on the largest singular values (Yoshida & Miyato 2017, arXiv 1705.10941)."""

from __future__ import annotations

from collections.abc import Iterable

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn


class SpectralPenalty(nn.Module):
    """``weight`` times the sum of the largest singular values of layers, by power iteration.

    Of a convolution (transposed ones are left out) those of its weights as a matrix of output channels (Miyato et al.
    2018, arXiv 1802.05957).
    One iteration per step goes on from the vector of the step before, which follows the slowly moving weights.

    Parameters
    ----------
    modules : iterable of Module
        Whose linear layers and convolutions count.
    weight : float
        Price of one unit.
    """

    def __init__(self, modules: Iterable[nn.Module], weight: float) -> None:
        super().__init__()
        self.weight = weight
        layers = [m for module in modules for m in module.modules() if isinstance(m, nn.Linear | nn.Conv2d)]
        self._layers = tuple(layers)  # a tuple, so that they are not registered as submodules here
        for i, layer in enumerate(layers):
            self.register_buffer(f"vector_{i}", F.normalize(torch.randn(layer.weight.flatten(1).shape[1]), dim=0))

    def forward(self) -> Tensor:
        """Return the penalty and, in training, take one power iteration per layer."""
        norms = []
        for i, layer in enumerate(self._layers):
            v, weight = self.get_buffer(f"vector_{i}"), layer.weight.flatten(1)
            with torch.no_grad():
                u = F.normalize(weight @ v, dim=0)
                v = F.normalize(weight.t() @ u, dim=0)
                if self.training:
                    self.get_buffer(f"vector_{i}").copy_(v)
            norms.append(u @ weight @ v)
        return self.weight * torch.stack(norms).sum()
