"""What the pages draw: axes, distributions of two tables over each other, rows as points in a plane."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gensynth.metrics.columns import common_codes, is_time, kind_of, numbers
from gensynth.metrics.points import points, sampled

_BINS = 30
_FEW = 12  # different numbers that are shown one by one
_MAX_VALUES = 8
_MAX_LETTERS = 60
_TAIL = 0.005  # share of the rows at each end of an axis that may lie beyond it
_MAX_DOTS = 500


def ticks(low: float, high: float) -> list[float]:
    """Return 3 to 6 round numbers between the ends."""
    raw = (high - low) / 4
    power = 10.0 ** np.floor(np.log10(raw))
    step = power * min((1, 2, 5, 10), key=lambda m: abs(m * power - raw))
    return [float(round(k * step, 12)) for k in range(int(np.ceil(low / step)), int(np.floor(high / step)) + 1)]


def overlay(real: pd.Series[Any], synthetic: pd.Series[Any]) -> dict[str, Any]:
    """Return a column of two tables as a histogram, or as shares of its values where it has few or no numbers."""
    both_missing = [float(column.isna().mean()) for column in (real, synthetic)]
    found: dict[str, Any] = {"missing": [f"{100 * share:.1f}" for share in both_missing] if any(both_missing) else None}
    if kind_of(real) != "numeric" or real.nunique() <= _FEW:
        return found | {"values": _values(real, synthetic), "bins": None}
    x, y = (column[np.isfinite(column)] for column in (numbers(real), numbers(synthetic, like=real)))
    return found | {"values": None, "bins": _bins(x, y, real)}


def _bins(x: NDArray[np.float64], y: NDArray[np.float64], real: pd.Series[Any]) -> dict[str, Any]:
    """Return bars of the real numbers and the outline of the synthetic ones, in percent of width and height."""
    ends = [np.quantile(part, (_TAIL, 1 - _TAIL)) for part in (x, y) if len(part)]
    low, high = float(min(end[0] for end in ends)), float(max(end[1] for end in ends))
    if not low < high:
        low, high = low - 0.5, high + 0.5
    edges = np.linspace(low, high, _BINS + 1)
    shares = [np.histogram(part.clip(low, high), edges)[0] / max(len(part), 1) for part in (x, y)]
    tallest = max(float(share.max()) for share in shares)
    width = 100.0 / _BINS
    bars = [
        {"x": round(i * width, 2), "height": round(100 * float(share) / tallest, 2)}
        for i, share in enumerate(shares[0])
    ]
    outline = " ".join(
        f"{i * width:.2f},{100 - 100 * share / tallest:.2f} {(i + 1) * width:.2f},{100 - 100 * share / tallest:.2f}"
        for i, share in enumerate(shares[1].tolist())
    )
    dates = is_time(real)
    marks = np.linspace(low, high, 5)[1:-1].tolist() if dates else ticks(low, high)
    return {
        "bars": bars,
        "width": round(width, 2),
        "outline": f"0,100 {outline} 100,100",
        "ticks": [
            {"x": 100 * (t - low) / (high - low), "text": _moment(t, real) if dates else f"{t:g}"} for t in marks
        ],
    }


def _moment(microseconds: float, like: pd.Series[Any]) -> str:
    if pd.api.types.is_timedelta64_dtype(like.dtype):
        return f"{microseconds / 86_400e6:.3g} d"
    return str(pd.Timestamp(int(microseconds), unit="us").date())


def _values(real: pd.Series[Any], synthetic: pd.Series[Any]) -> list[dict[str, Any]]:
    """Return shares of the commonest values, numbers in their order, and of all others together."""
    a, b, size = common_codes(real, synthetic)
    shares = [np.bincount(codes, minlength=size) / len(codes) for codes in (a, b)]
    names: dict[int, Any] = {}
    for codes, column in ((b, synthetic), (a, real)):
        distinct, first = np.unique(codes, return_index=True)
        names |= dict(zip(distinct.tolist(), column.iloc[first].tolist(), strict=True))
    present = [code for code in range(1, size) if shares[0][code] + shares[1][code] > 0]
    order = sorted(present, key=lambda code: -max(shares[0][code], shares[1][code]))
    numeric = kind_of(real) == "numeric"
    shown = order[: _FEW if numeric else _MAX_VALUES]
    if numeric:
        shown.sort(key=lambda code: names[code])
    rows = [(_short(names[code]), float(shares[0][code]), float(shares[1][code])) for code in shown]
    rest = [code for code in order if code not in shown]
    if rest:
        rows.append((f"{len(rest):,} others", float(shares[0][rest].sum()), float(shares[1][rest].sum())))
    tallest = max((max(own, other) for _, own, other in rows), default=1.0)
    return [
        {
            "name": name,
            "real": f"{100 * own:.1f}",
            "synthetic": f"{100 * other:.1f}",
            "real_width": round(100 * own / tallest, 2),
            "synthetic_width": round(100 * other / tallest, 2),
        }
        for name, own, other in rows
    ]


def _short(value: Any) -> str:
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return text if len(text) <= _MAX_LETTERS else text[:_MAX_LETTERS] + " …"


def plane(real: pd.DataFrame, synthetic: pd.DataFrame, random_state: int) -> dict[str, Any]:
    """Return rows of two tables as points of the plane in which the real ones vary most, in percent of its sides."""
    a, b = points(*(sampled(frame, 10 * _MAX_DOTS, random_state) for frame in (real, synthetic)))
    centre = a.mean(0)
    _, lengths, axes = np.linalg.svd(a - centre, full_matrices=False)
    axes = axes[:2] if len(axes) > 1 else np.vstack([axes, np.zeros_like(axes)])
    explained = float((lengths[:2] ** 2).sum() / max((lengths**2).sum(), 1e-300))
    flat = [((part - centre) @ axes.T)[:_MAX_DOTS] for part in (a, b)]
    whole = np.vstack(flat)
    low, high = np.quantile(whole, (_TAIL, 1 - _TAIL), axis=0)
    span = np.where(high > low, high - low, 1.0)
    place = [(4 + 92 * ((part - low) / span).clip(0, 1)).round(2).tolist() for part in flat]
    return {"real": place[0], "synthetic": place[1], "explained": f"{100 * explained:.0f}"}
