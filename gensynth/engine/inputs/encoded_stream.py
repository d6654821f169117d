"""Encoding of a table larger than memory: fitted to a sample of its rows, applied to all of them."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types as pdt

from gensynth.encoding.rows import Rows
from gensynth.encoding.table import TableEncoder
from gensynth.engine.inputs.encoded_table import EncodedTable
from gensynth.engine.inputs.image_streams import MEMORY_ROWS, learned_image
from gensynth.engine.inputs.streams import BatchWarnings, rows_counted_from
from gensynth.errors import ColumnWarning, SchemaError, counted, hint
from gensynth.layout import UNKNOWN, Encoding
from gensynth.schema import Column, TableSchema
from gensynth.schema.series import warn_of_series
from gensynth.tables import Container, TableStream
from gensynth.training.cache import CachedRows
from gensynth.training.weights import Weights

Bools = NDArray[np.bool_]


@contextlib.contextmanager
def encoded_stream(
    table: TableStream,
    encoding: Encoding,
    *,
    memory_rows: int,
    seed: int,
    weights: Weights | None = None,
    schema: TableSchema | Mapping[Any, str | Column] | None = None,
    condition_on: Sequence[str | int] = (),
    relations: Any = "auto",
) -> Iterator[EncodedTable]:
    """Encode a table of more than ``memory_rows`` rows into temporary files.

    Kinds, formats, relations and quantiles are those of a random sample of so many rows, together with rows that hold
    what the sample lacks: the least and the greatest value of a column, missing cells, and levels of categories.
    How often each code occurs is counted over all rows, relations are checked on all rows, and values of identifiers
    are kept from being made anew. The range of images is that of all of them, which are read once more for it, and
    the sample of the columns beside them has 500,000 rows at least.

    Parameters
    ----------
    table : TableStream
        The table.
    encoding : Encoding
        Of the recipe.
    memory_rows : int
        Rows of the sample.
    seed : int
        Of the sample.
    weights : ndarray of shape (n_rows,) or None
        How often each row counts.
    schema, condition_on, relations
        As for `EncodedTable.encode`.

    Raises
    ------
    DataError
        The table cannot be learned; names the column.
    SchemaError
        A declared relation does not hold in every row.

    Warns
    -----
    ColumnWarning
        Rows are left out, as they hold levels beyond those that were kept.
    """
    image = learned_image(table, schema, weights)
    beside = table if image is None else table.without(image.name)
    if image is not None:  # columns beside images take little memory
        memory_rows = max(memory_rows, MEMORY_ROWS)
    sample = beside.sample(memory_rows, seed).frame
    frame, own = sample, weights
    if len(sample) < table.n_rows:
        frame, own = _with_missed(sample, beside, memory_rows // 2, weights)
    if own is not None:
        frame, own = frame[own > 0].reset_index(drop=True), own[own > 0]
    inferred, frame = _inferred(frame, schema, condition_on, image, table.names)
    warn_of_series(sample, tuple(column for column in inferred.columns if column.kind != "image"))

    def fitted(relations: Any) -> TableEncoder:
        return TableEncoder(inferred, encoding, condition_on, relations).fit(frame, own)

    encoder = fitted(relations)
    while True:
        layout = encoder.layout
        n_codes = max(layout.cardinalities, default=0)
        with CachedRows(len(layout.columns), layout.n_numeric, n_codes, image=layout.image) as cache:
            facts = _encode(table, encoder, cache, weights)
            if facts.broken:
                if relations not in ("auto", False):
                    raise SchemaError(f"the relation {facts.broken[0]} does not hold in every row of {table.source}")
                rules = () if encoder.rules is None else encoder.rules.rules
                kept = [rule.relation for rule in rules if str(rule.relation) not in facts.broken]
                encoder = fitted(kept or False)
                continue
            facts.tell(table.source)
            facts.count_into(encoder)
            kept_weights = None if weights is None else weights[facts.kept]
            yield EncodedTable(encoder, Container(style=table.style), cache, kept_weights)
            return


def _with_missed(
    sample: pd.DataFrame, table: TableStream, most: int, weights: Weights | None
) -> tuple[pd.DataFrame, Weights]:
    """Return a sample of a table plus rows with values that it lacks, and the number of rows each represents."""
    found = UnsampledRows(sample, most)
    for batch in table.batches():
        found.add(batch.frame)
    extra = found.rows()
    extra = extra[~extra.index.isin(sample.index)]  # a key stands there once
    frame = pd.concat([sample, extra]) if len(extra) else sample
    own = np.repeat([table.n_rows / len(sample), 1.0], [len(sample), len(extra)])
    return frame, own if weights is None else own * weights[frame.index.to_numpy()]


def _inferred(
    frame: pd.DataFrame,
    schema: TableSchema | Mapping[Any, str | Column] | None,
    condition_on: Sequence[str | int],
    image: Column | None,
    names: Sequence[str | int],
) -> tuple[TableSchema, pd.DataFrame]:
    """Return the inferred schema of the columns ``names``."""
    if image is None:
        inferred = TableSchema.infer(frame, schema, condition_on)
        return inferred, inferred.align(frame)
    known = {c.name: c for c in schema.columns} if isinstance(schema, TableSchema) else dict(schema or {})
    known.pop(image.name, None)
    if not len(frame.columns):
        return TableSchema((image,)), frame
    beside = TableSchema.infer(frame, known, condition_on)
    at = list(names).index(image.name)
    return TableSchema((*beside.columns[:at], image, *beside.columns[at:])), beside.align(frame)


class UnsampledRows:
    """Rows of a table with values that a sample of it lacks.

    Parameters
    ----------
    sample : DataFrame
        The sample.
    most : int
        Rows with levels that the sample lacks, at most.
    """

    def __init__(self, sample: pd.DataFrame, most: int) -> None:
        self._most = most
        self._ends: dict[tuple[Any, str], pd.DataFrame] = {}
        self._values: dict[tuple[Any, str], Any] = {}
        self._levels: dict[Any, set[Any]] = {}
        self._full = {name: not sample[name].isna().any() for name in sample.columns}
        self._found: list[pd.DataFrame] = []
        self._n = 0
        for name in sample.columns:
            if not _is_ordered(sample[name]):
                levels = set(sample[name].dropna().unique().tolist())
                if 2 * len(levels) <= len(sample):  # others are keys or texts
                    self._levels[name] = levels

    def add(self, frame: pd.DataFrame) -> None:
        """Scan the next rows."""
        chosen: set[int] = set()
        for name in frame.columns:
            cells = frame[name]
            if self._full[name] and cells.isna().any():
                self._full[name] = False
                chosen.add(int(np.argmax(cells.isna())))
            if _is_ordered(cells):
                self._look_for_ends(frame, name)
            elif name in self._levels and self._n < self._most:
                new = cells[cells.notna() & ~cells.isin(self._levels[name])].drop_duplicates()
                new = new.iloc[: self._most - self._n]
                self._levels[name].update(new.tolist())
                self._n += len(new)
                chosen.update((new.index - frame.index[0]).tolist())
        if chosen:
            self._found.append(frame.iloc[sorted(chosen)])

    def _look_for_ends(self, frame: pd.DataFrame, name: Any) -> None:
        present = frame[name].dropna()
        if not len(present):
            return
        for end, at in (("low", present.argmin()), ("high", present.argmax())):
            value, before = present.iloc[at], self._values.get((name, end))
            if before is None or (value < before if end == "low" else value > before):
                self._values[name, end] = value
                self._ends[name, end] = frame.loc[[present.index[at]]]

    def rows(self) -> pd.DataFrame:
        """Return the rows, by their positions in the table."""
        parts = [*self._found, *self._ends.values()]
        if not parts:
            return pd.DataFrame()
        both = pd.concat(parts)
        return both[~both.index.duplicated()].sort_index()


def _is_ordered(cells: pd.Series[Any]) -> bool:
    kind = cells.dtype
    return (pdt.is_numeric_dtype(kind) and not pdt.is_bool_dtype(kind)) or pdt.is_datetime64_any_dtype(kind)


class _Facts:
    """Statistics of all rows of a table for an encoder that was fitted to a sample.

    Parameters
    ----------
    encoder : TableEncoder
        The encoder.
    """

    def __init__(self, encoder: TableEncoder) -> None:
        self.counts: list[NDArray[Any]] = [np.zeros(n, dtype=np.int64) for n in encoder.layout.cardinalities]
        self.broken: list[str] = []
        self.kept: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
        self.n_rows = 0.0
        self.n_left_out = 0
        self.identifiers: dict[Any, list[NDArray[np.uint64]]] = {name: [] for name in encoder.generators}

    def add(self, rows: Rows, weights: Weights | None) -> None:
        """Count learned rows and their codes, by weight."""
        self.n_rows += len(rows) if weights is None else float(weights.sum())
        self.counts = [
            counts + np.bincount(rows.codes[:, i], weights=weights, minlength=len(counts))
            for i, counts in enumerate(self.counts)
        ]

    def tell(self, source: str) -> None:
        """Warn of rows that were left out."""
        if self.n_left_out:
            warnings.warn(
                f"{counted(self.n_left_out, 'row')} of {source} not learned, because of rare values that are not in "
                f"the sample from which the schema was inferred; to learn them raise "
                f"{hint('memory_rows', '--memory-rows')}",
                ColumnWarning,
                stacklevel=5,
            )

    def count_into(self, encoder: TableEncoder) -> None:
        """Set the frequencies of all rows in the encoder."""
        for name, generator in encoder.generators.items():
            if self.identifiers[name]:
                generator.know(np.concatenate(self.identifiers[name]))
        encoder.set_counts(self.counts, round(self.n_rows))


def _encode(table: TableStream, encoder: TableEncoder, cache: CachedRows, weights: Weights | None) -> _Facts:
    """Encode all rows into a cache; rows with unseen values are left out."""
    facts, said = _Facts(encoder), BatchWarnings()
    kept, broken = [], set()
    for batch in table.batches(min(table.batch_rows, encoder.schema.batch_rows)):
        first = int(batch.frame.index[0])
        where = np.arange(first, first + len(batch))
        if weights is not None:
            where = where[weights[where] > 0]
        if not len(where):
            continue
        some = batch.frame.iloc[where - first]
        with said.batch(), rows_counted_from(first, table, some.index):
            frame = encoder.schema.align(some)
            rows = encoder.encode(frame)
        for i, rule in encoder.checks.items():
            if (rows.codes[:, i] == UNKNOWN).any():
                broken.add(str(rule.relation))
        learned = (rows.codes != UNKNOWN).all(1)
        facts.n_left_out += int((~learned).sum())
        rows, where = rows[np.flatnonzero(learned)], where[learned]
        facts.add(rows, None if weights is None else weights[where])
        kept.append(where)
        for name, generator in encoder.generators.items():
            facts.identifiers[name].append(generator.hashes_of(frame[name]))
        cache.append(rows.numeric, rows.codes, rows.pixels)
    cache.finish()
    facts.kept, facts.broken = np.concatenate(kept), sorted(broken)
    return facts
