"""Mixin of estimators that sample and impute with a fitted model, whole tables or batches."""

from __future__ import annotations

import threading
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd
from sklearn.utils.validation import check_is_fitted

from gensynth.engine.capabilities import require
from gensynth.engine.fitted_model import CHUNK_ROWS, FittedModel
from gensynth.engine.inputs.streams import BatchWarnings, as_stream, rows_counted_from
from gensynth.engine.parameters import RandomState, count_of, seed_of
from gensynth.engine.sampling.chunks import ChunkedSample
from gensynth.errors import CapabilityError
from gensynth.tables import Table, TableStream, to_frame

_ONE_AT_A_TIME = threading.Lock()
"""Lock for counting draws: threads may share a fitted estimator."""


class SamplerMixin:
    """Mixin of estimators with one `FittedModel` as ``fitted_``: sampling and imputation."""

    fitted_: FittedModel
    _n_draws: int

    @abstractmethod
    def _new(self, X: Any) -> pd.DataFrame:
        """Return input rows as a frame with the fitted names."""

    def sample(
        self,
        n_samples: int | None = None,
        conditions: Mapping[Any, Any] | pd.DataFrame | None = None,
        random_state: RandomState = None,
    ) -> Any:
        """Sample synthetic rows.

        Parameters
        ----------
        n_samples : int or None
            Number of rows, >= 0. None: 1, or one for each row of a table of conditions. With one seed the rows of a
            small sample are the first of a large one.
        conditions : mapping, DataFrame or None
            Given cells: for each column named a value, a list of values or a range (from which cells are sampled by
            fitted frequency); or a table with one row for each sample. Values are returned exactly. Ranges of numbers
            and dates are written ``slice(20, 30)`` (both ends included, as in ``DataFrame.loc``; None: no bound),
            ``pandas.Interval(20, 30, closed="left")`` or ``range(20, 30)`` (whole numbers below 30); the tuple
            ``(20, 30)`` is two values. With several conditions, ranges and lists follow the joint distribution, unless
            fewer than 5 % of the rows meet all conditions and too few are found.
        random_state : int, Generator, RandomState or None
            Seed. None: every call returns different rows; the sequence of calls is determined by the fit's seed.

        Returns
        -------
        DataFrame, ndarray, pyarrow.Table or polars.DataFrame
            The fitted container type, with its columns, order and dtypes.

        Raises
        ------
        ConditionError
            A condition names an unknown column, an impossible value or a range without fitted values.
        CapabilityError
            The family cannot sample, or cannot condition on these cells.
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
        """Sample rows in batches, with bounded memory for any number of them.

        Parameters
        ----------
        n_samples, conditions, random_state
            As for `sample`, which returns the same rows.
        start : int
            First row of the first batch; the rows before it are skipped.

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
        """Return the sample of `sample`, with the same parameters, any range of which can be generated."""
        check_is_fitted(self)
        if conditions is not None and not isinstance(conditions, Mapping):
            conditions, _ = to_frame(conditions)
        require(self.fitted_.recipe, "sample")
        n = count_of(n_samples, conditions)
        return ChunkedSample(self.fitted_, n, conditions, self._next_random(random_state))

    def impute(self, X: Any, *, random_state: RandomState = None) -> Any:
        """Impute the missing cells of a table, given the other cells of their row.

        Cells are sampled, not predicted: the imputed table follows the joint distribution, and another
        ``random_state`` gives another imputation (multiple imputation). Columns without missing values in the fit may
        have some here. Unseen values are kept, and are not conditioned on. Identifiers, and columns with only missing
        values, stay unchanged.

        Parameters
        ----------
        X : table of shape (n_samples, n_features)
            The fitted columns, in any order; others are returned unchanged.
        random_state : int, Generator, RandomState or None
            Seed, as for `sample`.

        Returns
        -------
        DataFrame, ndarray, pyarrow.Table or polars.DataFrame
            The container of ``X``, with its order and dtypes; cells that are not missing stay bit-identical.

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
        """Impute the missing cells of a table that is read in batches; the result is that of `impute`.

        Parameters
        ----------
        table : TableStream or pyarrow.dataset.Dataset
            From `gensynth.tables.open_table`.
        random_state : int, Generator, RandomState or None
            Seed, as for `sample`.
        start : int
            First row of the first batch.

        Yields
        ------
        (Table, DataFrame)
            The original rows, and the imputed ones.

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
        """Return the entropy of one call's random draws."""
        if random_state is not None:
            return [seed_of(random_state)]
        with _ONE_AT_A_TIME:
            self._n_draws += 1
            return [self.fitted_.seed, 1, self._n_draws - 1]
