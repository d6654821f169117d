"""Category labels of any pandas type as plain JSON and back."""

from __future__ import annotations

import decimal
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types as pdt

from gensynth.errors import DataError, hint
from gensynth.schema.dtypes import dtype_from_text, dtype_to_text


@dataclass(frozen=True, eq=False)
class Labels:
    """Distinct values in a meaningful order.

    Parameters
    ----------
    index : pandas.Index
        The values; unique, none missing.
    ordered : bool
        Whether their order carries a meaning (an ordered categorical).
    """

    index: pd.Index[Any]
    ordered: bool = False

    def __len__(self) -> int:
        return len(self.index)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Labels)
            and self.ordered == other.ordered
            and self.index.dtype == other.index.dtype
            and bool(self.index.equals(other.index))
        )

    __hash__ = None  # type: ignore[assignment]

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values (no NaN, no infinity, no timestamp)."""
        return {"ordered": self.ordered, **_index_to_json(self.index)}

    @classmethod
    def from_json(cls, state: dict[str, Any]) -> Labels:
        """Rebuild from `to_json`."""
        return cls(_index_from_json(state), state["ordered"])


def _number(value: Any) -> Any:
    return value if np.isfinite(value) else repr(float(value))  # JSON has no infinity


def _index_to_json(index: pd.Index[Any]) -> dict[str, Any]:
    if isinstance(index, pd.IntervalIndex):
        ends = {"left": _index_to_json(index.left), "right": _index_to_json(index.right)}
        return {"type": "interval", "closed": str(index.closed), **ends}
    dtype = dtype_to_text(index.dtype)
    if isinstance(index, (pd.DatetimeIndex, pd.TimedeltaIndex, pd.PeriodIndex)):
        return {"type": "ticks", "dtype": dtype, "values": index.asi8.tolist()}
    if pdt.is_numeric_dtype(index.dtype) and not pdt.is_bool_dtype(index.dtype):
        return {"type": "number", "dtype": dtype, "values": [_number(v) for v in index.tolist()]}
    values = [v.item() if isinstance(v, np.generic) else v for v in index.tolist()]
    if values and all(isinstance(v, decimal.Decimal) for v in values):
        return {"type": "decimal", "dtype": "object", "values": [str(v) for v in values]}
    strange = next((v for v in values if not isinstance(v, (str, bool, int, float)) or v != v or abs_inf(v)), None)
    if strange is not None:
        raise DataError(
            f"categories must be text, numbers, booleans, dates or intervals, not {type(strange).__name__} "
            f"({strange!r}); turn the column into text" + hint(" with .astype(str)")
        )
    return {"type": "plain", "dtype": dtype, "values": values}


def abs_inf(value: Any) -> bool:
    """Whether a value is an infinite float."""
    return isinstance(value, float) and not np.isfinite(value)


def _index_from_json(state: dict[str, Any]) -> pd.Index[Any]:
    if state["type"] == "interval":
        left, right = _index_from_json(state["left"]), _index_from_json(state["right"])
        return pd.Index(pd.IntervalIndex.from_arrays(left, right, closed=state["closed"]))
    dtype = dtype_from_text(state["dtype"])
    if state["type"] == "decimal":
        decimals: pd.Index[Any] = pd.Index([decimal.Decimal(v) for v in state["values"]], dtype=object)
        return decimals
    if state["type"] == "number":
        numbers: pd.Index[Any] = pd.Index([float(v) if isinstance(v, str) else v for v in state["values"]], dtype=dtype)
        return numbers
    if state["type"] == "ticks":
        ticks = np.array(state["values"], dtype=np.int64)
        if isinstance(dtype, pd.PeriodDtype):
            return pd.Index(pd.arrays.PeriodArray(ticks, dtype=dtype))
        if isinstance(dtype, pd.DatetimeTZDtype):
            stamps = pd.DatetimeIndex(ticks.view(f"M8[{dtype.unit}]"))
            return pd.Index(stamps.tz_localize("UTC").tz_convert(dtype.tz))
        moments: pd.Index[Any] = pd.Index(ticks.view(dtype))
        return moments
    values: pd.Index[Any] = pd.Index(state["values"], dtype=dtype)
    return values
