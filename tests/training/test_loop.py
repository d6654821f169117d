from __future__ import annotations

import itertools
import time
from dataclasses import replace

import pytest
import torch
from toy_models import ToyModel, toy_batch, toy_layout
from toy_runs import QUICK, build, first_stage

from gensynth.errors import PluginError
from gensynth.model import Stage
from gensynth.nn.randomness import seeded
from gensynth.training import Trainer


def test_history_rows():
    history = Trainer(**{**QUICK, "max_epochs": 120}).run(build(two_stages=True), toy_batch(), 0).history
    assert [row["stage"] for row in history] == sorted(row["stage"] for row in history)
    assert {row["stage"] for row in history} == {"codes", "extra"}
    row = history[0]
    assert set(row) == {"stage", "epoch", "step", "seconds", "loss_likelihood", "monitor", "learning_rate"}
    assert row["step"] == 50  # an epoch has 3
    assert row["epoch"] == 50 / 3
    assert "loss_square" in history[-1]


def test_what_a_stage_reports_becomes_columns_of_the_history():
    class Reporting(ToyModel):
        def stages(self):
            stage = first_stage(super().stages())
            return (replace(stage, report=self.numbers),)

        def numbers(self, batch, rng):
            return {"mean": float(batch.numeric.mean()), "eval": float(not self.training), "noise": torch.rand(())}

    rows = toy_batch()
    result = Trainer(**{**QUICK, "max_epochs": 60}).run(Reporting(toy_layout()), rows, 0)
    assert len(result.history) > 1
    for row in result.history:
        assert row["mean"] == pytest.approx(float(rows.numeric[result.held_out.rows].mean()), rel=1e-5)
        assert row["eval"] == 1.0
        assert row["noise"] == result.history[0]["noise"]  # the same draws in every round


@pytest.mark.parametrize("name", ["monitor", "loss_likelihood", "stage"])
def test_a_report_takes_no_column_of_the_history(name):
    class Reporting(ToyModel):
        def stages(self):
            stage = first_stage(super().stages())
            return (replace(stage, report=lambda batch, rng: {name: 1.0}),)

    with pytest.raises(PluginError, match=name):
        Trainer(**QUICK).run(Reporting(toy_layout()), toy_batch(), 0)


def test_best_weights_are_kept():
    class Drifting(ToyModel):
        """Its monitor is best in the second round."""

        def stages(self):
            stage = first_stage(super().stages())
            rounds = iter([3.0, 1.0, 2.0, 4.0, 5.0, 6.0, 7.0])

            def monitor(batch, rng):
                value = next(rounds)
                weights.append(self.head.weight.detach().clone())
                return torch.tensor(value)

            return (replace(stage, monitor=monitor),)

    weights: list[torch.Tensor] = []
    with seeded(0):  # from some weights the hidden layer is dead, and nothing moves
        model = Drifting(toy_layout())
    Trainer(**{**QUICK, "max_epochs": 1000, "patience": 4}).run(model, toy_batch(), 0)
    assert len(weights) == 6  # two rounds, and four stalls
    assert torch.equal(model.head.weight, weights[1])
    assert not torch.equal(model.head.weight, weights[-1])


@pytest.mark.parametrize("decays", [True, False])
def test_learning_rate_is_halved_where_the_stage_allows(decays):
    class Stalled(ToyModel):
        def stages(self):
            stage = first_stage(super().stages())
            stalled = replace(stage, monitor=lambda batch, rng: torch.tensor(1.0), decay_on_plateau=decays)
            return (replace(stalled, max_steps=900),)  # a third of which is 6 rounds

    history = (
        Trainer(**{**QUICK, "max_epochs": 10_000, "patience": 6}).run(Stalled(toy_layout()), toy_batch(), 0).history
    )
    rates = [row["learning_rate"] for row in history]
    assert len(rates) == 7
    assert rates[-1] == pytest.approx(0.01 / 32 if decays else 0.01)  # at each stall but the last


def test_learning_rate_falls_over_the_last_third():
    history = Trainer(**{**QUICK, "max_epochs": 200, "patience": 999}).run(build(), toy_batch(), 0).history
    rates = {row["step"] / 600: row["learning_rate"] for row in history}
    assert rates[min(rates)] == 0.01
    assert rates[1.0] < 0.001


def test_time_budget_is_kept_and_the_rate_has_fallen(monkeypatch):
    model = build(two_stages=True)
    Trainer(**{**QUICK, "max_epochs": 1}).run(model, toy_batch(50), 0)
    began = time.monotonic()
    options = {**QUICK, "max_epochs": 10**7, "max_time": 1.5, "patience": 10**6}
    model = build(two_stages=True, dropout=0.5)
    rounds, stages = itertools.count(), model.stages()
    always_better = lambda batch, rng: torch.tensor(-float(next(rounds)))  # noqa: E731 - only the budget ends it
    better = tuple(replace(s, monitor=always_better) if isinstance(s, Stage) else s for s in stages)
    monkeypatch.setattr(model, "stages", lambda: better)
    history = Trainer(**options).run(model, toy_batch(5000), 0).history
    assert 1.0 < time.monotonic() - began < 1.5 * 1.1 + 0.1
    assert {row["stage"] for row in history} == {"codes", "extra"}
    assert history[-1]["learning_rate"] < 0.1 * 1e-3


def test_small_table_is_not_stopped_after_a_few_steps():
    history = Trainer(progress=False, device="cpu").run(build(), toy_batch(24), 1).history
    assert history[-1]["step"] >= 500


@pytest.mark.parametrize("n", [2, 3, 19, 33, 65])
def test_no_batch_of_one_row(n):
    sizes = []

    class Watching(ToyModel):
        def loss(self, batch, rng):
            if self.training:
                sizes.append(len(batch))
            return super().loss(batch, rng)

    Trainer(**{**QUICK, "validation_fraction": 0.0, "max_epochs": 3, "batch_size": 32}).run(
        Watching(toy_layout()), toy_batch(n), 0
    )
    assert min(sizes) >= 2
    assert sum(sizes) == 3 * n


def test_a_stage_says_how_many_steps_are_a_full_run():
    class Short(ToyModel):
        def stages(self):
            return (replace(first_stage(super().stages()), max_steps=1000, decay_on_plateau=False),)

    with seeded(0):
        model = Short(toy_layout())
    history = Trainer(progress=False, device="cpu", patience=10**6).run(model, toy_batch(1000), 0).history
    assert 1000 <= history[-1]["step"] <= 1030


@pytest.mark.parametrize("full", [True, False])
def test_a_full_run_makes_all_steps_and_keeps_weights_from_its_end(full):
    class Worsening(ToyModel):
        """Every step makes its monitor worse."""

        start: torch.Tensor

        def stages(self):
            stage = first_stage(super().stages())
            moved = lambda batch, rng: (self.head.weight - self.start).abs().sum()  # noqa: E731
            return (replace(stage, monitor=moved, ema_decay=0.0, decay_on_plateau=False, full_run=full),)

    model = Worsening(toy_layout())
    model.start = model.head.weight.detach().clone()
    history = Trainer(max_epochs=400, progress=False, patience=1).run(model, toy_batch(), seed=0).history
    monitors = [row["monitor"] for row in history]
    kept = float((model.head.weight.detach() - model.start).abs().sum())
    assert (history[-1]["epoch"] == 400) is full
    assert (kept == pytest.approx(min(monitors))) is not full
    if full:
        late = [row["monitor"] for row in history if row["epoch"] > 400 * 5 / 6]
        assert kept == pytest.approx(min(late))
