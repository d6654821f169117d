"""Spectral regularization: a penalty on the largest singular values (Yoshida & Miyato 2017, arXiv 1705.10941)."""

from __future__ import annotations

from collections.abc import Iterable

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn


class SpectralPenalty(nn.Module):
    """``weight`` times the sum of the largest singular values of all linear layers, by power iteration.

    One iteration a step goes on from the vector of the step before, which follows the slowly moving weights.

    Parameters
    ----------
    modules : iterable of Module
        Whose linear layers count.
    weight : float
        Price of one unit.
    """

    def __init__(self, modules: Iterable[nn.Module], weight: float) -> None:
        super().__init__()
        self.weight = weight
        layers = [m for module in modules for m in module.modules() if isinstance(m, nn.Linear)]
        self._layers = tuple(layers)  # a tuple: they are somebody else's submodules
        for i, layer in enumerate(layers):
            self.register_buffer(f"vector_{i}", F.normalize(torch.randn(layer.in_features), dim=0))

    def forward(self) -> Tensor:
        """Return the penalty and, in training, take one power iteration a layer."""
        norms = []
        for i, layer in enumerate(self._layers):
            v = self.get_buffer(f"vector_{i}")
            with torch.no_grad():
                u = F.normalize(layer.weight @ v, dim=0)
                v = F.normalize(layer.weight.t() @ u, dim=0)
                if self.training:
                    self.get_buffer(f"vector_{i}").copy_(v)
            norms.append(u @ layer.weight @ v)
        return self.weight * torch.stack(norms).sum()
