"""Tables brought to one form, and what stands in for the synthetic rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from evaluated_tables import bills

from gensynth.errors import DataError
from gensynth.evaluation.samples import Samples
from gensynth.metrics.columns import kind_of


def test_text_that_stands_for_numbers_and_dates_is_read():
    days = pd.date_range("2024-01-01", periods=60).strftime("%d.%m.%Y")
    real = pd.DataFrame({"day": days, "price": [f"{i},50 €" for i in range(60)], "kind": ["a", "b"] * 30})
    found = Samples.of(real, real.sample(frac=1, random_state=0))
    assert kind_of(found.real["day"]) == "numeric"
    assert found.real["day"].iloc[1] == pd.Timestamp("2024-01-02")
    assert found.real["price"].tolist()[:2] == [0.5, 1.5]
    assert kind_of(found.real["kind"]) == "categorical"


def test_texts_of_moments_are_read_to_the_microsecond():
    start = pd.Timestamp("2024-01-01 10:00:00")
    moments = [start + pd.Timedelta(milliseconds=37 * i**2) for i in range(60)]
    texts = [f"{moment:%Y-%m-%d %H:%M:%S}.{moment.microsecond:06d}" for moment in moments]
    real = pd.DataFrame({"at": [*texts[:-1], None], "kind": ["a", "b"] * 30})
    found = Samples.of(real, real, schema={"at": "datetime"}).real["at"]
    assert found.tolist()[:-1] == moments[:-1]
    assert pd.isna(found.iloc[-1])


def test_identifiers_are_left_out_but_a_target_is_not():
    real, other = bills(60, 0), bills(60, 1)
    assert Samples.of(real, other).left_out == ("key",)
    assert Samples.of(real, other, schema={"key": "categorical"}).left_out == ()
    assert Samples.of(real, other, target="key").left_out == ()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.drop(columns="net"), "synthetic table lacks the column 'net' of the real table"),
        (lambda f: f.rename(columns={"net": "nett"}), "'net' of the real table.*it has the column 'nett' instead"),
        (lambda f: f.assign(more=1), "has the column 'more', which the real table lacks"),
        (lambda f: f.iloc[:1], "has 1 row; at least 20 are needed"),
        (lambda f: f.iloc[:0], "has 0 rows"),
        (lambda f: f.assign(net="much"), "column 'net'.*'much' is not a number"),
        (lambda f: f.assign(city=1), "column 'city' holds categorical values in the real table and int64 here"),
    ],
)
def test_other_tables_are_refused(change, message):
    with pytest.raises(DataError, match=message):
        Samples.of(bills(60, 0), change(bills(60, 1)))


def test_only_identifiers():
    keys = bills(60, 0)[["key"]]
    with pytest.raises(DataError, match="every column looks like an identifier: 'key'"):
        Samples.of(keys, bills(60, 1)[["key"]])


def test_floors_and_ceilings():
    real, other, held = bills(80, 0), bills(80, 1), bills(40, 2)
    with_held, without = Samples.of(real, other, held), Samples.of(real, other)
    assert with_held.pair("floor").other["net"].tolist() == held["net"].tolist()
    halves = without.pair("floor")
    assert sorted([*halves.real["net"], *halves.other["net"]]) == sorted(real["net"])
    shuffled = without.pair("ceiling").other
    assert sorted(shuffled["net"]) == sorted(real["net"])
    assert not np.isclose(shuffled["net"] + shuffled["vat"], shuffled["total"]).all()


def test_models_learn_from_equally_many_rows_and_are_tested_on_others():
    real, other, held = bills(100, 0), bills(40, 1), bills(30, 2)
    samples = Samples.of(real, other, held)
    train, test = samples.learned_from("floor", 0)
    assert (len(train), len(test)) == (40, 30)
    assert len(samples.learned_from("both", 0)[0]) == 140
    assert len(samples.learned_from("alone", 0)[0]) == 100
    train, test = Samples.of(real, other).learned_from("floor", 0)
    assert (len(train), len(test)) == (40, 30)
    assert not set(train.index) & set(test.index)


@pytest.mark.parametrize("held", [None, bills(30, 2)])
@pytest.mark.parametrize("n_synthetic", [40, 100, 250])
def test_models_of_synthetic_and_of_real_rows_learn_from_equally_many(held, n_synthetic):
    samples = Samples.of(bills(100, 0), bills(n_synthetic, 1), held)
    assert len({len(samples.learned_from(role, 0)[0]) for role in ("value", "floor", "ceiling")}) == 1


@pytest.mark.parametrize("swap", [False, True])
@pytest.mark.parametrize("as_category", [False, True])
def test_categories_of_numbers_and_texts_of_the_same_levels_are_equal(swap, as_category):
    numbers = pd.DataFrame({"x": np.arange(60.0), "k": pd.Categorical([1, 2, 3] * 20)})
    texts = numbers.assign(k=numbers["k"].astype(str).astype("category" if as_category else object))
    texts.loc[7, "k"] = None
    found = Samples.of(*((texts, numbers) if swap else (numbers, texts)))
    assert set(found.synthetic["k"].dropna()) == set(found.real["k"].dropna())
    assert (found.synthetic if not swap else found.real)["k"].isna().sum() == 1
