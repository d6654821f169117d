"""A training table with its inferred schema, its encoder and its encoded rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import pandas as pd
import torch

from gensynth.encoding.related import HOLDS
from gensynth.encoding.table import TableEncoder
from gensynth.engine.tensors import to_batch
from gensynth.layout import Encoding
from gensynth.model import Batch
from gensynth.schema import Column, TableSchema
from gensynth.schema.imagecells import with_images_read
from gensynth.schema.series import warn_of_series
from gensynth.tables import Container
from gensynth.training.cache import CachedRows
from gensynth.training.weights import Weights


@dataclass(frozen=True)
class EncodedTable:
    """A training table: schema, encoder and encoded rows.

    Parameters
    ----------
    encoder : TableEncoder
        Fitted to the table.
    container : Container
        What the table came in.
    batch : Batch or CachedRows
        Its rows, encoded, in float32.
    weights : ndarray of shape (n,) or None
        How often each row counts.
    """

    encoder: TableEncoder
    container: Container
    batch: Batch | CachedRows
    weights: Weights | None = None

    def close(self) -> None:
        """Remove the temporary files of encoded rows."""
        if isinstance(self.batch, CachedRows):
            self.batch.close()

    @classmethod
    def encode(
        cls,
        frame: pd.DataFrame,
        container: Container,
        encoding: Encoding,
        *,
        weights: Weights | None = None,
        schema: TableSchema | Mapping[Any, str | Column] | None = None,
        condition_on: Sequence[str | int] = (),
        relations: Any = "auto",
        exceptions: bool = False,
        learn_constants: bool = False,
        learn_implied: bool = True,
    ) -> Self:
        """Infer the schema and encode the rows in the encoding of a family.

        Parameters
        ----------
        frame : DataFrame of shape (n, n_features)
            Rows of positive weight.
        container : Container
            What they came in.
        encoding : Encoding
            Of the recipe.
        weights : ndarray of shape (n,) or None
            From `gensynth.training.weights.check_weights`.
        schema : TableSchema, mapping or None
            What is known of the columns.
        condition_on : sequence of column labels
            Columns that stand first in the layout.
        relations : "auto", False, or sequence of str or Relation
            Relations between columns, as for `TableEncoder`.
        exceptions : bool
            Likewise; rows that break a relation are then encoded as if they kept it: new to a model, not learned by it.
        learn_constants : bool
            As for `TableSchema.infer`.
        learn_implied : bool
            As for `TableEncoder`.

        Raises
        ------
        DataError
            The table cannot be learned; names the column.
        """
        frame = with_images_read(frame, schema)
        inferred = TableSchema.infer(frame, schema, condition_on, learn_constants=learn_constants)
        frame = inferred.align(frame)
        warn_of_series(frame, inferred.columns)
        encoder = TableEncoder(
            inferred, encoding, condition_on, relations, exceptions=exceptions, learn_implied=learn_implied
        ).fit(frame, weights)
        rows = encoder.encode(frame)
        if exceptions:
            rows.codes[:, list(encoder.checks)] = HOLDS
        return cls(encoder, container, to_batch(rows, torch.float32), weights)
