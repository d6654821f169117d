"""Samples and imputations in batches, for tables that do not fit the memory."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd
from sklearn.utils.validation import check_is_fitted

from gensynth.engine.capabilities import require
from gensynth.engine.fitted import CHUNK_ROWS, FittedModel
from gensynth.engine.parameters import RandomState, count_of
from gensynth.engine.streams import BatchWarnings, rows_counted_from
from gensynth.tables import Table, TableStream


class BatchedTables:
    """For estimators whose `FittedModel` draws and imputes rows."""

    fitted_: FittedModel

    @abstractmethod
    def _next_random(self, random_state: RandomState) -> list[int]:
        """Return what the draws of one call are a function of."""

    @abstractmethod
    def _new(self, X: Any) -> pd.DataFrame:
        """Return new rows as a frame with the fitted names."""

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
            At most 131,072 rows.
        """
        check_is_fitted(self)
        require(self.fitted_.recipe, "sample")
        n = count_of(n_samples, conditions)
        yield from self.fitted_.sample_chunks(n, conditions, self._next_random(random_state), start)

    def impute_batches(
        self, table: TableStream, *, random_state: RandomState = None, start: int = 0
    ) -> Iterator[tuple[Table, pd.DataFrame]]:
        """Fill the missing cells of a table that is read in batches; the cells are those of `impute`.

        Parameters
        ----------
        table : TableStream
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
        random = self._next_random(random_state)
        first = start // CHUNK_ROWS
        said = BatchWarnings()
        for number, batch in enumerate(table.batches(CHUNK_ROWS, first * CHUNK_ROWS), first):
            with said.batch(), rows_counted_from(number * CHUNK_ROWS):
                frame = self._new(batch.frame)
                filled = self.fitted_.impute(frame, random, chunk=number, held=table.held)
            skipped = max(start - number * CHUNK_ROWS, 0)
            yield batch[skipped:], filled.iloc[skipped:]
        said.tell()
