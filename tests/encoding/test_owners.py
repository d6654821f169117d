"""Identifiers that belong together row by row stay together, in every part of a table."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pandas as pd
import pytest

from gensynth.encoding.table import TableEncoder
from gensynth.encoding.tablestate import table_from_state, table_state
from gensynth.errors import IdentifierWarning
from gensynth.layout import Encoding
from gensynth.schema import TableSchema

N = 1000
R = np.random.default_rng(4)
WHO = R.integers(0, 300, N)
ORDERS = pd.DataFrame({
    "customer_id": (R.choice(900_000, 300, replace=False) + 100_000)[WHO],
    "email": np.array([f"u{R.integers(10**6)}@{['x.org', 'y.com'][i % 2]}" for i in range(300)])[WHO],
    "phone": np.array([f"+49 30 {R.integers(10**6, 10**7)}" for _ in range(400)])[R.integers(0, 400, N)],
    "amount": R.normal(size=N).round(2),
})  # fmt: skip


def fitted(data):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", IdentifierWarning)
        schema = TableSchema.infer(data)
    frame = schema.align(data)
    encoder = TableEncoder(schema, Encoding()).fit(frame)
    state, arrays = table_state(encoder)
    return table_from_state(json.loads(json.dumps(state)), arrays), encoder.encode(frame)


@pytest.mark.parametrize("name", ["customer_id", "email", "phone"])
def test_new_values_repeat_as_the_fitted_did(name):
    encoder, rows = fitted(ORDERS)
    assert encoder.schema[name].kind == "identifier"
    new = encoder.decode(rows, np.random.default_rng(0))[name]
    assert not set(new) & set(ORDERS[name])
    assert new.nunique() == pytest.approx(ORDERS[name].nunique(), rel=0.15)
    sizes, own = new.value_counts(), ORDERS[name].value_counts()
    assert sizes.std() == pytest.approx(own.std(), rel=0.3)


def test_one_email_a_customer():
    encoder, rows = fitted(ORDERS)
    assert encoder.leaders == {"email": "customer_id"}
    new = encoder.decode(rows, np.random.default_rng(0))
    assert new.groupby("customer_id")["email"].nunique().max() == 1
    assert new.groupby("email")["customer_id"].nunique().max() == 1
    assert new.groupby("customer_id")["phone"].nunique().max() > 1  # they had several


def test_missing_together():
    gap = R.random(N) < 0.3
    data = ORDERS.assign(
        email=ORDERS["email"].mask(gap), phone=pd.Series([f"+49 30 {i}" for i in range(10**6, 10**6 + N)])
    )
    data["phone"] = data["phone"].mask(gap)
    data["fax"] = [None if g else f"+49 31 {i}" for g, i in zip(gap, range(10**6, 10**6 + N), strict=True)]
    encoder, rows = fitted(data)
    new = encoder.decode(rows, np.random.default_rng(0))
    assert new["email"].isna().mean() == pytest.approx(0.3, abs=0.05)
    assert (new["fax"].isna() == new["phone"].isna()).all()


def test_fewer_rows_are_the_first_of_more():
    encoder, rows = fitted(ORDERS)
    all_rows = encoder.decode(rows, np.random.default_rng(0))
    part = type(rows)(rows.numeric[:100], rows.codes[:100])
    few = encoder.decode(part, np.random.default_rng(0))
    pd.testing.assert_frame_equal(few, all_rows.iloc[:100])
    assert 20 <= few["email"].nunique() <= 50  # 3.3 rows each, in a part as well
