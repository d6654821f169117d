"""Dates, times and durations of every kind come back as what they were, and on the days that they fell on."""

from __future__ import annotations

import datetime as dt
import json
import zoneinfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from gensynth.encoding.rows import Rows
from gensynth.encoding.table import TableEncoder
from gensynth.errors import ColumnWarning, ConditionError, DataError, SchemaError, command_line_hints
from gensynth.layout import UNKNOWN, Encoding
from gensynth.schema import TableSchema
from gensynth.schema.calendar import count_days, uncount_days
from gensynth.schema.ticks import from_ticks, ticks_of

N = 300
RNG = np.random.default_rng(0)
MOMENTS = pd.Timestamp("2019-01-01") + pd.to_timedelta(RNG.integers(0, 10**8, N), unit="s")
WORKDAYS = pd.bdate_range("2019-01-01", "2022-01-01")[RNG.integers(0, 700, N)]
FRACTIONS = pd.to_timedelta(RNG.integers(0, 10**6, N), unit="us")
PLUS2 = dt.timezone(dt.timedelta(hours=2))


def objects(values, *, gap=True):
    column = pd.Series(list(values), dtype=object)
    if gap:
        column[3] = None
    return column


def arrow(values, kind):
    return pd.Series(list(values), dtype=pd.ArrowDtype(kind))


COLUMNS = {
    "date": objects(m.date() for m in MOMENTS),
    "date for ever": objects([dt.date(9999, 12, 31), dt.date(1, 1, 1), *(m.date() for m in MOMENTS[2:])]),
    "datetime": objects((MOMENTS + FRACTIONS).to_pydatetime()),
    "datetime for ever": objects([dt.datetime(9999, 12, 31), dt.datetime(1600, 2, 29), *MOMENTS[2:].to_pydatetime()]),
    "datetime utc": objects(m.replace(tzinfo=dt.UTC) for m in MOMENTS.to_pydatetime()),
    "datetime +2": objects(m.replace(tzinfo=PLUS2) for m in MOMENTS.to_pydatetime()),
    "datetime zone": objects(m.replace(tzinfo=zoneinfo.ZoneInfo("Europe/Berlin")) for m in MOMENTS.to_pydatetime()),
    "time": objects(m.time() for m in MOMENTS + FRACTIONS),
    "timedelta": objects(dt.timedelta(days=-1, seconds=i, microseconds=i) for i in range(N)),
    "time32": arrow((m.time() for m in MOMENTS), pa.time32("s")),
    "time64": arrow([None, *(m.time() for m in (MOMENTS + FRACTIONS)[1:])], pa.time64("ns")),
    "duration": arrow((dt.timedelta(seconds=i * i) for i in range(N)), pa.duration("ms")),
    "zone": pd.Series(MOMENTS.tz_localize("UTC").tz_convert("America/New_York")),
    "arrow zone": pd.Series(MOMENTS.tz_localize("UTC")).astype(pd.ArrowDtype(pa.timestamp("us", "Europe/Paris"))),
    "whole numbers": pd.Series(MOMENTS.strftime("%Y%m%d").astype(np.int64)),
    "whole numbers, gap": pd.Series(MOMENTS.strftime("%Y%m%d").astype(np.int64)).astype("Int64").where(MOMENTS.day > 2),
    "floats": pd.Series(MOMENTS.strftime("%Y%m%d").astype(np.int64)).where(MOMENTS.day > 2),
    "numbers with time": pd.Series(MOMENTS.strftime("%Y%m%d%H%M%S").astype(np.int64)),
    "months as numbers": pd.Series(MOMENTS.strftime("%Y%m").astype("int32")),
    "day first numbers": pd.Series(MOMENTS.strftime("%d%m%Y").astype(np.int64)),
    "number objects": objects(MOMENTS.strftime("%Y%m%d").astype(np.int64)),
    "am/pm": pd.Series(MOMENTS.strftime("%m/%d/%Y %I:%M %p")),
    "clock": pd.Series(MOMENTS.strftime("%H:%M:%S")),
    "offset": pd.Series(MOMENTS.strftime("%Y-%m-%dT%H:%M:%S+02:00")),
    "offsets of a zone": pd.Series([m.isoformat() for m in MOMENTS.tz_localize("UTC").tz_convert("Europe/Berlin")]),
    "offsets and Z": pd.Series(
        [m.isoformat().replace("+00:00", "Z") for m in MOMENTS.tz_localize("UTC").tz_convert("Europe/London")]
    ),
    "workday offsets": pd.Series([m.strftime("%d.%m.%Y %H:%M %z") for m in WORKDAYS.tz_localize("Europe/Helsinki")]),
    "months": pd.Series(MOMENTS.strftime("%Y-%m")),
    "quarters": pd.Series([f"{m.year}-Q{m.quarter}" for m in MOMENTS]),
    "weeks": pd.Series(MOMENTS.strftime("%G-W%V")),
    "text for ever": pd.Series(["9999-12-31", "1600-02-29", *MOMENTS[2:].strftime("%Y-%m-%d")]),
    "workdays": pd.Series(WORKDAYS),
    "workday objects": objects(day.date() for day in WORKDAYS),
    "workday text": pd.Series(WORKDAYS.strftime("%d.%m.%Y")),
    "workday numbers": pd.Series(WORKDAYS.strftime("%Y%m%d").astype(np.int64)),
    "workday arrow": arrow((day.date() for day in WORKDAYS), pa.date32()),
    "workday periods": pd.Series(WORKDAYS.to_period("D")),
    "workday times": pd.Series(WORKDAYS + pd.to_timedelta(RNG.integers(0, 86_400, N), unit="s")),
    "workday zone": pd.Series(
        (WORKDAYS + pd.to_timedelta(RNG.integers(0, 86_400, N), unit="s")).tz_localize(
            "Europe/Berlin", nonexistent="shift_forward", ambiguous=np.ones(N, dtype=bool)
        )
    ),
    "first of month": pd.Series(MOMENTS.to_period("M").start_time),
    "end of month": pd.Series(MOMENTS.to_period("M").end_time.normalize().strftime("%Y/%m/%d")),
    "end of quarter": pd.Series(MOMENTS.to_period("Q").end_time.normalize()),
    "fifteenth": pd.Series(MOMENTS.to_period("M").start_time + pd.Timedelta(days=14)),
}
WEEK = "Mon,Tue,Wed,Thu,Fri"
DAYS = {name: WEEK for name in COLUMNS if name.startswith("workday")}
DAYS |= {"months": "month day 1", "quarters": "month day 1", "months as numbers": "month day 1", "weeks": "Mon"}
DAYS |= {"first of month": "month day 1", "end of month": "month end", "end of quarter": "month end"}
DAYS |= {"fifteenth": "month day 15"}
SPANS = {"timedelta", "duration"}


def schema_of(values, **declared):
    frame = pd.DataFrame({"at": values})
    schema = TableSchema.infer(frame, declared or None)
    return TableSchema.from_json(json.loads(json.dumps(schema.to_json(), allow_nan=False)))


@pytest.mark.parametrize("name", COLUMNS)
def test_cells_come_back_and_new_ones_are_of_their_kind(name):
    values = COLUMNS[name]
    schema = schema_of(values)
    column = schema["at"]
    assert column.kind == ("numeric" if name in SPANS else "datetime")
    assert column.days == DAYS.get(name)
    frame = schema.align(pd.DataFrame({"at": values}))
    ticks, missing = ticks_of(frame["at"], column)
    pd.testing.assert_series_equal(from_ticks(ticks, missing, column), values, check_names=False)
    rng = np.random.default_rng(1)
    for numeric in ("bins", "normal", "standard"):
        encoder = TableEncoder(schema, Encoding(numeric=numeric)).fit(frame)
        encoded = encoder.encode(frame)
        pd.testing.assert_series_equal(encoder.decode(encoded, rng)["at"], values, check_names=False)
        assert not encoder.columns["at"].unseen(frame["at"]).any()
        codes = rng.integers(1, len(encoder.layout.columns[0].frequencies), (2000, 1)).astype(np.int32)
        numbers = rng.random((2000, encoder.layout.n_numeric)) * 1.2 - 0.1
        new = encoder.decode(Rows(numbers, codes), rng)["at"]
        assert new.dtype == values.dtype
        assert {type(v) for v in new.dropna()} == {type(v) for v in values.dropna()}
        back, gap = ticks_of(schema.align(pd.DataFrame({"at": new}))["at"], column)  # raises for what is no date
        assert (gap == new.isna()).all()
        assert back[~gap].min() >= column.minimum
        assert back[~gap].max() <= column.maximum
        assert not count_days(back[~gap], column)[1].any()


def test_days_are_counted_in_order_and_other_days_are_told():
    column = schema_of(COLUMNS["workdays"])["at"]
    days = pd.date_range("2018-12-01", "2022-02-01", freq="12h")
    ticks = days.as_unit("us").asi8
    counted, off = count_days(ticks, column)
    assert (off == (days.day_of_week > 4)).all()
    assert (np.diff(counted) >= 0).all()
    assert (uncount_days(counted, column) == ticks)[~off].all()


def test_a_day_of_another_weekday_was_never_seen_and_cannot_be_asked_for():
    frame = pd.DataFrame({"at": WORKDAYS, "z": RNG.normal(size=N).round(1)})
    schema = TableSchema.infer(frame)
    encoder = TableEncoder(schema, Encoding()).fit(schema.align(frame))
    new = schema.align(frame.iloc[:2].assign(at=pd.to_datetime(["2021-07-03", "2021-07-05"])))
    assert (encoder.encode(new).codes[:, encoder.position["at"]] == UNKNOWN).tolist() == [True, False]
    message = "dates fall on Mondays to Fridays only"
    with pytest.raises(ConditionError, match=message):
        encoder.encode_condition({"at": "2021-07-03"}, 2)
    rows = encoder.encode_condition({"at": "2021-07-05"}, 2)[1]
    assert encoder.decode(rows, np.random.default_rng(0))["at"].tolist() == [pd.Timestamp("2021-07-05")] * 2


def test_a_range_that_starts_at_a_weekend_keeps_to_workdays():
    frame = pd.DataFrame({"at": WORKDAYS, "z": RNG.normal(size=N).round(1)})
    schema = TableSchema.infer(frame)
    encoder = TableEncoder(schema, Encoding()).fit(schema.align(frame))
    wanted = slice("2021-07-03", "2021-07-11")
    rows = encoder.encode_condition({"at": wanted}, 200, np.random.default_rng(0))[1]
    at = encoder.decode(rows, np.random.default_rng(0))["at"]
    assert at.between("2021-07-05", "2021-07-09").all()


@pytest.mark.parametrize(("days", "n"), [(7, N), (5, 20)])
def test_days_that_chance_explains_are_not_rules(days, n):
    pool = pd.date_range("2020-01-01", periods=3000)
    pool = pool[pool.day_of_week < days]
    chosen = pool[np.linspace(0, len(pool) - 1, n).astype(int)]
    assert schema_of(chosen)["at"].days is None


def test_twenty_workdays_in_a_row_are_no_chance():
    assert schema_of(pd.bdate_range("2021-01-01", periods=20))["at"].days == WEEK
    assert schema_of(pd.bdate_range("2021-01-01", periods=9))["at"].days is None


AMBIGUOUS = pd.Series(["01/02/2020", "04/03/2020", "05/06/2021", "07/08/2021"] * 10)


def test_day_and_month_that_cannot_be_told_apart_are_said_and_can_be_declared():
    hint = r"'01/02/2020' can be read as %m/%d/%Y and as %d/%m/%Y.*schema=\{'at': 'datetime:%d/%m/%Y'\}"
    with pytest.warns(ColumnWarning, match=hint):
        assert schema_of(AMBIGUOUS)["at"].format == "%m/%d/%Y"
    with command_line_hints(), pytest.warns(ColumnWarning, match="--schema at=datetime:%d/%m/%Y"):
        schema_of(AMBIGUOUS)
    declared = TableSchema.infer(pd.DataFrame({"at": AMBIGUOUS}), {"at": "datetime:%d/%m/%Y"})
    assert declared["at"].format == "%d/%m/%Y"
    assert TableSchema.infer(pd.DataFrame({"at": AMBIGUOUS}), declared) == declared


@pytest.mark.parametrize(
    ("values", "declared", "message"),
    [
        (
            ["01/02/2020", "03/14/2020"],
            "datetime:%d/%m/%Y",
            "'at' is declared datetime:%d/%m/%Y, but row 1 holds '03/14",
        ),
        (["01/02/2020", "soon"], "datetime:%d/%m/%Y", "row 1 holds 'soon'"),
        (["01/02/2020", "soon"], "datetime", "not in one date format"),
        (["01/02/2020"], "datetime:%d/%Q", "the format '%d/%Q' cannot be used"),
        (["01/02/2020"], "numeric:%d", "kind 'numeric:%d' is unknown"),
        ([19991301, 20000101], "datetime:%Y%m%d", "row 0 holds '19991301'"),
        ([dt.date(2020, 1, 1), dt.date(2021, 1, 1)], "datetime:%Y", "only declared for dates in text"),
        ([dt.timedelta(1), dt.timedelta(2)], "datetime", "declare it numeric"),
    ],
)
def test_declared_formats_that_do_not_fit(values, declared, message):
    with pytest.raises(SchemaError, match=message):
        TableSchema.infer(pd.DataFrame({"at": pd.Series(values * 10)}), {"at": declared})


@pytest.mark.parametrize("values", [pd.Series([np.nan] * 4), pd.Series([None] * 4, dtype="str")])
def test_a_column_without_a_date_can_be_declared_one(values):
    assert schema_of(values, at="datetime:%d/%m/%Y")["at"].kind == "datetime"
    assert schema_of(values)["at"].kind == "constant"


def test_a_declared_format_wins_over_mixed_zeros_and_few_numbers():
    mixed = pd.Series(["01/02/2020", "3/4/2020", "05/06/2021", "07/08/2021"])
    assert schema_of(mixed, at="datetime:%d/%m/%Y")["at"].format == "%d/%m/%Y"
    assert schema_of(pd.Series([20200102, 20200103]), at="datetime:%Y%m%d")["at"].format == "%Y%m%d"
    assert schema_of(pd.Series([20200102, 20200103]))["at"].kind == "numeric"


@pytest.mark.parametrize(
    ("name", "new", "message"),
    [
        (
            "am/pm",
            "13/13/2021 08:05 AM",
            "'at', row 0: '13/13/2021 08:05 AM' is not a date written as %m/%d/%Y %I:%M %p",
        ),
        ("whole numbers", 20210230, "'at', row 0: 20210230.* is not a date written as %Y%m%d"),
        ("whole numbers", "soon", "row 0.*is not a date written as %Y%m%d"),
        ("time", "25:00", "row 0: '25:00' is not a time of day"),
        ("date", "soon", "row 0: 'soon' is not a date"),
        ("timedelta", "soon", "row 0: 'soon' is not a duration"),
        ("workdays", 5, "holds numbers; expected a date"),
        ("datetime", pd.Timestamp("2021-01-01", tz="UTC"), "time zone"),
        ("datetime utc", pd.Timestamp("2021-01-01"), "time zone"),
    ],
)
def test_cells_that_do_not_fit_are_named(name, new, message):
    with pytest.raises(DataError, match=message):
        schema_of(COLUMNS[name]).align(pd.DataFrame({"at": [new]}))


@pytest.mark.parametrize(
    ("name", "new", "like"),
    [
        ("am/pm", pd.Timestamp("2021-07-04 08:05"), "07/04/2021 08:05 AM"),
        ("am/pm", "7/4/2021 8:05 am", "07/04/2021 08:05 AM"),
        ("whole numbers", "20210704", 20210704),
        ("whole numbers", 20210704.0, 20210704),
        ("whole numbers", dt.date(2021, 7, 4), 20210704),
        ("time", "08:05", dt.time(8, 5)),
        ("time64", dt.time(8, 5), dt.time(8, 5)),
        ("date", "2021-07-04", dt.date(2021, 7, 4)),
        ("datetime", "2021-07-04 08:05", dt.datetime(2021, 7, 4, 8, 5)),
        ("timedelta", "-1 days +00:00:05", dt.timedelta(days=-1, seconds=5)),
        ("workday arrow", "2021-07-05", dt.date(2021, 7, 5)),
        ("arrow zone", "2021-07-05T00:00:00+02:00", pd.Timestamp("2021-07-05", tz="Europe/Paris")),
        ("datetime +2", pd.Timestamp("2021-07-05", tz="UTC"), dt.datetime(2021, 7, 5, 2, tzinfo=PLUS2)),
    ],
)
def test_new_cells_in_another_guise_mean_the_same(name, new, like):
    schema = schema_of(COLUMNS[name])
    aligned = schema.align(pd.DataFrame({"at": [new]}))["at"]
    back = from_ticks(*ticks_of(aligned, schema["at"]), schema["at"])
    assert back.tolist() == [like]


def written_in(parts):
    """Return moments written in several formats, one after the other."""
    return pd.Series([moment.strftime(parts[i % len(parts)]) for i, moment in enumerate(MOMENTS)])


@pytest.mark.parametrize(
    ("values", "formats", "shares"),
    [
        (written_in(["%Y-%m-%d", "%Y-%m-%d", "%d.%m.%Y"]), {"%Y-%m-%d", "%d.%m.%Y"}, {r"\d{4}-\d\d-\d\d": 0.67}),
        (written_in(["%-d/%-m/%Y", "%d/%m/%Y"]), {"%-d/%-m/%Y", "%d/%m/%Y"}, {r"0./.*|../0.*": 0.35}),
        (written_in(["%H:%M", "%H:%M:%S"]), {"%H:%M", "%H:%M:%S"}, {}),
        (
            pd.Series([str(m if i % 2 else m.date()) for i, m in enumerate(MOMENTS)]),
            {"%Y-%m-%d", "%Y-%m-%d %H:%M:%S"},
            {".* 00:00:00": 0.0},
        ),
    ],
)
def test_several_formats_in_one_column_are_all_read_and_written(values, formats, shares):
    column = schema_of(values)["at"]
    assert column.kind == "datetime"
    assert {column.format, *(one for one, _ in column.variants)} == formats
    ticks, missing = ticks_of(values, column)
    assert not missing.any()
    days = MOMENTS.normalize().as_unit("us").asi8
    assert (ticks // 86_400_000_000 * 86_400_000_000 == (0 if "%H:%M" in formats else days)).all()
    new = from_ticks(ticks, missing, column)
    assert (ticks_of(new, column)[0] == ticks).all()
    for pattern, share in shares.items():
        assert new.str.fullmatch(pattern).mean() == pytest.approx(share, abs=0.12)


def test_offsets_that_follow_no_zone_keep_their_shares():
    offsets = RNG.choice(["+01:00", "-05:00", "+05:30"], N, p=[0.6, 0.3, 0.1])
    values = pd.Series(MOMENTS.strftime("%Y-%m-%dT%H:%M:%S") + offsets)
    column = schema_of(values)["at"]
    assert column.format == "%Y-%m-%dT%H:%M:%S%:z"
    ticks = ticks_of(values, column)[0]
    assert (ticks == pd.to_datetime(values, utc=True).dt.as_unit("us").astype("int64")).all()
    new = np.arange(column.minimum, column.maximum, 10**10)
    written = from_ticks(new, np.zeros(len(new), dtype=bool), column)
    assert (ticks_of(written, column)[0] == new).all()
    shares = written.str[-6:].value_counts(normalize=True)
    assert shares.to_dict() == pytest.approx({"+01:00": 0.6, "-05:00": 0.3, "+05:30": 0.1}, abs=0.06)


def with_texts(*texts, written="%d/%m/%Y"):
    values = MOMENTS.strftime(written).tolist()
    for i, text in enumerate(texts):
        values[5 + i :: 60] = [text] * 5
    return pd.Series(values)


@pytest.mark.parametrize(
    ("texts", "written"),
    [
        (("unknown", "-", "TBD"), "%d/%m/%Y"),
        (("pending",), "%Y-%m-%dT%H:%M:%SZ"),
        (("2020", "see 12 notes"), "%Y-%m-%d"),
        (("1.0.19",), "%B %d, %Y"),
        (("closed",), "%H:%M:%S"),
        (("0", "00000000"), "%Y%m%d"),
    ],
)
def test_a_few_texts_among_dates_are_levels_of_their_own(texts, written):
    values = with_texts(*texts, written=written)
    schema = schema_of(values)
    column = schema["at"]
    assert (column.kind, column.format, column.specials) == ("datetime", written, tuple(sorted(texts)))
    frame = schema.align(pd.DataFrame({"at": values}))
    encoder = TableEncoder(schema, Encoding()).fit(frame)
    assert encoder.decode(encoder.encode(frame), np.random.default_rng(0))["at"].tolist() == values.tolist()
    with pytest.raises(DataError, match=f"row 1: '31/31/3131' is not a date written as {written}"):
        schema.align(pd.DataFrame({"at": [texts[0], "31/31/3131"]}))


def test_an_impossible_date_is_said_and_never_comes_out():
    values = with_texts("31/02/2020", "29/02/2021", "unknown")
    with pytest.warns(ColumnWarning, match="'29/02/2021' is no date written as %d/%m/%Y .and 1 more"):
        schema = schema_of(values)
    frame = schema.align(pd.DataFrame({"at": values}))
    encoder = TableEncoder(schema, Encoding()).fit(frame)
    new = encoder.decode(encoder.encode(frame), np.random.default_rng(0))["at"]
    odd = values.isin(["31/02/2020", "29/02/2021"])
    assert new[~odd].tolist() == values[~odd].tolist()
    assert set(new[odd]) <= {"unknown"} | set(MOMENTS.strftime("%d/%m/%Y"))


def test_a_declared_format_allows_such_texts():
    column = schema_of(with_texts("unknown"), at="datetime:%d/%m/%Y")["at"]
    assert (column.format, column.specials) == ("%d/%m/%Y", ("unknown",))
    with pytest.raises(SchemaError, match="row 5 holds '31/02/2020'"):
        schema_of(with_texts("31/02/2020"), at="datetime:%d/%m/%Y")


def test_datetime_objects_of_several_zones_are_refused():
    mixed = objects([dt.datetime(2021, 1, 1, tzinfo=dt.UTC), dt.datetime(2021, 1, 1, tzinfo=PLUS2)] * 5, gap=False)
    with pytest.raises(DataError, match=r"'at' holds datetime objects of several time zones.*utc=True"):
        schema_of(mixed)


def test_nanoseconds_in_objects_are_refused():
    with pytest.raises(DataError, match="'at' holds objects with nanoseconds"):
        schema_of(objects([pd.Timestamp("2021-01-01 00:00:00.000000001")] * 9))
