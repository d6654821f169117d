"""Columns that a category of their row implies: a detector checks them instead of learning them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gensynth.encoding.table import TableEncoder
from gensynth.encoding.tablestate import table_from_state, table_state
from gensynth.layout import UNKNOWN, Encoding
from gensynth.schema import TableSchema

COUNTRY = {"Acme": "FR", "Bolt": "IT", "Core": "DE", "Dune": "FR"}
IBAN = {name: f"XX{i}" for i, name in enumerate(COUNTRY)}


def invoices(n: int = 400) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    supplier = pd.Series(rng.choice(list(COUNTRY), n, p=[0.6, 0.3, 0.07, 0.03]))
    country, iban = supplier.map(COUNTRY), supplier.map(IBAN)
    return pd.DataFrame({"supplier": supplier, "country": country, "iban": iban, "net": rng.normal(size=n)})


def encoder_of(frame: pd.DataFrame, *, exceptions: bool = False, learn_implied: bool = False) -> TableEncoder:
    schema = TableSchema.infer(frame)
    encoder = TableEncoder(
        schema, Encoding("standard"), relations="auto", exceptions=exceptions, learn_implied=learn_implied
    )
    return encoder.fit(schema.align(frame))


@pytest.mark.parametrize("exceptions", [False, True])
def test_one_column_stands_for_all_that_repeat_it(exceptions):
    frame = invoices()
    if exceptions:
        frame.loc[3, "country"] = "US"
    encoder = encoder_of(frame, exceptions=exceptions)
    assert list(encoder.position) == ["supplier", "net"]
    assert set(encoder.implied) == {"country", "iban"}
    state, arrays = table_state(encoder)
    assert table_from_state(state, arrays).layout == encoder.layout


def test_a_chain_starts_with_the_one_column_that_is_learned():
    frame = invoices().drop(columns="iban")
    frame["currency"] = frame["country"].map({"FR": "EUR", "IT": "ITL", "DE": "EUR"})
    encoder = encoder_of(frame)
    assert list(encoder.position) == ["supplier", "net"]
    rows = encoder.encode(encoder.schema.align(frame))
    decoded = encoder.decode(rows, np.random.default_rng(0))
    pd.testing.assert_series_equal(decoded["currency"], frame["currency"])
    frame.loc[5, "currency"] = "USD"
    codes = encoder.encode(encoder.schema.align(frame)).codes[:, list(encoder.checks)]
    assert np.flatnonzero((codes == UNKNOWN).any(1)).tolist() == [5]


def test_a_wrong_cell_breaks_the_relation():
    frame = invoices()
    encoder = encoder_of(frame)
    frame.loc[7, "country"] = "DE" if frame.loc[7, "country"] != "DE" else "IT"
    frame.loc[8, "iban"] = "XX9"
    codes = encoder.encode(encoder.schema.align(frame)).codes[:, list(encoder.checks)]
    assert np.flatnonzero((codes == UNKNOWN).any(1)).tolist() == [7, 8]


def test_rows_are_decoded_with_them():
    frame = invoices()
    encoder = encoder_of(frame)
    rows = encoder.encode(encoder.schema.align(frame))
    decoded = encoder.decode(rows, np.random.default_rng(0))
    pd.testing.assert_frame_equal(decoded[["supplier", "country", "iban"]], frame[["supplier", "country", "iban"]])


def test_models_that_sample_learn_every_column():
    assert set(invoices()) <= set(encoder_of(invoices(), learn_implied=True).position)


def test_what_most_rows_say_alone_implies_nothing():
    """Rows with a key of their own keep any dependency, whatever their other cells are."""
    frame = invoices().drop(columns="iban")
    own = np.arange(len(frame)) % 3 == 0
    frame["supplier"] = np.where(own, [f"one of {i}" for i in range(len(frame))], frame["supplier"])
    encoder = encoder_of(frame)
    assert "country" in encoder.position


def test_cells_that_may_be_missing_are_learned():
    frame = invoices()
    frame.loc[frame.index % 4 == 0, "country"] = None
    assert "country" in encoder_of(frame).position
