"""Encoders on a graph give the very codes and numbers that those in numpy give."""

from __future__ import annotations

import datetime as dt
import decimal

import numpy as np
import pandas as pd
import pytest
from graphs import ENCODINGS, assert_same_rows, fitted_encoder

from gensynth.errors import CapabilityError, DataError
from gensynth.export.columns import ports_of, reserved_text
from gensynth.export.feeds import feeds_of

N = 300


def days(values, unit="us"):
    return pd.to_datetime(values, unit="D").astype(f"datetime64[{unit}]")


def zoo(rng):
    """Return columns by name: what is fitted, and what is encoded then."""
    normal = rng.standard_normal(N)
    count = rng.integers(0, 30, N)
    holes = rng.random(N) < 0.2
    labels = rng.choice(["red", "green", "blue"], N)
    day = rng.integers(10_000, 12_000, N)
    monday = 4 + 7 * rng.integers(1400, 1700, N) + rng.choice([0, 2], N)
    months = pd.Series([pd.Timestamp(2001 + i // 12 % 9, i % 12 + 1, 1) for i in rng.integers(0, 100, N)])
    ends = months + pd.offsets.MonthEnd(0)
    new_floats = np.concatenate([[np.nan, 1e308, -1e308, 1e6, -5.0, 0.0, -0.0], normal])[:N]
    new_counts = np.concatenate([[-7, 10**17, 31, -(10**17), 12], count])[:N]
    return {
        "float": (normal, new_floats),
        "float32": (normal.astype(np.float32), normal.astype(np.float32)[::-1]),
        "holes": (np.where(holes, np.nan, normal), new_floats),
        "cents": (
            np.round(normal * 50, 2),
            np.concatenate([[1e300, 0.005, 2.675, np.nan], np.round(normal * 60, 3)])[:N],
        ),
        "tail": (rng.lognormal(0, 3, N), np.concatenate([[1e300, 1e-300, np.nan], rng.lognormal(0, 5, N)])[:N]),
        "spike": (np.where(rng.random(N) < 0.6, 0.0, normal), new_floats),
        "count": (count, new_counts),
        "wide integers": (
            rng.integers(10**17, 9 * 10**17, N),
            np.concatenate([[-(10**18), 3], rng.integers(10**17, 9 * 10**17, N)])[:N],
        ),
        "nullable": (pd.Series(count).astype("Int64").mask(holes), pd.array(new_counts, dtype="Int64")),
        "whole floats": (np.where(holes, np.nan, count), np.concatenate([[2.4, np.nan, 1e19], count])[:N]),
        "flag": (rng.random(N) < 0.4, rng.random(N) < 0.4),
        "maybe": (
            pd.Series(rng.random(N) < 0.5).astype("boolean").mask(holes),
            pd.Series(np.full(N, True)).astype("boolean").mask(rng.random(N) < 0.5),
        ),
        "label": (labels, np.concatenate([["violet", "<missing>", None], labels])[:N]),
        "gaps": (np.where(holes, None, labels), np.concatenate([["violet", ""], labels])[:N]),
        "many": (rng.zipf(1.5, N).clip(max=300).astype(str), rng.zipf(1.3, N).clip(max=500).astype(str)),
        "numbered": (
            pd.Categorical(rng.choice([3, 1, 2, 70], N)),
            np.concatenate([[5, 70, 0], rng.choice([3, 1, 2], N)])[:N],
        ),
        "fractions": (
            pd.Categorical(rng.choice([0.5, 1.0, 2.25], N)),
            np.concatenate([[0.75, np.nan], rng.choice([0.5, 1.0], N)])[:N],
        ),
        "date": (days(day), days(np.concatenate([[0, 200, 30_000], day])[:N])),
        "nanoseconds": (days(day, "ns") + pd.to_timedelta(rng.integers(0, 10**9, N), "ns"), days(day, "ns")),
        "seconds": (days(day, "s"), days(day + 1, "s")),
        "sparse dates": (pd.Series(days(day)).where(~holes), pd.Series(days(day)).where(holes)),
        "weekdays": (days(monday), days(np.concatenate([monday[:100], day])[:N])),
        "first of month": (months, pd.concat([months[:100], pd.Series(days(day))])[:N].reset_index(drop=True)),
        "end of month": (ends, pd.concat([ends[:100], pd.Series(days(day - 20_000))])[:N].reset_index(drop=True)),
        "zoned": (
            pd.Series(days(day)).dt.tz_localize("Europe/Berlin"),
            pd.Series(days(day + 3)).dt.tz_localize("UTC").dt.tz_convert("Europe/Berlin"),
        ),
        "span": (pd.to_timedelta(day, "h"), pd.to_timedelta(day * 2, "h")),
        "written dates": (
            pd.Series(days(day)).dt.strftime("%d/%m/%Y"),
            pd.Series(days(day + 40)).dt.strftime("%d/%m/%Y"),
        ),
        "numbered dates": (
            pd.Series(days(day)).dt.strftime("%Y%m%d").astype(int),
            pd.Series(days(day + 9)).dt.strftime("%Y%m%d").astype(int),
        ),
        "times": ([dt.time(h % 24, h % 60) for h in day], [dt.time(h % 23, h % 59) for h in day]),
        "decimal": (
            [decimal.Decimal(c).scaleb(-2) for c in count.tolist()],
            [decimal.Decimal(c).scaleb(-1) for c in count.tolist()],
        ),
        "euros": (
            [f"{v:,.2f} €" for v in np.round(normal * 5000, 2)],
            [f"{v:,.2f} €" for v in np.round(normal * 9000, 2)],
        ),
        "with words": (
            [("unknown" if h else str(c)) for h, c in zip(holes, count, strict=True)],
            [("unknown" if h else str(c + 5)) for h, c in zip(~holes, count, strict=True)],
        ),
    }


@pytest.mark.parametrize("encoding", list(ENCODINGS))
def test_every_kind_of_column(encoding):
    columns = zoo(np.random.default_rng(0))
    frame = pd.DataFrame({name: pd.Series(one) for name, (one, _) in columns.items()})
    new = pd.DataFrame({name: pd.Series(other) for name, (_, other) in columns.items()})
    encoder = fitted_encoder(frame, encoding, {"wide integers": "numeric"})
    assert list(encoder.columns) == list(columns)
    assert_same_rows(encoder, pd.concat([frame, new], ignore_index=True))


def test_linked_columns():
    rng = np.random.default_rng(1)
    bill = np.round(rng.lognormal(3, 1, N), 2)
    frame = pd.DataFrame(
        {"bill": bill, "paid": np.where(rng.random(N) < 0.5, bill, np.round(rng.lognormal(3, 1, N), 2))}
    )
    encoder = fitted_encoder(frame)
    assert len(encoder.links) == 1
    frame.loc[:5, "paid"] = np.nan
    assert_same_rows(encoder, frame)


def test_dates_in_a_time_zone_that_fall_on_some_days_only_are_refused_by_name():
    monday = pd.to_datetime(4 + 7 * np.arange(1400, 1400 + N), unit="D").tz_localize("Europe/Berlin")
    encoder = fitted_encoder(pd.DataFrame({"due": monday, "x": np.arange(N) % 7}))
    with pytest.raises(CapabilityError, match="column 'due' holds dates in a time zone"):
        ports_of(encoder, tuple(encoder.columns), "-", ())


def test_a_boolean_that_was_never_missing_cannot_be():
    encoder = fitted_encoder(pd.DataFrame({"flag": np.arange(N) % 3 == 0, "x": np.arange(N) % 5}))
    ports = ports_of(encoder, tuple(encoder.columns), "-", ())
    with pytest.raises(DataError, match="column 'flag', row 1: None is neither true nor false"):
        feeds_of(pd.DataFrame({"flag": [True, None], "x": [1, 2]}), encoder.schema, ports)


def test_the_reserved_text_is_none_of_the_categories():
    labels = np.array(["<missing>", "<<missing>>", "other"])[np.arange(N) % 3]
    encoder = fitted_encoder(pd.DataFrame({"label": labels, "x": np.arange(N) % 5}))
    assert reserved_text(encoder) == "<<<missing>>>"
    assert_same_rows(encoder, pd.DataFrame({"label": [*labels[:5], None, "new"], "x": 1}))


def test_names_of_inputs():
    frame = pd.DataFrame(
        {"score": np.arange(N) % 7, 1: np.arange(N) % 5, "1": np.arange(N) % 4, "a b": np.arange(N) % 3}
    )
    ports = ports_of(fitted_encoder(frame), ["score", 1, "1", "a b"], "-", ("score",))
    assert [port.name for port in ports] == ["score_", "1", "1_", "a b"]
    assert [port.column for port in ports] == ["score", 1, "1", "a b"]
