"""New keys have the old pattern, and are new."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from gensynth.encoding.identifier import IdentifierGenerator
from gensynth.errors import DataError
from gensynth.schema import TableSchema

N = 300


def generator(values):
    frame = pd.DataFrame({"key": values})
    column = TableSchema.infer(frame, {"key": "identifier"})["key"]
    return IdentifierGenerator.fit(frame["key"], column)


@pytest.mark.parametrize(
    "make", [lambda i: f"AB-{i * 31:04d}", lambda i: f"{i * 2654435761 % 2**32:08x}", lambda i: f"u{i}@x.org"]
)
def test_text_keys_have_the_pattern_and_are_new(make):
    import re

    old = [make(i) for i in range(N)]
    fitted = generator(old)
    state, arrays = fitted.state()
    assert not any(key in json.dumps(state) for key in old)
    again = IdentifierGenerator.from_state(fitted.column, json.loads(json.dumps(state)), arrays)
    new = again.generate(500, np.random.default_rng(0))
    assert new.is_unique
    assert not set(new) & set(old)
    shape = lambda text: re.sub("[0-9a-f]", "9", text)  # noqa: E731
    if not old[0].startswith("u"):
        assert {shape(key) for key in new} <= {shape(key) for key in old}


def test_a_full_pattern_grows():
    fitted = generator([f"K{i}" for i in range(10)] * 2)
    new = fitted.generate(50, np.random.default_rng(0))
    assert not set(new) & {f"K{i}" for i in range(10)}
    assert new.str.fullmatch(r"K\d+").all()
    assert new.nunique() == pytest.approx(25, abs=4)  # each fitted one has two rows


def test_integers_go_on():
    fitted = generator(pd.array([5, 9, None, 7], dtype="Int64"))
    new = fitted.generate(1000, np.random.default_rng(0))
    assert new.dtype == "Int64"
    assert new.min() > 9
    assert new.dropna().is_unique
    assert new.isna().mean() == pytest.approx(0.25, abs=0.05)


def test_small_integers_run_out():
    fitted = generator(np.arange(100, 120, dtype=np.int8))
    assert fitted.generate(100, np.random.default_rng(0)).max() < 100
    with pytest.raises(DataError, match="int8"):
        fitted.generate(1000, np.random.default_rng(0))
