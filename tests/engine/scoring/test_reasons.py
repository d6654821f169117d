"""Sentences about odd rows: every kind of cell, missing ones too, in the table and in what was expected."""

from __future__ import annotations

import datetime as dt
import itertools
import re
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from toy_detectors import make_detector

from gensynth.engine.scoring.reasons import _clause, _clauses, format_value
from gensynth.report.anomalies import Findings, render_page

N = 60
CELLS = [
    None, np.nan, pd.NA, pd.NaT, "north", "", 0, 7, 10**15, 10**400, np.int64(3), 2.5, -np.inf, 1.797e308, True,
    np.bool_(False), Decimal("1.50"), Decimal("NaN"), pd.Timestamp("2026-01-01"), pd.Timestamp("2026-01-01", tz="UTC"),
    pd.Timedelta("1h"), pd.Period("2026-01", "M"), pd.Interval(0, 1), dt.date(2026, 1, 1), dt.datetime(2026, 1, 1),
    dt.time(8, 5), b"\x00", 1j,
]  # fmt: skip


def table() -> pd.DataFrame:
    """One column a kind; every seventh cell is missing."""
    rng = np.random.default_rng(0)
    number = rng.normal(size=N).round(3)
    count = rng.integers(0, 5, N)
    days = pd.date_range("2026-01-01", periods=N)
    text = rng.choice(["north", "south", "west"], N)
    flags = rng.random(N) < 0.4
    columns = {
        "float64": pd.Series(number),
        "float32": pd.Series(number, dtype="float32"),
        "Float64": pd.Series(number, dtype="Float64"),
        "Int64": pd.Series(count, dtype="Int64"),
        "large": pd.Series(2**53 + 7 * np.arange(N), dtype="Int64"),
        "boolean": pd.Series(flags, dtype="boolean"),
        "bool object": pd.Series(flags.astype(object)),
        "text object": pd.Series(text.astype(object)),
        "string": pd.Series(text, dtype="string"),
        "string pyarrow": pd.Series(text, dtype="string[pyarrow]"),
        "str": pd.Series(text, dtype="str"),
        "categorical": pd.Series(pd.Categorical(text)),
        "ordered": pd.Series(pd.Categorical(text, categories=["south", "north", "west"], ordered=True)),
        "interval": pd.Series(pd.cut(number, 4)),
        "categorical int": pd.Series(pd.Categorical(count)),
        "categorical date": pd.Series(pd.Categorical(days[count])),
        "datetime": pd.Series(days),
        "datetime tz": pd.Series(days.tz_localize("Europe/Berlin")),
        "date text": pd.Series(days.strftime("%Y-%m-%d").astype(object)),
        "date object": pd.Series(days.date),
        "timedelta": pd.Series(days - days[0]),
        "period": pd.Series(days.to_period("M")),
        "decimal": pd.Series([Decimal(int(c)) / 4 for c in count], dtype=object),
        "arrow int": pd.Series(count, dtype=pd.ArrowDtype(pa.int64())),
        "arrow double": pd.Series(number, dtype=pd.ArrowDtype(pa.float64())),
        "arrow text": pd.Series(text, dtype=pd.ArrowDtype(pa.string())),
        "arrow bool": pd.Series(flags, dtype=pd.ArrowDtype(pa.bool_())),
        "arrow date": pd.Series(days.date, dtype=pd.ArrowDtype(pa.date32())),
        "arrow time": pd.Series(days, dtype=pd.ArrowDtype(pa.timestamp("us"))),
    }
    frame = pd.DataFrame(columns)
    for i, name in enumerate(frame.columns):
        frame[name] = frame[name].mask((np.arange(N) + i) % 7 == 0)
        assert frame[name].isna().any(), name
    return frame


@pytest.fixture(scope="module")
def fitted():
    frame = table()
    return frame, make_detector(epochs=2, schema={"large": "numeric"}).fit(frame)


def test_every_kind_of_column_with_missing_cells_is_explained(fitted):
    frame, detector = fitted
    model = detector.estimators_[0]
    assert set(model.encoder.position) == set(frame.columns), "a column is not learned"
    aligned, rows = model.encode(frame)
    for name in frame.columns:
        clauses = _clauses(model, aligned, rows, name, np.arange(N))
        for missing, clause in zip(frame[name].isna(), clauses, strict=True):
            assert clause.startswith(f"{name} is missing") == missing
            assert clause.startswith(f"{name} ")
            assert not any(word in clause for word in ("nan", "NaT", "<NA>", "None"))
        assert any("expected" in clause or "does not fit" in clause for clause in clauses)
    assert all(detector.reasons(frame))


def test_the_page_shows_every_kind_of_cell(fitted):
    frame, detector = fitted
    analysis = detector.analyse(frame)
    found = Findings(
        analysis.scores, analysis.p_values, analysis.scores < detector.offset_, detector.offset_, np.arange(N),
        analysis.reasons(), analysis.attributions(), frame,
    )  # fmt: skip
    page = render_page(found, title="t", facts=[], p_value="p")
    assert page.count("missing") >= int(frame.isna().sum().sum())


@pytest.mark.parametrize("unseen", [False, True])
def test_no_combination_of_cells_stops_a_sentence(unseen):
    for value, low, high in itertools.product(CELLS, CELLS, CELLS):
        clause = _clause("x", value, (low, high), unseen=unseen)
        assert clause.startswith("x ")
        assert len(clause) > 2
    for value in CELLS:
        assert _clause("x", value, None, unseen=unseen).startswith("x ")


@pytest.mark.parametrize(
    ("value", "ends", "said"),
    [
        ("b", ("a", "a"), "x 'b' where 'a' was expected"),
        ("a", ("a", "a"), "x 'a' does not fit the rest of the row"),
        (np.nan, ("a", "a"), "x is missing where 'a' was expected"),
        ("a", (np.nan, np.nan), "x 'a' where a missing value was expected"),
        (None, (pd.NA, pd.NA), "x is missing"),
        (5, (1, 3), "x 5 where 1 to 3 was expected"),
        (2, (1, 3), "x 2 does not fit the rest of the row"),
        (pd.NA, (1, 3), "x is missing where 1 to 3 was expected"),
    ],
)
def test_what_was_expected_is_said(value, ends, said):
    assert _clause("x", value, ends, unseen=False) == said


def test_numbers_of_any_size_are_written():
    assert format_value(10**400) == "1.000e+400"
    assert format_value(10**15) == "1e+15"
    assert format_value(1.797e308) == "1.797e+308"
    assert format_value(-9300) == "-9,300"


@pytest.fixture(scope="module")
def on_workdays():
    rng = np.random.default_rng(0)
    days = pd.bdate_range("2021-01-01", periods=400)[rng.integers(0, 400, 300)]
    frame = pd.DataFrame({
        "text": days.strftime("%d/%m/%Y"), "number": days.strftime("%Y%m%d").astype(np.int64), "stamp": days,
        "clock": [f"{h:02d}:{m:02d}" for h, m in zip(rng.integers(8, 18, 300), rng.integers(0, 60, 300), strict=True)],
        "z": rng.normal(size=300),
    })  # fmt: skip
    return frame, make_detector(epochs=2).fit(frame)


def test_dates_are_compared_as_dates_and_shown_as_they_are_written(on_workdays):
    frame, detector = on_workdays
    aligned, rows = detector.estimators_[0].encode(frame)
    for name in ("text", "number", "stamp", "clock"):
        for clause in _clauses(detector.estimators_[0], aligned, rows, name, np.arange(len(frame))):
            found = re.fullmatch(
                rf"{name} (\S+) (does not fit the rest of the row|where (\S+)( to (\S+))? was expected)", clause
            )
            assert found, clause
            shown = [text for text in (found[1], found[3], found[5]) if text]
            form = {"text": "%d/%m/%Y", "number": "%Y%m%d", "stamp": "%Y-%m-%d", "clock": "%H:%M"}[name]
            value, *ends = pd.to_datetime(pd.Series(shown), format=form)
            assert not ends or not ends[0] <= value <= ends[-1]


def test_a_text_among_dates_is_not_missing(on_workdays):
    frame = on_workdays[0][["text", "z"]].copy()
    frame.loc[::20, "text"] = "unknown"
    detector = make_detector(epochs=2).fit(frame)
    aligned, rows = detector.estimators_[0].encode(frame.iloc[:1])
    assert _clauses(detector.estimators_[0], aligned, rows, "text", np.arange(1))[0].startswith("text 'unknown' ")


def test_a_day_that_no_date_falls_on_is_named(on_workdays):
    frame, detector = on_workdays
    odd = frame.head(1).assign(text="03/07/2021", number=20210703, stamp=pd.Timestamp("2021-07-03"))
    aligned, rows = detector.estimators_[0].encode(odd)
    for name, shown in (("text", "03/07/2021"), ("number", "20210703"), ("stamp", "2021-07-03")):
        said = _clauses(detector.estimators_[0], aligned, rows, name, np.arange(1))[0]
        assert said == f"{name} {shown} where Mondays to Fridays were expected"
    assert detector.score_samples(odd)[0] < np.median(detector.score_samples(frame))
