"""What is said of new rows: they help, they hurt, they make no difference."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from toy_models import Toy

from gensynth import Augmenter, Trainer, augment
from gensynth.augmentation.baselines import SkippedError
from gensynth.augmentation.check import UncheckedError, check_rows
from gensynth.schema import TableSchema


def table(n: int = 400, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 2))
    y = rng.random(n) < 1 / (1 + np.exp(4 - 4 * (x[:, 0] + x[:, 1])))
    return pd.DataFrame({"a": x[:, 0], "b": x[:, 1], "y": np.where(y, "yes", "no")})


def test_rows_of_the_same_source_do_not_hurt_and_wrong_ones_do():
    good = check_rows(table(), "y", lambda train: table(3000, seed=9))
    assert good.positive == "yes"
    assert good.mean("synthetic") > good.mean("nothing")
    wrong = check_rows(table(), "y", lambda train: train.assign(y=np.where(train["y"] == "yes", "no", "yes")))
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


def test_rows_that_cannot_be_compared_are_told_of():
    with pytest.raises(UncheckedError, match=r"fold failed: .*'b'"):
        check_rows(table(), "y", lambda train: train.drop(columns="b"))


def test_simpler_ways_are_beside_it():
    found = check_rows(table(), "y", lambda train: train)
    assert found.simple == ("nothing", "weights", "oversampling", "smote")
    assert all(0 < found.mean(way) <= 1 for way in found.simple)
    assert "with random oversampling" in str(found)
    assert "with SMOTE" in str(found)


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (table().assign(y="no"), "has 1 class, not 2 to 50"),
        (table().assign(y=lambda f: f["a"]), "holds numbers or dates"),
        (table(20).assign(y=["yes"] + ["no"] * 19), "class 'yes' has 1 row, and 3 folds need 6"),
        (table()[["y"]], "no column but the target"),
    ],
)
def test_why_there_is_nothing_to_check(frame, reason):
    with pytest.raises(UncheckedError, match=reason):
        check_rows(frame, "y", lambda train: train)


def test_missing_classes_are_left_out_and_many_classes_are_averaged():
    frame = table().assign(y=lambda f: pd.cut(f["a"], [-9, -0.5, 0.5, 9], labels=["low", "mid", "high"]).astype(object))
    frame.loc[:9, "y"] = None
    found = check_rows(frame, "y", lambda train: train)
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


def test_without_a_check_the_model_has_the_whole_time(monkeypatch):
    """And where there is nothing to check: the target is continuous."""
    given = []

    def fit_extend(self, X, y, n_rows, sample_weight=None):
        given.append(self.trainer.max_time)
        return original(self, X, y, n_rows, sample_weight)

    original = Augmenter.fit_extend
    monkeypatch.setattr(Augmenter, "fit_extend", fit_extend)
    trainer = Trainer(max_epochs=1, progress=False, max_time=60)
    for options in ({"target": "y"}, {"target": "a", "check": True}, {"target": "y", "check": True}):
        augment(table(120), model=Toy(), trainer=trainer, n_rows=9, random_state=0, **options)
    assert given == [60, 60, 30, 10, 10, 10]


def test_rows_are_kept_where_the_check_fails(monkeypatch):
    calls = []

    def fit_extend(self, *args):
        calls.append(args)
        if len(calls) == 3:
            raise ZeroDivisionError("a model\nthat cannot")
        return original(self, *args)

    original = Augmenter.fit_extend
    monkeypatch.setattr(Augmenter, "fit_extend", fit_extend)
    trainer = Trainer(max_epochs=1, progress=False)
    result = augment(table(120), "y", model=Toy(), trainer=trainer, n_rows=9, check=True, random_state=0)
    assert len(result.frame) == 129
    assert result.report.check is None
    assert result.report.unchecked == "the model of a fold failed: a model that cannot"


def test_runs_that_the_clock_ended_are_told_of(monkeypatch):
    monkeypatch.setattr("gensynth.augmentation.adding.STOPPED", 0.0)
    trainer = Trainer(max_epochs=1, progress=False, max_time=60)
    result = augment(table(120), "y", model=Toy(), trainer=trainer, n_rows=9, check=True, random_state=0)
    assert result.report.check is not None
    assert "stopped by the time limit after 10 s" in str(result.report.check)
    free = Trainer(max_epochs=1, progress=False)
    result = augment(table(120), "y", model=Toy(), trainer=free, n_rows=9, check=True, random_state=0)
    assert result.report.check is not None
    assert result.report.check.note is None


def test_identifiers_are_left_out_and_dates_are_numbers():
    frame = table(120)
    told = np.where(frame["y"] == "yes", "yes", "no")
    frame["key"] = [f"{word}-{i}" for i, word in enumerate(told)]
    first = pd.Timestamp("2024-01-01")
    frame["day"] = [
        (first + pd.Timedelta(days=int(i))).strftime("%d.%m.%Y") for i in np.argsort(np.argsort(frame["a"]))
    ]
    columns = TableSchema.infer(frame, {"key": "identifier"}).columns
    found = check_rows(frame, "y", lambda train: train, columns)
    as_number = frame.drop(columns="key").assign(day=pd.to_datetime(frame["day"], format="%d.%m.%Y"))
    assert found == check_rows(as_number, "y", lambda train: train)


def test_the_rarer_class_is_that_of_the_whole_table():
    """Of 45 and 44 rows the folds have 15 and 15, or 15 and 14: a tie is not decided by the order of the classes."""
    frame = table(89).assign(y=["no"] * 45 + ["yes"] * 44)
    frame["a"] = np.where(frame["y"] == "yes", 1.0, 0.0) + np.random.default_rng(1).normal(size=89)
    found = check_rows(frame, "y", lambda train: train)
    assert found.positive == "yes"
    renamed = check_rows(frame.assign(y=frame["y"].map({"yes": "a", "no": "z"})), "y", lambda train: train)
    assert renamed.positive == "a"
    assert renamed.nothing == found.nothing


def test_a_column_that_is_missing_in_every_row_is_no_harm():
    found = check_rows(table().assign(gone=np.nan), "y", lambda train: train)
    assert found.nothing == check_rows(table(), "y", lambda train: train).nothing


def test_smote_that_fails_is_skipped_with_the_reason(monkeypatch):
    def refuse(*arguments):
        raise SkippedError("SMOTE failed: no neighbours")

    monkeypatch.setattr("gensynth.augmentation.check.smote", refuse)
    found = check_rows(table(), "y", lambda train: train.iloc[:50])
    assert found.simple == ("nothing", "weights", "oversampling")
    assert found.skipped == "SMOTE failed: no neighbours"
    assert str(found).endswith("(SMOTE failed: no neighbours)")
