"""What estimators of whole tables have in common: parameters of what they hold, rows that are scored, input tags."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from gensynth.engine.analysis import Analysis
from gensynth.engine.notebook import NotebookView
from gensynth.engine.parameters import make_recipe
from gensynth.engine.streams import BatchWarnings, as_stream, rows_counted_from
from gensynth.model import Recipe
from gensynth.schema import TableSchema
from gensynth.schema.imagerange import in_range_of
from gensynth.tables import Table, TableStream
from gensynth.tables.imagestream import ImageStream
from gensynth.tables.stream import batches_between
from gensynth.training import Trainer


class TableEstimator(NotebookView, BaseEstimator):
    """For estimators with the parameters ``model`` and ``trainer`` whose fitted models score rows."""

    model: str | Recipe
    trainer: Trainer | None

    @staticmethod
    def _default_trainer() -> Trainer:
        """Return how models are trained where ``trainer`` is None."""
        return Trainer()

    def set_params(self, **params: Any) -> Self:
        """Set parameters; ``model__...`` and ``trainer__...`` work for a model's name and the default trainer too."""
        if isinstance(params.get("model", self.model), str) and any(p.startswith("model__") for p in params):
            params["model"] = make_recipe(params.get("model", self.model))
        if params.get("trainer", self.trainer) is None and any(p.startswith("trainer__") for p in params):
            params["trainer"] = self._default_trainer()
        super().set_params(**params)
        return self

    @abstractmethod
    def _fitted_schema(self) -> TableSchema:
        """Return what the fitted columns hold."""

    @abstractmethod
    def analyse(self, X: Any, method: str | None = None) -> Analysis:
        """Return scores, attributions and reasons of rows from one encoding; parameters as for `score_samples`."""

    def score_samples(self, X: Any, method: str | None = None) -> NDArray[np.float64]:
        """Return how normal each row is.

        Parameters
        ----------
        X : table of shape (n_samples, n_features), TableStream or pyarrow.dataset.Dataset
            Columns may stand in another order; categories never seen are scored as unknown. A stream
            (`gensynth.tables.open_table`, `gensynth.tables.images.open_images`) or a data set is read in batches.
        method : str or None
            One of the model's ``score_methods``; None for its first.

        Returns
        -------
        ndarray of shape (n_samples,), float64
            Scores, higher = more normal. The unit is the method's (usually nats: a log-likelihood or a bound of it).

        Raises
        ------
        OptionError
            The model has no such method.
        DataError
            The table lacks a column or holds a value that cannot be read.
        """
        table = as_stream(X)
        if table is not None:
            return np.concatenate([found.scores for _, found in self.analyse_batches(table, method)])
        return self.analyse(X, method).scores

    def analyse_batches(
        self,
        table: TableStream,
        method: str | None = None,
        *,
        start: int = 0,
        stop: int | None = None,
        rows: int | None = None,
    ) -> Iterator[tuple[Table, Analysis]]:
        """Score a table that is read in batches.

        Parameters
        ----------
        table : TableStream or pyarrow.dataset.Dataset
            From `gensynth.tables.open_table`.
        method : str or None
            As for `score_samples`.
        start : int
            The row that the first batch begins with.
        stop : int or None
            The row that the last batch ends before; None: that of the table.
        rows : int or None
            Rows of a batch; scores are the same for any number. None: as many as fit the memory.

        Yields
        ------
        (Table, Analysis)
            Rows, and what `analyse` says of them.
        """
        said = BatchWarnings()
        table = as_stream(table) or table
        schema = self._fitted_schema()
        if isinstance(table, ImageStream) and schema.image is not None and schema.image.image is not None:
            table = in_range_of(table, schema.image.image)
        if rows is None:
            rows = min(table.batch_rows, schema.batch_rows)
        for batch in batches_between(table, start, stop, rows):
            with said.batch(), rows_counted_from(int(batch.frame.index[0]), table):
                analysis = self.analyse(batch.frame, method)
                analysis.scores  # noqa: B018 - what goes wrong is said with the place of the batch
            yield batch, analysis
        said.tell()

    def explain(self, X: Any, method: str | None = None) -> pd.DataFrame:
        """Return what each column adds to minus the score of each row, also of rows never seen.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
            As for `score_samples`.
        method : str or None
            As for `score_samples`.

        Returns
        -------
        DataFrame of shape (n_samples, n_features)
            In the score's unit, higher = more anomalous; a row's sum to minus its `score_samples`. Columns that are
            not learned (identifiers; of a synthesizer constants too) add 0. The index is that of ``X``.

        Raises
        ------
        OptionError, DataError
            As for `score_samples`.
        """
        return self.analyse(X, method).attributions()

    def score_maps(self, X: Any, method: str | None = None) -> NDArray[np.float64]:
        """Return what each place of an image adds to minus the score of its row.

        Parameters
        ----------
        X : images, or a table of shape (n_samples, n_features) with a column of them
            As for `score_samples`.
        method : str or None
            As for `score_samples`.

        Returns
        -------
        ndarray of shape (n_samples, height, width)
            In the score's unit, higher = more anomalous; an image's sum to what `explain` says of its column, where
            the family tells all columns apart.

        Raises
        ------
        CapabilityError
            The rows have no images, or the family cannot say what their places add.
        OptionError, DataError
            As for `score_samples`.
        """
        return self.analyse(X, method).maps()

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        return tags
