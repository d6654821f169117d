"""Which date format texts are found to have, and what is no date."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gensynth.schema.dates import parse_dates, write_dates
from gensynth.schema.formats import find_format, fit_format

RNG = np.random.default_rng(0)
MOMENTS = pd.Timestamp("2019-01-01") + pd.to_timedelta(RNG.integers(0, 10**8, 60), unit="s")


def found(texts):
    values = np.array(list(dict.fromkeys(texts)), dtype=object)
    format_ = find_format(values)
    if format_ is not None:
        assert write_dates(parse_dates(values, format_.format), format_.format).tolist() == values.tolist()
    return format_


@pytest.mark.parametrize(
    "format_",
    [
        "%m/%d/%Y %I:%M %p", "%d/%m/%Y %I:%M:%S%p", "%Y-%m-%dT%H:%M:%S+02:00", "%Y-%m-%dT%H:%M:%SZ",
        "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M:%S.%f",
        "%Y-%m-%d %H:%M:%S,%f", "%d-%b-%Y %H:%M", "%Y%m%d%H%M%S", "%Y%m%d", "%d%m%Y",
        "%Y%m%dT%H%M%SZ", "%H:%M:%S", "%H:%M", "%I:%M %p", "%a, %d %b %Y %H:%M:%S GMT", "%A, %B %d, %Y", "%d.%m.%Y",
        "%d.%m.%Y %H:%M", "%m/%d/%y %H:%M", "%b-%y", "%B %Y", "%Y-%m", "%m/%Y", "%G-W%V", "%Y-%j", "%d %B %Y, %H:%M",
        "%H:%M %d/%m/%Y", "%a %b %d %H:%M:%S %Y", "%d/%b/%Y:%H:%M:%S +0000", "%Y年%m月%d日", "%Y-%b-%d", "%Y-%m-%d %H",
        "%y-%m-%d", "%d-%m-%y", "%d/%m/%Y %H:%M:%S UTC",
    ],
)  # fmt: skip
def test_the_format_that_wrote_the_texts_is_found(format_):
    assert found(MOMENTS.strftime(format_)).format == format_


@pytest.mark.parametrize(
    ("texts", "format_"),
    [
        (["2020-01-05", "1999-12-31"], "%Y-%m-%d"),
        (["January 7, 2018", "December 12, 2017"], "%B %-d, %Y"),
        (["01/13/2020"], "%m/%d/%Y"),
        (["13/01/2020"], "%d/%m/%Y"),
        (["3/4/2020", "12/30/2021"], "%-m/%-d/%Y"),
        (["3/4/2020 9:05 a.m.", "12/30/2021 11:15 p.m."], "%-m/%-d/%Y %-I:%M %.#p"),
        (["05-Jan-21"], "%d-%b-%y"),
        (["05-jan-2021 8:05pm", "15-may-2021 11:05am"], "%d-%#b-%Y %-I:%M%#p"),
        (["05-MAY-2021", "15-JUN-2021"], "%d-%^b-%Y"),
        (["May 2020", "June 2020"], "%B %Y"),
        (["4th July 2021", "21st May 2020"], "%o %B %Y"),
        (["Jul  4 08:05:01 2021", "Jul 14 08:05:01 2021"], "%b %_d %H:%M:%S %Y"),
        (["2021-07-04T08:05:00.123Z", "2021-07-04T08:05:00.120Z"], "%Y-%m-%dT%H:%M:%S.%3fZ"),
        (["2021-07-04 08:05:00", "2021-07-04 08:05:00.250000"], "%Y-%m-%d %H:%M:%S%.6f"),
        (["2021-07-04 08:05:00", "2021-07-04 08:05:00.5", "2021-07-04 08:05:00.25"], "%Y-%m-%d %H:%M:%S%.f"),
        (["2021-07-04T08:05:00.123456789Z"], "%Y-%m-%dT%H:%M:%S.%9fZ"),
        (["2021-Q3", "2020-Q1"], "%Y-Q%q"),
        (["Q3 2021", "Q1 2020"], "Q%q %Y"),
        (["38:53", "4:07"], "%-K:%M"),
        (["9999-12-31", "1600-02-29"], "%Y-%m-%d"),
        (["04/07/45", "05/06/60", "04/13/78", "04/13/99", "11/20/10"], "%m/%d/%1945y"),
        (["04/07/15", "04/13/21"], "%m/%d/%y"),
    ],
)
def test_flags_are_learned_from_the_texts(texts, format_):
    assert found(texts).format == format_


@pytest.mark.parametrize(
    "texts",
    [
        ["2020-13-05", "2020-01-05"], ["2020-01-05", "2020-1-5"], ["1.5", "2"], ["yes", "no"], ["10.0.0.1"],
        ["2021-02-29", "2021-02-28"], ["25:61", "10:10"], ["1.10.12", "1.2.10", "2.3.15"], ["INV-2021-03"],
        ["2019-20"], ["12345678", "23456789"], ["13:05 PM"], ["Mon, 04 Jul 2021"], ["24:00:00 2021-01-01"], [],
        ["20200101", "20200105", "20200107"],
    ],
)  # fmt: skip
def test_what_is_no_date(texts):
    assert found(texts) is None


@pytest.mark.parametrize(
    ("texts", "format_", "others"),
    [
        (["01/02/2020", "04/03/2020", "05/06/2021"], "%m/%d/%Y", ("%d/%m/%Y",)),
        (["01.02.2020", "04.03.2020", "02.06.2021"], "%d.%m.%Y", ("%m.%d.%Y",)),
        (["01-02-2020", "04-03-2020", "02-06-2021"], "%d-%m-%Y", ("%m-%d-%Y",)),
        (["01/01/2020", "01/02/2020", "01/04/2020"], "%d/%m/%Y", ("%m/%d/%Y",)),  # firsts of months
        (["11/02/2020", "12/02/2020", "01/03/2020"], "%d/%m/%Y", ("%m/%d/%Y",)),  # in order
        (["07/03/2020", "05/03/2020", "06/03/2020", "08/03/2020"], "%d/%m/%Y", ("%m/%d/%Y",)),  # within a week
    ],
)
def test_day_and_month_that_cannot_be_told_apart(texts, format_, others):
    one = found(texts)
    assert (one.format, one.others) == (format_, others)


def test_a_year_of_two_digits_is_not_taken_for_a_day_where_there_are_many_dates():
    assert found(MOMENTS.strftime("%y-%m-%d")).others == ()


def test_random_numbers_are_not_dates():
    rng = np.random.default_rng(1)
    ranges = [
        (19_000_000, 21_000_000),
        (190_000, 210_000),
        (100_000, 1_000_000),
        (10**7, 10**8),
        (20_200_101, 20_200_131),
    ]
    for low, high in ranges:
        for _ in range(200):
            numbers = np.unique(rng.integers(low, high, 30)).astype(str).astype(object)
            assert find_format(numbers) is None, (low, numbers)


def test_a_declared_format_takes_leading_zeros_and_case_from_the_texts():
    texts = np.array(["4/7/2021 8:05 am", "14/12/2021 11:05 pm"], dtype=object)
    assert fit_format(texts, "%d/%m/%Y %I:%M %p") == "%-d/%-m/%Y %-I:%M %#p"
    assert fit_format(texts, "%m/%d/%Y %I:%M %p") is None


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.datetimes(dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31, 23, 59, 59)), min_size=1, max_size=20),
    st.sampled_from(["%Y-%m-%d %H:%M:%S.%f", "%-d %^b %Y, %-I:%M:%S%.f %.#p", "%A, %B %o %Y %_H:%M:%S%.6f",
                     "%G-W%V-%u %H:%M:%S.%f", "%Y-%j %H:%M:%S.%f", "%Y%m%d%H%M%S%f"]),
)  # fmt: skip
def test_every_moment_comes_back_from_its_text(moments, format_):
    ticks = np.array(moments, dtype="M8[us]").astype(np.int64)
    assert (parse_dates(write_dates(ticks, format_), format_) == ticks).all()


def test_texts_are_those_of_strftime():
    for format_ in ("%a %A %b %B %y %j %p %I %G-W%V-%u %H:%M:%S", "%Y-%m-%d"):
        assert write_dates(MOMENTS.as_unit("us").asi8, format_).tolist() == MOMENTS.strftime(format_).tolist()
