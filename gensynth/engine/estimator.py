"""Bases of the estimators of tables: parameters, scores of rows, scikit-learn's input tags, fitted attributes."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gensynth.encoding.table import TableEncoder
from gensynth.engine.fitted_model import FittedModel
from gensynth.engine.inputs.streams import BatchWarnings, as_stream, rows_counted_from
from gensynth.engine.notebook import NotebookContent, NotebookView, shown_models
from gensynth.engine.parameters import NestedParameters
from gensynth.engine.scoring.analysis import Analysis
from gensynth.model import GenerativeModel, Recipe
from gensynth.schema import TableSchema
from gensynth.schema.imagerange import in_range_of
from gensynth.tables import Table, TableStream
from gensynth.tables.imagestream import ImageStream
from gensynth.tables.stream import batches_between
from gensynth.training import Trainer


class TableEstimator(NotebookView, NestedParameters):
    """Base of estimators with the parameters ``model`` and ``trainer`` whose fitted models score rows."""

    model: str | Recipe
    trainer: Trainer | None

    @abstractmethod
    def _fitted_schema(self) -> TableSchema:
        """Return the schema of the fitted columns."""

    @abstractmethod
    def analyse(self, X: Any, method: str | None = None) -> Analysis:
        """Return scores, attributions and reasons of rows, encoded once; parameters as for `score_samples`."""

    def score_samples(self, X: Any, method: str | None = None) -> NDArray[np.float64]:
        """Score rows, higher = more normal.

        Parameters
        ----------
        X : table of shape (n_samples, n_features), TableStream or pyarrow.dataset.Dataset
            Columns may be in another order; unseen categories are scored as unknown. A stream
            (`gensynth.tables.open_table`, `gensynth.tables.images.open_images`) or a data set is read in batches.
        method : str or None
            One of the model's ``score_methods``; None for its first.

        Returns
        -------
        ndarray of shape (n_samples,), float64
            Scores, higher = more normal. The unit is the method's (usually nats: a log-likelihood or a bound on it).

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
        """Analyse a table that is read in batches.

        Parameters
        ----------
        table : TableStream or pyarrow.dataset.Dataset
            From `gensynth.tables.open_table`.
        method : str or None
            As for `score_samples`.
        start : int
            First row of the first batch.
        stop : int or None
            End (exclusive) of the last batch; None: the end of the table.
        rows : int or None
            Batch size, which does not affect the scores. None: as many rows as fit into memory.

        Yields
        ------
        (Table, Analysis)
            Rows, and their analysis.
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
        """Return the contribution of each column to minus the score of each row, for new rows too.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
            As for `score_samples`.
        method : str or None
            As for `score_samples`.

        Returns
        -------
        DataFrame of shape (n_samples, n_features)
            In the score's unit, higher = more anomalous; a row sums to minus its `score_samples`. Columns that are not
            learned (identifiers; in a synthesizer constants too) contribute 0. The index is that of ``X``.

        Raises
        ------
        OptionError, DataError
            As for `score_samples`.
        """
        return self.analyse(X, method).attributions()

    def score_maps(self, X: Any, method: str | None = None) -> NDArray[np.float64]:
        """Return anomaly maps: the contribution of each pixel to minus the score of its row.

        Parameters
        ----------
        X : images, or a table of shape (n_samples, n_features) with a column of them
            As for `score_samples`.
        method : str or None
            As for `score_samples`.

        Returns
        -------
        ndarray of shape (n_samples, height, width)
            In the score's unit, higher = more anomalous; an image sums to the attribution of its column by `explain`,
            if the family attributes scores to all columns.

        Raises
        ------
        CapabilityError
            The rows have no images, or the family has no contributions of pixels.
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


class FittedAttributes:
    """Mixin of estimators with one `FittedModel` as ``fitted_``: fitted attributes."""

    fitted_: FittedModel

    @property
    def recipe_(self) -> Recipe:
        """The recipe that was built."""
        return self.fitted_.recipe

    @property
    def encoder_(self) -> TableEncoder:
        """Table to encoded rows and back."""
        return self.fitted_.encoder

    @property
    def schema_(self) -> TableSchema:
        """The schema of the columns, with their relations."""
        return self.fitted_.schema

    @property
    def model_(self) -> GenerativeModel:
        """The trained network, in eval mode."""
        return self.fitted_.model

    @property
    def history_(self) -> pd.DataFrame:
        """One row per evaluation of the training."""
        return self.fitted_.history

    @property
    def n_iter_(self) -> int:
        """Number of trained epochs, over all stages."""
        return self.fitted_.n_epochs

    @property
    def seed_(self) -> int:
        """Seed that reproduces the fit, whatever ``random_state`` was."""
        return self.fitted_.seed

    def _shown(self) -> NotebookContent | None:
        """Return the notebook display of the fitted model."""
        return shown_models(type(self).__name__, [self.fitted_]) if hasattr(self, "fitted_") else None
