"""New keys have the old pattern, and are new."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from gensynth.encoding.identifier import IdentifierGenerator
from gensynth.encoding.newidentifiers import generate
from gensynth.errors import DataError
from gensynth.schema import TableSchema
from gensynth.schema.checksums import CHECKSUMS
from gensynth.schema.values import object_array

N = 300
RNG = np.random.default_rng(8)


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
    new = generate(again, 500, np.random.default_rng(0))
    assert new.is_unique
    assert not set(new) & set(old)
    shape = lambda text: re.sub("[0-9a-f]", "9", text)  # noqa: E731
    if not old[0].startswith("u"):
        assert {shape(key) for key in new} <= {shape(key) for key in old}


def test_a_full_pattern_grows():
    fitted = generator([f"K{i}" for i in range(10)] * 2)
    new = generate(fitted, 50, np.random.default_rng(0))
    assert not set(new) & {f"K{i}" for i in range(10)}
    assert new.str.fullmatch(r"K\d+").all()
    assert new.nunique() == pytest.approx(25, abs=4)  # each fitted one has two rows


def test_integers_go_on():
    fitted = generator(pd.array([5, 9, None, 7], dtype="Int64"))
    new = generate(fitted, 1000, np.random.default_rng(0))
    assert new.dtype == "Int64"
    assert new.min() > 9
    assert new.dropna().is_unique
    assert new.isna().mean() == pytest.approx(0.25, abs=0.05)


def test_small_integers_run_out():
    fitted = generator(np.arange(100, 120, dtype=np.int8))
    assert generate(fitted, 100, np.random.default_rng(0)).max() < 100
    with pytest.raises(DataError, match="int8"):
        generate(fitted, 1000, np.random.default_rng(0))


@pytest.mark.parametrize(
    "values",
    [
        RNG.choice(900_000_000, 400, replace=False) + 100_000_000,
        pd.array([None, *(RNG.choice(9000, 99, replace=False) + 1000).tolist()], dtype="Int32"),
        RNG.choice(2**31, 400, replace=False).astype(np.int32),
        RNG.integers(-(2**63), 2**63 - 1, 400),
        RNG.choice(10**6, 400, replace=False) * 1.0,
        [f"{i * 7919 % 100_000:05d}" for i in range(400)],
    ],
)
def test_codes_are_new_and_of_the_same_lengths(values):
    fitted = generator(values)
    new = generate(fitted, 1000, np.random.default_rng(0))
    old = pd.Series(values)
    assert new.dtype == old.dtype
    assert new.dropna().is_unique
    assert not set(new.dropna()) & set(old.dropna())
    lengths = [series.dropna().astype(str).str.len() for series in (new, old)]
    assert set(lengths[0]) <= set(lengths[1])
    assert new.isna().mean() == pytest.approx(old.isna().mean(), abs=0.02)


def test_check_digits_stay_right():
    for name in CHECKSUMS:
        plain = [f"NL00BANK{i:010d}" if name == "iban" else str(i) for i in RNG.integers(10**9, 10**10, N).tolist()]
        fitted = generator(CHECKSUMS[name].repaired(object_array(plain)))
        assert fitted.checksum == name
        assert CHECKSUMS[name].holds(generate(fitted, 500, np.random.default_rng(0)).to_numpy(dtype=object)).all()


@pytest.mark.parametrize(
    "values", [[f"K{i * 31:04d}" for i in range(N)], [f"u{i % 90}@x.org" for i in range(N)], range(N)]
)
def test_the_first_do_not_depend_on_how_many(values):
    fitted = generator(list(values))
    many = generate(fitted, 3000, np.random.default_rng(3))
    for n in (0, 1, 100, 999):
        pd.testing.assert_series_equal(generate(fitted, n, np.random.default_rng(3)), many[:n])
    assert not generate(fitted, 100, np.random.default_rng(4)).equals(many[:100]) or fitted.pattern is None


def test_most_of_a_pattern_taken():
    """Two of a hundred codes are free: these come, then longer ones."""
    fitted = generator([f"{i:02d}" for i in range(98)])
    new = generate(fitted, 30, np.random.default_rng(0))
    assert not set(new) & {f"{i:02d}" for i in range(98)}
    assert new.is_unique


def test_hashes_do_not_say_who_was_in_the_table():
    """About one in a hundred numbers that were not fitted has the hash of a fitted one."""
    old = RNG.choice(10**9, 2000, replace=False) + 10**9
    fitted = generator(old)
    others = object_array([str(i) for i in range(3 * 10**9, 3 * 10**9 + 20_000)])
    assert 0.001 < fitted.known.have(others).mean() < 0.02


def test_integers_without_room():
    fitted = generator(pd.Series(RNG.permutation(np.arange(-128, 128, 3)), dtype="int8"))
    with pytest.raises(DataError, match=r"'key'.*int8.*categorical"):
        generate(fitted, 200, np.random.default_rng(0))


def test_what_stands_for_no_identifier_is_kept():
    values = [["unknown", "n/a", None][i % 3] if i % 4 == 0 else f"p{i * 7919 % 10_007}@x.org" for i in range(600)]
    fitted = generator(values)
    state, arrays = fitted.state()
    again = IdentifierGenerator.from_state(fitted.column, json.loads(json.dumps(state)), arrays)
    new = generate(again, 2000, np.random.default_rng(0))
    shares = new.value_counts(normalize=True, dropna=False)
    assert [shares["unknown"], shares["n/a"], new.isna().mean()] == pytest.approx([1 / 12] * 3, abs=0.03)
    made = new[~new.isin(["unknown", "n/a"])].dropna()
    assert made.is_unique
    assert made.str.fullmatch(r"p\d+@x\.org").all()
    assert not set(made) & set(values)
