from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch
from imblearn.pipeline import Pipeline
from imblearn.utils.estimator_checks import estimator_checks_generator
from sklearn.base import clone
from sklearn.impute import SimpleImputer
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks
from toy_models import Toy, ToyModel

from gensynth import Augmenter, Trainer
from gensynth.errors import CapabilityError, DataError, IdentifierWarning, OptionError
from gensynth.metrics import copies

polars = pytest.importorskip("polars")


class OneSidedModel(ToyModel):
    def generate(self, n, rng, observed=None):
        if observed is not None:
            raise CapabilityError("OneSided cannot condition")
        return super().generate(n, rng)


class OneSided(Toy):
    """A family that cannot condition."""

    capabilities = frozenset({"sample", "score"})

    def build(self, layout):
        return OneSidedModel(layout, self.width, self.dropout, self.two_stages)


def toy(**settings) -> Augmenter:
    trainer = Trainer(max_epochs=1, progress=False)
    return Augmenter(**{"model": Toy(), "trainer": trainer, "random_state": 0, **settings})


def mixed(n: int = 120, seed: int = 0) -> tuple[pd.DataFrame, pd.Series]:
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(
        {
            "age": pd.array(rng.integers(18, 80, n), dtype="Int64"),
            "pay": np.where(rng.random(n) < 0.2, np.nan, rng.normal(size=n)).astype(np.float32),
            "city": pd.Categorical(rng.choice(["Rome", "Oslo"], n), categories=["Oslo", "Rome", "Bonn"]),
            "member": rng.random(n) < 0.5,
            "since": pd.Timestamp("2020-01-01", tz="UTC") + pd.to_timedelta(rng.integers(0, 900, n), unit="D"),
            "note": rng.choice(np.array(["a", "b", None]), n),
        }
    )
    X.loc[3, "age"] = pd.NA
    return X, pd.Series(np.where(np.arange(n) % 4 == 0, "yes", "no"), name="bought")


@pytest.mark.filterwarnings("ignore:.*equal a real row and were kept:UserWarning")  # tables of a few values
@pytest.mark.parametrize("check", list(estimator_checks_generator(toy())), ids=lambda pair: pair[1].func.__name__)
def test_imbalanced_learn_checks(check):
    estimator, run = check
    run(estimator)


@pytest.mark.filterwarnings("ignore:.*equal a real row and were kept:UserWarning")  # tables of a few values
@parametrize_with_checks([toy()])
def test_scikit_learn_checks(estimator, check):
    check(estimator)


def test_mixed_rows_keep_their_bits_and_dtypes():
    X, y = mixed()
    before = X.copy(deep=True)
    augmenter = toy()
    X_res, y_res = augmenter.fit_resample(X, y)
    pd.testing.assert_frame_equal(X, before)
    pd.testing.assert_frame_equal(X_res.iloc[: len(X)], X, check_exact=True)
    pd.testing.assert_series_equal(y_res.iloc[: len(X)], y)
    assert X_res.dtypes.equals(X.dtypes)
    assert y_res.value_counts().to_dict() == {"no": 90, "yes": 90}
    assert augmenter.sampling_strategy_ == {"yes": 60}
    assert augmenter.synthetic_mask_.tolist() == [False] * 120 + [True] * 60
    assert (y_res[augmenter.synthetic_mask_] == "yes").all()
    assert list(augmenter.feature_names_in_) == list(X.columns)


@pytest.mark.parametrize(
    "y",
    [
        np.arange(120) % 4 == 0,
        (np.arange(120) % 4).astype(np.int16),
        np.array(["a", "b", "c", "c"] * 30),
        pd.Series(["a", "b", "c", "c"] * 30, dtype="category", index=range(5, 125)),
        pd.Series(np.arange(120) % 3 == 0, dtype="boolean"),
        pd.Series([1.0, 2.0, 2.0] * 40),
        [1, "a", "a"] * 40,
        pa.array(["a", "b", "b"] * 40),
        polars.Series("t", ["a", "b", "b"] * 40),
        pd.DataFrame({"t": ["a", "b", "b"] * 40}),
    ],
    ids=lambda y: type(y).__name__,
)
def test_targets_of_any_type_come_back_as_they_went(y):
    X, _ = mixed()
    X_res, y_res = toy().fit_resample(X, y)
    assert type(y_res) is type(y)
    assert len(y_res) == len(X_res)
    labels = pd.Series(list(y_res["t"]) if isinstance(y, pd.DataFrame) else list(y_res)).astype(str)
    assert len(set(labels.value_counts())) == 1
    assert getattr(y_res, "dtype", None) == getattr(y, "dtype", None)


def numbers(n: int = 80) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(n, 3))


@pytest.mark.parametrize(
    "X",
    [
        numbers().astype(np.float32),
        np.where(numbers() > 0, "p", "n").astype(object),
        numbers().tolist(),
        [[1, "a"], [2, "b"], [3, "a"], [4, "b"]] * 20,
        pa.table({"x": numbers()[:, 0], "s": ["a", None] * 40}),
        polars.DataFrame({"x": numbers()[:, 0], "s": ["a", None] * 40}),
    ],
    ids=lambda X: type(X).__name__,
)
def test_features_of_any_container_come_back_as_they_went(X):
    y = np.arange(80) % 4 == 0
    X_res, y_res = toy().fit_resample(X, y)
    assert type(X_res) is type(X)
    assert len(X_res) == len(y_res) == 120
    for attribute in ("dtype", "schema"):
        assert getattr(X_res, attribute, None) == getattr(X, attribute, None)
    if isinstance(X, np.ndarray):
        np.testing.assert_array_equal(X_res[:80], X)
    elif isinstance(X, list):
        assert X_res[:80] == X
        assert {type(v) for row in X_res for v in row} == {type(v) for row in X for v in row}
    else:
        assert X_res[:80].equals(X)


def test_minority_only_generation():
    X, _ = mixed()
    y = np.array(["a", "b", "c", "c", "c", "c"] * 20)
    y[0] = "b"
    _, y_res = toy(sampling_strategy="minority").fit_resample(X, y)
    assert {c: int(np.sum(y_res == c)) for c in "abc"} == {"a": 80, "b": 21, "c": 80}


def test_a_balanced_table_trains_nothing():
    X, _ = mixed()
    y = np.array(["a", "b"] * 60)
    X_res, y_res = toy(model="no such model").fit_resample(X, y)
    pd.testing.assert_frame_equal(X_res, X)
    assert len(y_res) == 120


def few_values(n: int = 300) -> tuple[pd.DataFrame, pd.Series]:
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.integers(0, 3, (n, 3)), columns=list("abc")).astype(str)
    return X, pd.Series(np.arange(n) % 15 == 0)


def test_copies_are_counted_and_kept():
    X, y = few_values()
    augmenter = toy()
    X_res, _ = augmenter.fit_resample(X, y)
    new = X_res[augmenter.synthetic_mask_]
    assert augmenter.copies_.n == copies(X[y], new).sum() > 0
    assert augmenter.copies_.n_dropped == 0
    assert augmenter.copies_.real_share == X[y].duplicated(keep=False).mean()


def test_copies_are_drawn_anew_where_that_is_asked():
    X, y = few_values()
    augmenter = toy(drop_copies=True)
    X_res, _ = augmenter.fit_resample(X, y)
    new = X_res[augmenter.synthetic_mask_]
    assert len(new) == 260
    assert augmenter.copies_.n_dropped > 0
    assert augmenter.copies_.n == 0
    assert not copies(X[y], new).any()


def test_copies_are_kept_with_a_warning_where_nothing_else_can_be():
    X = pd.DataFrame({"a": ["p", "q"] * 40})
    y = np.arange(80) % 8 < 2
    augmenter = toy(drop_copies=True)
    with pytest.warns(UserWarning, match="equal a real row and were kept"):
        X_res, _ = augmenter.fit_resample(X, y)
    assert len(X_res) == 120
    assert augmenter.copies_.n == 40


def test_identifiers_do_not_hide_copies():
    X = pd.DataFrame({"id": [f"k{i:04}" for i in range(80)], "a": ["p", "q"] * 40})
    augmenter = toy(drop_copies=True)
    with pytest.warns(IdentifierWarning), pytest.warns(UserWarning, match="equal a real row"):
        X_res, _ = augmenter.fit_resample(X, np.arange(80) % 8 < 2)
    assert augmenter.copies_.n == 40
    assert X_res["id"].is_unique


@pytest.mark.parametrize("drop", [False, True])
def test_identifiers_differ_over_all_classes(drop):
    X, _ = few_values()
    X.insert(0, "number", np.arange(300))
    X["d"] = np.random.default_rng(1).normal(size=300).round(1)
    y = np.repeat(["x", "y", "z"], [200, 60, 40])
    with pytest.warns(IdentifierWarning):
        X_res, y_res = toy(drop_copies=drop).fit_resample(X, y)
    assert X_res["number"].is_unique
    assert {c: int(np.sum(y_res == c)) for c in "xyz"} == {"x": 200, "y": 200, "z": 200}


def test_families_that_cannot_condition_get_a_model_per_class():
    X, y = mixed()
    X_res, y_res = toy(model=OneSided()).fit_resample(X, y)
    assert y_res.value_counts().to_dict() == {"no": 90, "yes": 90}
    assert X_res.dtypes.equals(X.dtypes)


def test_a_model_per_class_makes_no_identifier_of_another_class():
    X, _ = few_values()
    n = len(X)
    X.insert(0, "number", np.arange(n))
    X["mail"] = [f"p{i * 7919 % 1000}@x.org" for i in range(n)]
    y = np.where(np.arange(n) % 20 == 0, "x", "y")
    with pytest.warns(IdentifierWarning):
        X_res, _ = toy(model=OneSided()).fit_resample(X, y)
    assert len(X_res) > n
    assert X_res["number"].is_unique
    assert X_res["mail"].is_unique


def test_a_model_per_class_makes_identifiers_for_the_whole_table():
    X, _ = few_values()
    X.insert(1, "number", np.arange(300))
    y = np.repeat(["x", "y", "z"], [200, 60, 40])
    with pytest.warns(IdentifierWarning):
        X_res, _ = toy(model=OneSided()).fit_resample(X, y)
    assert X_res["number"].is_unique
    assert list(X_res.columns) == list(X.columns)


def test_a_model_per_class_needs_rows():
    X, y = mixed()
    y = pd.Series(np.where(np.arange(len(y)) < 5, "rare", "common"))
    with pytest.raises(CapabilityError, match=r"'rare' has 5 rows.*vlae"):
        toy(model=OneSided()).fit_resample(X, y)


def test_what_a_family_can_is_known_before_it_is_trained(monkeypatch):
    runs = []
    run = Trainer.run

    def counted(self, *given, **named):
        runs.append(1)
        return run(self, *given, **named)

    monkeypatch.setattr(Trainer, "run", counted)
    X, y = mixed()
    toy(model=OneSided()).fit_resample(X, y)
    assert len(runs) == 1, "one model, of the class that gets rows"
    with pytest.raises(CapabilityError):
        toy(model=OneSided()).fit_resample(X, np.where(np.arange(len(y)) < 5, "rare", "common"))
    assert len(runs) == 1
    toy(model=Toy()).fit_resample(X, y)
    assert len(runs) == 2


def test_a_class_of_one_row_is_warned_of():
    X, y = mixed()
    y.iloc[0] = "maybe"
    with pytest.warns(UserWarning, match="'maybe' have one row only"):
        _, y_res = toy().fit_resample(X, y)
    assert len(set(y_res.value_counts())) == 1


def test_a_feature_may_have_the_name_of_the_class_column():
    X, y = mixed()
    X_res, _ = toy().fit_resample(X.rename(columns={"city": "class", "note": "_class"}), y)
    assert list(X_res.columns) == ["age", "pay", "class", "member", "since", "_class"]


def test_declared_kinds_reach_the_synthesizer():
    X, y = mixed()
    X["code"] = np.arange(120) * 2
    augmenter = toy(schema={"code": "categorical"})
    X_res, _ = augmenter.fit_resample(X, y)
    assert set(X_res["code"]) <= set(X["code"])


def test_the_same_seed_gives_the_same_rows_and_leaves_global_state_alone():
    X, y = mixed()
    states = np.random.get_state(legacy=False)["state"]["key"].copy(), torch.get_rng_state()  # noqa: NPY002
    first, again, other = (toy(random_state=s).fit_resample(X, y)[0] for s in (3, 3, 4))
    toy(random_state=None).fit_resample(X, y)
    pd.testing.assert_frame_equal(first, again)
    assert not first.equals(other)
    assert (np.random.get_state(legacy=False)["state"]["key"] == states[0]).all()  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), states[1])


@pytest.mark.parametrize("random_state", [np.random.default_rng(0), np.random.RandomState(0)])
def test_generators_are_taken(random_state):
    X, y = mixed()
    assert len(toy(random_state=random_state).fit_resample(X, y)[0]) == 180


@pytest.mark.parametrize(
    ("settings", "y", "error", "message"),
    [
        ({}, ["a", None] * 60, DataError, "missing in 60 of 120 rows"),
        ({}, np.linspace(0, 1, 120), DataError, "Unknown label type"),
        ({}, ["a"] * 120, DataError, "1 class only, 'a'"),
        ({}, ["a", "b"] * 50, DataError, "X has 120 rows and y has 100"),
        ({}, None, DataError, "y to be passed"),
        ({"sampling_strategy": "majority"}, ["a", "b", "b"] * 40, OptionError, "under-sampling"),
        ({"sampling_strategy": {"z": 3}}, ["a", "b", "b"] * 40, DataError, "'z'"),
        ({"random_state": "x"}, ["a", "b", "b"] * 40, OptionError, "random_state='x'"),
    ],
)
def test_what_cannot_be_augmented(settings, y, error, message):
    with pytest.raises(error, match=message):
        toy(**settings).fit_resample(mixed()[0], y)


def test_inside_a_pipeline_of_imbalanced_learn():
    X = numbers(120)
    X[::7, 0] = np.nan
    y = (np.arange(120) % 5 == 0).astype(int)
    pipe = Pipeline([("fill", SimpleImputer()), ("more", toy()), ("tree", DecisionTreeClassifier(random_state=0))])
    assert np.isfinite(cross_val_score(pipe, X, y, cv=3, error_score="raise")).all()
    search = GridSearchCV(pipe, {"more__sampling_strategy": [0.5, "auto"]}, cv=2, error_score="raise").fit(X, y)
    assert search.best_estimator_.named_steps["more"].sampling_strategy_


def test_fit_extend_adds_rows_of_any_target():
    X, y = mixed()
    price = pd.Series(np.random.default_rng(0).normal(size=120), name="price")
    augmenter = toy()
    X_ext, price_ext = augmenter.fit_extend(X, price, 50)
    pd.testing.assert_frame_equal(X_ext.iloc[:120], X)
    pd.testing.assert_series_equal(price_ext.iloc[:120], price)
    assert len(X_ext) == len(price_ext) == 170
    assert price_ext[120:].nunique() > 10
    assert set(augmenter.fit_extend(X, y, 50)[1]) == {"no", "yes"}
    assert len(augmenter.fit_extend(X, y, 0)[0]) == 120


def test_clone_and_parameters():
    augmenter = clone(toy(sampling_strategy={"a": 3}))
    assert augmenter.set_params(model__width=4, trainer__max_epochs=3).model.width == 4


@pytest.mark.parametrize("augmenter", [Augmenter(), Augmenter("vae")])
def test_a_models_name_and_the_default_trainer_have_parameters(augmenter):
    own = clone(augmenter).set_params(model__latent_dim=4, trainer__max_epochs=3)
    assert (own.model.latent_dim, own.trainer.max_epochs) == (4, 3)
    with pytest.raises(ValueError, match="latent_dimension"):
        clone(augmenter).set_params(model__latent_dimension=4)


def test_weights_count_rows_in_what_classes_need():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"x": rng.normal(size=60), "c": rng.choice(list("ab"), 60)})
    y = pd.Series(np.where(np.arange(60) < 40, "big", "small"))
    weights = np.where(y == "big", 1, 4)
    weights[:10] = 0
    augmenter = toy()
    X_res, y_res = augmenter.fit_resample(X, y, sample_weight=weights)
    assert augmenter.sampling_strategy_ == {"big": 4 * 20 - 30}
    assert len(X_res) == 50 + 50
    pd.testing.assert_frame_equal(X_res.head(50), X.tail(50).reset_index(drop=True))
    totals = pd.Series(augmenter.sample_weight_).groupby(y_res).sum()
    assert totals["big"] == totals["small"] == 80
