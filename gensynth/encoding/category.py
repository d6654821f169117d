"""Encoding of categories and booleans; the rare levels of a large column share one code."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gensynth.encoding.columns import Cells, ColumnEncoder, Counts, State, weighted_counts
from gensynth.errors import listed
from gensynth.layout import UNKNOWN, ColumnLayout, Encoding, NumericSlot
from gensynth.schema import Column, Labels
from gensynth.schema.codes import codes_of, codes_of_texts, from_codes
from gensynth.schema.values import is_text

FEW_ROWS = 64
"""Up to this many rows, texts are looked up one by one: for a single row, building an index would dominate the cost."""


class CategoryEncoder(ColumnEncoder):
    """Encoder of categories: levels by frequency (or their own order), then one code for the rare ones.

    Parameters
    ----------
    column : Column
        The column.
    labels : Labels
        Levels in the order of their codes, the folded ones last.
    counts : ndarray of shape (n_levels,)
        Fitted rows of each level; fractions where rows have weights that are no whole numbers.
    n_missing : int or float
        Fitted rows without a value.
    n_codes : int
        Levels that have a code of their own.
    """

    def __init__(self, column: Column, labels: Labels, counts: Counts, n_missing: float, n_codes: int) -> None:
        self.column = column
        self.labels = labels
        self.counts = counts
        self.n_missing = n_missing
        self.n_codes = n_codes
        self.first = 2 if n_missing else 1
        tail = np.concatenate([[0], np.cumsum(counts[n_codes:])]).astype(np.float64)
        self.tail = tail / tail[-1] if tail[-1] else tail

    @classmethod
    def fit(cls, series: pd.Series[Any], column: Column, encoding: Encoding, weights: Counts | None = None) -> Self:
        """Count the levels of a column; ``weights`` (n,) are how often each row counts."""
        codes, distinct = codes_of(series)
        counts = weighted_counts(codes + 1, len(distinct) + 1, weights)
        n_missing, counts = counts[0].item(), counts[1:]
        used = np.flatnonzero(counts)
        own_order = (column.labels is not None and column.labels.ordered) or column.kind == "boolean"
        if column.kind == "boolean":
            used = used[np.argsort(distinct[used].to_numpy(dtype=object).astype(bool), kind="stable")]
        elif not own_order or len(used) > encoding.max_levels:
            by_value = np.argsort(distinct[used].astype(str).to_numpy(dtype=object), kind="stable")
            used = used[by_value]  # so that ties do not depend on the order of rows
            used = used[np.argsort(-counts[used], kind="stable")]
            own_order = False
        n_codes = len(used) if len(used) <= encoding.max_levels else max(encoding.max_levels - 1, 0)
        return cls(column, Labels(distinct[used], own_order), counts[used], n_missing, n_codes)

    def set_code_counts(self, counts: NDArray[Any]) -> None:
        """Set the counts of the codes from another table; rare levels keep their proportions."""
        own = counts[self.first :]
        folded = self.counts[self.n_codes :].astype(np.float64)
        if len(folded):
            folded *= own[self.n_codes] / max(folded.sum(), 1e-300)
        self.n_missing = counts[1].item() if self.first == 2 else 0
        self.counts = np.concatenate([own[: self.n_codes], folded]) if len(folded) else own[: self.n_codes]

    def layout(self, numeric: int) -> ColumnLayout:
        """Return the layout: unknown, missing, levels, "other"."""
        folded = self.n_codes < len(self.counts)
        total = max(self.counts.sum().item() + self.n_missing, 1)
        counts = [0, *([self.n_missing] if self.n_missing else []), *self.counts[: self.n_codes].tolist()]
        if folded:
            counts.append(self.counts[self.n_codes :].sum().item())
        return ColumnLayout(
            str(self.column.name),
            tuple(count / total for count in counts),
            ordered=self.labels.ordered,
            missing=1 if self.n_missing else None,
            numeric=NumericSlot(numeric, range(len(counts) - 1, len(counts)), "within_bin") if folded else None,
        )

    def encode(self, series: pd.Series[Any], *, jacobian: bool = False) -> Cells:
        """Return codes; `UNKNOWN` for levels that were not fitted."""
        codes, found = self._coded(series)
        levels = np.append(found, -2)  # the last entry is for missing
        own = np.where(levels < 0, UNKNOWN, np.minimum(levels, self.n_codes) + self.first)
        own[-1] = 1 if self.n_missing else UNKNOWN
        if self.n_codes == len(self.counts):
            return Cells(own.astype(np.int32)[codes])
        place = np.where(levels >= self.n_codes, levels - self.n_codes, 0)
        middle = np.where(levels >= self.n_codes, (self.tail[place] + self.tail[place + 1]) / 2, 0.0)
        zeros = np.zeros(len(codes)) if jacobian else None
        return Cells(own.astype(np.int32)[codes], middle[codes], zeros)

    def _coded(self, series: pd.Series[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return `codes_of` the cells, and the levels of the distinct values (`find`)."""
        if len(series) > FEW_ROWS or not is_text(series):
            codes, distinct = codes_of(series)
            return codes, self.find(distinct)
        codes, texts = codes_of_texts(series)
        levels = np.array([self._level_of.get(text, -1) for text in texts], dtype=np.int64)
        lost = np.flatnonzero(levels < 0)
        if len(lost):
            levels[lost] = self.find(pd.Index([texts[i] for i in lost], dtype=object))
        return codes, levels

    @cached_property
    def _level_of(self) -> dict[str, int]:
        """The level of each text; of levels that are no texts none."""
        index = self.labels.index
        return {text: i for i, text in enumerate(index.tolist())} if is_text_index(index) else {}

    def decode(self, cells: Cells) -> pd.Series[Any]:
        """Return levels; `UNKNOWN` becomes missing, or the most frequent level where nothing was missing."""
        levels, missing = self.decode_levels(cells)
        return from_codes(np.where(missing, -1, levels), self.labels.index, self.column)

    def _levels(self, cells: Cells) -> NDArray[np.int64]:
        """Return the level of each cell, the folded ones included; -1 for missing and unknown."""
        levels = cells.codes.astype(np.int64) - self.first
        if cells.numbers is not None and self.n_codes < len(self.counts):
            tail = np.searchsorted(self.tail[1:], np.clip(cells.numbers, 0.0, 1.0), side="left")
            tail = np.minimum(tail, len(self.counts) - self.n_codes - 1)
            levels = np.where(levels == self.n_codes, self.n_codes + tail, levels)
        return np.maximum(levels, -1)

    def levels_of(self, series: pd.Series[Any]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Return the level (n,) of each cell, and a mask of missing ones; unseen levels get higher numbers.

        Two cells of a table have one number if they hold one value, fitted or not.
        """
        codes, levels = self._coded(series)
        levels = np.where(levels < 0, len(self.counts) + np.arange(len(levels)), levels)
        return np.append(levels, 0)[codes], codes < 0

    def decode_levels(self, cells: Cells) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Return the level (n,) of each encoded cell, and a mask of missing ones."""
        levels = self._levels(cells)
        fallback = -1 if self.n_missing or not len(self.counts) else int(np.argmax(self.counts))
        levels = np.where(cells.codes == UNKNOWN, fallback, levels)
        return np.maximum(levels, 0), levels < 0

    def draw(self, chances: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return levels (n,) sampled by fitted frequency, from uniform numbers (n,) in [0, 1)."""
        ends = np.cumsum(self.counts)
        found = np.searchsorted(ends, chances * ends[-1], side="right")
        return np.asarray(np.minimum(found, len(ends) - 1), dtype=np.int64)

    def find(self, distinct: pd.Index[Any]) -> NDArray[np.int64]:
        """Return the level of each value, -1 if there is none; 1, 1.0, "1" and "1.0" are equal."""
        return find_levels(self.labels.index, distinct)

    def unseen(self, series: pd.Series[Any]) -> NDArray[np.bool_]:
        """Return whether there is no such level."""
        return np.asarray(self.encode(series).codes == UNKNOWN)

    def known(self) -> str:
        """Name the most frequent levels."""
        return f"it held {listed(self.labels.index[np.argsort(-self.counts, kind='stable')].tolist())}"

    def weights(self, cells: Cells) -> NDArray[np.float64]:
        """Return the count of each level."""
        levels = self._levels(cells)
        return np.where(levels < 0, self.n_missing, self.counts[np.maximum(levels, 0)]).astype(np.float64)

    def state(self) -> State:
        """Return the levels as JSON, the counts as an array."""
        json = {"labels": self.labels.to_json(), "n_missing": self.n_missing, "n_codes": self.n_codes}
        return json, {"counts": self.counts}

    @classmethod
    def from_state(cls, column: Column, json: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> Self:
        """Rebuild from `state`."""
        return cls(column, Labels.from_json(json["labels"]), arrays["counts"], json["n_missing"], json["n_codes"])


def find_levels(index: pd.Index[Any], distinct: pd.Index[Any]) -> NDArray[np.int64]:
    """Return where each of some values is among the levels ``index``, as `CategoryEncoder.find` does."""
    found = np.full(len(distinct), -1)
    if not len(index) or not len(distinct):
        return found
    if is_text_index(index) == is_text_index(distinct):
        found = np.asarray(index.get_indexer(distinct), dtype=np.int64)
    lost = np.flatnonzero(found < 0)
    if len(lost):
        known = {spelling(value): i for i, value in reversed(list(enumerate(index.tolist())))}
        found[lost] = [known.get(spelling(value), -1) for value in distinct[lost].tolist()]
    return found


def spelling(value: Any) -> str:
    """Return one text for a number and all the ways to write it; for other values their own."""
    if isinstance(value, bool | np.bool_):
        return str(value)
    try:
        number = float(value)
        return str(int(value) if isinstance(value, int) else int(number) if number.is_integer() else number)
    except (TypeError, ValueError, OverflowError):
        return str(value)


def is_text_index(index: pd.Index[Any]) -> bool:
    """Whether the values are text, none of them missing."""
    return index.inferred_type == "string"  # which pandas keeps
