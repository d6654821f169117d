"""What is said of new rows: they help, they hurt, they make no difference."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from toy_models import Toy

from gensynth import Trainer, augment
from gensynth.augmentation.check import AugmentCheck, check_rows


def table(n: int = 400, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 2))
    y = rng.random(n) < 1 / (1 + np.exp(4 - 4 * (x[:, 0] + x[:, 1])))
    return pd.DataFrame({"a": x[:, 0], "b": x[:, 1], "y": np.where(y, "yes", "no")})


def test_rows_of_the_same_source_do_not_hurt_and_wrong_ones_do():
    good = check_rows(table(), "y", lambda train: table(3000, seed=9))
    assert good is not None
    assert good.positive == "yes"
    assert good.mean("synthetic") > good.mean("nothing")
    wrong = check_rows(table(), "y", lambda train: train.assign(y=np.where(train["y"] == "yes", "no", "yes")))
    assert wrong is not None
    assert wrong.mean("synthetic") < wrong.mean("nothing") - 0.1
    assert wrong.best != "synthetic"
    assert "the new rows hurt; use" in str(wrong)
    assert wrong.nothing == good.nothing, "the folds are the same"


def test_the_rows_are_drawn_by_who_never_saw_the_held_out_ones():
    seen: list[pd.DataFrame] = []

    def draw(train: pd.DataFrame) -> pd.DataFrame:
        seen.append(train)
        return train.iloc[:5]

    frame = table(90).assign(b=np.arange(90.0))
    check_rows(frame, "y", draw)
    assert [len(train) for train in seen] == [60] * 3
    held = [set(frame["b"]) - set(train["b"]) for train in seen]
    assert set.union(*held) == set(frame["b"])
    assert not held[0] & held[1]


@pytest.mark.parametrize(
    ("scores", "best", "said"),
    [
        (((0.5, 0.6, 0.7), (0.4, 0.5, 0.6), (0.3, 0.4, 0.5)), "synthetic", "the new rows help; keep them"),
        (((0.4, 0.5, 0.6), (0.5, 0.6, 0.7), (0.5, 0.6, 0.7)), "nothing", "hurt; use the real rows alone"),
        (((0.5, 0.6, 0.7), (0.5, 0.6, 0.7), (0.6, 0.7, 0.8)), "weights", "do not help; use class weights"),
        (((0.6, 0.5, 0.7), (0.5, 0.6, 0.65), (0.5, 0.6, 0.7)), "nothing", "do not help; use the real rows alone"),
        (((0.502, 0.602), (0.5, 0.6), (0.5, 0.6)), "nothing", "do not help"),
    ],
)
def test_a_recommendation_needs_more_than_the_spread_of_the_folds(scores, best, said):
    synthetic, nothing, weights = scores
    found = AugmentCheck(synthetic, nothing, weights, "yes")
    assert found.best == best
    assert said in str(found)
    assert "average precision of 'yes'" in str(found)


@pytest.mark.parametrize(
    "frame",
    [
        table().assign(y="no"),
        table().assign(y=lambda f: f["a"]),
        table(20).assign(y=["yes"] + ["no"] * 19),
        table()[["y"]],
    ],
)
def test_nothing_to_check(frame):
    assert check_rows(frame, "y", lambda train: train) is None


def test_missing_classes_are_left_out_and_many_classes_are_averaged():
    frame = table().assign(y=lambda f: pd.cut(f["a"], [-9, -0.5, 0.5, 9], labels=["low", "mid", "high"]).astype(object))
    frame.loc[:9, "y"] = None
    found = check_rows(frame, "y", lambda train: train)
    assert found is not None
    assert found.positive is None
    assert found.mean("nothing") > 0.9
    assert "mean over classes" in str(found)


@pytest.mark.parametrize("options", [{"balance": True}, {"n_rows": 50}, {"ratio": 0.5}])
def test_augment_checks_where_it_is_asked_to(options):
    trainer = Trainer(max_epochs=1, progress=False, max_time=60)
    result = augment(table(120), "y", model=Toy(), trainer=trainer, check=True, random_state=0, **options)
    assert result.report.check is not None
    assert len(result.report.check.synthetic) == 3
    assert trainer.max_time == 60
    plain = augment(table(120), "y", model=Toy(), trainer=trainer, random_state=0, **options)
    assert plain.report.check is None


def test_no_target_no_check():
    trainer = Trainer(max_epochs=1, progress=False)
    result = augment(table(60), model=Toy(), trainer=trainer, n_rows=5, check=True, random_state=0)
    assert result.report.check is None
