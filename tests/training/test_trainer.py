from __future__ import annotations

import itertools
import math
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from toy_models import ToyModel, toy_batch, toy_layout

from gensynth.errors import CollapseWarning, DataError, ModelFileError, OptionError, PluginError, TrainingError
from gensynth.model import Fit, Optimizer, Phase, Stage
from gensynth.nn.randomness import seeded
from gensynth.training import Callback, Trainer
from gensynth.training.checkpoints import CheckpointFile, read_header
from gensynth.training.optimizer import FusedAdamW

QUICK = {"max_epochs": 20, "progress": False, "device": "cpu"}


def build(seed: int = 0, **options) -> ToyModel:
    with seeded(seed):
        return ToyModel(toy_layout(), **options)


def same(a: ToyModel, b: ToyModel) -> bool:
    return all(torch.equal(v, b.state_dict()[k]) for k, v in a.state_dict().items())


def test_training_lowers_the_monitor_and_ends_in_eval_mode():
    model = build()
    rounds = Trainer(**{**QUICK, "max_epochs": 200}).run(model, toy_batch(300), 0).history
    assert rounds[-1]["monitor"] < rounds[0]["monitor"] - 0.05
    assert not model.training
    assert all(p.grad is None for p in model.parameters())


def test_same_seed_same_weights_other_seed_others():
    models = [build() for _ in range(3)]
    for model, seed in zip(models, (1, 1, 2), strict=True):
        Trainer(**QUICK).run(model, toy_batch(), seed)
    assert same(models[0], models[1])
    assert not same(models[0], models[2])


def test_global_random_state_neither_matters_nor_changes():
    torch.manual_seed(5)
    first = build()
    Trainer(**QUICK).run(first, toy_batch(), 0)
    torch.manual_seed(6)
    before = torch.get_rng_state()
    second = build()
    Trainer(**QUICK).run(second, toy_batch(), 0)
    assert torch.equal(before, torch.get_rng_state())
    assert same(first, second)


def test_history_rows():
    history = Trainer(**{**QUICK, "max_epochs": 120}).run(build(two_stages=True), toy_batch(), 0).history
    assert [row["stage"] for row in history] == sorted(row["stage"] for row in history)
    assert {row["stage"] for row in history} == {"codes", "extra"}
    row = history[0]
    assert set(row) == {"stage", "epoch", "step", "seconds", "loss_likelihood", "monitor", "learning_rate"}
    assert row["step"] == 50  # an epoch has 3
    assert row["epoch"] == 50 / 3
    assert "loss_square" in history[-1]


def test_epochs_are_shared_among_stages():
    class Lopsided(ToyModel):
        def stages(self):
            first, fit, second = super().stages()
            return replace(first, budget_fraction=3.0), fit, second

    model = Lopsided(toy_layout(), two_stages=True)
    history = Trainer(**{**QUICK, "max_epochs": 40, "patience": 99}).run(model, toy_batch(), 0).history
    last = {row["stage"]: row["epoch"] for row in history}
    assert last == {"codes": 30, "extra": 10}


def test_a_fit_sees_the_training_rows_only_and_may_be_all_there_is():
    seen = []

    class Closed(ToyModel):
        def stages(self):
            def fit(batch, rng):
                seen.append((len(batch), self.training, torch.is_grad_enabled()))
                self.fit_mean(batch, rng)

            return (Fit("fit", fit),)

    model = Closed(toy_layout())
    assert Trainer(**QUICK).run(model, toy_batch(100), 0).history == []
    assert seen == [(90, False, False)]
    assert model.mean != 0


@pytest.mark.parametrize(("max_rows", "expected"), [(None, 90), (30, 30), (1000, 90)])
def test_a_fit_is_given_as_many_training_rows_as_it_takes(max_rows, expected):
    seen = []

    class Closed(ToyModel):
        def stages(self):
            return (Fit("fit", lambda batch, rng: seen.extend(batch.numeric.flatten().tolist()), max_rows),)

    rows = toy_batch(100)
    held_out = Trainer(**QUICK).run(Closed(toy_layout()), rows, 0).held_out
    assert len(seen) == len(set(seen)) == expected
    assert set(seen) <= set(rows.numeric.flatten().tolist()) - set(rows.numeric[held_out.rows].flatten().tolist())
    if expected == 30:
        assert len(set(seen) & set(rows.numeric[:50].flatten().tolist())) < 30  # not the first ones


def test_the_result_says_which_rows_were_not_learned_from():
    learned = set()

    class Watching(ToyModel):
        def loss(self, batch, rng):
            if self.training:
                learned.update(batch.numeric.flatten().tolist())
            return super().loss(batch, rng)

    rows = toy_batch(200)
    held_out = Trainer(**QUICK).run(Watching(toy_layout()), rows, 0).held_out
    assert len(held_out) == 20
    assert learned == set(rows.numeric.flatten().tolist()) - set(rows.numeric[held_out.rows].flatten().tolist())
    assert len(Trainer(**QUICK).run(build(), toy_batch(15), 0).held_out) == 0
    assert len(Trainer(**{**QUICK, "validation_fraction": 0.0}).run(build(), toy_batch(50), 0).held_out) == 0


def test_held_out_rows_have_their_weights():
    weights = np.arange(1, 101)
    held_out = Trainer(**QUICK).run(build(), toy_batch(100), 0, weights=weights).held_out
    assert len(held_out) == 505  # a tenth of the parts
    assert (held_out.row_weights(100) <= weights).all()


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


def test_what_a_stage_reports_becomes_columns_of_the_history():
    class Reporting(ToyModel):
        def stages(self):
            (stage,) = super().stages()
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
            (stage,) = super().stages()
            return (replace(stage, report=lambda batch, rng: {name: 1.0}),)

    with pytest.raises(PluginError, match=name):
        Trainer(**QUICK).run(Reporting(toy_layout()), toy_batch(), 0)


def test_best_weights_are_kept():
    class Drifting(ToyModel):
        """Its monitor is best in the second round."""

        def stages(self):
            (stage,) = super().stages()
            rounds = iter([3.0, 1.0, 2.0, 4.0, 5.0, 6.0, 7.0])

            def monitor(batch, rng):
                value = next(rounds)
                weights.append(self.head.weight.detach().clone())
                return torch.tensor(value)

            return (replace(stage, monitor=monitor),)

    weights: list[torch.Tensor] = []
    model = Drifting(toy_layout())
    Trainer(**{**QUICK, "max_epochs": 1000, "patience": 4}).run(model, toy_batch(), 0)
    assert len(weights) == 6  # two rounds, and four stalls
    assert torch.equal(model.head.weight, weights[1])
    assert not torch.equal(model.head.weight, weights[-1])


@pytest.mark.parametrize("decays", [True, False])
def test_learning_rate_is_halved_where_the_stage_allows(decays):
    class Stalled(ToyModel):
        def stages(self):
            (stage,) = super().stages()
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


def test_time_budget_is_kept_and_the_rate_has_fallen():
    model = build(two_stages=True)
    Trainer(**{**QUICK, "max_epochs": 1}).run(model, toy_batch(50), 0)
    began = time.monotonic()
    options = {**QUICK, "max_epochs": 10**7, "max_time": 1.5, "patience": 10**6}
    model = build(two_stages=True, dropout=0.5)
    rounds, stages = itertools.count(), model.stages()
    always_better = lambda batch, rng: torch.tensor(-float(next(rounds)))  # noqa: E731 - only the budget ends it
    model.stages = lambda: tuple(replace(s, monitor=always_better) if isinstance(s, Stage) else s for s in stages)
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


def test_one_row_is_refused():
    with pytest.raises(DataError, match="at least 2 rows"):
        Trainer(**QUICK).run(build(), toy_batch(1), 0)


def test_phases_take_turns_and_leave_other_parameters_alone():
    turns = []

    class Game(ToyModel):
        def stages(self):
            (stage,) = super().stages()
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
            phase = replace(super().stages()[0].phases[0], parameters=(self.extra,), loss=self.steep)
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
            (stage,) = super().stages()
            return (replace(stage, phases=(replace(stage.phases[0], parameters=()),)),)

    with pytest.raises(PluginError, match="no parameter"):
        Trainer(**QUICK).run(Empty(toy_layout()), toy_batch(), 0)


def test_callbacks_see_rounds_and_can_stop():
    stages, infos = [], []

    class Stopper(Callback):
        def on_stage(self, name):
            stages.append(name)

        def on_round(self, info):
            infos.append(info)
            return len(infos) == 2

    plain = []
    history = (
        Trainer(**{**QUICK, "max_epochs": 1000, "callbacks": [Stopper(), plain.append]})
        .run(build(), toy_batch(), 0)
        .history
    )
    assert stages == ["codes"]
    assert len(history) == len(plain) == 2
    assert infos[1].best <= infos[0].monitor
    assert infos[0].to_row() == history[0]


class Interrupt(Exception):
    pass


@pytest.mark.parametrize("after", [2, 4, 5, 6, 8])
def test_resumed_run_has_the_weights_of_an_uninterrupted_one(tmp_path, after):
    options = {**QUICK, "max_epochs": 160, "patience": 99}
    whole = build(two_stages=True, dropout=0.5)
    expected = Trainer(**options).run(whole, toy_batch(), 3).history
    assert len({row["stage"] for row in expected[: after + 1]}) == (1 if after < 5 else 2)  # over the boundary too
    rounds = []

    def interrupt(info):
        rounds.append(info)
        if len(rounds) == after:
            raise Interrupt

    path = tmp_path / "run.ckpt"
    with pytest.raises(Interrupt):
        Trainer(**options, checkpoint=path, callbacks=[interrupt]).run(
            build(two_stages=True, dropout=0.5), toy_batch(), 3
        )
    resumed = build(two_stages=True, dropout=0.5)
    torch.rand(3)  # another global state must not matter
    history = Trainer(**options, checkpoint=path).run(resumed, toy_batch(), 3, resume=True).history
    assert same(whole, resumed)
    for row, other in zip(history, expected, strict=True):
        assert {k: v for k, v in row.items() if k != "seconds"} == {k: v for k, v in other.items() if k != "seconds"}


def test_resuming_a_finished_run_gives_its_weights_at_once(tmp_path):
    options = {**QUICK, "checkpoint": tmp_path / "run.ckpt"}
    first, second = build(), build()
    Trainer(**options).run(first, toy_batch(), 3)
    Trainer(**options).run(second, toy_batch(), 3, resume=True)
    assert same(first, second)


def test_checkpoint_of_another_run_is_refused(tmp_path):
    options = {**QUICK, "checkpoint": tmp_path / "run.ckpt"}
    Trainer(**options).run(build(), toy_batch(), 3, identity={"beta": 3})

    def refused(message, *, model=None, batch=None, seed=3, identity=None, **changed):
        with pytest.raises(OptionError, match=message):
            Trainer(**options, **changed).run(
                model or build(), batch or toy_batch(), seed, resume=True, identity=identity or {"beta": 3}
            )

    refused("another run: the table is another;", batch=toy_batch(seed=1))
    refused("rows was", batch=toy_batch()[torch.arange(50)])
    refused("another run: the network is another;", model=build(dropout=0.1))
    refused("another run: beta was 3, now 4;", identity={"beta": 4})
    refused("gamma is new", identity={"beta": 3, "gamma": 1})
    refused("another run: seed was 3, now 4;", seed=4)
    refused("another run: trainer.batch_size was 'auto', now 7;", batch_size=7)


def test_checkpoint_that_is_missing_or_damaged(tmp_path):
    path = tmp_path / "run.ckpt"

    def resumed():
        Trainer(**QUICK, checkpoint=path).run(build(), toy_batch(), 3, resume=True)

    with pytest.raises(OptionError, match="no checkpoint"):
        resumed()
    with pytest.raises(OptionError, match="needs Trainer"):
        Trainer(**QUICK).run(build(), toy_batch(), 3, resume=True)
    Trainer(**QUICK, checkpoint=path).run(build(), toy_batch(), 3)
    resumed()
    whole = path.read_bytes()
    for n in (0, 5, 30, 100, 1000, len(whole) - 1):
        path.write_bytes(whole[:n])
        with pytest.raises(ModelFileError, match="checkpoint"):
            resumed()
    path.write_bytes(whole + b"x")
    with pytest.raises(ModelFileError, match="cut off or changed"):
        resumed()
    places = np.random.default_rng(0).integers(0, len(whole), 60).tolist()
    for place in [*range(0, 400, 20), *places]:
        flipped = bytearray(whole)
        flipped[place] ^= 1
        path.write_bytes(flipped)
        with pytest.raises(ModelFileError, match="checkpoint"):
            resumed()


def test_a_checkpoint_runs_no_code(tmp_path):
    """A file with a right checksum, made to do harm, is refused by what reads it."""
    path = tmp_path / "run.ckpt"
    told = []

    class Evil:
        def __reduce__(self):
            return (told.append, ("run",))

    Trainer(**QUICK, checkpoint=path).run(build(), toy_batch(), 3)
    CheckpointFile(path, read_header(path).marks).write({"model": Evil()})
    with pytest.raises(ModelFileError, match="cannot be read"):
        Trainer(**QUICK, checkpoint=path).run(build(), toy_batch(), 3, resume=True)
    assert not told


def test_a_checkpoint_says_whether_its_run_is_finished(tmp_path):
    path = tmp_path / "run.ckpt"

    def interrupt(info):
        assert info.step < 150

    with pytest.raises(AssertionError):
        Trainer(**{**QUICK, "max_epochs": 100}, checkpoint=path, callbacks=[interrupt]).run(build(), toy_batch(), 0)
    assert not read_header(path).finished
    assert read_header(path).marks["seed"] == "0"
    Trainer(**QUICK, checkpoint=path).run(build(), toy_batch(), 0)
    assert read_header(path).finished


def test_interrupt_leaves_no_temporary_file(tmp_path):
    def interrupt(info):
        if info.step > 60:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Trainer(**{**QUICK, "max_epochs": 100}, checkpoint=tmp_path / "run.ckpt", callbacks=[interrupt]).run(
            build(), toy_batch(), 0
        )
    assert [p.name for p in tmp_path.iterdir()] == ["run.ckpt"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_epochs", 0), ("max_epochs", 2.5), ("max_epochs", "many"), ("max_time", 0), ("max_time", math.inf),
        ("batch_size", -1), ("batch_size", True), ("validation_fraction", 1.0), ("validation_fraction", "a"),
        ("patience", 0), ("clip_norm", -1.0), ("progress", "yes"), ("callbacks", [3]), ("checkpoint", 5),
        ("device", "abacus"), ("device", "cuda:99"), ("device", "meta"), ("device", 3.5),
    ],
)  # fmt: skip
def test_impossible_options_are_named(name, value):
    with pytest.raises(OptionError, match=name):
        Trainer(**{**QUICK, name: value}).run(build(), toy_batch(), 0)


def test_numpy_numbers_are_options_too():
    Trainer(max_epochs=np.int64(2), clip_norm=np.float32(1), progress=False, device="cpu").run(build(), toy_batch(), 0)


def test_progress_bar_shows_stage_and_losses(capsys):
    Trainer(**{**QUICK, "progress": True}).run(build(), toy_batch(), 0)
    captured = capsys.readouterr()
    assert "codes" in captured.err
    assert captured.out == ""


def test_progress_is_silent_without_a_terminal(capsys):
    Trainer(**{**QUICK, "progress": "auto"}).run(build(), toy_batch(), 0)
    assert capsys.readouterr() == ("", "")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_is_reproducible_and_resumes(tmp_path):
    options = {**QUICK, "device": "cuda", "max_epochs": 100}
    models = [build(two_stages=True) for _ in range(2)]
    for model in models:
        Trainer(**options).run(model, toy_batch(), 0)
    assert same(*models)
    assert next(models[0].parameters()).is_cuda


# -- training that collapses -----------------------------------------------------------------------------------


LONG = {**QUICK, "max_epochs": 100}  # 300 steps


class Collapsing(ToyModel):
    """Ends far above its bound unless it was built with luck, which is a matter of the random state."""

    def __init__(self, luck: float) -> None:
        super().__init__(toy_layout(), dropout=0.5)
        self.register_buffer("luck", torch.tensor(luck))

    def stages(self):
        (stage,) = super().stages()

        def monitor(batch, rng):
            return self.loss(batch, rng) + (100.0 if self.luck < 0.5 else 0.0)

        return (
            replace(
                stage, monitor=monitor, decay_on_plateau=False, collapse_bound=lambda batch, rng: torch.tensor(50.0)
            ),
            Fit("mean", self.fit_mean),
        )


def lucky(luck: float) -> Collapsing:
    with seeded(0):
        return Collapsing(luck)


def test_a_collapse_is_said_and_training_starts_over_once_from_a_new_seed():
    model, built = lucky(0.0), []

    def rebuild():
        built.append(torch.initial_seed())
        return Collapsing(1.0)

    with pytest.warns(
        CollapseWarning, match=r"stage 'codes', step \d+: the monitor is 1.*starts over from a new seed"
    ) as caught:
        history = Trainer(**LONG).run(model, toy_batch(), 0, rebuild=rebuild).history
    assert len(caught) == len(built) == 1
    assert model.luck == 1.0
    assert max(row["monitor"] for row in history) < 50.0  # of the second attempt alone
    other = lucky(1.0)
    Trainer(**LONG).run(other, toy_batch(), 0)
    assert not same(model, other)


def test_a_second_collapse_is_said_and_the_best_weights_stay():
    model, built = lucky(0.0), []

    def rebuild():
        built.append(1)
        return Collapsing(0.0)

    with pytest.warns(CollapseWarning) as caught:
        Trainer(**LONG).run(model, toy_batch(), 0, rebuild=rebuild)
    assert [("starts over" in str(w.message)) for w in caught] == [True, False]
    assert len(built) == 1
    assert "best weights so far are kept" in str(caught[1].message)


def test_without_a_way_to_rebuild_a_collapse_is_only_said():
    with pytest.warns(CollapseWarning, match="best weights so far are kept"):
        Trainer(**LONG).run(lucky(0.0), toy_batch(), 0)


def test_a_model_that_learns_is_not_rebuilt():
    Trainer(**LONG).run(lucky(1.0), toy_batch(), 0, rebuild=lambda: pytest.fail("rebuilt"))


def test_a_run_that_has_hardly_begun_has_not_collapsed():
    trainer = Trainer(**QUICK).set_params(batch_size=32)
    trainer.run(lucky(0.0), toy_batch(), 0, rebuild=lambda: pytest.fail("rebuilt"))


@pytest.mark.parametrize("after", [1, 3])
def test_a_run_interrupted_after_its_restart_resumes_exactly(tmp_path, after):
    path, rounds = tmp_path / "run.ckpt", []
    options = {**LONG, "patience": 1000}

    def interrupt(info):
        rounds.append(info)
        lucky_rounds = [r for r in rounds if r.monitor < 50]
        if len(lucky_rounds) > after:
            raise KeyboardInterrupt

    whole = lucky(0.0)
    with pytest.warns(CollapseWarning):
        Trainer(**options).run(whole, toy_batch(), 3, rebuild=lambda: Collapsing(1.0))
    with pytest.warns(CollapseWarning), pytest.raises(KeyboardInterrupt):
        Trainer(**options, checkpoint=path, callbacks=[interrupt]).run(
            lucky(0.0), toy_batch(), 3, rebuild=lambda: Collapsing(1.0)
        )
    resumed = lucky(0.0)
    Trainer(**options, checkpoint=path).run(resumed, toy_batch(), 3, resume=True, rebuild=lambda: Collapsing(1.0))
    assert same(whole, resumed)


def test_a_stage_says_how_many_steps_are_a_full_run():
    class Short(ToyModel):
        def stages(self):
            return (replace(super().stages()[0], max_steps=1000, decay_on_plateau=False),)

    with seeded(0):
        model = Short(toy_layout())
    history = Trainer(progress=False, device="cpu", patience=10**6).run(model, toy_batch(1000), 0).history
    assert 1000 <= history[-1]["step"] <= 1030


@pytest.mark.parametrize("full", [True, False])
def test_a_full_run_makes_all_steps_and_keeps_weights_from_its_end(full):
    class Worsening(ToyModel):
        """Every step makes its monitor worse."""

        def stages(self):
            (stage,) = super().stages()
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
