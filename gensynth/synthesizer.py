"""The scikit-learn estimator of generative models: see `Synthesizer`."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from gensynth.defaults import SAMPLING_MODEL
from gensynth.engine.capabilities import CONDITIONAL, require
from gensynth.engine.estimator import FittedAttributes, TableEstimator
from gensynth.engine.fitted_model import FittedModel
from gensynth.engine.inputs.image_streams import image_column, memory_rows_of
from gensynth.engine.inputs.images import check_image_shape, image_table
from gensynth.engine.inputs.streams import as_stream, rows_counted_from
from gensynth.engine.inputs.tables import fit_input, new_input, weighted_rows
from gensynth.engine.parameters import RandomState, labels_of, make_recipe, seed_of
from gensynth.engine.sampler import SamplerMixin
from gensynth.engine.scoring.analysis import Analysis
from gensynth.engine.scoring.ensemble import Ensemble
from gensynth.engine.transformer import LatentTransformer
from gensynth.engine.update import updated
from gensynth.errors import OptionError
from gensynth.export.estimators import ExportedSynthesizer
from gensynth.model import Recipe
from gensynth.nn import ranks
from gensynth.persistence import Contents, save
from gensynth.registry import Registry
from gensynth.schema import Column, TableSchema
from gensynth.tables.imagearrays import are_images
from gensynth.training import Trainer
from gensynth.training.weights import check_weights


def _can_draw(synthesizer: Synthesizer) -> bool:
    """Return True if the family can replay earlier rows; raise `CapabilityError` otherwise."""
    require(make_recipe(synthesizer.model), "sample")
    return True


class Synthesizer(FittedAttributes, SamplerMixin, LatentTransformer, ExportedSynthesizer, TableEstimator):
    """A generative model of a table, with any registered family of models.

    Parameters
    ----------
    model : str or Recipe
        Name of a registered model (``gensynth models`` lists them) or a recipe with its hyperparameters.
        ``set_params(model__latent_dim=4)`` works for both.
    trainer : Trainer or None
        Training options; None for the defaults.
    schema : TableSchema, dict or None
        Declared kinds of columns, as a mapping of names to kinds; the others are inferred.
    condition_on : column label, sequence of column labels, or None
        Columns that `sample` will be conditioned on. Families with the capability "conditional-on-fitted" can condition
        on these only; the others are most accurate for them.
    relations : "auto", False, or sequence of str or Relation, default="auto"
        Relations between columns that every synthetic row keeps: "auto" finds those that hold in every fitted row and
        are not explained by chance; False keeps none; or the ones to keep, written ``"total = net + vat"``,
        ``"share_a + share_b = 100"``, ``"vat = 0.21 * net"``, ``"amount = price * quantity"``, ``"start <= end"``,
        ``"city -> state"`` or ``"a, b missing together"`` (names that are not plain words in quotes).
    image_shape : sequence of int or None
        Shape of the images, (height, width) or (height, width, channels), in flat arrays (n, pixels); not needed for
        arrays (n, height, width), (n, height, width, channels) and (n, channels, height, width).
    random_state : int, Generator, RandomState or None
        Seed of initialisation, training and the sequence of samples.
    warm_start : bool, default=False
        A `fit` after the first one continues the training, as `partial_fit` does.

    Attributes
    ----------
    fitted_ : FittedModel
        The fitted model; the following attributes are read from it.
    schema_ : TableSchema
        Kinds and formats of the columns; ``schema_.relations``: the relations between them.
    encoder_ : TableEncoder
        Table to encoded rows and back.
    recipe_ : Recipe
        The recipe that was built.
    model_ : GenerativeModel
        The trained network, in eval mode.
    history_ : DataFrame
        One row per evaluation of the training.
    n_iter_ : int
        Number of trained epochs, over all stages.
    seed_ : int
        Seed that reproduces the fit, whatever ``random_state`` was.
    n_features_in_, feature_names_in_
        As in scikit-learn.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from gensynth import Synthesizer, Trainer
    >>> X = load_wine(as_frame=True).data
    >>> synthesizer = Synthesizer(trainer=Trainer(max_epochs=2), random_state=0).fit(X)
    >>> synthesizer.sample(5).shape
    (5, 13)
    """

    def __init__(
        self,
        model: str | Recipe = SAMPLING_MODEL,
        *,
        trainer: Trainer | None = None,
        schema: TableSchema | Mapping[Any, str | Column] | None = None,
        condition_on: str | int | Sequence[str | int] | None = None,
        relations: Any = "auto",
        random_state: RandomState = None,
        warm_start: bool = False,
        image_shape: Sequence[int] | None = None,
    ) -> None:
        self.model = model
        self.trainer = trainer
        self.schema = schema
        self.condition_on = condition_on
        self.relations = relations
        self.random_state = random_state
        self.warm_start = warm_start
        self.image_shape = image_shape

    def fit(
        self,
        X: Any,
        y: Any = None,
        sample_weight: Any = None,
        *,
        resume: bool = False,
        memory_rows: int | None = None,
    ) -> Self:
        """Fit the model to the rows of a table.

        Parameters
        ----------
        X : DataFrame (pandas, polars), ndarray, pyarrow.Table, TableStream or pyarrow.dataset.Dataset
            Rows of shape (n_samples, n_features): columns of any kind, missing values included; at least 2 rows. A
            stream (`gensynth.tables.open_table`) or a data set may exceed memory. Or images: an array of three or
            four axes, one column of arrays, or a stream (`gensynth.tables.images.open_images`); see docs/images.md.
        y : array-like of shape (n_samples,) or None
            Labels of an array of images, which become the column "label" (or that of their name). Otherwise ignored:
            to learn a target, make it a column of ``X``.
        sample_weight : array-like of shape (n_samples,), number or None
            Row weights, >= 0; None: all 1. Whole weights are repetitions of rows, a weight of 0 leaves a row out. Other
            weights are relative: 0.2 and 0.4 are the same as 2.2 and 4.4.
        resume : bool
            Continue from the trainer's ``checkpoint`` of an interrupted fit with the same parameters, table and integer
            ``random_state``.
        memory_rows : int or None
            Maximal number of rows of a stream to read into memory. Of a longer stream, the schema is inferred from this
            many random rows, and all rows are encoded into a temporary file for training. None: 500,000, fewer with
            large images.

        Raises
        ------
        DataError
            The table cannot be learned; names the column. A weight is negative or missing, or all are 0.
        CapabilityError
            ``condition_on`` names columns, and the family cannot condition.
        OptionError
            A parameter has an invalid value.
        TrainingError
            A loss was not finite.
        """
        if self.warm_start and hasattr(self, "fitted_"):
            if resume:
                raise OptionError("resume=True goes on with an interrupted fit, and warm_start=True with the last one")
            if repr(make_recipe(self.model)) != repr(self.recipe_):
                raise OptionError("warm_start=True goes on with the fitted model; make another estimator for this one")
            out: Self = self.partial_fit(X, y, sample_weight)
            return out
        recipe = make_recipe(self.model)
        first = labels_of(self.condition_on)
        if first:
            require(recipe, *CONDITIONAL)
        trainer = self._default_trainer() if self.trainer is None else self.trainer
        seed = ranks.from_first(seed_of(self.random_state))
        known = {"schema": self.schema, "condition_on": first, "relations": self.relations}
        stream = as_stream(X)
        most = 0 if stream is None else memory_rows or memory_rows_of(stream, self.schema)
        if stream is None or stream.n_rows <= most:
            frame, container = fit_input(self, X if stream is None else stream.whole(), y, self.image_shape)
            frame, weights = weighted_rows(frame, sample_weight)
            known |= {"weights": weights, "resume": resume}
            with rows_counted_from(0, stream, None if stream is None else frame.index):
                self.fitted_ = FittedModel.fit(frame, container, recipe, trainer, seed, **known)
        else:
            fit_input(self, next(stream.batches()).frame)
            if image_column(stream, self.schema) is not None:
                require(recipe, "images")
            weights = check_weights(sample_weight, stream.n_rows)
            known |= {"weights": weights, "memory_rows": most}
            self.fitted_ = FittedModel.fit_stream(stream, recipe, trainer, seed, resume=resume, **known)
        self._n_draws = self._n_updates = 0
        return self

    @available_if(_can_draw)  # type: ignore[untyped-decorator]
    def partial_fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Train further on new rows of the same columns; the first call is a `fit`.

        Kinds, codes and relations stay those of the first fit; training continues on the new rows and on synthetic rows
        that replace the earlier ones (generative replay). Rows with values unseen in the first fit are left out.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
            New rows, of the fitted columns in any order.
        y : array-like of shape (n_samples,) or None
            Labels of an array of images, if the model was fitted with labels; otherwise ignored.
        sample_weight : array-like of shape (n_samples,), number or None
            Weights of the new rows.

        Raises
        ------
        DataError
            The table lacks a column, or holds a value that cannot be read.
        CapabilityError
            The family cannot draw rows.

        Warns
        -----
        DriftWarning
            Columns whose distributions moved; its ``columns`` names them.
        """
        if not hasattr(self, "fitted_"):
            return self.fit(X, y, sample_weight)
        stream = as_stream(X)
        frame, weights = weighted_rows(
            self._new(self._labelled(stream.whole() if stream is not None else X, y)), sample_weight
        )
        trainer = self._default_trainer() if self.trainer is None else self.trainer
        self._n_updates = self._n_updates + 1
        seed = (self.seed_ + self._n_updates) % 2**32
        self.fitted_ = updated(self.fitted_, frame, trainer, seed, weights)
        return self

    def analyse(self, X: Any, method: str | None = None) -> Analysis:
        """Return scores, attributions and reasons of rows, encoded once; parameters as for `score_samples`."""
        check_is_fitted(self)
        require(self.recipe_, "score")
        frame = self._new(X)
        index = X.index if isinstance(X, pd.DataFrame) else None
        return Analysis(Ensemble([self.fitted_], {self.model_.score_method(method): 1.0}), frame, index)

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """Return the (weighted) mean of `score_samples`; higher = the rows fit the model better.

        ``y`` are the labels of an array of images, if the model was fitted with labels.
        """
        scores = self.score_samples(self._labelled(X, y))
        return float(np.average(scores, weights=check_weights(sample_weight, len(scores))))

    def save(self, path: str | os.PathLike[str], *, registry: Registry | None = None) -> None:
        """Write a ``.gensynth`` file, which `gensynth.load` reads; see `gensynth.persistence.save`."""
        save(self, path, registry=registry)

    def to_contents(self) -> Contents:
        """Return the contents of the synthesizer's file."""
        check_is_fitted(self)
        return Contents.of("synthesizer", self, [self.fitted_])

    @classmethod
    def from_contents(cls, contents: Contents) -> Self:
        """Return the fitted synthesizer from a file's contents."""
        out = contents.restore(cls)
        (out.fitted_,) = contents.models
        out._n_draws = out._n_updates = 0
        return out

    def _fitted_schema(self) -> TableSchema:
        check_is_fitted(self)
        return self.schema_

    def _new(self, X: Any) -> pd.DataFrame:
        if not hasattr(self, "fitted_"):  # scikit-learn's own check takes a tenth of the time of scoring a row
            check_is_fitted(self)
        return new_input(self, X, self.schema_, self.fitted_.container)

    def _labelled(self, X: Any, y: Any) -> Any:
        """Return images with their labels, as a table, where both were fitted; any other ``X`` as it is."""
        check_is_fitted(self)
        shape = check_image_shape(self.image_shape)
        fitted = self.schema_.image is not None and self.fitted_.container.images is None
        images = are_images(X) or (shape is not None and isinstance(X, np.ndarray))
        return image_table(X, y, shape)[0] if fitted and images and y is not None else X

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.estimator_type = "density_estimator"
        return tags
