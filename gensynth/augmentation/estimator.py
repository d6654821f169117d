"""`AugmentedEstimator`: any estimator, fitted on augmented rows."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from inspect import signature
from typing import Any, Self, TypeVar, cast

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone, is_classifier
from sklearn.utils import Tags, get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import _num_samples, check_is_fitted, has_fit_parameter

from gensynth.augmentation.augmenter import Augmenter
from gensynth.errors import OptionError
from gensynth.training.weights import check_weights

Method = TypeVar("Method", bound=Callable[..., Any])


def _if_inner_has(method: Method) -> Method:
    """Make a method available if the inner estimator has it."""

    def inner_has_it(self: AugmentedEstimator) -> bool:
        getattr(getattr(self, "estimator_", self.estimator), method.__name__)
        return True

    return cast(Method, available_if(inner_has_it)(method))


class AugmentedEstimator(MetaEstimatorMixin, BaseEstimator):
    """Fit an estimator on augmented rows; rows are only added inside `fit`.

    So cross-validation has no data leakage: held-out rows are real, and no synthesizer sees them.

    Parameters
    ----------
    estimator : estimator
        Classifier or regressor.
    augmenter : Augmenter, optional
        Any object with ``fit_resample`` for a classifier; by default an `Augmenter`.
    ratio : float, optional
        Synthetic rows per real row, regardless of the class. None: a classifier gets balanced classes
        (``augmenter.sampling_strategy``), a regressor one synthetic row per real row.
    random_state : int, RandomState or None, default=None
        Replaces the augmenter's if it is not None.

    Attributes
    ----------
    estimator_ : estimator
        The fitted one.
    augmenter_ : Augmenter
        The fitted one.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from sklearn.model_selection import cross_val_score
    >>> from gensynth import AugmentedEstimator, Augmenter, Trainer
    >>> X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    >>> augmenter = Augmenter(trainer=Trainer(max_epochs=2, progress=False), random_state=0)
    >>> model = AugmentedEstimator(RandomForestClassifier(random_state=0), augmenter)
    >>> bool(cross_val_score(model, X, y, cv=3).mean() > 0.9)
    True
    """

    def __init__(
        self, estimator: Any, augmenter: Any = None, *, ratio: float | None = None, random_state: Any = None
    ) -> None:
        self.estimator = estimator
        self.augmenter = augmenter
        self.ratio = ratio
        self.random_state = random_state

    def set_params(self, **params: Any) -> Self:
        """Set parameters; ``augmenter__...`` works for the default augmenter too."""
        if params.get("augmenter", self.augmenter) is None and any(p.startswith("augmenter__") for p in params):
            params["augmenter"] = Augmenter()
        super().set_params(**params)
        return self

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Augment the rows, then fit the estimator on them.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
            Features, as `Augmenter` and the estimator take them.
        y : array-like of shape (n_samples,)
            Classes or numbers.
        sample_weight : array-like of shape (n_samples,) or None
            Row weights, as for `Synthesizer.fit`: for the synthesizer, the added rows, and the fit of the estimator if
            it accepts weights.

        Returns
        -------
        AugmentedEstimator
            Itself.

        Raises
        ------
        OptionError
            If ``ratio`` is negative, or not supported by the augmenter.
        DataError
            If the rows cannot be augmented.
        """
        self.augmenter_ = Augmenter() if self.augmenter is None else clone(self.augmenter)
        if self.random_state is not None:
            self.augmenter_.set_params(random_state=self.random_state)
        weighted = {} if sample_weight is None else {"sample_weight": sample_weight}
        if weighted and "sample_weight" not in signature(self.augmenter_.fit_resample).parameters:
            raise OptionError(f"{type(self.augmenter_).__name__} takes no sample_weight; give a gensynth.Augmenter")
        if self.ratio is None and is_classifier(self.estimator):
            X, y = self.augmenter_.fit_resample(X, y, **weighted)
        else:
            ratio = 1.0 if self.ratio is None else self.ratio
            if not isinstance(ratio, int | float) or not 0 <= ratio < np.inf:
                raise OptionError(f"ratio={ratio!r}: expected synthetic rows per real row, a number >= 0")
            if not hasattr(self.augmenter_, "fit_extend"):
                raise OptionError(
                    f"{type(self.augmenter_).__name__} can only balance classes; give a gensynth.Augmenter to add "
                    "rows by ratio, or to a regression"
                )
            weights = check_weights(sample_weight, _num_samples(X))
            n_real = _num_samples(X) if weights is None else weights.sum().item()
            X, y = self.augmenter_.fit_extend(X, y, round(ratio * n_real), **weighted)
        if weighted and has_fit_parameter(self.estimator, "sample_weight"):
            weighted = {"sample_weight": self.augmenter_.sample_weight_}
        elif weighted:
            weighted = {}
            warnings.warn(
                f"{type(self.estimator).__name__} takes no sample_weight: weights are used for the synthetic rows only",
                UserWarning,
                stacklevel=2,
            )
        self.estimator_ = clone(self.estimator).fit(X, y, **weighted)
        return self

    @_if_inner_has
    def predict(self, X: Any) -> Any:
        """Return what the fitted estimator predicts for ``X``."""
        check_is_fitted(self, "estimator_")
        return self.estimator_.predict(X)

    @_if_inner_has
    def predict_proba(self, X: Any) -> Any:
        """Return (n, n_classes) probabilities from the fitted estimator."""
        check_is_fitted(self, "estimator_")
        return self.estimator_.predict_proba(X)

    @_if_inner_has
    def predict_log_proba(self, X: Any) -> Any:
        """Return (n, n_classes) log-probabilities from the fitted estimator."""
        check_is_fitted(self, "estimator_")
        return self.estimator_.predict_log_proba(X)

    @_if_inner_has
    def decision_function(self, X: Any) -> Any:
        """Return the fitted estimator's decision function."""
        check_is_fitted(self, "estimator_")
        return self.estimator_.decision_function(X)

    @_if_inner_has
    def score(self, X: Any, y: Any) -> float:
        """Return the fitted estimator's score on real rows (accuracy, R2)."""
        check_is_fitted(self, "estimator_")
        return float(self.estimator_.score(X, y))

    @property
    def classes_(self) -> NDArray[Any]:
        """Classes, in the order of the columns of `predict_proba`; an AttributeError for a regressor."""
        check_is_fitted(self, "estimator_")
        return np.asarray(self.estimator_.classes_)

    @property
    def n_features_in_(self) -> int:
        """Number of features."""
        check_is_fitted(self, "estimator_")
        return int(self.augmenter_.n_features_in_)

    @property
    def feature_names_in_(self) -> NDArray[np.object_]:
        """Names of the features; an AttributeError if they have none."""
        check_is_fitted(self, "estimator_")
        return np.asarray(self.augmenter_.feature_names_in_)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        inner = get_tags(self.estimator)
        tags.estimator_type = inner.estimator_type
        tags.classifier_tags = inner.classifier_tags
        tags.regressor_tags = inner.regressor_tags
        tags.target_tags = inner.target_tags
        tags.input_tags = inner.input_tags
        tags.input_tags.sparse = False
        return tags
