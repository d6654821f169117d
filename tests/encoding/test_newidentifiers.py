"""Identifiers that are made part by part are those made at once."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gensynth.encoding.identifier import IdentifierGenerator
from gensynth.encoding.newidentifiers import NewIdentifiers, generate
from gensynth.schema import TableSchema

N = 3000
CASES: dict[str, pd.Series[Any]] = {
    "going on": pd.Series(range(100, 700)),
    "texts": pd.Series([f"K-{i * 7919 % 100000:05}" for i in range(600)]),
    "repeated": pd.Series([f"user{i // 3 * 37}@example.com" for i in range(600)]),
    "missing": pd.Series([None if i % 5 == 0 else f"K-{i * 7919 % 100000:05}" for i in range(600)]),
    "numbers": pd.Series(np.random.default_rng(0).choice(10**9, 600, replace=False) + 10**9),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("rows", [1, 128, 5000])
def test_parts_are_the_whole(name, rows):
    frame = pd.DataFrame({"id": CASES[name]})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        column = TableSchema.infer(frame, {"id": "identifier"}).columns[0]
    generator = IdentifierGenerator.fit(frame["id"], column)
    n = N if rows > 1 else 60
    whole = generate(generator, n, np.random.default_rng(1))
    of_rows, of_values = np.random.default_rng(1).spawn(2)
    made = NewIdentifiers(generator, generator.owners(n, of_rows), of_values)
    parts = [made.take(first, min(first + rows, n)) for first in range(0, n, rows)]
    pd.testing.assert_series_equal(pd.concat(parts, ignore_index=True), whole)
    if name not in ("repeated", "missing"):
        assert whole.is_unique
    assert not set(whole.dropna()) & set(CASES[name].dropna())
