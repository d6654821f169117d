"""Reasons of anomalies in words: "amount 9,300 where 20 to 140 was expected"."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gensynth.encoding.related import blamed_column
from gensynth.encoding.rows import Rows
from gensynth.engine.fitted_model import FittedModel
from gensynth.engine.scoring.attributions import expected_values
from gensynth.layout import UNKNOWN
from gensynth.relations.rule import Rule
from gensynth.relations.sheet import Sheet
from gensynth.schema import Column
from gensynth.schema.calendar import describe_days, is_off
from gensynth.schema.ticks import from_ticks, ticks_of

MIN_ATTRIBUTION = 0.1
"""Minimal fraction of a row's attribution for a column to be named; the first is always named."""


def row_reasons(
    model: FittedModel, frame: pd.DataFrame, rows: Rows, attributions: pd.DataFrame, most: int = 3
) -> list[str]:
    """Return a sentence for each row: its most anomalous columns, and what was expected there.

    Parameters
    ----------
    model : FittedModel
        Says what was expected.
    frame : DataFrame of shape (n, n_features)
        Aligned rows.
    rows : Rows
        The same, encoded.
    attributions : DataFrame of shape (n, n_features)
        What each column adds to minus their scores.
    most : int
        Columns that a sentence names at most.
    """
    order, named = chosen_columns(attributions, most)
    clauses: list[list[str]] = [[""] * order.shape[1] for _ in range(len(frame))]
    for j, name in enumerate(attributions.columns):
        at, place = np.nonzero(named & (order == j))
        if len(at):
            for i, rank, clause in zip(at, place, _clauses(model, frame, rows, name, at), strict=True):
                clauses[i][rank] = clause
    return ["; ".join(clause for clause in row if clause) for row in clauses]


def chosen_columns(attributions: pd.DataFrame, most: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return (n, most) positions of each row's top columns by attribution, and a mask of those to be named."""
    values = attributions.to_numpy().clip(min=0.0)
    order = np.argsort(-values, axis=1, kind="stable")[:, :most]
    named = np.take_along_axis(values, order, 1) >= MIN_ATTRIBUTION * np.maximum(values.sum(1, keepdims=True), 1e-300)
    named[:, 0] = True
    return order, named


def _clauses(model: FittedModel, frame: pd.DataFrame, rows: Rows, name: Any, at: Any) -> list[str]:
    """Return the clauses about one column for the rows ``at``."""
    encoder = model.encoder
    column = encoder.schema[name]
    if column.kind == "image":
        return [f"{name} is unusual"] * len(at)
    cells = _values(frame[name].iloc[at], column)
    if name in encoder.position:
        clauses = _expectations(model, rows[at], column, cells)
    else:  # a constant, an identifier, or a column that another implies: it is not learned
        clauses = [_clause(name, cell, None, unseen=False) for cell in cells]
    for rule in encoder.checks.values():
        if blamed_column(rule) == name:
            for row, clause in _broken(rule, encoder.sheet(frame.iloc[at])).items():
                clauses[row] = f"{name} {_shown(cells[row])} {clause}"
    if column.days is not None:
        for i in np.flatnonzero(is_off(frame[name].iloc[at], column)):
            clauses[i] = f"{name} {cells[i]} where {describe_days(column.days)} were expected"
    return clauses


def _expectations(model: FittedModel, rows: Rows, column: Column, cells: list[Any]) -> list[str]:
    """Return the clauses about the cells of one learned column given the rest of each row."""
    position = model.encoder.position[column.name]
    numbered = model.encoder.layout.columns[position].numeric is not None
    unseen = (rows.codes[:, position] == UNKNOWN) & (not numbered)
    found = expected_values(model.scorer, model.encoder, replace(rows, log_jacobian=None), column.name)
    low, high = ([None] * len(cells),) * 2 if found is None else (_values(end, column) for end in found)
    ends = [None if found is None else pair for pair in zip(low, high, strict=True)]
    return [_clause(column.name, *cell, unseen=new) for *cell, new in zip(cells, ends, unseen.tolist(), strict=True)]


def _broken(rule: Rule, sheet: Sheet) -> dict[int, str]:
    """Return the clause for each row that breaks a relation."""
    name = blamed_column(rule)
    values, found = rule.solve(sheet, name, np.full(len(sheet), 0.5))
    out = {}
    for i in np.flatnonzero(rule.broken(sheet)).tolist():
        said = rule.determines(name) and found[i]
        out[i] = (
            f"where {rule.domains[name].text(values[i])} follows from {rule.relation}"
            if said
            else f"breaks {rule.relation}"
        )
    return out


@dataclass(frozen=True, order=True)
class _FormattedValue:
    """A date, a time or a number that is written as text: compared by its tick, shown as the column writes it."""

    tick: float
    text: str = field(compare=False)

    def __str__(self) -> str:
        return self.text


def _values(series: pd.Series[Any], column: Column) -> list[Any]:
    """Return the cells, None where missing; what stands for a number is compared by it."""
    if column.kind != "datetime" and column.notation is None:
        return series.tolist()
    ticks, missing = ticks_of(series, column)
    texts = [str(value) for value in from_ticks(ticks, np.zeros(len(ticks), dtype=bool), column).tolist()]
    return [
        (None if _is_missing(cell) else cell) if gap else _FormattedValue(tick, text.removesuffix(" 00:00:00"))
        for cell, gap, tick, text in zip(series.tolist(), missing.tolist(), ticks.tolist(), texts, strict=True)
    ]


def _shown(value: Any) -> str:
    return "is missing" if _is_missing(value) else format_value(value)


def _clause(name: str | int, value: Any, ends: tuple[Any, Any] | None, *, unseen: bool) -> str:
    missing = _is_missing(value)
    shown = _shown(value)
    if ends is None:
        return f"{name} {shown}" + (" was never seen" if unseen else "" if missing else " is unusual")
    low, high = ends
    if _is_missing(low) or _is_missing(high):
        return f"{name} {shown}" + ("" if missing else " where a missing value was expected")
    one = _holds(low, "==", high)
    inside = _holds(value, "==", low) if one else _holds(low, "<=", value) and _holds(value, "<=", high)
    if not missing and inside:
        return f"{name} {shown} does not fit the rest of the row"
    expected = format_value(low) if one else f"{format_value(low)} to {format_value(high)}"
    return f"{name} {shown} where {expected} was expected"


def _holds(one: Any, comparison: Literal["==", "<="], other: Any) -> bool:
    """Return whether a comparison holds; False where cells cannot be compared (text and a number, `pandas.NA`)."""
    try:
        return bool(one == other if comparison == "==" else one <= other)
    except (TypeError, ValueError, ArithmeticError):
        return False


def _is_missing(value: Any) -> bool:
    missing = pd.isna(value)
    return bool(missing) if np.isscalar(missing) or isinstance(missing, bool | np.bool_) else False


def format_value(value: Any) -> str:
    """Return a cell as people write it: four significant digits, thousands apart, text in quotes."""
    if isinstance(value, str):
        return f"'{value}'"
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | float | np.integer | np.floating):
        return str(value)
    try:
        number = float(value)
    except OverflowError:  # whole numbers may be larger than any float
        return f"{Decimal(int(value)):.4g}"
    if number.is_integer() and abs(number) < 1e15:
        return f"{int(number):,}"
    if not 1e-4 <= abs(number) < 1e15:
        return f"{number:.4g}"
    decimals = max(0, 3 - int(np.floor(np.log10(abs(number)))))
    text = f"{number:,.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
