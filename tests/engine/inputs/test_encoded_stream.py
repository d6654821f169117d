"""A table that does not fit the memory: what its sample lacks is learned all the same."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from toy_models import Toy

from gensynth import Synthesizer, Trainer
from gensynth.errors import ColumnWarning, SchemaError
from gensynth.tables import open_table

QUICK = Trainer(max_epochs=1, progress=False, device="cpu")
N = 3000


def big_table() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({
        "a": rng.normal(size=N).round(2), "b": rng.choice(["x", "y"], N), "net": rng.integers(1, 60, N),
        "id": [f"C{i:06}" for i in rng.permutation(N)],
    })  # fmt: skip
    frame["gross"] = frame["net"] * 2
    frame["same"] = frame["net"] * 3
    frame.loc[2777, "b"] = "rare"
    frame.loc[1234, "a"] = 77.5
    frame.loc[2001, "net"] = 500
    frame.loc[2001, "gross"] = 1000
    frame.loc[2001, "same"] = 7  # no longer three times as much
    frame.loc[1500, "a"] = np.nan
    return frame


@pytest.fixture
def stream(tmp_path):
    big_table().to_parquet(tmp_path / "t.parquet", row_group_size=500)
    return open_table(tmp_path / "t.parquet", in_memory=0)


@pytest.fixture(autouse=True)
def quiet(recwarn):
    """Identifiers are noted."""


def fit(table, **options):
    return Synthesizer(Toy(), trainer=QUICK, random_state=0, **options)


def test_what_a_sample_lacks_is_learned(stream):
    frame = big_table()
    found = fit(stream).fit(stream, memory_rows=200)
    encoder = found.fitted_.encoder
    columns = {c.name: c for c in encoder.layout.columns}
    assert encoder.layout.n_rows == N
    b = encoder.columns["b"]
    shares = dict(zip(b.labels.index, columns["b"].frequencies[1:], strict=True))
    assert shares == pytest.approx((frame["b"].value_counts() / N).to_dict())
    assert columns["a"].frequencies[1] == pytest.approx(1 / N)
    schema = found.schema_
    assert (schema["a"].maximum, schema["a"].decimals) == (7750, 2)
    assert schema["net"].maximum == 500
    assert [str(r) for r in schema.relations if r.kind in ("sum", "product")] == ["gross = 2 * net"]
    drawn = found.sample(N, random_state=1)
    assert not set(drawn["id"]) & set(frame["id"])
    assert (drawn["gross"] == 2 * drawn["net"]).all()


def test_a_declared_relation_that_breaks_late_is_an_error(stream):
    with pytest.raises(SchemaError, match="same"):
        fit(stream, relations=["same = 3 * net"]).fit(stream, memory_rows=200)


def test_a_table_that_fits_is_learned_as_in_memory(stream):
    one, other = (fit(X).fit(X) for X in (stream, big_table()))
    pd.testing.assert_frame_equal(one.sample(50, random_state=0), other.sample(50, random_state=0), check_exact=True)


def test_weights_count_rows_of_all_parts(stream):
    weights = np.where(big_table()["b"] == "x", 0, 2)
    found = fit(stream).fit(stream, sample_weight=weights, memory_rows=300)
    assert "x" not in set(found.sample(200)["b"])


def test_the_same_seed_gives_the_same_fit(stream):
    one, other = (fit(stream).fit(stream, memory_rows=200).sample(30, random_state=0) for _ in range(2))
    pd.testing.assert_frame_equal(one, other, check_exact=True)


def test_a_key_of_numbers_is_one_in_a_large_table_too(tmp_path):
    frame = pd.DataFrame({"id": np.random.default_rng(0).permutation(np.arange(50_000, 50_000 + 7 * N, 7))})
    frame["x"] = np.arange(N) % 5
    frame.to_parquet(tmp_path / "keys.parquet")
    table = open_table(tmp_path / "keys.parquet", in_memory=0)
    found = fit(table, schema={"x": "categorical"}).fit(table, memory_rows=2000)
    assert found.schema_["id"].kind == "identifier"
    drawn = found.sample(N, random_state=0)["id"]
    assert drawn.is_unique
    assert not set(drawn) & set(frame["id"])


def test_weights_count_in_the_frequencies_of_a_large_table(tmp_path):
    frame = pd.DataFrame({"c": np.where(np.arange(N) % 2, "a", "b"), "x": np.random.default_rng(0).normal(size=N)})
    frame.to_parquet(tmp_path / "w.parquet")
    weights = np.where(frame["c"] == "a", 9.0, 1.0)
    table = open_table(tmp_path / "w.parquet", in_memory=0)
    large, small = (
        fit(X).fit(X, sample_weight=weights, memory_rows=1000).fitted_.encoder.layout for X in (table, frame)
    )
    assert large.columns[0].frequencies == pytest.approx((0.0, 0.9, 0.1))
    assert large.columns[0].frequencies == pytest.approx(small.columns[0].frequencies)
    assert large.n_rows == small.n_rows


@pytest.mark.parametrize(("n", "words"), [(1, "1 row of"), (2, "2 rows of")])
def test_rows_that_cannot_be_learned_are_told_of_with_the_option(n, words, tmp_path):
    frame = pd.DataFrame({"a": np.arange(2000) % 97 / 8, "b": np.arange(2000) % 5}).astype({"a": object})
    frame.loc[1995 : 1994 + n, "a"] = "none"
    frame.to_csv(tmp_path / "t.csv", index=False)
    table = open_table(tmp_path / "t.csv", in_memory=0)
    with pytest.warns(
        ColumnWarning, match=rf"^{words} .* not learned, because of rare values .*; to learn them raise memory_rows$"
    ):
        fit(table, schema={"a": "numeric"}).fit(table, memory_rows=50)


@pytest.mark.parametrize("repeats", [1, 5])
def test_numbers_given_in_order_go_on_and_repeat_as_in_all_rows(tmp_path, repeats):
    ids = np.repeat(np.arange(10_000, 10_000 + N // repeats), repeats)
    frame = pd.DataFrame({"id": ids, "a": np.random.default_rng(0).normal(size=N).round(2)})
    frame.to_parquet(tmp_path / "t.parquet", row_group_size=500)
    table = open_table(tmp_path / "t.parquet", in_memory=0)
    options = {} if repeats == 1 else {"schema": {"id": "identifier"}}
    for most in (200, 2000):  # a sample with gaps, and one that nearly has none
        found = fit(table, **options).fit(table, memory_rows=most)
        drawn = found.sample(500, random_state=1)["id"]
        assert drawn.min() == ids.max() + 1
        assert drawn.max() <= ids.max() + 1.2 * 500 / repeats
        assert (drawn.value_counts() == repeats).mean() > 0.8  # the last ones are cut off
    whole = fit(frame, **options).fit(frame).sample(500, random_state=1)["id"]
    pd.testing.assert_series_equal(drawn, whole)
