"""The loop over one stage: rounds of steps, evaluation, early stopping, best weights."""

from __future__ import annotations

import math
import time
from typing import Any

import torch
from torch import Generator, Tensor

from gensynth.errors import PluginError, TrainingError
from gensynth.model import GenerativeModel, Loss, Stage
from gensynth.nn import ranks
from gensynth.nn.ema import WeightEMA
from gensynth.nn.randomness import EveryDrawFrom, drawing_from
from gensynth.nn.trimming import trimmed_mean
from gensynth.training.callbacks import EvaluationRound, stop_asked
from gensynth.training.context import RunContext
from gensynth.training.distributed import part
from gensynth.training.schedule import MIN_ROUND, TAIL, Budget, tail_factor
from gensynth.training.steps import PhaseStepper

DECAY_AFTER = 1
"""Evaluations without improvement after which the learning rates are halved."""
MIN_DECAY = 1 / 32
"""A stage ends when its learning rates have been halved below this."""
MIN_IMPROVEMENT = 3e-4
"""Minimal relative improvement; smaller ones still update the best weights, but count as none."""

RESERVED = frozenset({"stage", "epoch", "step", "seconds", "monitor", "learning_rate"})
"""Reserved columns of the history, which reports may not use."""

MIN_COLLAPSE = 200
"""Steps from which on a bad monitor means that training collapsed, not that it has hardly begun."""


class StageLoop:
    """Training loop of one stage of ``model``; its state can be saved between two rounds.

    Parameters
    ----------
    model : GenerativeModel
        On the device of ``context.data``.
    stage : Stage
        With at least one phase.
    context : RunContext
        Rows, options, generators.
    budget : Budget
        Steps and seconds of this stage.
    """

    def __init__(self, model: GenerativeModel, stage: Stage, context: RunContext, budget: Budget) -> None:
        self.model = model
        self.stage = stage
        self.context = context
        self.budget = budget
        self.device = context.data.table.device
        self.steppers = [PhaseStepper(stage, phase, context.clip_norm, self.device) for phase in stage.phases]
        self.monitor: Loss = stage.monitor if stage.monitor is not None else stage.phases[0].loss
        self.average = WeightEMA([p for s in self.steppers for p in s.parameters], stage.ema_decay)
        self.order = torch.empty(0, dtype=torch.long, device=self.device)  # drawn at the first step
        self.step = 0
        self.stalls = 0
        self.used = 0.0  # of the budget
        self.decay = 1.0
        self.best = math.inf
        self.reference = math.inf
        self.best_weights: dict[str, Tensor] | None = None
        self.last = math.inf
        self.evaluation_seconds = 0.0
        self.watched = True  # whether the monitor may draw from no generator of ours, as `PhaseStepper` has it

    def next_round(self) -> tuple[dict[str, Any], bool]:
        """Train up to the next evaluation, and evaluate; return the history row and whether the stage is over."""
        first_step = self.step
        self._train()
        context = self.context
        began = time.monotonic()
        with self.average.in_place():
            monitor = self._evaluate(self.monitor)
            report = self._report()
            found = monitor, time.monotonic() - began
            monitor, self.evaluation_seconds = ranks.from_first(found)
            self.last = monitor
            self._judge(monitor, self.step - first_step)
        losses = {s.phase.name: s.mean_loss() for s in self.steppers}
        info = EvaluationRound(
            stage=self.stage.name,
            epoch=self.step / context.batching.steps,
            step=self.step,
            seconds=context.clock.seconds,
            losses={name: loss for name, loss in losses.items() if loss is not None},
            monitor=monitor,
            report=report,
            best=self.best,
            learning_rate=self.steppers[0].optimizer.learning_rate,
            model=self.model,
        )
        row = info.to_row()
        if any(name in RESERVED or name.startswith("loss_") for name in report):
            raise PluginError(
                f"stage {self.stage.name!r} reports {', '.join(report)}; some are columns of every history"
            )
        context.progress.show_round(info)
        asked, over = stop_asked(context.callbacks, info), self._is_over()
        return row, ranks.from_first(asked or over)

    def collapsed(self) -> str:
        """Return the evidence that the model collapsed by the last round; "" if there is none."""
        if self.stage.collapse_bound is None or self.step < MIN_COLLAPSE:
            return ""
        bound = self._evaluate(self.stage.collapse_bound)
        if self.last <= bound:
            return ""
        return f"stage {self.stage.name!r}, step {self.step}: the monitor is {self.last:.3g}, above {bound:.3g}"

    def finish(self) -> None:
        """Restore the best weights."""
        if self.best_weights is not None:
            self.model.load_state_dict(self.best_weights)
        self.model.eval()

    def _train(self) -> None:
        context, batching = self.context, self.context.batching
        self.model.train()
        ranks.take_from_first([*self.model.parameters(), *self.model.buffers(), *self.average.values])
        began = context.clock.common()
        for _ in range(min(batching.round_steps, self.budget.max_steps - self.step)):
            now = context.clock.common()
            if self.step > 0 and self.budget.late(now, self.evaluation_seconds):
                break
            if self.budget.seconds is not None:  # a round may be longer than the whole budget
                long = max(self.budget.seconds / 20, 10 * self.evaluation_seconds)
                if now - began > long:
                    break
            was, self.used = self.used, self.budget.used(self.step, now)
            if self.stage.full_run and was < 1.0 - TAIL / 2 <= self.used:
                self.best, self.best_weights = math.inf, None
            self._one_step(self.decay * tail_factor(self.used))
            context.progress.show_step(self.stage.name, self.used)
        for stepper in self.steppers:
            stepper.check()

    def _one_step(self, factor: float) -> None:
        context, batching = self.context, self.context.batching
        turn = self.step % batching.steps
        if turn == 0:
            self.order = context.data.train_rows.shuffle(context.rng)
        first, last = batching.bounds(turn)
        batch = context.data.table[self.order[part(first, last)]]
        self.step += 1
        noise = context.step_noise(self.stage.name, self.step)
        for stepper in self.steppers:
            if self.step % stepper.phase.every == 0:
                stepper.set_factor(factor)
                stepper.step(batch, noise, self.step, last - first)
        self.average.update(self.step)

    def _evaluate(self, monitor: Loss) -> float:
        """Return a monitor on held-out rows: eval mode, the same noise in every round."""
        noise = self._evaluation_noise()
        total = 0.0
        draws = EveryDrawFrom(noise) if self.watched else drawing_from(noise)
        with torch.no_grad(), draws:
            for part in self.context.data.validation:
                total += float(trimmed_mean(monitor(part, noise), self.stage.trim)) * len(part)
        if isinstance(draws, EveryDrawFrom):
            self.watched = draws.found
        return total / self.context.data.n_validation

    def _report(self) -> dict[str, float]:
        """Return the stage's report on held-out rows, evaluated like the monitor."""
        if self.stage.report is None:
            return {}
        noise = self._evaluation_noise()
        total: dict[str, float] = {}
        with torch.no_grad(), EveryDrawFrom(noise):
            for part in self.context.data.validation:
                for name, value in self.stage.report(part, noise).items():
                    total[name] = total.get(name, 0.0) + float(value) * len(part) / self.context.data.n_validation
        return total

    def _evaluation_noise(self) -> Generator:
        """Put the model in eval mode; return the generator of an evaluation."""
        self.model.eval()
        return self.context.evaluation_noise()

    def _judge(self, monitor: float, steps: int) -> None:
        """Update best weights, stall count and learning rates after a round of ``steps``."""
        if math.isnan(monitor):
            raise TrainingError(
                f"stage {self.stage.name!r}, step {self.step}: the monitor on held-out rows is not a number; "
                "try a lower learning_rate or clip_norm"
            )
        if monitor < self.best or self.best_weights is None:
            self.best = monitor
            self.best_weights = {k: v.detach().clone() for k, v in self.model.state_dict().items()}
        if monitor < self.reference - MIN_IMPROVEMENT * abs(monitor):
            self.reference = monitor
            self.stalls = 0
            return
        if steps < MIN_ROUND:  # cut short by a time budget: too few to call it a stall
            return
        self.stalls += 1
        if self.stage.decay_on_plateau and self.stalls % DECAY_AFTER == 0:
            self.decay /= 2

    def _has_stalled(self) -> bool:
        """Return whether patience is exhausted; for GANs, whose monitor fluctuates, at least a third of the run."""
        if self.stage.full_run or self.stalls < self.context.patience:
            return False
        full = min(self.budget.max_steps, self.stage.max_steps)
        return self.stage.decay_on_plateau or self.stalls * self.context.batching.round_steps >= full / 3

    def _is_over(self) -> bool:
        return (
            self.step >= self.budget.max_steps
            or self._has_stalled()
            or self.decay < MIN_DECAY
            or self.budget.late(self.context.clock.common(), self.evaluation_seconds)
        )

    def state(self) -> dict[str, Any]:
        """Return the complete state of the loop, as plain types and tensors."""
        return {
            "step": self.step,
            "stalls": self.stalls,
            "used": self.used,
            "decay": self.decay,
            "best": self.best,
            "reference": self.reference,
            "order": self.order,
            "best_weights": self.best_weights,
            "optimizers": [stepper.state() for stepper in self.steppers],
            "average": self.average.values,
            "evaluation_seconds": self.evaluation_seconds,
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Restore what `state` returned."""
        self.step, self.stalls, self.decay = state["step"], state["stalls"], state["decay"]
        self.used = state["used"]
        self.best, self.reference = state["best"], state["reference"]
        self.order = state["order"].to(self.device)
        best = state["best_weights"]
        self.best_weights = None if best is None else {k: v.to(self.device) for k, v in best.items()}
        self.evaluation_seconds = state["evaluation_seconds"]
        self.average.values = [value.to(self.device) for value in state["average"]]
        for stepper, saved in zip(self.steppers, state["optimizers"], strict=True):
            stepper.load_state(saved)
