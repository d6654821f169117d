from __future__ import annotations

from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
import sklearn
from imblearn.over_sampling import RandomOverSampler
from sklearn.base import BaseEstimator, clone, is_classifier, is_regressor
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.svm import LinearSVC
from sklearn.utils.estimator_checks import parametrize_with_checks
from toy_models import Toy

from gensynth import AugmentedEstimator, Augmenter, Trainer
from gensynth.errors import DataError, OptionError


def toy(**settings) -> Augmenter:
    trainer = Trainer(max_epochs=1, progress=False)
    return Augmenter(**{"model": Toy(), "trainer": trainer, "random_state": 0, **settings})


def augmented(estimator, **settings) -> AugmentedEstimator:
    return AugmentedEstimator(estimator, toy(), **settings)


def classes(n: int = 120) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    y = (np.arange(n) % 5 == 0).astype(int)
    return rng.normal(size=(n, 3)) + y[:, None], y


def expected_failures(model: AugmentedEstimator) -> dict[str, str]:
    shuffled = "the check shuffles the rows, and batches depend on their order; unshuffled: see the tests of weights"
    failures = {"check_sample_weight_equivalence_on_dense_data": shuffled}
    if is_classifier(model):
        return failures
    return failures | {"check_dtype_object": "a cell that is a dict is refused with a DataError, which is no TypeError"}


@pytest.mark.filterwarnings("ignore:.*equal a real row and were kept:UserWarning")  # tables of a few values
@parametrize_with_checks(
    [augmented(LogisticRegression()), augmented(Ridge(), ratio=0.5)],
    expected_failed_checks=expected_failures,
    xfail_strict=True,
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


class Recorder(BaseEstimator):
    """A sampler that remembers the rows that it was given."""

    seen: ClassVar[list[np.ndarray]] = []

    def fit_resample(self, X, y):
        Recorder.seen.append(np.asarray(X)[:, 0])
        return X, y


def test_validation_rows_are_never_seen_by_the_augmenter():
    X, y = classes()
    X[:, 0] = np.arange(len(X))
    seen: list[tuple[set[float], set[float]]] = []

    class Judge(LogisticRegression):
        def fit(self, X, y):
            self.fitted_on_ = set(X[:, 0])
            return super().fit(X, y)

        def score(self, X, y):
            seen.append((set(Recorder.seen[-1]), set(X[:, 0])))
            return super().score(X, y)

    Recorder.seen = []
    cross_val_score(AugmentedEstimator(Judge(), Recorder()), X, y, cv=4, error_score="raise")
    assert len(Recorder.seen) == len(seen) == 4
    for given, held_out in seen:
        assert not given & held_out
        assert len(given) == 90
        assert len(held_out) == 30


def test_the_validation_rows_are_real_and_the_fitted_ones_are_not_all():
    X, y = classes()
    sizes = []

    class Judge(LogisticRegression):
        def fit(self, X, y):
            sizes.append(("fit", len(X), int(y.sum()) * 2))
            return super().fit(X, y)

        def score(self, X, y):
            sizes.append(("score", len(X), len(X)))
            return super().score(X, y)

    cross_val_score(augmented(Judge()), X, y, cv=3, error_score="raise")
    assert sizes == [("fit", 128, 128), ("score", 40, 40)] * 3


def test_methods_are_those_of_the_inner_estimator():
    X, y = classes()
    model = augmented(GaussianNB()).fit(X, y)
    assert model.predict(X).shape == (120,)
    np.testing.assert_allclose(model.predict_proba(X).sum(1), 1)
    np.testing.assert_allclose(np.exp(model.predict_log_proba(X)), model.predict_proba(X))
    assert model.classes_.tolist() == [0, 1]
    assert model.score(X, y) == np.mean(model.predict(X) == y)
    assert not hasattr(model, "decision_function")
    assert hasattr(augmented(LinearSVC()), "decision_function")
    assert not hasattr(augmented(LinearSVC()), "predict_proba")
    assert not hasattr(augmented(LinearRegression(), ratio=0.0).fit(X, y), "classes_")
    assert augmented(LinearSVC()).fit(X, y).decision_function(X).shape == (120,)


def test_it_is_what_the_inner_estimator_is():
    assert is_classifier(augmented(LogisticRegression()))
    assert is_regressor(augmented(Ridge()))


def test_the_inner_estimator_and_the_augmenter_are_left_as_they_were():
    X, y = classes()
    inner, augmenter = LogisticRegression(), toy()
    model = AugmentedEstimator(inner, augmenter).fit(X, y)
    assert not hasattr(inner, "coef_")
    assert not hasattr(augmenter, "sampling_strategy_")
    assert model.augmenter_.sampling_strategy_ == {1: 72}


def test_grid_search_and_clone():
    X, y = classes()
    grid = {"augmenter__sampling_strategy": [0.5, 1.0], "augmenter__model__width": [4], "estimator__C": [1.0, 0.1]}
    search = GridSearchCV(clone(augmented(LogisticRegression())), grid, cv=2, error_score="raise").fit(X, y)
    assert set(search.best_params_) == set(grid)


def test_the_default_augmenter_has_parameters():
    model = AugmentedEstimator(LogisticRegression())
    model.set_params(augmenter__model__latent_dim=4, augmenter__trainer__max_epochs=3, estimator__C=0.1)
    assert (model.augmenter.model.latent_dim, model.augmenter.trainer.max_epochs, model.estimator.C) == (4, 3, 0.1)


def test_mixed_tables_in_a_pipeline():
    X, y = classes()
    table = pd.DataFrame(X, columns=["a", "b", "c"]).assign(city=np.array(["Rome", "Oslo", None] * 40))
    encode = make_column_transformer((OneHotEncoder(), ["city"]), remainder=StandardScaler())
    inside = augmented(make_pipeline(encode, LogisticRegression())).fit(table, y)
    assert list(inside.feature_names_in_) == ["a", "b", "c", "city"]
    assert inside.n_features_in_ == 4
    outside = make_pipeline(encode, augmented(HistGradientBoostingClassifier(max_iter=3)))
    assert outside.fit(table, y).score(table, y) > 0.5


def test_regression_by_ratio():
    X, _ = classes()
    y = X @ [1.0, 2.0, 3.0]
    sizes = []

    class Count(LinearRegression):
        def fit(self, X, y):
            sizes.append((X.shape, y.shape))
            return super().fit(X, y)

    augmented(Count(), ratio=0.25).fit(X, y)
    augmented(Count()).fit(X, y)
    augmented(Count(), ratio=0).fit(X, np.column_stack([y, -y]))
    assert sizes == [((150, 3), (150,)), ((240, 3), (240,)), ((120, 3), (120, 2))]


def test_classes_by_ratio_keep_their_share():
    X, y = classes(400)
    model = augmented(LogisticRegression(), ratio=1.0).fit(X, y)
    assert model.augmenter_.synthetic_mask_.sum() == 400


def test_random_state_replaces_that_of_the_augmenter():
    X, y = classes()
    first, again, other = (augmented(LogisticRegression(), random_state=s).fit(X, y) for s in (1, 1, 2))
    np.testing.assert_array_equal(first.estimator_.coef_, again.estimator_.coef_)
    assert not np.array_equal(first.estimator_.coef_, other.estimator_.coef_)


def test_any_sampler_does_for_a_classifier():
    X, y = classes()
    model = AugmentedEstimator(LogisticRegression(), RandomOverSampler(), random_state=0).fit(X, y)
    assert model.predict(X).shape == (120,)
    with pytest.raises(OptionError, match="RandomOverSampler can only balance"):
        AugmentedEstimator(Ridge(), RandomOverSampler()).fit(X, y)


@pytest.mark.parametrize("ratio", [-1, np.inf, "half", np.nan])
def test_a_wrong_ratio_is_refused(ratio):
    with pytest.raises(OptionError, match="ratio="):
        augmented(Ridge(), ratio=ratio).fit(*classes())


def test_missing_classes_are_refused():
    X, _ = classes()
    with pytest.raises(DataError, match="missing in 60 of 120"):
        augmented(LogisticRegression()).fit(X, ["a", None] * 60)


@pytest.mark.parametrize(("inner", "settings"), [(LogisticRegression(), {}), (Ridge(), {"ratio": 0.5})])
def test_whole_weights_are_repeated_rows(inner, settings):
    X, y = classes()
    weights = np.random.default_rng(1).integers(0, 4, len(X))
    one = augmented(inner, **settings).fit(X, y, sample_weight=weights)
    other = augmented(inner, **settings).fit(X.repeat(weights, 0), y.repeat(weights))
    np.testing.assert_allclose(one.predict(X), other.predict(X), atol=1e-3)
    assert one.augmenter_.sample_weight_ is not None
    assert one.augmenter_.sample_weight_.sum() == len(other.augmenter_.synthetic_mask_)
    assert one.augmenter_.synthetic_mask_.sum() == other.augmenter_.synthetic_mask_.sum() > 0


def test_relative_weights_reach_the_inner_estimator():
    X, y = classes()
    weights = np.where(y == 1, 0.02, 0.005)
    model = augmented(LogisticRegression()).fit(X, y, sample_weight=weights)
    counted = model.augmenter_.sample_weight_
    assert counted is not None
    np.testing.assert_array_equal(counted[: len(X)], weights)
    np.testing.assert_allclose(counted[len(X) :], weights.mean())
    by_class = {0: 0.005 * 96, 1: 0.02 * 24}  # equal already: a row or none is added
    assert by_class[0] == by_class[1]
    assert len(counted) - len(X) <= 1
    assert augmented(LogisticRegression()).fit(X, y).augmenter_.sample_weight_ is None


def test_weights_where_they_cannot_be_used():
    X, y = classes()
    weights = np.linspace(0.5, 1.5, len(X))
    with pytest.warns(UserWarning, match="KNeighborsClassifier takes no sample_weight"):
        augmented(KNeighborsClassifier()).fit(X, y, sample_weight=weights)
    with pytest.raises(OptionError, match="RandomOverSampler takes no sample_weight"):
        AugmentedEstimator(LogisticRegression(), RandomOverSampler()).fit(X, y, sample_weight=weights)
    with pytest.raises(DataError, match="sample_weight"):
        augmented(LogisticRegression()).fit(X, y, sample_weight=-weights)


def test_weights_are_routed_through_a_pipeline():
    X, y = classes()
    weights = np.random.default_rng(1).integers(0, 4, len(X))
    with sklearn.config_context(enable_metadata_routing=True):
        model = augmented(LogisticRegression()).set_fit_request(sample_weight=True)
        pipeline = make_pipeline(FunctionTransformer(), model).fit(X, y, sample_weight=weights)
    assert pipeline[-1].augmenter_.sample_weight_ is not None
