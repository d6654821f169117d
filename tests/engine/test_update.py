"""A fitted model learns further rows, and says which columns moved."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from toy_models import Toy

from gensynth import Synthesizer, Trainer
from gensynth.encoding.category import CategoryEncoder
from gensynth.errors import ColumnWarning, DriftWarning, OptionError, SchemaError

TRAINER = Trainer(max_epochs=25, progress=False, device="cpu")


def rows(n: int = 400, high: float = 0.2, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame({"c": np.where(rng.random(n) < high, "high", "low"), "x": rng.normal(size=n).round(2)})


def fitted(**options) -> Synthesizer:
    return Synthesizer(Toy(), trainer=TRAINER, relations=False, random_state=0, **options).fit(rows())


def share(synthesizer: Synthesizer) -> float:
    return float((synthesizer.sample(4000, random_state=1)["c"] == "high").mean())


def test_new_rows_count_as_much_as_those_before():
    synthesizer = fitted()
    assert share(synthesizer) == pytest.approx(0.2, abs=0.06)
    with pytest.warns(DriftWarning, match=r"1 column moved since the fit: 'c'") as caught:
        synthesizer.partial_fit(rows(high=1.0, seed=1))
    assert caught[0].message.columns == ("c",)  # type: ignore[union-attr]
    assert share(synthesizer) == pytest.approx(0.6, abs=0.08)
    layout = synthesizer.fitted_.encoder.layout
    assert layout.n_rows == 800
    assert dict(zip(("high", "low"), sorted(layout.columns[0].frequencies[1:], reverse=True), strict=True)) == (
        pytest.approx({"high": 0.6, "low": 0.4}, abs=0.03)
    )


def test_rows_like_those_before_are_no_drift():
    synthesizer = fitted()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        synthesizer.partial_fit(rows(seed=5))
    assert share(synthesizer) == pytest.approx(0.2, abs=0.06)


def test_the_first_call_is_a_fit_and_a_warm_fit_goes_on():
    one = Synthesizer(Toy(), trainer=TRAINER, relations=False, random_state=0).partial_fit(rows())
    pd.testing.assert_frame_equal(one.sample(20, random_state=0), fitted().sample(20, random_state=0))
    again = fitted().partial_fit(rows(seed=5)).sample(20, random_state=0)
    warm = fitted(warm_start=True).fit(rows(seed=5)).sample(20, random_state=0)
    pd.testing.assert_frame_equal(again, warm)
    cold = fitted().fit(rows(seed=5)).sample(20, random_state=0)
    assert not cold.equals(warm)


def test_a_model_that_was_saved_learns_on(tmp_path):
    from gensynth.engine.update import updated

    model = fitted().fitted_
    before = model.sample(20, None, [0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DriftWarning)
        updated(model, rows(high=1.0), TRAINER, 1)
    pd.testing.assert_frame_equal(model.sample(20, None, [0]), before)


def test_what_was_never_fitted_is_left_out():
    with pytest.warns(ColumnWarning, match="3 rows not learned"):
        fitted().partial_fit(pd.concat([rows(seed=5), pd.DataFrame({"c": ["new"] * 3, "x": 0.0})]))
    with pytest.raises(SchemaError, match="lacks the column 'x'"):
        fitted().partial_fit(rows()[["c"]])


def test_identifiers_of_new_rows_are_not_made_again():
    first, more = np.arange(1000, 1300), np.arange(1300, 1600)
    tables = [rows(300, seed=i).assign(key=keys) for i, keys in enumerate((first, more))]
    new = Synthesizer(Toy(), trainer=TRAINER, relations=False, random_state=0, schema={"key": "identifier"})
    synthesizer = clone(new).fit(tables[0])
    synthesizer.partial_fit(tables[1])
    drawn = synthesizer.sample(200, random_state=0)["key"]
    assert not set(drawn) & {*first, *more}
    texts = [table.assign(key=[f"C{7 * k:06}" for k in table["key"]]) for table in tables]
    synthesizer = clone(new).fit(texts[0])
    synthesizer.partial_fit(texts[1])
    drawn = synthesizer.sample(400, random_state=0)["key"]
    assert not set(drawn) & {*texts[0]["key"], *texts[1]["key"]}


def test_weights_of_new_rows_count():
    synthesizer = fitted()
    new = pd.DataFrame({"c": ["high", "low"] * 100, "x": np.random.default_rng(1).normal(size=200).round(2)})
    with pytest.warns(DriftWarning):
        synthesizer.partial_fit(new, sample_weight=np.where(new["c"] == "high", 10, 1))
    encoder = synthesizer.fitted_.encoder
    column = encoder.columns["c"]
    assert isinstance(column, CategoryEncoder)
    frequencies = dict(zip(column.labels.index, encoder.layout.columns[0].frequencies[1:], strict=True))
    assert frequencies["high"] == pytest.approx((0.2 * 400 + 1000) / (400 + 1100), abs=0.02)


def test_a_warm_fit_is_of_the_same_model():
    synthesizer = fitted(warm_start=True).set_params(model=Toy(width=4))
    with pytest.raises(OptionError, match="warm_start"):
        synthesizer.fit(rows(seed=5))
    with pytest.raises(OptionError, match="resume"):
        fitted(warm_start=True).fit(rows(seed=5), resume=True)
