"""Alignment of two tables for ``gensynth drift``: common columns, with the types of the first table."""

from __future__ import annotations

import warnings
from typing import Any

import pandas as pd

from gensynth.errors import DataError, IdentifierWarning
from gensynth.schema import TableSchema
from gensynth.schema.ticks import ticks_of


def comparable(
    old: pd.DataFrame, new: pd.DataFrame, kinds: dict[str, str] | None
) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """Return both tables with numbers and dates as numbers, without identifiers; the names of these.

    Raises
    ------
    DataError
        The second table lacks a column, or has a value that cannot be read; or all columns are identifiers.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", IdentifierWarning)
        schema = TableSchema.infer(old, kinds)
    tables = schema.align(old), schema.align(new)
    left_out = [str(column.name) for column in schema.columns if column.kind == "identifier"]
    if len(left_out) == len(schema.columns):
        raise DataError("all columns are identifiers; there is nothing to compare")
    parts: tuple[dict[Any, pd.Series[Any]], ...] = ({}, {})
    for column in schema.columns:
        if column.kind == "identifier":
            continue
        for table, part in zip(tables, parts, strict=True):
            cells = table[column.name]
            if column.kind in ("numeric", "datetime") and not column.specials:
                ticks, missing = ticks_of(cells, column)
                cells = pd.Series(ticks.astype(float)).mask(missing)
            elif column.kind in ("categorical", "boolean"):
                cells = cells.astype("string").astype(object)  # codes are no quantities
            part[column.name] = cells.reset_index(drop=True)
    before, after = (pd.DataFrame(part) for part in parts)
    return before, after, left_out
