"""Error messages for values that a condition asks for and a column cannot have."""

from __future__ import annotations

import decimal
from fractions import Fraction
from typing import Any, NoReturn

import numpy as np
import pandas as pd

from gensynth.encoding.category import CategoryEncoder
from gensynth.encoding.number import NumberEncoder
from gensynth.errors import ConditionError, DataError, counted, shown
from gensynth.schema import Column
from gensynth.schema.calendar import count_days, describe_days
from gensynth.schema.exact import exact_tick, tick_nanoseconds

_DAY = 86_400 * 10**9


def refuse_unseen(own: CategoryEncoder | NumberEncoder, column: Column, value: Any) -> NoReturn:
    """Raise the `ConditionError` for a value that the fitted column never held, with the reason."""
    reason = _reason(own, column, value) if isinstance(own, NumberEncoder) else None
    if reason is None:
        raise ConditionError(f"column {column.name!r} never held {shown(value)}; {own.known()}")
    raise ConditionError(f"column {column.name!r} {reason}; {own.known()}")


def _reason(own: NumberEncoder, column: Column, value: Any) -> str | None:
    """Return the reason why the column cannot have the value; None if it is only unseen."""
    try:
        tick = exact_tick(value, column)
    except DataError:
        return None
    if column.discrete and tick.denominator != 1:
        if column.kind == "datetime":
            return f"counts time in larger units than {shown(value)} needs"
        if not column.decimals:
            return f"holds whole numbers, which {shown(value)} is not"
        return f"has {counted(column.decimals, 'decimal')}, {shown(value)} has more"
    if column.minimum is None or column.maximum is None:
        return None
    if not column.minimum <= tick <= column.maximum:
        return f"never held {shown(value)}, which is outside its range"
    if column.days is not None:
        place, off = count_days(np.array([int(tick)]), column)
        if off[0]:
            return f"never held {shown(value)}: its dates fall on {describe_days(column.days)} only"
        tick = Fraction(int(place[0]))
    if not column.discrete or (tick - own.origin) % int(own.step) == 0:
        return None
    length = tick_nanoseconds(column) if column.kind == "datetime" else None
    if length is not None and own.step * length % _DAY == 0 and (tick - own.origin) * length % _DAY:
        return f"holds dates without a time of day, {shown(value)} has one"
    if own.function is None or column.days is not None:
        return None
    return f"never held {shown(value)}: its values lie {_step_text(own, column, length)} apart"


def _step_text(own: NumberEncoder, column: Column, length: int | None) -> str:
    if length is not None:
        return str(pd.Timedelta(int(own.step) * length, unit="ns"))
    return str(decimal.Decimal(int(own.step)).scaleb(-(column.decimals or 0)))
