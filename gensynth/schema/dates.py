"""Dates written as text: one strict format a column, so that new dates are written as the old ones were."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

_DAYS = ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%m/%d/%Y", "%d/%m/%Y", "%-m/%-d/%Y", "%-d/%-m/%Y", "%d.%m.%Y",
         "%-d.%-m.%Y", "%d-%m-%Y", "%m-%d-%Y", "%B %-d, %Y", "%B %d, %Y", "%b %-d, %Y", "%b %d, %Y", "%-d %B %Y",
         "%d %B %Y", "%-d %b %Y", "%d %b %Y", "%d-%b-%Y", "%-d-%b-%Y", "%b-%d-%Y", "%m/%d/%y", "%d/%m/%y",
         "%-m/%-d/%y", "%-d/%-m/%y", "%d-%b-%y", "%-d-%b-%y")  # fmt: skip
_TIMES = ("%H:%M:%S", "%H:%M", "%H:%M:%S.%f", "%-H:%M", "%-H:%M:%S")
_SHORT = ("%Y-%m", "%Y/%m", "%b %Y", "%B %Y", "%b-%y", "%b-%Y")
FORMATS: tuple[str, ...] = (
    *(d for d in _DAYS if d != "%Y%m%d"),
    *(f"{d}{sep}{t}" for d in _DAYS[:13] for t in _TIMES for sep in (" ", "T")),
    *(f"%Y-%m-%dT{t}Z" for t in _TIMES[:3]),
    *(f"%Y-%m-%d {t}Z" for t in _TIMES[:3]),
    *_SHORT,
)
"""Candidate formats, the likelier first; ``%-d`` means without a leading zero, a final Z is a letter."""

_MONTHS = np.array(
    [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ]
)
_DATE_LIKE = re.compile(r"^[0-9A-Za-z][0-9A-Za-z ,./:\-]{4,30}$")


def find_format(texts: NDArray[np.object_]) -> str | None:
    """Return the first format that reads and writes every one of these distinct texts exactly, or None."""
    if not len(texts) or not all(_DATE_LIKE.match(t) and any(c.isdigit() for c in t) for t in texts[:50]):
        return None
    few = texts[:: max(1, len(texts) // 50)]
    return next((f for f in FORMATS if _fits(few, f) and (len(few) == len(texts) or _fits(texts, f))), None)


def parse_dates(texts: Any, format_: str) -> NDArray[np.int64]:
    """Return microseconds since 1970; the least int64 for a text that is not in the format."""
    plain = format_.replace("%-", "%")
    index = pd.to_datetime(pd.Index(np.asarray(texts, dtype=object)), format=plain, errors="coerce")
    return np.asarray(pd.DatetimeIndex(index).as_unit("us").asi8)


def write_dates(ticks: NDArray[np.int64], format_: str) -> NDArray[np.object_]:
    """Write microseconds since 1970 in the format (English month names, whatever the locale)."""
    if not len(ticks):
        return np.empty(0, dtype=object)
    index = pd.DatetimeIndex(ticks.view("M8[us]"))
    out = np.full(len(ticks), "", dtype=object)
    for token in re.split(r"(%-?[A-Za-z])", format_):
        out = out + (_part(index, token[1:]) if token.startswith("%") else token)
    return out


def _part(index: pd.DatetimeIndex, token: str) -> NDArray[np.object_]:
    if token in ("B", "b"):
        names = _MONTHS if token == "B" else np.array([m[:3] for m in _MONTHS])
        return np.asarray(names[index.month.to_numpy() - 1], dtype=object)
    numbers = {
        "Y": index.year, "y": index.year % 100, "m": index.month, "d": index.day, "H": index.hour,
        "M": index.minute, "S": index.second, "f": index.microsecond,
    }[token[-1]]  # fmt: skip
    text = np.asarray(numbers).astype(str)
    if not token.startswith("-"):
        text = np.char.zfill(text, {"Y": 4, "f": 6}.get(token, 2))
    return text.astype(object)


def _fits(texts: NDArray[np.object_], format_: str) -> bool:
    ticks = parse_dates(texts, format_)
    return bool((ticks != np.iinfo(np.int64).min).all()) and bool((write_dates(ticks, format_) == texts).all())
