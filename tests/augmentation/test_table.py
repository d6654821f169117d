from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch
from toy_models import Toy

from gensynth import Trainer, augment
from gensynth.errors import DataError, IdentifierWarning, OptionError
from gensynth.metrics import copies

polars = pytest.importorskip("polars")


def run(data, target=None, **settings):
    trainer = Trainer(max_epochs=1, progress=False)
    return augment(data, target, **{"model": Toy(), "trainer": trainer, "random_state": 0, **settings})


def people(n: int = 120) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "age": pd.array(rng.integers(18, 80, n), dtype="Int64"),
            "income": pd.Categorical(np.where(np.arange(n) % 4 == 0, ">50K", "<=50K"), ["never", "<=50K", ">50K"]),
            "pay": rng.normal(size=n).round(2),
            "city": rng.choice(np.array(["Rome", "Oslo", None]), n),
        }
    )


def test_balance_fills_up_each_class_and_leaves_real_rows_alone():
    data = people()
    result = run(data, "income", balance=True)
    frame = result.frame
    assert list(frame.columns) == [*data.columns, "_synthetic"]
    assert frame["_synthetic"].dtype == bool
    pd.testing.assert_frame_equal(frame.iloc[:120, :-1], data, check_exact=True)
    assert frame.drop(columns="_synthetic").dtypes.equals(data.dtypes)
    assert frame["income"].value_counts()[["<=50K", ">50K"]].tolist() == [90, 90]
    assert result.real is data
    pd.testing.assert_frame_equal(result.synthetic, frame.iloc[120:, :-1].reset_index(drop=True))
    report = result.report
    assert report.classes_before == {"<=50K": 90, ">50K": 30}
    assert report.classes_after == {"<=50K": 90, ">50K": 90}
    assert (report.n_real, report.n_synthetic) == (120, 60)
    assert report.n_copies == copies(data, result.synthetic).sum()
    assert (report.n_copies_dropped, report.real_copy_share) == (0, data[data["income"] == ">50K"].duplicated().mean())
    assert 0 <= report.fidelity.shape_error < 0.5
    assert report.seconds > 0
    assert report.to_frame().loc[">50K"].tolist() == [30, 90]


def test_fidelity_of_a_balanced_table_looks_at_the_classes_that_were_drawn():
    """The target's share differs by design; it is no error of the synthetic rows."""
    result = run(people(400), "income", balance=True)
    target = next(c for c in result.report.fidelity.columns if c.name == "income")
    assert target.shape_error == pytest.approx(0, abs=1e-9)


def few_combinations(n: int = 400) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    sex = rng.random(n) < 0.5
    return pd.DataFrame({"sex": sex, "member": np.where(rng.random(n) < 0.95, sex, ~sex), "p": rng.random(n) < 0.3})


def test_rows_follow_the_distribution_where_nearly_all_of_them_are_copies():
    """Without the copies only combinations would be left that real rows hardly ever hold."""
    data = few_combinations().astype(str)
    result = run(data, n_rows=400, model="vae", trainer=Trainer(max_epochs=60, progress=False))
    agree = (result.synthetic["sex"] == result.synthetic["member"]).mean()
    assert agree == pytest.approx(0.95, abs=0.06)
    assert result.report.n_copies > 390
    assert result.report.real_copy_share > 0.97


def test_dropping_copies_is_asked_for_and_counted():
    data = few_combinations(60).assign(x=np.arange(60) % 7)
    result = run(data, n_rows=100, drop_copies=True)
    assert result.report.n_copies_dropped > 0
    assert result.report.n_copies == copies(data, result.synthetic).sum() == 0


def test_identifiers_are_told_apart_from_learned_columns_in_the_count_of_copies():
    data = few_combinations(100).astype(str).assign(key=[f"k{i:03}" for i in range(100)])
    with pytest.warns(IdentifierWarning):
        report = run(data, n_rows=100).report
    assert report.identifiers == ("key",)
    assert report.n_copies > 50
    assert report.real_copy_share > 0.9


@pytest.mark.parametrize(
    ("settings", "n"), [({"n_rows": 33}, 33), ({"ratio": 0.5}, 60), ({"ratio": 0}, 0), ({"n_rows": 0}, 0)]
)
def test_rows_by_number_or_ratio(settings, n):
    result = run(people(), **settings)
    assert len(result.synthetic) == result.report.n_synthetic == n
    assert len(result.frame) == 120 + n
    assert result.report.classes_after is None
    assert result.frame.drop(columns="_synthetic").dtypes.equals(people().dtypes)
    assert (result.report.fidelity is None) == (n == 0)


@pytest.mark.parametrize("model", ["auto", "vae"])
def test_nothing_to_add_trains_nothing_and_says_so(model, monkeypatch):
    def fail(self, *arguments, **options):
        raise AssertionError("it was trained")

    monkeypatch.setattr(Trainer, "run", fail)
    even = people().assign(income=["a", "b"] * 60)
    for asked in ({"balance": True}, {"n_rows": 0}, {"ratio": 0.001}):
        result = run(even, "income", model=model, check=True, **asked)
        assert len(result.frame) == 120
        assert result.report.choice is None
        assert result.report.unchecked == "no rows were added"
        assert "There was nothing to add, so nothing was trained." in result.report._repr_html_()


def test_what_cannot_be_balanced_is_said_before_a_model_is_chosen(monkeypatch):
    def fail(self, *arguments, **options):
        raise AssertionError("it was trained")

    monkeypatch.setattr(Trainer, "run", fail)
    with pytest.raises(OptionError, match="cannot be balanced"):
        run(people(), "pay", model="auto", balance=True)


def test_classes_are_counted_whatever_is_asked():
    report = run(people(), "income", n_rows=40).report
    assert sum(report.classes_after.values()) == 160
    assert run(people(), "pay", n_rows=40).report.classes_after is None


def test_only_synthetic_rows():
    result = run(people(), "income", balance=True, only_synthetic=True)
    assert len(result.frame) == 60
    assert result.frame["_synthetic"].all()
    assert result.report.classes_after == {"<=50K": 90, ">50K": 90}


@pytest.mark.parametrize("kind", [pa.Table.from_pandas, polars.from_pandas], ids=["arrow", "polars"])
def test_other_tables_stay_what_they_are(kind):
    data = kind(people())
    result = run(data, "income", balance=True)
    assert type(result.frame) is type(data)
    assert type(result.synthetic) is type(data)
    assert result.frame.shape == (180, 5)
    real = result.frame.slice(0, 120)
    real = real.drop(["_synthetic"]) if isinstance(data, pa.Table) else real.drop("_synthetic")
    assert real.equals(data)


def test_arrays_have_numbered_columns():
    data = np.random.default_rng(0).integers(0, 5, (100, 3)).astype(np.int16)
    data[:, 2] = np.arange(100) % 3 == 0
    result = run(data, "x2", balance=True)
    assert isinstance(result.synthetic, np.ndarray)
    assert result.synthetic.dtype == np.int16
    assert list(result.frame.columns) == ["x0", "x1", "x2", "_synthetic"]
    assert (result.frame["x2"] == 1).sum() == 66


def test_sparse_columns_stay_sparse():
    data = people().assign(pay=pd.arrays.SparseArray(np.arange(120) % 3, fill_value=0))
    result = run(data, "income", balance=True)
    assert result.synthetic.dtypes.equals(data.dtypes)
    assert result.frame["pay"].dtype == data["pay"].dtype


def test_identifiers_are_made_up_and_not_compared():
    data = people().assign(id=[f"k{i:04}" for i in range(120)])
    with pytest.warns(IdentifierWarning):
        result = run(data, "income", balance=True)
    assert result.frame["id"].is_unique
    assert [c.name for c in result.report.fidelity.columns] == ["age", "income", "pay", "city"]


def test_a_declared_schema_may_hold_the_target():
    result = run(people(), "income", balance=True, schema={"income": "categorical", "age": "categorical"})
    assert set(result.synthetic["age"]) <= set(people()["age"])


def test_missing_targets_are_no_matter_unless_classes_are_asked_for():
    data = people()
    data.loc[:9, "income"] = np.nan
    assert len(run(data, "income", n_rows=5).frame) == 125
    with pytest.raises(DataError, match="'income' is missing in 10 of 120 rows"):
        run(data, "income", balance=True)


def test_the_same_seed_gives_the_same_table_and_leaves_global_state_alone():
    states = np.random.get_state(legacy=False)["state"]["key"].copy(), torch.get_rng_state()  # noqa: NPY002
    first, again, other = (run(people(), "income", balance=True, random_state=s).frame for s in (1, 1, 2))
    pd.testing.assert_frame_equal(first, again)
    assert not first.equals(other)
    assert (np.random.get_state(legacy=False)["state"]["key"] == states[0]).all()  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), states[1])


@pytest.mark.parametrize(
    ("change", "target", "settings", "error", "message"),
    [
        ({}, "income", {}, OptionError, "exactly one of"),
        ({}, "income", {"balance": True, "n_rows": 3}, OptionError, "exactly one of"),
        ({}, None, {"balance": True}, OptionError, "balance needs a target"),
        ({}, None, {"n_rows": -1}, OptionError, "n_rows=-1"),
        ({}, None, {"n_rows": 2.5}, OptionError, "n_rows=2.5"),
        ({}, None, {"ratio": -0.5}, OptionError, "ratio=-0.5"),
        ({}, None, {"ratio": float("inf")}, OptionError, "ratio=inf"),
        ({}, "wage", {"balance": True}, DataError, "'wage' is not a column.*age, income"),
        ({}, "pay", {"balance": True}, OptionError, "'pay' has .* cannot be balanced.*n_rows"),
        ({"income": [f"k{i}" for i in range(120)]}, "income", {"balance": True}, OptionError, "120 different values"),
        ({"income": "no"}, "income", {"balance": True}, DataError, "1 class only, 'no'"),
        ({"_synthetic": True}, "income", {"balance": True}, DataError, "already has a column '_synthetic'"),
    ],
)
def test_what_cannot_be_done(change, target, settings, error, message):
    with pytest.raises(error, match=message):
        run(people().assign(**change), target, **settings)


def test_a_target_alone_is_not_enough():
    with pytest.raises(DataError, match="nothing but the target"):
        run(people()[["income"]], "income", balance=True)


@pytest.mark.parametrize("more", [{"n_rows": 5}, {"balance": True}])
def test_a_frame_in_many_blocks_gives_no_warning(more):
    columns = {f"c{i}": np.arange(40) % (2 + i % 3) for i in range(120)}
    frame = pd.DataFrame({**columns, "y": ["a"] * 10 + ["b"] * 30}, copy=False)
    assert not run(frame, "y", **more).frame.empty


def test_the_name_of_the_columns_is_kept():
    data = people().rename_axis(columns="feature")
    result = run(data, "income", balance=True)
    assert result.frame.columns.name == result.synthetic.columns.name == "feature"


def test_numbers_written_as_text_are_compared_as_numbers():
    """As texts hardly any of them would stand in both tables."""
    rng = np.random.default_rng(0)
    data = pd.DataFrame({"price": [f"${v:,.2f}" for v in rng.exponential(2_000, 200)], "z": rng.normal(size=200)})
    report = run(data, n_rows=200).report
    price = next(column for column in report.fidelity.columns if column.name == "price")
    assert price.shape_error < 0.3
