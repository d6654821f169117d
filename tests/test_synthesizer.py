from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from toy_models import Toy, ToyModel

from gensynth.errors import (
    ColumnWarning,
    ConditionError,
    DataError,
    OptionError,
    PluginError,
    SchemaError,
    UnknownModelError,
)
from gensynth.synthesizer import Synthesizer
from gensynth.training import Trainer

QUICK = Trainer(max_epochs=3, progress=False, device="cpu")


def mixed(n: int = 120, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "amount": np.round(rng.lognormal(size=n), 2),
            "sex": rng.choice(np.array(["F", "M", None]), n),
            "size": pd.Categorical(rng.choice(["S", "M", "L"], n), ["S", "M", "L"], ordered=True),
            "visits": pd.array(np.where(rng.random(n) < 0.2, np.array(None), rng.integers(0, 300, n)), dtype="Int64"),
            "day": pd.Timestamp("2020-01-01", tz="Europe/Berlin") + pd.to_timedelta(rng.integers(0, 900, n), unit="D"),
            "one": 1,
        }
    )


@pytest.fixture(scope="module")
def fitted() -> Synthesizer:
    return Synthesizer(Toy(), trainer=QUICK, condition_on="sex", random_state=0).fit(mixed())


def test_sample_has_columns_order_and_dtypes_of_the_table(fitted):
    sample = fitted.sample(50)
    assert sample.dtypes.equals(mixed().dtypes)
    assert list(sample.index) == list(range(50))
    assert (sample["one"] == 1).all()
    assert sample["amount"].between(mixed()["amount"].min(), mixed()["amount"].max()).all()


def test_empty_sample_keeps_dtypes(fitted):
    sample = fitted.sample(0)
    assert len(sample) == 0
    assert sample.dtypes.equals(mixed().dtypes)


@pytest.mark.parametrize("n", [-1, 2.5, "3", True, np.float64(2)])
def test_impossible_counts_are_refused(fitted, n):
    with pytest.raises(OptionError, match="n_samples="):
        fitted.sample(n)


def test_sequence_of_samples_is_fixed_by_the_seed_of_the_fit():
    first, second = (Synthesizer(Toy(), trainer=QUICK, random_state=3).fit(mixed()) for _ in range(2))
    one, two = first.sample(20), first.sample(20)
    assert not one.equals(two)
    pd.testing.assert_frame_equal(one, second.sample(20))
    pd.testing.assert_frame_equal(two, second.sample(20))


def test_sample_with_a_seed_repeats_itself(fitted):
    pd.testing.assert_frame_equal(fitted.sample(20, random_state=5), fitted.sample(20, random_state=5))
    assert not fitted.sample(20, random_state=5).equals(fitted.sample(20, random_state=6))
    rng = np.random.default_rng(0)
    assert not fitted.sample(20, random_state=rng).equals(fitted.sample(20, random_state=rng))


def test_global_generators_stay_as_they_were():
    np.random.seed(0)  # noqa: NPY002 - the global generator is what is tested
    states = torch.get_rng_state(), np.random.get_state(legacy=False)["state"]["key"].copy()  # noqa: NPY002
    synthesizer = Synthesizer(Toy(), trainer=QUICK).fit(mixed())
    synthesizer.sample(10)
    synthesizer.score_samples(mixed())
    assert torch.equal(states[0], torch.get_rng_state())
    assert np.array_equal(states[1], np.random.get_state(legacy=False)["state"]["key"])  # noqa: NPY002


def test_fit_without_a_seed_can_be_made_again():
    first = Synthesizer(Toy(), trainer=QUICK).fit(mixed())
    again = Synthesizer(Toy(), trainer=QUICK, random_state=first.seed_).fit(mixed())
    pd.testing.assert_frame_equal(first.sample(20), again.sample(20))


@pytest.mark.parametrize("state", [-1, 2**32, 1.5, "a", True])
def test_impossible_seeds_are_refused(state):
    with pytest.raises(OptionError, match="random_state="):
        Synthesizer(Toy(), random_state=state).fit(mixed())


def test_conditions_come_back_exactly(fitted):
    day = mixed()["day"][3]
    sample = fitted.sample(40, {"sex": "F", "visits": 17, "day": day, "size": "L", "one": 1})
    assert (sample["sex"] == "F").all()
    assert (sample["day"] == day).all()
    assert (sample["visits"] == 17).all()
    assert (sample["size"] == "L").all()
    assert sample["amount"].nunique() > 5


def test_missing_value_as_a_condition(fitted):
    assert fitted.sample(10, {"sex": None})["sex"].isna().all()


def test_several_values_as_a_condition_are_drawn(fitted):
    assert set(fitted.sample(60, {"size": ["S", "L"]})["size"]) == {"S", "L"}


@pytest.mark.parametrize("kind", [pd.DataFrame, pl.DataFrame, pa.table])
def test_table_of_conditions(fitted, kind):
    wanted = {"sex": ["F", "M", "F"], "amount": mixed()["amount"].tolist()[:3]}
    sample = fitted.sample(conditions=kind(wanted))
    assert sample["sex"].tolist() == wanted["sex"]
    assert sample["amount"].tolist() == wanted["amount"]
    with pytest.raises(ConditionError, match="n_samples=4"):
        fitted.sample(4, conditions=kind(wanted))


@pytest.mark.parametrize("condition", [{"sex": "X"}, {"absent": 1}, {"one": 2}])
def test_impossible_conditions_are_named(fitted, condition):
    with pytest.raises(ConditionError, match=next(iter(condition))):
        fitted.sample(3, condition)


def test_model_that_changes_given_cells_is_caught(fitted, monkeypatch):
    generate = ToyModel.generate
    monkeypatch.setattr(ToyModel, "generate", lambda self, n, rng, observed=None: generate(self, n, rng))
    with pytest.raises(PluginError, match="'sex'"):
        fitted.sample(50, {"sex": "F"})


def test_scores_are_float64_and_do_not_depend_on_other_rows(fitted, monkeypatch):
    table = mixed(100, seed=1)
    scores = fitted.score_samples(table)
    assert scores.dtype == np.float64
    assert scores.shape == (100,)
    assert np.isfinite(scores).all()
    order = np.random.default_rng(0).permutation(100)
    np.testing.assert_allclose(fitted.score_samples(table.iloc[order]), scores[order], rtol=1e-12)
    monkeypatch.setattr("gensynth.engine.scoring.row_scores.block_size", lambda layout, most: 7)
    np.testing.assert_allclose(fitted.score_samples(table), scores, rtol=1e-9)
    assert fitted.score(table) == pytest.approx(scores.mean())


def test_score_methods(fitted):
    table = mixed(10)
    np.testing.assert_allclose(fitted.score_samples(table, "half"), fitted.score_samples(table) / 2)
    with pytest.raises(OptionError, match="'likelihood', 'half'"):
        fitted.score_samples(table, "mahalanobis")


def test_columns_are_taken_by_name(fitted):
    table = mixed(10)
    np.testing.assert_array_equal(fitted.score_samples(table[table.columns[::-1]]), fitted.score_samples(table))
    with pytest.raises(SchemaError, match="'sex'"):
        fitted.score_samples(table.drop(columns="sex"))


def test_unseen_category_is_scored(fitted):
    table = mixed(10)
    table.loc[0, "sex"] = "X"
    assert fitted.score_samples(table).shape == (10,)


def test_a_column_of_new_values_only_is_warned_about(fitted):
    table = mixed(10).assign(sex="X")
    with pytest.warns(ColumnWarning, match="'sex': none of its values was there in the fit, such as 'X'; it held 'F'"):
        assert fitted.score_samples(table).shape == (10,)


@pytest.mark.parametrize(
    "convert",
    [lambda X: X, lambda X: X.astype(np.float32), lambda X: pa.table(dict(zip("abc", X.T, strict=True))), pl.DataFrame],
)
def test_same_container_comes_back(convert):
    table = convert(np.random.default_rng(0).normal(size=(60, 3)))
    sample = Synthesizer(Toy(), trainer=QUICK, random_state=0).fit(table).sample(7)
    assert type(sample) is type(table)
    assert sample.shape == (7, 3)
    if isinstance(table, np.ndarray):
        assert sample.dtype == table.dtype
    else:
        assert sample.schema == table.schema


def test_array_for_a_table_with_names_is_taken_in_order():
    table = pd.DataFrame(np.random.default_rng(0).normal(size=(60, 3)), columns=list("abc"))
    synthesizer = Synthesizer(Toy(), trainer=QUICK, random_state=0).fit(table)
    assert list(synthesizer.feature_names_in_) == ["a", "b", "c"]
    with pytest.warns(UserWarning, match="valid feature names"):
        scores = synthesizer.score_samples(table.to_numpy())
    np.testing.assert_array_equal(scores, synthesizer.score_samples(table))
    with pytest.raises(ValueError, match="2 features"), pytest.warns(UserWarning, match="valid feature names"):
        synthesizer.score_samples(table.to_numpy()[:, :2])


def test_table_for_an_array_is_taken_in_order():
    table = np.random.default_rng(0).normal(size=(60, 3))
    synthesizer = Synthesizer(Toy(), trainer=QUICK, random_state=0).fit(table)
    scores = synthesizer.score_samples(pd.DataFrame(table, columns=list("abc")))
    np.testing.assert_array_equal(scores, synthesizer.score_samples(table))


@pytest.mark.parametrize("n", [0, 1])
def test_too_few_rows(n):
    with pytest.raises(DataError, match=f"{n} sample"):
        Synthesizer(Toy(), trainer=QUICK).fit(mixed().head(n))


def test_empty_table_is_not_scored(fitted):
    with pytest.raises(DataError, match="0 samples"):
        fitted.score_samples(mixed().head(0))


def test_unfitted():
    with pytest.raises(NotFittedError):
        Synthesizer(Toy()).sample(1)
    with pytest.raises(NotFittedError):
        Synthesizer(Toy()).score_samples(mixed())
    with pytest.raises(NotFittedError):
        Synthesizer(Toy()).save("x.gensynth")


def test_unknown_models_are_refused():
    with pytest.raises(UnknownModelError, match=r"'vlea'.*Did you mean 'vlae'"):
        Synthesizer("vlea").fit(mixed())
    with pytest.raises(OptionError, match="model=3"):
        Synthesizer(3).fit(mixed())  # type: ignore[arg-type]  # what is refused


@pytest.mark.parametrize("trainer", [5, {"max_epochs": 2}, Trainer])
def test_what_is_no_trainer_is_refused(trainer):
    with pytest.raises(OptionError, match=r"trainer=.*expected a gensynth\.Trainer or None"):
        Synthesizer(Toy(), trainer=trainer).fit(mixed())


def test_parameters_reach_the_recipe_and_the_trainer():
    synthesizer = Synthesizer(Toy(), trainer=Trainer())
    synthesizer.set_params(model__width=5, trainer__max_epochs=2)
    assert synthesizer.get_params()["model__width"] == 5
    assert synthesizer.get_params()["trainer__max_epochs"] == 2
    by_name = clone(Synthesizer("vae")).set_params(model__beta=0.5, trainer__patience=3)
    assert by_name.get_params()["model__beta"] == 0.5
    assert by_name.trainer.patience == 3
    renamed = Synthesizer("vae").set_params(model="vlae", model__beta=2.0)
    assert renamed.get_params()["model__beta"] == 2.0
    with pytest.raises(ValueError, match="Invalid parameter 'bta'"):
        Synthesizer("vae").set_params(model__bta=1)


def test_fit_leaves_its_parameters_alone():
    recipe = Toy()
    synthesizer = Synthesizer(recipe, trainer=QUICK, random_state=0).fit(mixed())
    assert synthesizer.model is recipe
    assert synthesizer.recipe_ is not recipe


def test_grid_search_and_pipeline():
    table = mixed()
    search = GridSearchCV(Synthesizer(Toy(), trainer=QUICK, random_state=0), {"model__width": [2, 8]}, cv=2).fit(table)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert make_pipeline(Synthesizer(Toy(), trainer=QUICK)).fit(table).score_samples(table).shape == (120,)


def test_history_and_iterations(fitted):
    assert isinstance(fitted.history_, pd.DataFrame)
    assert {"stage", "epoch", "step", "seconds", "monitor"} <= set(fitted.history_.columns)
    assert fitted.n_iter_ == 3
    assert fitted.n_features_in_ == 6


@pytest.mark.parametrize("copy_of", [copy.deepcopy, lambda s: pickle.loads(pickle.dumps(s))])
def test_copies_score_and_sample_the_same(fitted, copy_of):
    table = mixed(20)
    scores = fitted.score_samples(table)
    twin = copy_of(fitted)
    np.testing.assert_array_equal(twin.score_samples(table), scores)
    pd.testing.assert_frame_equal(twin.sample(5, random_state=1), fitted.sample(5, random_state=1))


def test_a_copy_keeps_relations():
    rng = np.random.default_rng(0)
    flag, x = rng.choice(["a", "b"], 200), np.round(rng.normal(size=200), 2)
    table = pd.DataFrame({"flag": flag, "word": np.where(flag == "a", "yes", "no"), "x": x, "twice": 2 * x})
    fitted = Synthesizer(Toy(), trainer=QUICK, random_state=0).fit(table)
    assert {relation.kind for relation in fitted.schema_.relations} == {"dependency", "factor"}
    twin = pickle.loads(pickle.dumps(fitted))
    pd.testing.assert_frame_equal(twin.sample(5, random_state=1), fitted.sample(5, random_state=1))


@pytest.mark.parametrize(
    ("X", "message"),
    [
        ("rows.csv", r"X is of type str; .*gensynth\.tables\.read_table"),
        (Path("rows.csv"), r"gensynth\.tables\.read_table"),
        ({"x": [1, 2]}, r"X is of type dict; .*pandas\.DataFrame\(X\)"),
        (None, "X is of type NoneType"),
        (pd.DataFrame([[1, 2]] * 3, columns=["x", "x"]), "several columns have the name 'x'"),
    ],
)
def test_what_is_no_table_is_refused(X, message, fitted):
    with pytest.raises(DataError, match=message):
        Synthesizer(Toy(), trainer=QUICK).fit(X)
    with pytest.raises(DataError, match=message):
        fitted.score_samples(X)


def test_declared_schema_is_followed():
    table = pd.DataFrame({"code": np.random.default_rng(0).integers(0, 5, 60), "x": np.arange(60) % 7 / 3})
    synthesizer = Synthesizer(Toy(), trainer=QUICK, schema={"code": "categorical"}).fit(table)
    assert synthesizer.schema_["code"].kind == "categorical"
    with pytest.raises(SchemaError, match="absent"):
        Synthesizer(Toy(), trainer=QUICK, schema={"absent": "numeric"}).fit(table)
    with pytest.raises(SchemaError, match="absent"):
        Synthesizer(Toy(), trainer=QUICK, condition_on="absent").fit(table)


def test_interrupted_fit_resumes(tmp_path):
    def interrupt(info):
        if info.step >= 100:
            raise KeyboardInterrupt

    options: dict[str, Any] = {"max_epochs": 60, "progress": False, "device": "cpu", "patience": 99}
    whole = Synthesizer(Toy(), trainer=Trainer(**options), random_state=1).fit(mixed())
    trainer = Trainer(**options, checkpoint=str(tmp_path / "run.ckpt"), callbacks=[interrupt])
    synthesizer = Synthesizer(Toy(), trainer=trainer, random_state=1)
    with pytest.raises(KeyboardInterrupt):
        synthesizer.fit(mixed())
    assert not hasattr(synthesizer, "model_")
    trainer.callbacks = None
    synthesizer.fit(mixed(), resume=True)
    np.testing.assert_array_equal(synthesizer.score_samples(mixed()), whole.score_samples(mixed()))
    with pytest.raises(OptionError, match=r"model\.width was .*, now 9"):
        Synthesizer(Toy(width=9), trainer=trainer, random_state=1).fit(mixed(), resume=True)
