from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from toy_models import ToyModel, toy_batch, toy_layout
from toy_runs import QUICK, first_stage

from gensynth.errors import PluginError, TrainingError
from gensynth.model import Optimizer, Phase, Stage
from gensynth.nn.randomness import seeded
from gensynth.training import Trainer
from gensynth.training.optimizer import FusedAdamW


class Outliers(ToyModel):
    """Learns the mean of numbers, of which one in ten is 1000; several members where asked to."""

    def __init__(self, trim: float, members: int = 0) -> None:
        super().__init__(toy_layout())
        self.trim = trim
        self.center = torch.nn.Parameter(torch.zeros(members, 1) if members else torch.zeros(1))

    def stages(self):
        def losses(batch, rng):
            return (batch.numeric[:, 0] - self.center).abs()

        return (Stage("center", (Phase("distance", (self.center,), losses, Optimizer(0.05)),), trim=self.trim),)


@pytest.mark.parametrize("members", [0, 3])
def test_trimmed_rows_teach_nothing(members):
    rows = toy_batch(500)
    numeric = rows.numeric.clone()
    numeric[::10] = 1000.0
    rows = replace(rows, numeric=numeric)
    whole, trimmed = Outliers(0.0, members), Outliers(0.4, members)
    histories = [Trainer(**QUICK).run(model, rows, 0).history for model in (whole, trimmed)]
    assert histories[0][-1]["loss_distance"] > 50
    assert histories[1][-1]["loss_distance"] < 1
    assert histories[1][-1]["monitor"] < 1  # held-out rows may be anomalies too
    assert ((trimmed.center > 0.2) & (trimmed.center < 0.8)).all()


def test_losses_of_members_are_averaged():
    class Rows(ToyModel):
        members = False

        def loss(self, batch, rng):
            losses = super().loss(batch, rng)
            return torch.stack([losses, 3 * losses]) / 2 if self.members else losses

    models = []
    for members in (False, True):
        with seeded(0):
            models.append(Rows(toy_layout()))
        models[-1].members = members
        Trainer(**QUICK).run(models[-1], toy_batch(), 0)
    for a, b in zip(models[0].parameters(), models[1].parameters(), strict=True):
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize("shape", [(3,), (2, 3), (1, 1, 32)])
def test_losses_of_another_shape_are_a_plugin_error(shape):
    class Odd(ToyModel):
        def loss(self, batch, rng):
            return super().loss(batch, rng).mean().expand(shape)

    with pytest.raises(PluginError, match="a number for each row"):
        Trainer(**QUICK).run(Odd(toy_layout()), toy_batch(), 0)


def test_phases_take_turns_and_leave_other_parameters_alone():
    turns = []

    class Game(ToyModel):
        def stages(self):
            stage = first_stage(super().stages())
            phase = stage.phases[0]

            def generator_loss(batch, rng):
                turns.append("extra")
                return self.loss(batch, rng) * (self.extra**2 + 1) + self.extra

            def loss(batch, rng):
                if self.training:
                    turns.append("net")
                assert all(p.grad is None for p in self.parameters())
                return self.loss(batch, rng)

            second = replace(phase, name="second", parameters=(self.extra,), loss=generator_loss, every=3)
            after = replace(phase, loss=loss, after_step=lambda: turns.append("after"))
            return (replace(stage, phases=(after, second), monitor=self.loss),)

    Trainer(**{**QUICK, "max_epochs": 2, "batch_size": 30}).run(Game(toy_layout()), toy_batch(100), 0)
    assert turns[:7] == ["net", "after"] * 3 + ["extra"]
    assert turns.count("extra") == 2


def test_gradients_are_clipped_by_norm():
    class Steep(ToyModel):
        def stages(self):
            phase = replace(first_stage(super().stages()).phases[0], parameters=(self.extra,), loss=self.steep)
            return (Stage("steep", (phase,), monitor=lambda b, r: self.extra.detach()),)

        def steep(self, batch, rng):
            return 1e6 * self.extra

    norms = []
    step = FusedAdamW.step

    def watched(self, gradients):
        norms.append(float(gradients[0]))
        return step(self, gradients)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FusedAdamW, "step", watched)
        Trainer(**{**QUICK, "max_epochs": 1, "clip_norm": 2.0}).run(Steep(toy_layout()), toy_batch(), 0)
    assert norms[0] == pytest.approx(2.0, rel=1e-4)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_guard_names_stage_phase_step_and_value(value):
    class Exploding(ToyModel):
        calls = 0

        def loss(self, batch, rng):
            self.calls += self.training
            return super().loss(batch, rng) * (value if self.calls == 7 and self.training else 1.0)

    with pytest.raises(TrainingError, match=rf"stage 'codes', phase 'likelihood', step 7: loss {value}"):
        Trainer(**QUICK).run(Exploding(toy_layout()), toy_batch(), 0)


def test_phase_without_parameters_is_a_plugin_error():
    class Empty(ToyModel):
        def stages(self):
            stage = first_stage(super().stages())
            return (replace(stage, phases=(replace(stage.phases[0], parameters=()),)),)

    with pytest.raises(PluginError, match="no parameter"):
        Trainer(**QUICK).run(Empty(toy_layout()), toy_batch(), 0)
