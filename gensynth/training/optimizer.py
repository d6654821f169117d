"""AdamW without torch's optimiser classes, whose first use imports the compiler (2 to 4 seconds)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.adamw import adamw

from gensynth.model import Optimizer

EPSILON = 1e-8


class FusedAdamW:
    """AdamW over one group of parameters, with torch's kernel (fused on CPU and CUDA) and its own state.

    Parameters
    ----------
    parameters : sequence of Parameter
        What is optimised.
    settings : Optimizer
        Step size (``learning_rate`` may be set anew before any step), decays of the moments and of the weights.

    References
    ----------
    Loshchilov & Hutter 2019, "Decoupled weight decay regularization" (arXiv 1711.05101), algorithm 2.
    """

    def __init__(self, parameters: Sequence[nn.Parameter], settings: Optimizer) -> None:
        self.parameters = list(parameters)
        self.learning_rate = settings.learning_rate
        self.betas = settings.betas
        self.weight_decay = settings.weight_decay
        self.fused = all(p.device.type in ("cpu", "cuda") for p in self.parameters)
        self.alike = self.fused and len({(p.device, p.dtype) for p in self.parameters}) == 1
        self.first = [torch.zeros_like(p, memory_format=torch.preserve_format) for p in self.parameters]
        self.second = [torch.zeros_like(p, memory_format=torch.preserve_format) for p in self.parameters]
        # the fused kernel wants its counts on the device, the plain one on the CPU
        self.steps = [torch.zeros((), device=p.device if self.fused else "cpu") for p in self.parameters]

    @torch.no_grad()
    def step(self, gradients: Sequence[Tensor | None]) -> None:
        """Take one step; a parameter whose gradient is None is left as it is."""
        used = [i for i, gradient in enumerate(gradients) if gradient is not None]
        parameters: list[Tensor] = [self.parameters[i] for i in used]
        given = [_laid_out_as(self.parameters[i], gradients[i]) for i in used]
        first, second, steps = ([own[i] for i in used] for own in (self.first, self.second, self.steps))
        if self.alike:  # the kernel itself: sorting tensors by device and type costs a good part of a small step
            torch._foreach_add_(steps, 1)
            torch._fused_adamw_(
                parameters,
                given,
                first,
                second,
                [],
                steps,
                lr=self.learning_rate,
                beta1=self.betas[0],
                beta2=self.betas[1],
                weight_decay=self.weight_decay,
                eps=EPSILON,
                amsgrad=False,
                maximize=False,
            )
            return
        adamw(
            parameters,
            given,
            first,
            second,
            [],
            steps,
            foreach=False,
            fused=self.fused,
            amsgrad=False,
            beta1=self.betas[0],
            beta2=self.betas[1],
            lr=self.learning_rate,
            weight_decay=self.weight_decay,
            eps=EPSILON,
            maximize=False,
        )

    def state(self) -> dict[str, Any]:
        """Return moments and counts."""
        return {"first": self.first, "second": self.second, "steps": self.steps}

    def load_state(self, state: dict[str, Any]) -> None:
        """Restore what `state` returned, onto the parameters' devices."""
        for own, saved in ((self.first, state["first"]), (self.second, state["second"]), (self.steps, state["steps"])):
            for tensor, value in zip(own, saved, strict=True):
                tensor.copy_(value)


def _laid_out_as(parameter: Tensor, gradient: Tensor | None) -> Tensor:
    """Return the gradient with the parameter's memory layout, as the fused kernel reads both in order.

    Gradients of transposed or channels-last weights lie otherwise, and the kernel mixes up the entries in silence.
    """
    assert gradient is not None
    if gradient.stride() == parameter.stride():
        return gradient
    return torch.empty_like(parameter, memory_format=torch.preserve_format).copy_(gradient)
