"""Weights of rows in the encoder of a table: whole ones are repeated rows, and no row is lost."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from weighed_tables import N, table

from gensynth.encoding.table import TableEncoder
from gensynth.encoding.tablestate import table_state
from gensynth.layout import Encoding
from gensynth.schema import TableSchema


def encoder(frame, weights=None, **options):
    return TableEncoder(TableSchema.infer(frame), Encoding(**options)).fit(frame, weights)


@pytest.mark.parametrize("numeric", ["bins", "normal", "standard"])
@pytest.mark.parametrize("options", [{}, {"max_bins": 5, "max_atoms": 2, "max_levels": 2}])
def test_encoders_count_whole_weights_as_repeated_rows(numeric, options):
    frame, weights = table(), np.random.default_rng(1).integers(1, 4, N)
    one = encoder(frame, weights, numeric=numeric, **options)
    other = encoder(frame.loc[frame.index.repeat(weights)].reset_index(drop=True), numeric=numeric, **options)
    assert one.layout == other.layout
    (json, arrays), (json_2, arrays_2) = table_state(one), table_state(other)
    assert json == json_2
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, arrays_2[name], err_msg=name)
        assert array.dtype == arrays_2[name].dtype


@pytest.mark.parametrize("numeric", ["bins", "normal", "standard"])
def test_encoders_keep_every_row_of_the_least_weight(numeric):
    frame = table()
    weights = np.random.default_rng(0).pareto(0.7, N) + 1e-4
    weights[[0, 11]] = 1e-5
    weights /= weights.mean()
    fitted = encoder(frame, weights, numeric=numeric)
    back = fitted.decode(fitted.encode(frame), np.random.default_rng(0))
    pd.testing.assert_frame_equal(back, frame, rtol=1e-9)
    for column in fitted.layout.columns:
        assert sum(column.frequencies) == pytest.approx(1)
        assert all(share > 0 for share in column.frequencies[1:])
    (c,) = [column for column in fitted.layout.columns if column.name == "c"]
    assert c.frequencies[1] == pytest.approx(weights[::11].sum() / N)
    assert fitted.layout.n_rows == N


def test_quantiles_of_weighted_numbers():
    rng = np.random.default_rng(0)
    x = rng.normal(size=2000)
    weights = np.exp(x)  # tilted by one: N(1, 1)
    weights /= weights.mean()
    fitted = encoder(pd.DataFrame({"x": x}), weights, numeric="normal")
    at = fitted.columns["x"].function.decode(np.zeros(3, dtype=np.int64), np.array([0.16, 0.5, 0.84]))
    np.testing.assert_allclose(at, [0, 1, 2], atol=0.15)
