"""Conditions that allow several values follow the joint distribution, whatever the family can be given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest
import torch

from gensynth import Synthesizer, Trainer
from gensynth.errors import CapabilityError, ColumnWarning, ConditionError
from gensynth.model import Batch, Fit, GenerativeModel, Recipe, Score


class Memory(GenerativeModel):
    """Draws the rows it was trained on; with a condition among those that have the given codes."""

    score_methods: ClassVar[tuple[str, ...]] = ("none",)

    def __init__(self, layout, conditional):
        super().__init__(layout)
        self.conditional = conditional
        self.register_buffer("codes", torch.zeros(0, len(layout.columns), dtype=torch.long))
        self.register_buffer("numeric", torch.zeros(0, layout.n_numeric))
        self.drawn = 0

    def stages(self):
        return (Fit("memory", self._store),)

    def _store(self, batch, rng):
        self.codes, self.numeric = batch.codes, batch.numeric

    def generate(self, n, rng, observed=None):
        self.drawn += n
        chances = torch.ones(n, len(self.codes))
        if observed is not None:
            if not self.conditional:
                raise CapabilityError("this family cannot condition")
            for i in observed.columns:
                chances *= observed.rows.codes[:, i, None] == self.codes[None, :, i]
            chances += 1e-9
        rows = torch.multinomial(chances, 1, generator=rng)[:, 0]
        out = Batch(self.numeric[rows].clone(), self.codes[rows].clone())
        if observed is not None:
            out.codes[:, list(observed.columns)] = observed.rows.codes[:, list(observed.columns)]
        return out

    def score(self, batch, method=None, *, attribute=False) -> Score:
        return Score(torch.zeros(len(batch)))


@dataclass(eq=False)
class Memories(Recipe):
    score_methods = Memory.score_methods
    conditional: bool = True

    @property
    def capabilities(self):  # type: ignore[override]  # by instance, so that one class serves both
        return frozenset({"sample", "score", *(["conditional"] if self.conditional else [])})

    def build(self, layout):
        return Memory(layout, self.conditional)


def table(n=4000):
    rng = np.random.default_rng(0)
    city = rng.integers(0, 40, n)
    frame = pd.DataFrame({"city": [f"c{i:02d}" for i in city], "state": [f"s{i // 10}" for i in city]})
    frame["age"] = rng.integers(18, 90, n)
    frame["pay"] = (frame["age"] * 1000 + rng.normal(0, 3000, n)).round(2)
    frame["day"] = pd.Timestamp("2020-01-01") + pd.to_timedelta(frame["age"] + rng.integers(0, 9, n), unit="D")
    frame["sex"] = np.where(rng.random(n) < np.where(frame["age"] < 40, 0.9, 0.2), "F", "M")
    frame.loc[frame["age"] > 70, "pay"] = np.nan
    return frame


FRAME = table()


@pytest.fixture(scope="module")
def fitted():
    trainer = Trainer(validation_fraction=0, progress=False)
    settings: dict[str, Any] = {"trainer": trainer, "relations": False, "random_state": 0}
    return {c: Synthesizer(Memories(c), **settings).fit(FRAME) for c in (True, False)}


def pairs(frame):
    return set(zip(frame["city"], frame["state"], strict=True))


@pytest.mark.parametrize("conditional", [True, False])
def test_several_values_in_two_columns_go_together(fitted, conditional):
    wanted = {"city": ["c00", "c05", "c11", "c25"], "state": ["s0", "s1"]}
    sample = fitted[conditional].sample(2000, wanted, random_state=0)
    assert pairs(sample) == {("c00", "s0"), ("c05", "s0"), ("c11", "s1")}


def test_a_range_follows_a_column_that_is_given(fitted):
    sample = fitted[True].sample(2000, {"sex": "F", "age": slice(30, 60)}, random_state=0)
    real = FRAME[(FRAME["sex"] == "F") & FRAME["age"].between(30, 60)]
    assert set(sample["sex"]) == {"F"}
    assert sample["age"].between(30, 60).all()
    assert (sample["age"] < 40).mean() == pytest.approx((real["age"] < 40).mean(), abs=0.05)
    assert (real["age"] < 40).mean() > (FRAME["age"][FRAME["age"].between(30, 60)] < 40).mean() + 0.2


def test_two_ranges_follow_the_joint_distribution(fitted):
    wanted = {"age": slice(30, 50), "pay": pd.Interval(40_000, 60_000), "day": slice("2020-02-10", None)}
    sample = fitted[False].sample(500, wanted, random_state=0)
    assert sample["age"].between(32, 50).all()
    assert sample["pay"].between(40_000, 60_000).all()
    assert (sample["day"] >= "2020-02-10").all()
    assert ((sample["pay"] - 1000 * sample["age"]).abs() < 15_000).all()


def test_rare_conditions_are_met_too(fitted):
    wanted = {"city": ["c00", "c11"], "age": slice(18, 30), "sex": ["M"]}
    sample = fitted[True].sample(300, wanted | {"state": ["s0", "s1"]}, random_state=0)
    assert set(sample["city"]) == {"c00", "c11"}
    assert pairs(sample) <= pairs(FRAME)
    assert sample["age"].between(18, 30).all()
    never = {"city": ["c00", "c01"], "state": ["s2", "s3"]}  # the model has no such row: drawn by themselves
    sample = fitted[True].sample(50, never, random_state=0)
    assert set(sample["city"]) == {"c00", "c01"}
    assert set(sample["state"]) == {"s2", "s3"}
    with pytest.raises(CapabilityError):
        fitted[False].sample(50, never, random_state=0)


def test_missing_values_may_be_among_several(fitted):
    value = FRAME["pay"].dropna().iloc[0]
    sample = fitted[True].sample(400, {"pay": [None, value], "age": slice(60, None)}, random_state=0)
    assert sample["pay"].isna().mean() > 0.9
    assert (sample["age"] >= 60).all()
    values = [None, *FRAME["sex"].unique()]
    with pytest.raises(ConditionError, match="'sex' had no missing values"):
        fitted[True].sample(10, {"sex": values, "age": slice(60, 80)})


@pytest.mark.parametrize(
    "wanted",
    [
        {"age": slice(20, 40)},
        {"age": slice(20, 40), "sex": ["F", "M"]},
        {"city": ["c00", "c11"], "age": slice(18, 30)},
        pytest.param(
            {"city": ["c00", "c11"], "age": slice(18, 30), "sex": "M", "state": ["s0", "s1"]}, marks=pytest.mark.slow
        ),
    ],
)
def test_fewer_rows_are_a_prefix_of_more(fitted, wanted):
    few, many = (fitted[True].sample(n, wanted, random_state=3) for n in (100, 300))
    pd.testing.assert_frame_equal(few[list(wanted)], many[list(wanted)].head(100))


def test_one_range_works_for_a_family_that_cannot_condition(fitted):
    assert fitted[False].sample(200, {"age": slice(20, 30)}, random_state=0)["age"].between(20, 30).all()
    with pytest.raises(CapabilityError):
        fitted[False].sample(200, {"sex": "F"}, random_state=0)


def test_common_conditions_cost_no_more_rows_than_they_need(fitted):
    model = fitted[False].model_
    before = model.drawn
    fitted[False].sample(400, {"age": slice(20, 80), "sex": ["F", "M"]}, random_state=0)
    assert model.drawn - before <= 512


def test_rare_conditions_are_given_instead_of_waited_for(fitted):
    """Three in a thousand rows meet both: 400 of them would be found among more than 100,000."""
    model = fitted[True].model_
    before = model.drawn
    rows = fitted[True].sample(400, {"age": slice(85, 89), "city": ["c01", "c12"]}, random_state=0)
    assert rows["city"].isin(["c01", "c12"]).all()
    assert model.drawn - before < 20_000


def test_a_note_is_given_once(fitted):
    with pytest.warns(ColumnWarning, match="one of these two values") as notes:
        fitted[True].sample(50, {"age": (20, 30), "sex": ["F", "M"]}, random_state=0)
    assert len(notes) == 1


def test_no_rows(fitted):
    assert len(fitted[True].sample(0, {"age": slice(20, 30), "sex": "F"})) == 0
