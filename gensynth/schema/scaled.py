"""Decimals of numbers; decimals and large whole numbers are counted exactly, without floats."""

from __future__ import annotations

import decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pandas.api import types as pdt
from pyarrow import types as pat

from gensynth.errors import DataError, declare_hint, hint, shown
from gensynth.schema.column import Column
from gensynth.schema.dtypes import dtype_from_text
from gensynth.schema.labels import Labels
from gensynth.tables.arrow import combined

_WIDE = decimal.Context(prec=100)
_USUAL = decimal.Context(prec=28)  # Python's default: what a division gives
_MAX_EXACT = 1_000
"""Maximal number of repeated values kept as text because ticks and floats cannot hold their digits."""
_MAX_DECIMALS = 10
_ROWS_PER_VALUE = 5  # from which on values are repeated as a rule, and single ones kept as well
_WORDS = {128: 2, 256: 4}


def is_decimal(series: pd.Series[Any]) -> bool:
    """Whether the cells are decimals: Python's or Arrow's."""
    if isinstance(series.dtype, pd.ArrowDtype):
        return bool(pat.is_decimal(series.dtype.pyarrow_dtype))
    return series.dtype == object and pdt.infer_dtype(series, skipna=True) == "decimal"


def decimals_of(series: pd.Series[Any]) -> pa.Array:
    """Return decimals as an Arrow array of one scale, which is not negative.

    Raises
    ------
    DataError
        If one is infinite, or together they need more than 76 digits; names the column.
    """
    if isinstance(series.dtype, pd.ArrowDtype):
        array = pa.array(series)
    else:
        values = [None if gap else v for v, gap in zip(series, series.isna(), strict=True)]
        row = next((i for i, v in enumerate(values) if v is not None and not v.is_finite()), None)
        if row is not None:
            raise DataError(
                f"column {series.name!r}, row {row}: {shown(values[row])}; expected finite numbers or missing values"
            )
        try:
            array = pa.array(values)
        except (pa.ArrowException, ValueError, OverflowError) as error:
            raise DataError(
                f"column {series.name!r} holds decimals that need more than 76 digits together ({error}); round them"
                + hint(f", or make them floats: df[{series.name!r}] = df[{series.name!r}].astype(float)")
            ) from error
    array = combined(array)
    if pat.is_null(array.type):
        return array.cast(pa.decimal128(1, 0))
    if array.type.scale < 0 or array.type.bit_width not in _WORDS:
        array = array.cast(pa.decimal256(76, max(array.type.scale, 0)))
    return array


def whole_ticks(array: pa.Array, places: int) -> NDArray[np.int64] | None:
    """Return (n,) ``value * 10**places``, rounded, 0 for null; None if one of them is beyond 64 bits."""
    if places < array.type.scale:
        array = pc.round(array, ndigits=places, round_mode="half_to_even")
    try:
        array = array.cast(pa.decimal256(76, places))
    except pa.ArrowInvalid:  # beyond 76 digits
        return None
    words = np.frombuffer(array.buffers()[1], dtype="<i8")[array.offset * 4 :][: len(array) * 4].reshape(-1, 4)
    low = np.where(np.asarray(array.is_null()), 0, words[:, 0])
    rest = np.where(np.asarray(array.is_null())[:, None], 0, words[:, 1:])
    return low if (rest == (low >> 63)[:, None]).all() else None


def with_decimals(series: pd.Series[Any]) -> dict[str, Any]:
    """Return the entries of `Column` that say how a column of decimals is counted and written.

    Decimals that fit 64 bits are whole ticks; longer ones are floats, and what is repeated of them is kept as it is.

    Raises
    ------
    DataError
        If they are longer, and floats cannot tell two of them apart; names the column.
    """
    array = decimals_of(series)
    scale = array.type.scale
    if whole_ticks(array, scale) is not None:
        return {"decimals": scale}
    for places in range(scale):
        if pc.all(pc.equal(pc.round(array, ndigits=places), array)).as_py():
            if whole_ticks(array, places) is None:
                break
            return {"decimals": places, "places": scale}
    counts = pc.value_counts(array.drop_null())
    if pc.count_distinct(counts.field("values").cast(pa.float64())).as_py() < len(counts):
        raise DataError(
            f"column {series.name!r} holds decimals that differ only beyond the digits that can be counted; declare it "
            f"{declare_hint(str(series.name), 'categorical')}"
            + hint(f", or make it text: df[{series.name!r}] = df[{series.name!r}].astype(str)")
        )
    least = 0 if len(counts) * _ROWS_PER_VALUE <= len(array) else 1
    often = counts.field("values").filter(pc.greater(counts.field("counts"), least)).to_pylist()
    if series.dtype == object:  # Arrow gave all the same number of places
        own = {value: value for value in series.dropna()}
        often = [own[value] for value in often]
    exact = Labels(pd.Index(sorted(often), dtype=object)) if 0 < len(often) <= _MAX_EXACT else None
    return {"decimals": None, "places": scale, "exact": exact}


def fixed_decimals(values: NDArray[np.float64], *, single: bool = False) -> int | None:
    """Return the least count of decimals (up to 10) that restores every value exactly, or None.

    ``single``: the values are float32.
    """
    if not len(values):
        return 0
    largest = float(np.abs(values).max())
    places = 0
    for part in (values[:1000], values):
        while True:
            if places > _MAX_DECIMALS or largest * 10.0**places >= (2.0**24 if single else 2.0**53):
                return None
            back = np.rint(part * 10.0**places) / 10.0**places
            if ((back.astype(np.float32) == part.astype(np.float32)) if single else (back == part)).all():
                break
            places += 1
    return places


def decimals_from(ticks: NDArray[Any], missing: NDArray[np.bool_], column: Column) -> list[decimal.Decimal | None]:
    """Return decimals from ticks, with as many places as the fitted ones have; None where missing."""
    dtype = dtype_from_text(column.dtype)
    places = column.places
    if places is None:
        places = dtype.pyarrow_dtype.scale if isinstance(dtype, pd.ArrowDtype) else column.decimals or 0
    unit = decimal.Decimal(1).scaleb(-places)
    known: dict[Any, decimal.Decimal] = {}
    if column.exact is not None:
        known = {float(value): value for value in column.exact.index}
    out: list[decimal.Decimal | None] = []
    for tick, gap in zip(ticks.tolist(), missing.tolist(), strict=True):
        if gap:
            out.append(None)
            continue
        if tick not in known:
            value = decimal.Decimal(tick)
            value = value.scaleb(-column.decimals, _WIDE) if column.decimals else value
            if column.decimals is None and column.element:
                value = _USUAL.create_decimal(value)
            short = column.decimals is None and column.element and value == value.quantize(unit, context=_WIDE)
            known[tick] = value if short else value.quantize(unit, context=_WIDE)
        out.append(known[tick])
    return out


def check_integers(series: pd.Series[Any], column: Column) -> None:
    """Raise `DataError` if whole numbers are beyond 64 bits, or beside floats that cannot hold them."""
    name = column.name
    if pdt.is_unsigned_integer_dtype(series.dtype):
        beyond = None if series.isna().all() or series.max() <= np.iinfo(np.int64).max else series.max()
    elif column.element == "integer":
        beyond = next((v for v in series.dropna() if not -(2**63) <= int(v) < 2**63), None)
    elif column.element == "mixed-integer-float":
        whole = (v for v in series.dropna() if isinstance(v, int | np.integer))
        beyond = next((v for v in whole if abs(int(v)) > 2**53), None)
    else:
        return
    if beyond is not None:
        what = (
            "whole numbers above 2**53 among floats"
            if column.element.startswith("mixed")
            else "64-bit integers, up to 2**63 - 1"
        )
        raise DataError(
            f"column {name!r} holds {int(beyond)}, which is beyond what can be counted exactly ({what}); declare it "
            f"{declare_hint(name, 'categorical')}" + hint(f", or make it text: df[{name!r}] = df[{name!r}].astype(str)")
        )


def integers_of(series: pd.Series[Any]) -> NDArray[np.int64] | None:
    """Return (n,) whole numbers of an object column, or of texts that are whole numbers, 0 where missing; else None."""
    try:
        array = combined(pa.array(series, from_pandas=True))
        if pat.is_string(array.type) or pat.is_large_string(array.type):
            array = pc.utf8_trim_whitespace(array)
        elif not pat.is_integer(array.type):
            return None
        return np.asarray(array.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False), dtype=np.int64)
    except (pa.ArrowException, OverflowError, UnicodeEncodeError):
        return None
