"""Numbers far from all others: finite, in their order, there and back; and a cell that wrecks a column is named."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gensynth.encoding.far import soft_clip, undo_soft_clip
from gensynth.encoding.number import NumberEncoder
from gensynth.errors import ColumnWarning
from gensynth.layout import FAR, Encoding
from gensynth.schema import TableSchema

FLOATS = st.floats(allow_nan=False, allow_infinity=False)
UNITS = st.floats(1e-300, 1e300)
ENCODINGS = ("bins", "normal", "standard")
LARGEST = np.finfo(float).max


@given(values=st.lists(FLOATS, min_size=2), unit=UNITS)
def test_soft_clip_is_finite_odd_and_keeps_the_order(values, unit):
    ordered = np.sort(np.array(values))
    clipped = soft_clip(ordered, unit)
    assert np.isfinite(clipped).all()
    assert np.isfinite(clipped.astype(np.float32)).all()
    assert (np.diff(clipped) >= 0).all()
    assert (soft_clip(-ordered, unit) == -clipped).all()


def test_far_values_stay_apart():
    values = np.array([1.0, FAR, 1e5, 1e9, 1e30, 1e300, LARGEST])
    for unit in (1e-12, 1.0, 1e6):
        assert (np.diff(soft_clip(values, unit)) > 0).all()


@given(value=st.floats(-1e12, 1e12), unit=st.floats(1e-3, 1e3))
def test_soft_clip_can_be_undone(value, unit):
    assert undo_soft_clip(soft_clip(np.array([value]), unit))[0] == pytest.approx(value / unit, rel=1e-9)


def encoder_of(values, numeric):
    frame = pd.DataFrame({"x": values})
    schema = TableSchema.infer(frame, {"x": "numeric"})
    return NumberEncoder.fit(schema.align(frame)["x"], schema["x"], Encoding(numeric)), schema


@pytest.mark.parametrize("numeric", ENCODINGS)
@pytest.mark.parametrize("spread", [1e-200, 1.0, 1e200, 0.3 * LARGEST])
@given(new=st.lists(FLOATS, min_size=1, max_size=20))
def test_every_finite_number_is_encoded_as_a_finite_one_in_order(numeric, spread, new):
    encoder, schema = encoder_of(np.random.default_rng(0).standard_normal(100) * spread, numeric)
    frame = schema.align(pd.DataFrame({"x": np.sort(np.array(new))}))
    cells = encoder.encode(frame["x"], jacobian=True)
    assert np.isfinite(cells.numbers).all()
    assert np.isfinite(cells.numbers.astype(np.float32)).all()
    assert np.isfinite(cells.log_jacobian).all()
    same_bin = np.diff(cells.codes) == 0
    assert (np.diff(cells.numbers)[same_bin] >= 0).all()


@pytest.mark.parametrize("numeric", ENCODINGS)
def test_a_far_cell_comes_back_and_leaves_the_others_apart(numeric):
    values = np.random.default_rng(0).standard_normal(200)
    values[7] = 1e300
    with pytest.warns(ColumnWarning, match=r"column 'x', row 7: 1e\+300 is more than a million million times"):
        encoder, schema = encoder_of(values, numeric)
    frame = schema.align(pd.DataFrame({"x": values}))
    cells = encoder.encode(frame["x"])
    back = encoder.decode(cells).to_numpy()
    if numeric != "normal":
        np.testing.assert_allclose(back, values, rtol=1e-9)
    rest = np.delete(cells.numbers, 7)
    assert np.std(rest) > 0.1


@pytest.mark.parametrize("share", [0.6, 0.95])
def test_a_far_cell_among_equal_values_does_not_set_the_scale(share):
    rng = np.random.default_rng(0)
    values = np.where(rng.random(400) < share, 0.0, rng.random(400))
    usual, _ = encoder_of(values, "standard")
    values[3] = -LARGEST
    with pytest.warns(ColumnWarning, match="row 3"):
        far, _ = encoder_of(values, "standard")
    assert far.scale < 1e4 * usual.scale


def test_the_first_of_several_far_cells_is_named():
    values = np.random.default_rng(0).standard_normal(200)
    values[[5, 9, 11]] = 1e20, -1e25, 1e30
    with pytest.warns(ColumnWarning, match=r"row 5: 1e\+20 \(and 2 other cells\)"):
        encoder_of(values, "bins")


@pytest.mark.parametrize(
    "values",
    [
        np.random.default_rng(0).lognormal(0, 3, 2000),
        np.random.default_rng(0).standard_cauchy(2000),
        np.append(np.zeros(999), 1e6),
        np.append(np.ones(500), 1 + 1e-9),
        np.random.default_rng(0).integers(0, 5, 100) * 10**15,
        np.full(50, 7.0),
        np.array([0.0, 1e300]),
    ],
)
def test_heavy_tails_and_few_values_are_not_reported(values):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        encoder_of(values, "bins")
