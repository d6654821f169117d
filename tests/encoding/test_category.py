"""Values that mean the same, however they are written, encode the same."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gensynth.encoding.table import TableEncoder
from gensynth.layout import UNKNOWN, Encoding
from gensynth.schema import TableSchema

N = 60
FLAGS = pd.Series(np.arange(N) % 3 == 0)


def encoded(fit: pd.Series, new: pd.Series) -> np.ndarray:
    frame = pd.DataFrame({"x": fit})
    schema = TableSchema.infer(frame)
    encoder = TableEncoder(schema, Encoding()).fit(schema.align(frame))
    return encoder.encode(schema.align(pd.DataFrame({"x": new}))).codes


WAYS = {
    "bool": FLAGS,
    "int": FLAGS.astype(int),
    "float": FLAGS.astype(float),
    "Int64": FLAGS.astype("Int64"),
    "boolean": FLAGS.astype("boolean"),
    "objects": FLAGS.astype(object),
    "True": FLAGS.astype(str),
    "true": FLAGS.astype(str).str.lower(),
    "1": FLAGS.astype(int).astype(str),
    "1.0": FLAGS.astype(float).astype(str),
    "yes": FLAGS.map({True: "yes", False: "no"}),
    "T": FLAGS.map({True: "T", False: "F"}),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("fit", ["bool", "boolean", "objects", "int"])
def test_true_and_false_in_every_spelling(fit, way):
    np.testing.assert_array_equal(encoded(WAYS[fit], WAYS[way]), encoded(WAYS[fit], WAYS[fit]))


@pytest.mark.parametrize("kind", ["category", "text"])
@pytest.mark.parametrize("new", [int, float, str, lambda s: s.astype(float).astype(str)])
def test_numbered_categories_in_every_spelling(kind, new):
    numbers = pd.Series(np.arange(N) % 4)
    fit = numbers.astype("category") if kind == "category" else numbers.astype(str)
    other = new(numbers) if callable(new) and not isinstance(new, type) else numbers.astype(new)
    np.testing.assert_array_equal(encoded(fit, other), encoded(fit, fit))


def test_other_words_stay_unknown():
    assert (encoded(FLAGS, pd.Series(["maybe", "True"])) == [[0], [2]]).all()


@pytest.mark.parametrize("dtype", [object, "string", "str"])
def test_few_rows_have_the_codes_that_they_have_among_many(dtype):
    fit = pd.Series(["a", "b", None, "c"] * 30, dtype=dtype)
    many = pd.Series(["a", "b", None, "never seen", "c"] * 40, dtype=dtype)
    codes = encoded(fit, many)
    assert (codes[3::5] == UNKNOWN).all()
    assert (codes[::5] != UNKNOWN).all()
    for i in range(5):
        np.testing.assert_array_equal(encoded(fit, many.iloc[i : i + 1]), codes[i : i + 1])


def test_few_rows_of_texts_find_the_numbers_that_they_write():
    fit = pd.Series([1, 2, 5] * 40, dtype="category")
    np.testing.assert_array_equal(
        encoded(fit, pd.Series(["2", "1.0", "7"])), encoded(fit, pd.Series([2, 1, 7], dtype=object))
    )
