"""Missing cells that relations determine, or that must be sampled before the model runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from gensynth.encoding.table import TableEncoder
from gensynth.relations.orders import OrderRule
from gensynth.relations.sheet import Bools, Sheet

Known = tuple[Sheet, dict[str | int, Bools]]


def fill_related(
    frame: pd.DataFrame, gaps: Mapping[str | int, Bools], encoder: TableEncoder, rng: np.random.Generator
) -> tuple[pd.DataFrame, Known]:
    """Return a table with the missing cells that relations determine filled in, and a mask of known cells.

    A total follows from its parts, a part from the total and the other parts, a state from its city. What is learned
    as a distance from a missing cell gives that cell a value.

    Parameters
    ----------
    frame : DataFrame
        Aligned rows.
    gaps : mapping of label to ndarray of shape (n,), bool
        The cells that are missing.
    encoder : TableEncoder
        With relations.
    rng : numpy.random.Generator
        Draws distances.
    """
    rules = encoder.rules
    assert rules is not None
    sheet = encoder.sheet(frame)
    sheet.filling = True
    n = len(frame)
    nothing = np.zeros(n, dtype=bool)
    known = {name: ~gaps.get(name, nothing) for name in rules.columns}
    rules.infer(sheet, known)
    for rule in reversed(rules.rules):
        if isinstance(rule, OrderRule) and rule.high in encoder.gaps and encoder.gaps[rule.high].rule is rule:
            rows = known[rule.high] & ~known[rule.low] & ~sheet.missing[rule.high]
            values, found = rule.solve(sheet, rule.low, rng.spawn(1)[0].random(n))
            rows = rows & found
            if rows.any():
                sheet.put(rule.low, rows, values)
                known[rule.low] = known[rule.low] | rows
                rules.infer(sheet, known)
    out = frame.copy(deep=False)
    for name, rows in known.items():
        filled = gaps.get(name, nothing) & rows & ~sheet.missing[name]
        if filled.any():
            series = rules.domains[name].series
            assert series is not None
            # only what is filled: the column's type may have no missing value
            values_ = series(sheet.values[name][filled], nothing[filled])
            out[name] = _merged(frame[name], values_, filled)
    return out, (sheet, known)


def _merged(came: pd.Series[Any], values: pd.Series[Any], filled: Bools) -> pd.Series[Any]:
    """Return a column with ``values`` in some cells; as plain objects where the types differ."""
    out = came.astype(object).to_numpy(copy=True) if came.dtype != values.dtype else came.array.copy()
    out[filled] = values.astype(object).to_numpy() if isinstance(out, np.ndarray) else values.array
    return pd.Series(out, index=came.index, name=came.name).infer_objects()
