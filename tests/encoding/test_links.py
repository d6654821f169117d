"""Columns that are often equal: found, told apart from chance, and equal again after decoding."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from gensynth import Synthesizer, Trainer
from gensynth.encoding.links import NO, YES
from gensynth.encoding.rows import Rows
from gensynth.encoding.table import TableEncoder
from gensynth.encoding.tablestate import table_from_state, table_state
from gensynth.layout import Encoding
from gensynth.schema import TableSchema

N = 400
RNG = np.random.default_rng(5)


def bills(dtype="float64"):
    """A bill, what was paid of it (often all), and a number that has nothing to do with either."""
    bill = np.round(RNG.gamma(2.0, 400.0, N), 2)
    paid = np.where(RNG.random(N) < 0.3, bill, np.round(bill * RNG.random(N), 2))
    other = np.round(RNG.gamma(2.0, 400.0, N), 2)
    return pd.DataFrame({"bill": bill, "other": other, "paid": paid}).astype(dtype)


def fit(frame, first=()):
    return TableEncoder(TableSchema.infer(frame, keep=first), Encoding(), first).fit(frame)


def only_link(encoder):
    ((position, link),) = encoder.links.items()
    return position, link


def test_the_equal_columns_are_found_and_stand_side_by_side():
    frame = bills()
    encoder = fit(frame)
    position, link = only_link(encoder)
    assert (link.earlier, link.later) == ("bill", "paid")
    assert link.share == pytest.approx((frame["bill"] == frame["paid"]).mean())
    assert [c.name for c in encoder.layout.columns] == ["bill", "other", "paid = bill", "paid"]
    codes = encoder.encode(frame).codes[:, position]
    assert np.array_equal(codes == YES, frame["bill"] == frame["paid"])
    assert set(codes) == {NO, YES}


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame(RNG.integers(0, 20, (N, 4)), columns=list("abcd")),  # small numbers meet by chance
        pd.DataFrame(RNG.integers(0, 2, (N, 4)), columns=list("abcd")),
        pd.DataFrame({"a": RNG.normal(size=N), "b": RNG.normal(size=N)}),
        pd.DataFrame({"a": np.arange(N) * 0.5, "b": RNG.permutation(N) * 0.5}),
    ],
)
def test_what_is_equal_by_chance_is_no_link(frame):
    assert not fit(frame).links


def test_columns_of_other_units_are_not_compared():
    frame = bills()
    frame["paid"] = frame["paid"].round(1)
    frame["bill"] = frame["bill"].round(0).astype(int)
    assert not fit(frame).links


def test_dates_are_linked_too():
    day = pd.Timestamp("2024-01-01") + pd.to_timedelta(RNG.integers(0, 3000, N), unit="D")
    shipped = day + pd.to_timedelta(np.where(RNG.random(N) < 0.4, 0, RNG.integers(1, 9, N)), unit="D")
    frame = pd.DataFrame({"ordered": day, "shipped": shipped})
    encoder = fit(frame)
    assert (only_link(encoder)[1].earlier, only_link(encoder)[1].later) == ("ordered", "shipped")
    pd.testing.assert_frame_equal(encoder.decode(encoder.encode(frame), RNG), frame)


def test_fitted_rows_come_back_and_gaps_stay_gaps():
    frame = bills()
    frame.loc[::7, "bill"] = np.nan
    frame.loc[::5, "paid"] = np.nan
    encoder = fit(frame)
    assert encoder.links
    pd.testing.assert_frame_equal(encoder.decode(encoder.encode(frame), RNG), frame)


def drawn_anew(encoder, frame):
    """Encoded rows whose cells were all drawn, equal or not: another row's cells, this row's link."""
    rows = encoder.encode(frame)
    position, _ = only_link(encoder)
    codes, numeric = rows.codes[::-1].copy(), rows.numeric[::-1].copy()
    codes[:, position] = rows.codes[:, position]
    # two columns from different rows are not equal of themselves
    later = encoder.position["paid"]
    codes[:, later] = np.roll(codes[:, later], 3)
    number = encoder.layout.columns[later].numeric.index
    numeric[:, number] = np.roll(numeric[:, number], 3)
    return Rows(numeric, codes)


def test_decoding_makes_equal_what_is_said_to_be():
    frame = bills()
    encoder = fit(frame)
    rows = drawn_anew(encoder, frame)
    position, _ = only_link(encoder)
    out = encoder.decode(rows, RNG)
    said = rows.codes[:, position] == YES
    within = out["bill"].between(frame["paid"].min(), frame["paid"].max())  # what "paid" can hold
    assert (out["bill"] == out["paid"])[said & within].all()
    assert (out["bill"] == out["paid"])[~said].mean() < 0.02
    assert out["paid"].max() <= frame["paid"].max()


@pytest.mark.parametrize(("kept", "follows"), [("paid", "bill"), ("bill", "paid")])
def test_a_given_cell_stays_and_the_other_follows(kept, follows):
    frame = bills()
    encoder = fit(frame)
    rows = drawn_anew(encoder, frame)
    alone = encoder.decode(Rows(rows.numeric, np.where(np.arange(4) == only_link(encoder)[0], NO, rows.codes)), RNG)
    given = np.zeros(rows.codes.shape, dtype=bool)
    given[:, encoder.position[kept]] = True
    out = encoder.decode(rows, RNG, given)
    pd.testing.assert_series_equal(out[kept], alone[kept])
    said = rows.codes[:, only_link(encoder)[0]] == YES
    within = out[kept].between(frame[follows].min(), frame[follows].max())
    assert (out["bill"] == out["paid"])[said & within].all()


def test_links_go_through_json():
    frame = bills()
    encoder = fit(frame)
    state, arrays = table_state(encoder)
    again = table_from_state(json.loads(json.dumps(state, allow_nan=False)), arrays)
    assert again.links == encoder.links
    assert again.layout == encoder.layout
    assert not table_state(fit(frame[["other"]]))[0]["links"]


def test_conditions_on_both_columns_say_whether_they_are_equal():
    frame = bills()
    encoder = fit(frame)
    values = frame[["bill", "paid"]].head(50)
    columns, rows = encoder.encode_condition(values, 50)
    position, _ = only_link(encoder)
    assert columns == (0, position, encoder.position["paid"])
    assert np.array_equal(rows.codes[:, position] == YES, values["bill"] == values["paid"])
    assert encoder.encode_condition({"paid": float(frame["paid"][0])}, 1)[0] == (encoder.position["paid"],)


def test_two_condition_columns_are_not_linked():
    frame = bills()
    assert not fit(frame, ("bill", "paid")).links
    assert fit(frame, ("paid",)).links


@pytest.mark.parametrize("model", ["vlae", "vae", "wgan"])
def test_samples_are_as_often_equal_as_the_rows(model):
    frame = bills()
    synthesizer = Synthesizer(model, trainer=Trainer(max_epochs=15, progress=False), random_state=0).fit(frame)
    sample = synthesizer.sample(2000)
    assert (sample["bill"] == sample["paid"]).mean() == pytest.approx((frame["bill"] == frame["paid"]).mean(), abs=0.1)


def test_given_and_filled_cells_of_linked_columns():
    frame = bills()
    synthesizer = Synthesizer("vlae", trainer=Trainer(max_epochs=3, progress=False), random_state=0).fit(frame)
    amount = float(frame["paid"][3])
    assert (synthesizer.sample(20, {"paid": amount})["paid"] == amount).all()
    holes = frame.head(40).copy()
    holes.loc[::2, "paid"] = np.nan
    holes.loc[1::4, "bill"] = np.nan
    full = synthesizer.impute(holes)
    assert not full.isna().any().any()
    pd.testing.assert_frame_equal(full.where(holes.notna()), holes)
    assert np.isfinite(synthesizer.score_samples(holes)).all()
