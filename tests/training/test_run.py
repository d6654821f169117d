from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from toy_models import ToyModel, toy_batch, toy_layout
from toy_runs import QUICK, build, first_stage, same

from gensynth.errors import CollapseWarning
from gensynth.model import Fit
from gensynth.nn.randomness import seeded
from gensynth.training import Trainer


def test_epochs_are_shared_among_stages():
    class Lopsided(ToyModel):
        def stages(self):
            stages = super().stages()
            return replace(first_stage(stages), budget_fraction=3.0), *stages[1:]

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


LONG = {**QUICK, "max_epochs": 100}  # 300 steps


class Collapsing(ToyModel):
    """Ends far above its bound unless it was built with luck, which is a matter of the random state."""

    luck: torch.Tensor

    def __init__(self, luck: float) -> None:
        super().__init__(toy_layout(), dropout=0.5)
        self.register_buffer("luck", torch.tensor(luck))

    def stages(self):
        stage = first_stage(super().stages())

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
