"""Encoded rows of related columns, adjusted to keep the relations and encoded again."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gensynth.encoding.category import CategoryEncoder
from gensynth.encoding.columns import Cells
from gensynth.encoding.fitted import FittedColumns
from gensynth.encoding.links import copy_linked
from gensynth.encoding.number import NumberEncoder
from gensynth.encoding.related import domains_of, put_distances
from gensynth.encoding.rows import Rows
from gensynth.relations.dependencies import DependencyRule
from gensynth.relations.sheet import Sheet
from gensynth.schema.ticks import from_ticks
from gensynth.schema.values import Bools


def resolve(
    encoder: FittedColumns,
    rows: Rows,
    rng: np.random.Generator,
    given: NDArray[np.bool_] | None = None,
    known: tuple[Sheet, dict[str | int, Bools]] | None = None,
) -> tuple[Sheet, Bools]:
    """Return linked and related cells adjusted to their links and relations, and a mask (n,) of failures.

    Parameters
    ----------
    rows : Rows
        Encoded rows.
    rng : numpy.random.Generator
        Chooses among values that fit; a row's choices do not depend on the number of rows.
    given : ndarray of shape (n, k) or None
        The cells that stay.
    known : (Sheet, dict of label to ndarray of shape (n,)) or None
        Cells that are known beside that, and which they are: missing ones are being filled in.
    """
    sheet = Sheet({}, {}, {}, known is not None)
    ends = [name for link in encoder.links.values() for name in (link.earlier, link.later)]
    free = np.ones(rows.codes.shape, dtype=bool) if given is None else ~given
    for name in dict.fromkeys([*ends, *(() if encoder.rules is None else encoder.rules.columns)]):
        if name in encoder.implied:
            continue
        own = encoder.columns[name]
        sheet.free[name] = free[:, encoder.position[name]]
        if name in encoder.gaps:
            continue
        if isinstance(own, NumberEncoder):
            sheet.values[name], sheet.missing[name] = own.decode_ticks(encoder.cells(rows, name))
        else:
            assert isinstance(own, CategoryEncoder)
            sheet.values[name], sheet.missing[name] = own.decode_levels(encoder.cells(rows, name))
    if encoder.gaps:
        assert encoder.rules is not None
        put_distances(sheet, encoder.gaps, {name: encoder.cells(rows, name) for name in encoder.gaps}, encoder.rules)
    _put_implied(sheet, encoder)
    copy_linked(sheet, encoder.links, rows.codes, {column.name: column for column in encoder.schema.columns})
    if encoder.rules is None:
        return sheet, np.zeros(len(rows), dtype=bool)
    cells_known, is_known = known if known is not None else (sheet, {})
    for name, which in is_known.items():
        cells, missing = cells_known.values[name], cells_known.missing[name]
        sheet.values[name] = np.where(which, cells, sheet.values[name])
        sheet.missing[name] = np.where(which, missing, sheet.missing[name])
        sheet.free[name] = sheet.free[name] & ~which
    return sheet, encoder.rules.settle(sheet, rng)


def _put_implied(sheet: Sheet, encoder: FittedColumns) -> None:
    """Put in the cells of columns that others imply; they are in no encoded row."""
    for rule in () if encoder.rules is None else encoder.rules.rules:
        if (
            isinstance(rule, DependencyRule)
            and rule.dependent in encoder.implied
            and rule.dependent not in sheet.values
        ):
            values, found = rule.solve(sheet, rule.dependent, np.full(len(sheet), 0.5))
            sheet.values[rule.dependent], sheet.missing[rule.dependent] = values, ~found
            sheet.free[rule.dependent] = np.ones(len(sheet), dtype=bool)


def settle(
    encoder: FittedColumns, rows: Rows, rng: np.random.Generator, given: NDArray[np.bool_] | None = None
) -> tuple[Rows, Bools]:
    """Return the rows with related cells adjusted to the relations, and a mask (n,) of failures.

    Decoding the rows gives cells that fit; ``rng`` and ``given`` are as for `resolve`.
    """
    if encoder.rules is None:
        return rows, np.zeros(len(rows), dtype=bool)
    sheet, broken = resolve(encoder, rows, rng, given)
    out = rows.copy()
    domains = domains_of({name: encoder.columns[name] for name in sheet.values if name in encoder.position})
    for name, domain in domains.items():
        assert domain.series is not None
        i = encoder.position[name]
        gap = encoder.gaps.get(name)
        series = domain.series(sheet.values[name], sheet.missing[name]) if gap is None else gap.series(sheet)
        cells = (encoder.columns[name] if gap is None else gap.encoder).encode(series)
        out.put(i, encoder.layout.columns[i].numeric, cells)
    for i, link in encoder.links.items():
        ends = ((sheet.values[name], sheet.missing[name]) for name in (link.earlier, link.later))
        out.codes[:, i] = link.codes(*ends)
    return out, broken


def decode_column(encoder: FittedColumns, rows: Rows, name: str | int, cells: Cells) -> pd.Series[Any]:
    """Return the cells of one column as a column; the other columns of the rows are needed for distances."""
    if name not in encoder.gaps:
        return encoder.columns[name].decode(cells)
    assert encoder.rules is not None
    sheet = Sheet({}, {})
    cells_of = {gap: encoder.cells(rows, gap) for gap in encoder.gaps} | {name: cells}
    for gap in encoder.gaps.values():
        if gap.rule.low not in encoder.gaps:
            sheet.values[gap.rule.low], sheet.missing[gap.rule.low] = encoder.decode_ticks(rows, gap.rule.low)
    put_distances(sheet, encoder.gaps, cells_of, encoder.rules)
    own = encoder.columns[name]
    assert isinstance(own, NumberEncoder)
    return from_ticks(sheet.values[name], sheet.missing[name], own.column)
