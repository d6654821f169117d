"""Numbers that hardly repeat are one draw of a continuum: new rows do not hold the very same ones."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gensynth.encoding.rows import Rows
from gensynth.encoding.table import TableEncoder
from gensynth.layout import Encoding, NumericEncoding
from gensynth.schema import TableSchema

N = 400


def drawn(values: np.ndarray, kind: NumericEncoding) -> pd.Series:
    """Return values at random positions of random codes, as a model that learned the marginal would draw them."""
    frame = pd.DataFrame({"x": values})
    schema = TableSchema.infer(frame, {"x": "numeric"})
    encoder = TableEncoder(schema, Encoding(kind)).fit(schema.align(frame))
    rng = np.random.default_rng(1)
    codes = rng.choice(
        len(encoder.layout.columns[0].frequencies), size=(2000, 1), p=encoder.layout.columns[0].frequencies
    )
    numbers = rng.random((2000, 1)) if kind == "bins" else rng.normal(size=(2000, 1))
    return encoder.decode(Rows(numbers, codes.astype(np.int32)), rng)["x"]


@pytest.mark.parametrize("kind", ["bins", "normal"])
@pytest.mark.parametrize("decimals", [0, 4, None])
def test_unique_numbers_are_not_repeated(kind, decimals):
    values = np.random.default_rng(0).normal(0, 1e6, N)
    values = values if decimals is None else values.round(decimals)
    new = drawn(values, kind)
    assert new.isin(values).mean() < 0.02
    assert np.abs(np.sort(new)[::5] - np.sort(values)).mean() < 0.1 * values.std()


@pytest.mark.parametrize("kind", ["bins", "normal"])
def test_numbers_that_repeat_are_repeated(kind):
    prices = np.random.default_rng(0).choice([4.99, 9.99, 19.95, 24.5, 99.0, 149.9], N)
    assert drawn(np.append(prices, [7.5] * 3), kind).isin([*prices, 7.5]).mean() > 0.99
