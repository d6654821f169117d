"""Time zones: of datetime objects, and of texts whose offsets from UTC differ."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections import Counter
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gensynth.errors import DataError, hint
from gensynth.schema.dates import Ints

_FREQUENT = ("Europe/Berlin", "Europe/London", "America/New_York", "America/Chicago", "America/Denver",
             "America/Los_Angeles", "Europe/Helsinki", "Europe/Lisbon", "Australia/Sydney")  # fmt: skip
_SAMPLE = 200
_MAX_OFFSETS = 64


def zone_from_name(name: str) -> dt.tzinfo:
    """Return a time zone from "UTC", an offset such as +02:00, or a name such as Europe/Berlin."""
    if name == "UTC":
        return dt.UTC
    if name.startswith(("+", "-")):
        return dt.timezone(dt.timedelta(seconds=_seconds(name)))
    return zoneinfo.ZoneInfo(name)


def zone_of_objects(series: pd.Series[Any], name: str | int) -> str | None:
    """Return the one time zone of a column of datetime objects, None if they have none.

    Raises
    ------
    DataError
        If they have several, or only some have one.
    """
    found: set[str | None] = set()
    for zone in {value.tzinfo for value in series.dropna()}:
        key = getattr(zone, "key", None) or getattr(zone, "zone", None)
        if zone is None or isinstance(key, str):
            found.add(key)
            continue
        offsets = {value.utcoffset() for value in series.dropna() if value.tzinfo == zone}
        found |= {_offset_name(offset) if offset else "UTC" for offset in offsets}
    if len(found) > 1:
        raise DataError(
            f"column {name!r} holds datetime objects of several time zones; bring them into one"
            + hint(f": df[{name!r}] = pandas.to_datetime(df[{name!r}], utc=True)")
        )
    return found.pop() if found else None


def _offset_name(offset: dt.timedelta) -> str:
    seconds = round(abs(offset).total_seconds())
    hours, minutes = divmod(seconds // 60, 60)
    tail = f":{seconds % 60:02d}" if seconds % 60 else ""
    return f"{'-' if offset < dt.timedelta(0) else '+'}{hours:02d}:{minutes:02d}{tail}"


def _seconds(name: str) -> int:
    hours, minutes, *seconds = (int(part) for part in name[1:].split(":"))
    return (-1 if name[0] == "-" else 1) * (3600 * hours + 60 * minutes + sum(seconds))


def zone_of_offsets(ticks: Ints, offsets: Ints) -> str:
    """Return a time zone in which moments have these offsets from UTC, or else the offsets themselves.

    Parameters
    ----------
    ticks : ndarray of shape (n,)
        Microseconds since 1970, UTC.
    offsets : ndarray of shape (n,)
        Seconds.

    Returns
    -------
    str
        A name such as Europe/Berlin; or one offset; or offsets and their frequencies, as in ``+01:00*40,-05:00*24``.
    """
    if (offsets == offsets[:1]).all():
        return _offset_name(dt.timedelta(seconds=int(offsets[0]) if len(offsets) else 0))
    few = np.unique(np.linspace(0, len(ticks) - 1, min(len(ticks), _SAMPLE)).astype(np.int64))
    others = sorted(name for name in zoneinfo.available_timezones() if "/" in name and not name.startswith("Etc/"))
    for name in (*_FREQUENT, *others):
        try:
            if (offsets_at(ticks[few[:3]], name) == offsets[few[:3]]).all() and (
                (offsets_at(ticks[few], name) == offsets[few]).all() and (offsets_at(ticks, name) == offsets).all()
            ):
                return name
        except zoneinfo.ZoneInfoNotFoundError:
            continue
    counts = Counter(offsets.tolist()).most_common(_MAX_OFFSETS)
    total = sum(count for _, count in counts)
    shares = [max(1, round(_MAX_OFFSETS * count / total)) for _, count in counts]
    names = [_offset_name(dt.timedelta(seconds=seconds)) for seconds, _ in counts]
    return ",".join(f"{name}*{share}" for name, share in zip(names, shares, strict=True))


def offsets_at(ticks: Ints, name: str) -> Ints:
    """Return the offsets (n,) from UTC in seconds at moments (microseconds) in a zone of `zone_of_offsets`.

    Where offsets follow no zone each moment gets one of them, always the same, in proportion to their frequency.
    """
    if "," in name or name.startswith(("+", "-")):
        pairs = [one.partition("*") for one in name.split(",")]
        known = np.repeat([_seconds(one) for one, _, _ in pairs], [int(count or 1) for _, _, count in pairs])
        return np.asarray(known[(spread(ticks) * len(known)).astype(np.int64)])
    moments = pd.DatetimeIndex(ticks.view("M8[us]"))
    local = moments.tz_localize("UTC").tz_convert(zoneinfo.ZoneInfo(name)).tz_localize(None)
    return np.asarray((local - moments).to_numpy().astype("m8[s]").astype(np.int64))


def spread(ticks: Ints) -> NDArray[np.float64]:
    """Return a number in [0, 1) for each tick (n,): always the same, and neighbours differ."""
    mixed = (ticks // 1_000_000).astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)  # modulo 2**64
    return np.asarray((mixed >> np.uint64(11)) / 2.0**53)
