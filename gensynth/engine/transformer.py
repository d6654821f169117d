"""``transform`` and ``inverse_transform`` of a synthesizer whose model has latents: a scikit-learn transformer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import MethodType
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import TransformerMixin
from sklearn.utils.validation import check_is_fitted

from gensynth.engine.fitted_model import FittedModel
from gensynth.engine.latents import check_latents
from gensynth.engine.parameters import RandomState, make_recipe
from gensynth.errors import CapabilityError, GensynthError
from gensynth.registry import default_registry


class NoLatentError(CapabilityError, AttributeError):
    """The family has no latents, so that its synthesizer is no transformer (``hasattr`` says so too)."""


class _OfLatents:
    """A method that an estimator has only if its model has latents; asking for it raises `NoLatentError` otherwise."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.__doc__ = function.__doc__

    def __get__(self, estimator: Any, owner: type | None = None) -> Callable[..., Any]:
        if estimator is None:
            return self.function
        try:
            recipe = make_recipe(estimator.model)
        except GensynthError as error:
            raise NoLatentError(str(error)) from error
        if "latent" not in recipe.able:
            able = [entry.spec.name for entry in default_registry().models() if "latent" in entry.spec.capabilities]
            instead = f"; models that have: {', '.join(able)}" if able else ""
            raise NoLatentError(f"{type(recipe).__name__} has no latents that rows could be transformed to{instead}")
        return MethodType(self.function, estimator)


def _where_there_are_latents(cls: type) -> type:
    """Hide the methods of a transformer from estimators whose model has no latents."""
    for name in ("transform", "fit_transform", "inverse_transform", "get_feature_names_out"):
        setattr(cls, name, _OfLatents(getattr(cls, name)))  # after scikit-learn wrapped them for `set_output`
    return cls


@_where_there_are_latents
class LatentTransformer(TransformerMixin):
    """Mixin that makes a `Synthesizer` a transformer, for families with the capability "latent"."""

    fitted_: FittedModel
    _new: Callable[[Any], pd.DataFrame]
    _next_random: Callable[[RandomState], Sequence[int]]

    def transform(self, X: Any) -> NDArray[np.float64]:
        """Return the latents of rows: the means of their posteriors.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
            Columns may stand in another order.

        Returns
        -------
        ndarray of shape (n_samples, latent_dim), float64
            A DataFrame with the columns `get_feature_names_out` if `set_output` asked for one.

        Raises
        ------
        CapabilityError
            The family has no latents.
        DataError
            The table lacks a column or holds a value that cannot be read.
        """
        frame = self._new(X)
        return self.fitted_.to_latents(frame)

    def inverse_transform(self, X: Any, *, random_state: RandomState = None) -> Any:
        """Draw one row for each latent.

        The latent decides what the model had it learn, the rest of a row is drawn: other seeds give other rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, latent_dim)
            Latents, as `transform` returns them.
        random_state : int, Generator, RandomState or None
            Seed, as for `sample`.

        Returns
        -------
        DataFrame, ndarray, pyarrow.Table or polars.DataFrame
            The container that was fitted.

        Raises
        ------
        CapabilityError
            The family has no latents.
        DataError
            ``X`` has another width or holds something else than finite numbers.
        """
        check_is_fitted(self)
        latents = check_latents(X, self.fitted_.latent_dim)
        return self.fitted_.container.restore(self.fitted_.from_latents(latents, self._next_random(random_state)))

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:  # noqa: ARG002
        """Return the names of what `transform` returns: ``latent0``, ``latent1``, ...

        Parameters
        ----------
        input_features : ignored
            There for scikit-learn's sake.
        """
        check_is_fitted(self)
        return np.array([f"latent{i}" for i in range(self.fitted_.latent_dim)], dtype=object)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        if not hasattr(self, "transform"):
            tags.transformer_tags = None
        return tags
