"""`Synthesizer.impute`: which cells change, what they become, and in what container they come back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from toy_models import Toy

from gensynth.errors import CapabilityError, DataError, PluginError, SchemaError
from gensynth.models import VAE, VLAE
from gensynth.synthesizer import Synthesizer
from gensynth.training import Trainer

QUICK = Trainer(max_epochs=2, progress=False, device="cpu")
SMALL = VAE(hidden=(16, 16), latent_dim=3)


def people(n: int = 240, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "amount": np.round(rng.lognormal(size=n), 2),
            "share": rng.normal(size=n).astype(np.float32),
            "sex": rng.choice(["F", "M"], n),
            "size": pd.Categorical(rng.choice(["S", "M", "L"], n), ["S", "M", "L"], ordered=True),
            "visits": pd.array(np.where(rng.random(n) < 0.2, np.array(None), rng.integers(0, 300, n)), dtype="Int64"),
            "member": pd.array(rng.random(n) < 0.5, dtype="boolean"),
            "day": pd.Timestamp("2020-01-01", tz="Europe/Berlin") + pd.to_timedelta(rng.integers(0, 900, n), unit="D"),
            "one": "x",
        }
    )


def with_gaps(table: pd.DataFrame, share: float = 0.3, seed: int = 1) -> pd.DataFrame:
    return table.mask(np.random.default_rng(seed).random(table.shape) < share)


@pytest.fixture(scope="module")
def fitted() -> Synthesizer:
    return Synthesizer(SMALL, trainer=QUICK, random_state=0).fit(people())


def test_gaps_are_filled_and_nothing_else_changes(fitted):
    table = with_gaps(people(seed=2))[["day", "one", "sex", "amount", "share", "member", "size", "visits"]]
    table.index = pd.Index(range(500, 500 + len(table)), name="key")
    before = table.copy()
    filled = fitted.impute(table, random_state=3)
    pd.testing.assert_frame_equal(table, before)
    assert filled.dtypes.equals(table.dtypes)
    assert not filled.isna().any().any()
    pd.testing.assert_index_equal(filled.index, table.index)
    pd.testing.assert_frame_equal(filled.where(table.notna(), table), table)
    assert filled["visits"].between(0, 300).all()
    assert (filled["one"] == "x").all()
    pd.testing.assert_frame_equal(fitted.impute(table, random_state=3), filled)
    assert not fitted.impute(table, random_state=4).equals(filled)
    assert not fitted.impute(table).equals(fitted.impute(table))


def test_a_table_without_gaps_comes_back_as_a_copy(fitted):
    table = people(seed=2).drop(columns="visits").assign(visits=pd.array([3] * 240, dtype="Int64"))
    filled = fitted.impute(table)
    pd.testing.assert_frame_equal(filled, table)
    assert filled is not table


def test_columns_may_come_with_other_dtypes_and_values_never_seen(fitted):
    table = people(6).assign(
        visits=[1.0, np.nan, 3.0, np.nan, 5.0, 6.0], sex=np.array(["F", None, "X", "M", None, "F"])
    )
    table["size"] = pd.Categorical(["S", None, "S", None, "S", None])
    filled = fitted.impute(table, random_state=0)
    assert filled["visits"].dtype == np.float64
    assert filled["sex"].tolist()[2] == "X"
    assert set(filled["sex"]) <= {"F", "M", "X"}
    assert filled["size"].notna().all()
    with pytest.raises(DataError, match="'amount'"):
        fitted.impute(table.assign(amount="a lot"))
    with pytest.raises(SchemaError, match="'share'"):
        fitted.impute(table.drop(columns="share"))


@pytest.mark.parametrize("convert", [lambda X: X, lambda X: X.astype(np.float32), lambda X: X.tolist()])
def test_arrays(convert):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 3))
    X[:, 1] += X[:, 0]
    synthesizer = Synthesizer(SMALL, trainer=QUICK, random_state=0).fit(X)
    gappy = np.where(rng.random(X.shape) < 0.2, np.nan, X)
    given = convert(gappy)
    filled = synthesizer.impute(given)
    assert isinstance(filled, np.ndarray)
    assert filled.dtype == np.asarray(given).dtype
    assert np.isfinite(filled).all()
    there = ~np.isnan(gappy)
    np.testing.assert_array_equal(filled[there], np.asarray(given)[there])


@pytest.mark.parametrize("kind", [pl.DataFrame, pa.table])
def test_containers(fitted, kind):
    table = with_gaps(people(30, seed=2)).drop(columns=["size", "day"])
    synthesizer = Synthesizer(SMALL, trainer=QUICK, random_state=0).fit(people().drop(columns=["size", "day"]))
    arrow = pa.Table.from_pandas(table, preserve_index=False).replace_schema_metadata(None)
    given: Any = arrow if kind is pa.table else pl.from_arrow(arrow)
    filled: Any = synthesizer.impute(given, random_state=0)
    assert type(filled) is type(given)
    assert filled.schema == given.schema
    back = (filled if kind is pa.table else filled.to_arrow()).to_pandas()
    assert not back.isna().any().any()
    for name in ("amount", "sex", "share"):
        keep = table[name].notna().to_numpy()
        assert back[name].to_numpy()[keep].tolist() == table[name].to_numpy()[keep].tolist()


@pytest.mark.parametrize("fill", [0.0, np.nan])
def test_sparse_columns(fill):
    rng = np.random.default_rng(0)
    amount = pd.Series(np.where(rng.random(240) < 0.7, 0.0, rng.integers(1, 9, 240) / 2))
    sparse = pd.SparseDtype("float64", fill)
    table = pd.DataFrame({"amount": amount.astype(sparse), "age": rng.integers(0, 90, 240)})
    gappy = table.assign(amount=amount.where(np.arange(240) % 7 != 0).astype(sparse))
    filled = Synthesizer(SMALL, trainer=QUICK, random_state=0).fit(table).impute(gappy, random_state=0)
    assert filled.dtypes.equals(table.dtypes)
    dense = filled["amount"].sparse.to_dense()
    assert not dense.isna().any()
    there = np.arange(240) % 7 != 0
    assert (dense[there] == amount[there]).all()


def test_identifiers_and_empty_columns_are_left_alone():
    table = people().assign(key=[f"K{i:05d}" for i in range(240)], nothing=np.nan)
    with pytest.warns(UserWarning, match="identifier"):
        synthesizer = Synthesizer(SMALL, trainer=QUICK, random_state=0).fit(table)
    gappy = table.assign(sex=table["sex"].where(table.index > 20), key=table["key"].where(table.index > 9))
    filled = synthesizer.impute(gappy)
    pd.testing.assert_series_equal(filled["key"], gappy["key"])
    assert filled["nothing"].isna().all()
    assert filled["sex"].notna().all()


def test_a_family_that_cannot_names_one_that_can():
    table = people()
    synthesizer = Synthesizer(Toy(), trainer=QUICK, random_state=0).fit(table)
    with pytest.raises(CapabilityError, match="vlae"):
        synthesizer.impute(with_gaps(table))


@pytest.mark.parametrize(("spoil", "words"), [(1, "changed given"), (0, "missing")])
def test_a_model_that_breaks_its_word_is_caught(fitted, monkeypatch, spoil, words):
    def generate(self, n, rng, observed=None):
        if spoil:
            observed.rows.codes[:] = 1
        return observed.rows

    monkeypatch.setattr(type(fitted.model_), "generate", generate)
    with pytest.raises(PluginError, match=words):
        fitted.impute(with_gaps(people(seed=2)))


def agreement(table):
    """Return the share of rows in which each pair of the columns tells the same."""
    a, b, c = table["a"].map("wxyz".index), (table["b"] / 10).round(), table["c"].astype(int).map(lambda c: (c - 1) % 4)
    return min((a == b).mean(), (a == c).mean(), (b == c).mean())


@pytest.mark.parametrize("recipe", [VLAE(width=48, hidden=24, dropout=0.0), VAE(hidden=(64, 64), latent_dim=4)])
def test_cells_follow_the_others_of_their_row(recipe):
    """Three columns that say the same: any one of them, first or last, tells the others as well as samples agree."""
    rng = np.random.default_rng(0)
    a = rng.integers(0, 4, 3000)
    table = pd.DataFrame({"a": np.array(list("wxyz"))[a], "b": a * 10.0 + rng.normal(size=3000), "c": (a + 1) % 4})
    table = table.assign(c=table["c"].astype(str))
    trainer = Trainer(max_epochs=25, progress=False, device="cpu")
    synthesizer = Synthesizer(recipe, trainer=trainer, random_state=0).fit(table)
    wanted = agreement(synthesizer.sample(2000, random_state=0))
    assert wanted > 0.8  # independent columns: 0.25
    for keep in "abc":
        gappy = table.head(400).copy()
        for name in set("abc") - {keep}:
            gappy[name] = np.nan if name == "b" else None
        assert agreement(synthesizer.impute(gappy, random_state=0)) > wanted - 0.05, keep
    both = synthesizer.sample(400, {"a": "x", "c": "2"}, random_state=0)
    assert agreement(both) > wanted - 0.05
