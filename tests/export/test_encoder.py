"""Encoders on a graph give the very codes and numbers that those in numpy give."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from export_tables import N, zoo
from graphs import ENCODINGS, assert_same_rows, fitted_encoder

from gensynth.errors import CapabilityError, DataError
from gensynth.export.columns import ports_of, reserved_text
from gensynth.export.feeds import feeds_of


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
