"""Ranges as conditions: every value drawn lies within, by fitted frequency, whatever the column and the encoding."""

from __future__ import annotations

import datetime as dt
import decimal

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings

from gensynth.encoding.acceptance import meets
from gensynth.encoding.ranges import Range, pieces_of, ranges_of
from gensynth.encoding.table import TableEncoder
from gensynth.errors import ColumnWarning, ConditionError
from gensynth.layout import Encoding, NumericEncoding
from gensynth.schema import TableSchema
from gensynth.schema.exact import exact_tick

MODES: tuple[NumericEncoding, ...] = ("bins", "normal", "standard")
N = 1000


def _table():
    rng = np.random.default_rng(0)
    day = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 3000, N), unit="D")
    frame = pd.DataFrame({
        "age": rng.integers(18, 90, N), "w": rng.normal(size=N).round(3), "x": rng.normal(size=N), "day": day,
        "pay": rng.integers(1, 90_000, N) * 100, "span": pd.to_timedelta(rng.integers(0, 10**6, N), unit="s"),
        "big": rng.integers(2**60, 2**62, N), "written": day.strftime("%d/%m/%Y"),
        "zero": np.where(rng.random(N) < 0.4, 0, rng.lognormal(3, 1, N).round(2)),
        "moment": day.tz_localize("Europe/Berlin") + pd.to_timedelta(rng.integers(0, 86_400, N), unit="s"),
        "date": day.date, "size": pd.Categorical(rng.choice(list("SML"), N), list("SML"), ordered=True),
        "sex": rng.choice(["F", "M", "X"], N, p=[0.6, 0.3, 0.1]), "one": 7,
    })  # fmt: skip
    frame["arrow"] = frame["day"].astype(pd.ArrowDtype(pa.date32()))
    frame["month"] = frame["day"].dt.to_period("M")
    frame["gap"] = frame["w"].where(frame.index % 3 > 0)
    return frame


FRAME = _table()
SCHEMA = TableSchema.infer(FRAME, {"big": "numeric", "pay": "numeric"})
ENCODERS = {mode: TableEncoder(SCHEMA, Encoding(mode)).fit(FRAME) for mode in MODES}


def draw(name, wanted, mode="bins", n=400, seed=0):
    encoder = ENCODERS[mode]
    _, rows = encoder.encode_condition({name: wanted}, n, np.random.default_rng(seed))
    return encoder.decode(rows, np.random.default_rng(1))[name]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("name", "wanted", "low", "high"),
    [
        ("age", slice(20, 30), 20, 30),
        ("age", range(20, 30), 20, 29),
        ("age", range(29, 19, -1), 20, 29),
        ("age", pd.Interval(20, 30, closed="neither"), 21, 29),
        ("age", pd.Interval(19.5, np.inf), 20, 89),
        ("age", Range(((">=", "20"), ("<", "30"))), 20, 29),
        ("age", Range(((">", 20), (">", 25), ("<=", 40.5))), 26, 40),
        ("w", pd.Interval(-0.5, 0.0123, closed="left"), -0.5, 0.012),
        ("w", slice(None, -1.5), -9, -1.5),
        ("x", pd.Interval(0.1, 0.2), 0.1, 0.2),
        ("x", Range((("<", "-1.25"),)), -9, -1.25),
        ("gap", slice(0, 1), 0, 1),
        ("zero", slice(0, 10), 0, 10),
        ("pay", slice(1_000_050, 2_000_000), 1_000_100, 2_000_000),
        ("big", slice(2**61 + 1, 2**61 + 2**58), 2**61 + 1, 2**61 + 2**58),
        ("big", Range(((">=", str(2**61 + 1)),)), 2**61 + 1, 2**62),
        ("day", Range(((">=", "2021-03-01"), ("<", "2021-05-01"))), pd.Timestamp("2021-03-01"), "2021-04-30"),
        ("day", slice(dt.date(2021, 3, 1), pd.Timestamp("2021-04-01 12:00")), pd.Timestamp("2021-03-01"), "2021-04-01"),
        ("moment", slice("2021-03-01", None), pd.Timestamp("2021-03-01", tz="Europe/Berlin"), "2030-01-01T00Z"),
        ("date", slice("2021-03-01", "2021-05-01"), dt.date(2021, 3, 1), dt.date(2021, 5, 1)),
        ("arrow", slice("2021-03-01", "2021-05-01"), dt.date(2021, 3, 1), dt.date(2021, 5, 1)),
        ("month", slice("2021-03", pd.Period("2021-06", "M")), pd.Period("2021-03", "M"), pd.Period("2021-06", "M")),
        ("span", slice("1 day", pd.Timedelta(days=2)), pd.Timedelta(days=1), pd.Timedelta(days=2)),
        ("size", Range(((">=", "M"),)), "M", "L"),
    ],
)
def test_values_lie_within_the_range(mode, name, wanted, low, high):
    drawn = draw(name, wanted, mode)
    assert not drawn.isna().any()
    assert (drawn >= low).all()
    assert (drawn <= high).all()
    assert len(set(drawn)) > 1


def test_dates_written_as_text_are_compared_as_dates():
    for wanted in (slice("01/03/2021", "30/04/2021"), Range(((">=", "2021-03-01"), ("<=", "2021-04-30")))):
        drawn = pd.to_datetime(draw("written", wanted), format="%d/%m/%Y")
        assert drawn.between("2021-03-01", "2021-04-30").all()
    drawn = pd.to_datetime(draw("written", slice(pd.Timestamp("2021-03-01 12:00"), None)), format="%d/%m/%Y")
    assert (drawn > "2021-03-01").all()


@pytest.mark.parametrize("mode", MODES)
def test_values_are_drawn_by_their_frequency(mode):
    for name, low, high in (("age", 30, 60), ("w", -1, 1), ("x", -1, 0.5), ("zero", 0, 10)):
        real = FRAME[name][FRAME[name].between(low, high)]
        drawn = draw(name, slice(low, high), mode, n=4000)
        for q in (0.25, 0.5, 0.75):
            assert (drawn <= real.quantile(q)).mean() == pytest.approx((real <= real.quantile(q)).mean(), abs=0.04)
    assert (draw("zero", slice(0, 10), mode, n=4000) == 0).mean() == pytest.approx(0.75, abs=0.04)


def test_dates_on_some_days_only():
    days = pd.bdate_range("2020-01-01", periods=600)
    frame = pd.DataFrame({"day": np.random.default_rng(0).choice(days, N), "x": FRAME["x"]})
    frame["moment"] = frame["day"] + pd.to_timedelta(np.random.default_rng(1).integers(9, 17, N), unit="h")
    encoder = TableEncoder(TableSchema.infer(frame), Encoding()).fit(frame)
    assert encoder.schema["day"].days == "Mon,Tue,Wed,Thu,Fri"
    saturday, sunday = "2020-05-16", "2020-05-31"
    for name in ("day", "moment"):
        _, rows = encoder.encode_condition({name: slice(saturday, sunday)}, 200, np.random.default_rng(0))
        drawn = encoder.decode(rows, np.random.default_rng(0))[name]
        assert drawn.between(saturday, sunday).all()
        assert drawn.dt.normalize().nunique() > 5
        with pytest.raises(ConditionError, match="never held a value >= 2020-05-16 and <= 2020-05-17"):
            encoder.encode_condition({name: slice(saturday, "2020-05-17")}, 2, np.random.default_rng(0))
    with pytest.raises(ConditionError, match="Fridays only"):
        encoder.encode_condition({"day": saturday}, 2)


def test_several_ranges_and_values_are_taken_together():
    drawn = draw("age", [slice(20, 22), 50, pd.Interval(70, 72)], n=2000)
    assert set(drawn) == {20, 21, 22, 50, 71, 72}
    drawn = draw("age", [slice(20, 60), slice(30, 40)], n=4000)  # what overlaps counts once
    assert drawn.between(30, 40).mean() == pytest.approx(11 / 41, abs=0.05)


def test_everything_but_a_value():
    assert 50 not in set(draw("age", Range((("!=", 50),)), n=4000))
    drawn = draw("sex", Range((("!=", "F"),)), n=4000)
    assert set(drawn) == {"M", "X"}
    assert (drawn == "M").mean() == pytest.approx(0.75, abs=0.03)
    assert not draw("gap", Range((("!=", None),))).isna().any()


@pytest.mark.parametrize("wanted", [slice(20, 60), [18, 40, 60]])
def test_fewer_rows_are_a_prefix_of_more(wanted):
    for name, given_ in (("age", wanted), ("zero", slice(0, 30))):
        assert draw(name, given_, n=50).tolist() == draw(name, given_, n=200).tolist()[:50]
    both = {"age": wanted, "sex": ["F", "M"]}
    encoder = ENCODERS["bins"]
    few, many = (encoder.encode_condition(both, n, np.random.default_rng(3))[1] for n in (50, 200))
    np.testing.assert_array_equal(few.codes, many.codes[:50])


@pytest.mark.parametrize(
    ("name", "wanted", "message"),
    [
        ("age", slice(200, 300), "'age' never held a value >= 200 and <= 300.* up to 89"),
        ("age", Range(((">", 20), ("<", 21))), "never held a value > 20 and < 21"),
        ("age", slice(30, 20), "never held a value"),
        ("w", pd.Interval(0.12341, 0.12345), "'w' never held"),
        ("day", slice("2050-01-01", None), "'day' never held a value >= 2050-01-01; .*2020-01-0"),
        ("age", slice(20, 30, 2), "no step"),
        ("age", range(200, 300), "'age' never held"),
        ("age", range(0), "allows no value"),
        ("w", range(50, 60), "'w' never held"),
        ("pay", slice(101, 199), "'pay' never held"),
        ("age", slice("old", None), "'old' is not a number"),
        ("age", slice(np.nan, None), "missing"),
        ("day", slice("soon", None), "'soon' is not a date"),
        ("span", slice("long", None), "'long' is not a duration"),
        ("day", slice(pd.Timestamp("2021-01-01", tz="UTC"), None), "time zone"),
        ("sex", slice("F", "M"), "'sex' is categorical: its values have no order"),
        ("sex", Range((("!=", "Q"),)), "never held 'Q'"),
        ("size", Range(((">", "L"),)), "'size' never held a value > L"),
        ("one", slice(8, None), "'one' is constant: it only held 7, not a value >= 8"),
    ],
)
def test_ranges_without_a_fitted_value_are_refused(name, wanted, message):
    with pytest.raises(ConditionError, match=message):
        draw(name, wanted)


def test_a_range_that_the_constant_keeps():
    encoder = ENCODERS["bins"]
    for wanted in (slice(1, 7), Range(((">=", "7"),)), range(5, 9), pd.Interval(6, 7)):
        assert encoder.encode_condition({"one": wanted, "sex": "F"}, 2, np.random.default_rng(0))[0] == (
            encoder.position["sex"],
        )


def test_a_tuple_of_two_is_two_values_and_says_so():
    with pytest.warns(ColumnWarning, match=r"'age'.*one of these two values.*slice\(20, 30\)"):
        assert set(draw("age", (20, 30))) == {20, 30}
    assert set(draw("age", (20, 21))) == {20, 21}  # nothing between them
    assert set(draw("age", [20, 30])) == {20, 30}
    assert set(draw("sex", ("F", "M"))) == {"F", "M"}


def test_categories_that_are_numbers_are_compared_as_such():
    frame = pd.DataFrame({"grade": np.arange(100) % 9 + 1, "x": np.arange(100.0)})
    encoder = TableEncoder(TableSchema.infer(frame, {"grade": "categorical"}), Encoding()).fit(frame)
    for wanted in (slice(3.5, 6), Range(((">=", "4"), ("<", "6.5"))), pd.Interval(3, 6), range(4, 7)):
        _, rows = encoder.encode_condition({"grade": wanted}, 100, np.random.default_rng(0))
        assert set(encoder.decode(rows, np.random.default_rng(0))["grade"]) == {4, 5, 6}
    with pytest.raises(ConditionError, match="no order"):
        encoder.encode_condition({"grade": slice("low", None)}, 1, np.random.default_rng(0))


@pytest.mark.parametrize("form", ["%H:%M:%S", "%I:%M %p", None])
def test_times_of_day(form):
    minutes = np.random.default_rng(0).integers(0, 1440, 500)
    times = [dt.time(int(m) // 60, int(m) % 60) for m in minutes]
    cells = times if form is None else [t.strftime(form) for t in times]
    frame = pd.DataFrame({"t": pd.Series(cells, dtype=object), "x": np.arange(500.0)})
    encoder = TableEncoder(TableSchema.infer(frame), Encoding()).fit(frame)
    for wanted in (slice("08:00", "09:30"), slice(dt.time(8), dt.time(9, 30))):
        _, rows = encoder.encode_condition({"t": wanted}, 100, np.random.default_rng(0))
        drawn = encoder.decode(rows, np.random.default_rng(0))["t"].tolist()
        times = drawn if form is None else [dt.datetime.strptime(t, form).time() for t in drawn]
        assert all(dt.time(8) <= t <= dt.time(9, 30) for t in times)


def test_numbers_that_are_written_as_text():
    numbers = np.random.default_rng(0).integers(100, 500_000, N)
    frame = pd.DataFrame({
        "usd": [f"${v:,}" for v in numbers], "share": [f"{v / 5000:.1f}%" for v in numbers],
        "euro": [f"{v / 100:,.2f}".translate(str.maketrans(",.", ".,")) for v in numbers], "mixed": numbers.astype(str),
    })  # fmt: skip
    frame.loc[::9, "mixed"] = "unknown"
    frame.loc[5::50, "mixed"] = None
    encoder = TableEncoder(TableSchema.infer(frame), Encoding()).fit(frame)
    for name, wanted, low, high in (
        ("usd", slice(100_000, "$200,000"), 100_000, 200_000),
        ("share", slice("12%", 15), 12, 15),
        ("euro", slice("1.234,50", 2000), 1234.5, 2000),
        ("mixed", slice(1000, "90000"), 1000, 90_000),
    ):
        _, rows = encoder.encode_condition({name: wanted}, 100, np.random.default_rng(0))
        back = encoder.decode(rows, np.random.default_rng(0))
        assert meets(encoder, {name: wanted}, back).all()
        text = back[name].str.strip("$%")
        plain = text.str.replace(".", "").str.replace(",", ".") if name == "euro" else text.str.replace(",", "")
        assert plain.astype(float).between(low, high).all()
    texts, gaps = frame["mixed"] == "unknown", frame["mixed"].isna()
    for cells, met in ((["unknown"], texts), (["unknown", None], texts | gaps), ([None], gaps)):
        assert (meets(encoder, {"mixed": cells}, frame) == met).all()


def test_whole_numbers_that_are_dates():
    days = pd.Timestamp("1987-01-01") + pd.to_timedelta(np.random.default_rng(0).integers(0, 3000, 500), unit="D")
    frame = pd.DataFrame({"d": days.strftime("%Y%m%d").astype(int), "x": np.arange(500.0)})
    encoder = TableEncoder(TableSchema.infer(frame, {"d": "datetime"}), Encoding()).fit(frame)
    for wanted in (
        slice(19880101, 19880630),
        slice("1988-01-01", "1988-06-30"),
        slice(pd.Timestamp("1988-01-01"), "19880630"),
    ):
        _, rows = encoder.encode_condition({"d": wanted}, 100, np.random.default_rng(0))
        assert encoder.decode(rows, np.random.default_rng(0))["d"].between(19880101, 19880630).all()


def test_intervals_can_be_the_values_of_a_category():
    frame = pd.DataFrame({"band": pd.cut(FRAME["age"], [0, 30, 60, 99]), "x": FRAME["x"]})
    encoder = TableEncoder(TableSchema.infer(frame), Encoding()).fit(frame)
    _, rows = encoder.encode_condition({"band": pd.Interval(30, 60)}, 5, np.random.default_rng(0))
    assert set(encoder.decode(rows, np.random.default_rng(0))["band"]) == {pd.Interval(30, 60)}


def test_ranges_of_leaves_values_alone():
    for value in (3, "a", None, [1, 2], (1, 2), {1}, np.array([1, 2]), range(3), pd.Series([1])):
        assert ranges_of(value) is None
    ranges = ranges_of(pd.Interval(1, 2, closed="left"))
    assert ranges is not None
    assert [str(one) for one in ranges] == [">= 1 and < 2"]


def test_exact_ticks():
    w, big, day = SCHEMA["w"], SCHEMA["big"], SCHEMA["day"]
    assert exact_tick(0.1 + 0.2, w) == 300
    assert exact_tick("0.0005", w) == exact_tick(decimal.Decimal("0.0005"), w) == 0.5
    assert exact_tick(str(2**61 + 1), big) == exact_tick(np.int64(2**61 + 1), big) == 2**61 + 1
    half = exact_tick(dt.datetime(2021, 1, 1, 12), SCHEMA["arrow"])
    assert half == exact_tick("2021-01-01", SCHEMA["arrow"]) + 0.5
    assert exact_tick(np.datetime64("2021-01-01"), day) == exact_tick("2021-01-01", day)


@pytest.mark.filterwarnings("ignore::gensynth.errors.ColumnWarning")  # of numbers that are far out
@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(-(2**62), 2**62), min_size=2, max_size=60),
    st.integers(-(2**62), 2**62),
    st.integers(-(2**62), 2**62),
)
def test_whole_numbers_of_any_size_stay_within(values, a, b):
    low, high = min(a, b), max(a, b)
    frame = pd.DataFrame({"v": np.array(values, dtype=np.int64), "z": np.arange(len(values)) % 2})
    encoder = TableEncoder(TableSchema.infer(frame, {"v": "numeric"}), Encoding(max_atoms=4)).fit(frame)
    inside = [v for v in values if low <= v <= high]
    try:
        _, rows = encoder.encode_condition({"v": slice(low, high)}, 20, np.random.default_rng(0))
    except ConditionError as error:
        narrow = "too far apart" in str(error) and high - low < 2**12
        if inside and not narrow:
            raise
        return
    drawn = encoder.decode(rows, np.random.default_rng(0))["v"].tolist()
    assert all(low <= v <= high for v in drawn)
    (column,) = [c for c in encoder.schema.columns if c.name == "v"]
    ranges = ranges_of(slice(low, high))
    assert ranges is not None
    assert pieces_of(ranges, column)
