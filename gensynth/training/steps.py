"""One optimiser step: gradient, clipping, update, and a check for non-finite values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Generator, Tensor

from gensynth.errors import PluginError, TrainingError
from gensynth.model import Batch, Phase, Stage
from gensynth.nn.randomness import EveryDrawFrom, drawing_from
from gensynth.training.distributed import added_up, own_share
from gensynth.training.optimizer import FusedAdamW

GUARD_EVERY = 25
"""Steps between checks for divergence on an accelerator, where every check synchronises with the device."""


class PhaseStepper:
    """Steps of one `Phase`, with its optimiser, mean loss and check for non-finite values.

    Parameters
    ----------
    stage : Stage
        Says how losses are trimmed; named in errors.
    phase : Phase
        What is minimised.
    clip_norm : float or None
        Most norm the gradient keeps.
    device : torch.device
        Where the model lives.
    """

    def __init__(self, stage: Stage, phase: Phase, clip_norm: float | None, device: torch.device) -> None:
        self.where = f"stage {stage.name!r}, phase {phase.name!r}"
        self.phase = phase
        self.clip_norm = clip_norm
        self.parameters = [p for p in phase.parameters if p.requires_grad]
        if not self.parameters:
            raise PluginError(f"{self.where}: no parameter to train")
        self.trim = stage.trim
        self.optimizer = FusedAdamW(self.parameters, phase.optimizer)
        self.guard_every = 1 if device.type == "cpu" else GUARD_EVERY
        self.total = torch.zeros((), device=device)
        self.count = 0
        self.catches = False
        self.bad_step = torch.full((), -1, dtype=torch.long, device=device)
        self.bad_values = torch.zeros(2, device=device)

    def set_factor(self, factor: float) -> None:
        """Set the learning rate to ``factor`` of the phase's own."""
        self.optimizer.learning_rate = self.phase.optimizer.learning_rate * factor

    def step(self, batch: Batch, rng: Generator, step: int, n_rows: int) -> None:
        """Take one step; ``step`` is the stage's count, for error messages.

        ``batch`` is this process's part of a batch of ``n_rows``: all of it where there is but one process.
        """
        losses = self._losses(batch, rng)
        if not losses.requires_grad:
            raise PluginError(f"{self.where}: the loss does not depend on the phase's parameters")
        if losses.dim() > 2 or (losses.dim() and losses.shape[-1] != len(batch)):
            raise PluginError(
                f"{self.where}: the loss has the shape {tuple(losses.shape)}; it must be a number for each row, "
                f"({len(batch)},) or (members, {len(batch)}), or a scalar"
            )
        share = own_share(losses, self.trim, n_rows)
        # Only this phase's gradients: a generator's loss must leave none in the critic.
        own = torch.autograd.grad(share, self.parameters, allow_unused=True)
        loss, gradients = added_up(share, own, self.parameters)
        norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm([g for g in gradients if g is not None])))
        self._guard(loss, norm, step)
        self.optimizer.step(self._clipped(gradients, norm))
        if self.phase.after_step is not None:
            with torch.no_grad():
                self.phase.after_step()

    def _losses(self, batch: Batch, rng: Generator) -> Tensor:
        """Return the losses of rows; all random draws, such as dropout, use ``rng``.

        Catching the draws of operations that were given no generator (`EveryDrawFrom`) costs time: it is done in the
        first step of a round, and in the others if there were such.
        """
        if self.count and not self.catches:
            with drawing_from(rng):
                return self.phase.loss(batch, rng)
        with EveryDrawFrom(rng) as draws:
            losses = self.phase.loss(batch, rng)
        self.catches |= draws.found
        return losses

    def _clipped(self, gradients: Sequence[Tensor | None], norm: Tensor) -> Sequence[Tensor | None]:
        """Return the clipped gradients; unchanged if their norm is small (free to test on a CPU only)."""
        if self.clip_norm is None or (self.guard_every == 1 and float(norm) < self.clip_norm):
            return gradients
        factor = (self.clip_norm / (norm + 1e-6)).clamp(max=1.0)
        return tuple(None if g is None else g * factor for g in gradients)

    def _guard(self, loss: Tensor, norm: Tensor, step: int) -> None:
        self.total += loss
        self.count += 1
        if self.guard_every == 1:
            value, size = float(loss), float(norm)
            if not (math.isfinite(value) and math.isfinite(size)):
                self._refuse(step, value, size)
            return
        finite = torch.isfinite(loss) & torch.isfinite(norm)
        first = ~finite & (self.bad_step < 0)
        self.bad_step = torch.where(first, step, self.bad_step)
        self.bad_values = torch.where(first, torch.stack((loss, norm)).to(self.bad_values), self.bad_values)
        if step % self.guard_every == 0:
            self.check()

    def check(self) -> None:
        """Raise `TrainingError` if a step since the last check had a non-finite loss or gradient."""
        bad = int(self.bad_step)
        if bad >= 0:
            loss, norm = self.bad_values.tolist()
            self._refuse(bad, loss, norm)

    def _refuse(self, step: int, loss: float, norm: float) -> None:
        raise TrainingError(
            f"{self.where}, step {step}: loss {loss:g}, gradient norm {norm:g} is not finite; "
            "try a lower learning_rate or clip_norm, or look for extreme values in the table"
        )

    def mean_loss(self) -> float | None:
        """Return the mean loss since the last call; None if there was no step."""
        mean = float(self.total) / self.count if self.count else None
        self.total.zero_()
        self.count = 0
        return mean

    def state(self) -> dict[str, Any]:
        """Return the optimiser's state as plain types and tensors."""
        return self.optimizer.state()

    def load_state(self, state: dict[str, Any]) -> None:
        """Restore what `state` returned."""
        self.optimizer.load_state(state)
