"""Exponential moving average of a module's weights."""

from __future__ import annotations

import copy
import math
from typing import Generic, TypeVar

import torch
from torch import Tensor, nn

M = TypeVar("M", bound=nn.Module)


class MovingAverage(nn.Module, Generic[M]):
    """A shadow of a module whose weights follow it slowly: what a generator is sampled with.

    Yazici et al. 2019, "The Unusual Effectiveness of Averaging in GAN Training", arXiv:1806.04498. The decay is
    warmed up as min(decay, (1 + t) / (10 + t)) after t updates, so that the random start is forgotten.

    Parameters
    ----------
    module : nn.Module
        What is averaged; it is not kept, only copied.
    decay : float
        Share of the old average kept at each update, in [0, 1); 0 follows the module exactly.
    """

    module: M
    updates: Tensor

    def __init__(self, module: M, decay: float) -> None:
        super().__init__()
        self.decay = decay
        self.module = copy.deepcopy(module)
        self.module.requires_grad_(False)
        self.register_buffer("updates", torch.zeros((), dtype=torch.long))

    @torch.no_grad()
    def restart(self, module: M) -> None:
        """Start from the weights of ``module``, which are trained ones: the decay is full from now on."""
        self.module.load_state_dict(module.state_dict())
        self.updates.fill_(math.ceil(9.0 / (1.0 - self.decay)))

    @torch.no_grad()
    def update(self, module: M) -> None:
        """Move the average one step towards ``module``; its buffers are copied."""
        self.updates += 1
        t = int(self.updates)
        decay = min(self.decay, (1 + t) / (10 + t))
        for average, current in zip(self.module.parameters(), module.parameters(), strict=True):
            average.lerp_(current, 1.0 - decay)
        for kept, buffer in zip(self.module.buffers(), module.buffers(), strict=True):
            kept.copy_(buffer)
