"""Drawing rows and cells by a fitted model: samples and imputations, whole or in batches."""

from __future__ import annotations

import threading
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd
from sklearn.utils.validation import check_is_fitted

from gensynth.engine.capabilities import require
from gensynth.engine.chunks import ChunkedSample
from gensynth.engine.fitted import CHUNK_ROWS, FittedModel
from gensynth.engine.parameters import RandomState, count_of, seed_of
from gensynth.engine.streams import BatchWarnings, as_stream, rows_counted_from
from gensynth.errors import CapabilityError
from gensynth.tables import Table, TableStream, to_frame

_ONE_AT_A_TIME = threading.Lock()
"""Held by a thread that counts a draw: threads share a fitted estimator."""


class DrawnTables:
    """For estimators that keep one `FittedModel` as ``fitted_``, which draws and imputes rows."""

    fitted_: FittedModel
    _n_draws: int

    @abstractmethod
    def _new(self, X: Any) -> pd.DataFrame:
        """Return new rows as a frame with the fitted names."""

    def sample(
        self,
        n_samples: int | None = None,
        conditions: Mapping[Any, Any] | pd.DataFrame | None = None,
        random_state: RandomState = None,
    ) -> Any:
        """Draw new rows.

        Parameters
        ----------
        n_samples : int or None
            Rows to draw, >= 0. None: 1, or one for each row of a table of conditions. With one seed the rows of a
            small sample are the first of a large one.
        conditions : mapping, DataFrame or None
            Cells that are given, for each column named: a value, a list of values or a range (of which cells are
            drawn by fitted frequency); or a table of as many rows as are drawn. Values come back exactly. Ranges of
            numbers and dates are written ``slice(20, 30)`` (both ends belong to it, as in ``DataFrame.loc``; None:
            no bound), ``pandas.Interval(20, 30, closed="left")`` or ``range(20, 30)`` (whole numbers below 30);
            the tuple ``(20, 30)`` is two values. Where other columns are given too, ranges and lists follow the joint
            distribution, unless it meets all conditions in less than 5 % of the rows and there is next to nothing to
            go by.
        random_state : int, Generator, RandomState or None
            Seed. None: every call gives other rows, and the sequence of calls is fixed by the fit's seed.

        Returns
        -------
        DataFrame, ndarray, pyarrow.Table or polars.DataFrame
            The container that was fitted, with its columns, order and dtypes.

        Raises
        ------
        ConditionError
            A condition names an unknown column, a value that it cannot have or a range in which it held none.
        CapabilityError
            The family cannot draw rows, or cannot be given these cells.
        OptionError
            ``n_samples`` is not an integer >= 0.
        """
        rows = self.chunked_sample(n_samples, conditions, random_state).whole()
        return self.fitted_.container.restore(rows)

    def sample_batches(
        self,
        n_samples: int | None = None,
        conditions: Mapping[Any, Any] | pd.DataFrame | None = None,
        random_state: RandomState = None,
        *,
        start: int = 0,
    ) -> Iterator[pd.DataFrame]:
        """Draw new rows in batches, so that any number of them takes little memory.

        Parameters
        ----------
        n_samples, conditions, random_state
            As for `sample`, which gives the same rows.
        start : int
            The row that the first batch begins with: those before it are there already.

        Yields
        ------
        DataFrame
            At most 131,072 rows, fewer of large images.
        """
        yield from self.chunked_sample(n_samples, conditions, random_state).frames(start)

    def chunked_sample(
        self,
        n_samples: int | None = None,
        conditions: Mapping[Any, Any] | pd.DataFrame | None = None,
        random_state: RandomState = None,
    ) -> ChunkedSample:
        """Return the rows of `sample`, with the same parameters, before they are drawn: any part of them can be."""
        check_is_fitted(self)
        if conditions is not None and not isinstance(conditions, Mapping):
            conditions, _ = to_frame(conditions)
        require(self.fitted_.recipe, "sample")
        n = count_of(n_samples, conditions)
        return ChunkedSample(self.fitted_, n, conditions, self._next_random(random_state))

    def impute(self, X: Any, *, random_state: RandomState = None) -> Any:
        """Fill the missing cells of a table, each row's given its other cells.

        Cells are drawn, not predicted: the filled table follows the joint distribution, and another
        ``random_state`` gives another draw (multiple imputation). Columns without missing values in the fit may
        have some here. Values that were never seen stay, and the row's draws do not depend on them. Identifiers, and
        columns that held nothing but missing values, are left as they are.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
            The fitted columns, in any order; others come back untouched.
        random_state : int, Generator, RandomState or None
            Seed, as for `sample`.

        Returns
        -------
        DataFrame, ndarray, pyarrow.Table or polars.DataFrame
            The container that came, with its order and dtypes; cells that were there are returned bit by bit.

        Raises
        ------
        CapabilityError
            The family cannot impute, or there are no columns but the image.
        DataError
            The table lacks a column or holds a value that cannot be read.
        """
        check_is_fitted(self)
        require(self.fitted_.recipe, "impute")
        if self.fitted_.container.images is not None:
            raise CapabilityError("images without other columns have no missing cells that could be filled")
        stream = as_stream(X)
        X = X if stream is None else stream.whole()
        frame = self._new(X)
        came, container = to_frame(X)
        filled = self.fitted_.impute(frame, self._next_random(random_state))
        return container.restore(filled.set_axis(came.columns, axis=1))

    def impute_batches(
        self, table: TableStream, *, random_state: RandomState = None, start: int = 0
    ) -> Iterator[tuple[Table, pd.DataFrame]]:
        """Fill the missing cells of a table that is read in batches; the cells are those of `impute`.

        Parameters
        ----------
        table : TableStream or pyarrow.dataset.Dataset
            From `gensynth.tables.open_table`.
        random_state : int, Generator, RandomState or None
            Seed, as for `sample`.
        start : int
            The row that the first batch begins with.

        Yields
        ------
        (Table, DataFrame)
            Rows as they are, and filled.

        Raises
        ------
        CapabilityError, DataError
            As for `impute`.
        """
        check_is_fitted(self)
        require(self.fitted_.recipe, "impute")
        table = as_stream(table) or table
        random = self._next_random(random_state)
        first = start // CHUNK_ROWS
        said = BatchWarnings()
        for number, batch in enumerate(table.batches(CHUNK_ROWS, first * CHUNK_ROWS), first):
            with said.batch(), rows_counted_from(number * CHUNK_ROWS, table):
                frame = self._new(batch.frame)
                filled = self.fitted_.impute(frame, random, chunk=number, held=table.held)
            skipped = max(start - number * CHUNK_ROWS, 0)
            yield batch[skipped:], filled.iloc[skipped:]
        said.tell()

    def _next_random(self, random_state: RandomState) -> list[int]:
        """Return what the draws of one call are a function of."""
        if random_state is not None:
            return [seed_of(random_state)]
        with _ONE_AT_A_TIME:
            self._n_draws += 1
            return [self.fitted_.seed, 1, self._n_draws - 1]
