"""SVG figures of the pages: axes, distributions in two tables, rows as points in a plane."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from gensynth.metrics.columns import is_time
from gensynth.metrics.distributions import (
    TAIL,
    Histogram,
    ValueShare,
    histogram,
    is_binned,
    missing_shares,
    moment,
    value_shares,
)
from gensynth.metrics.points import points, sampled

_MAX_DOTS = 500


def ticks(low: float, high: float) -> list[float]:
    """Return 3 to 6 round numbers between the ends."""
    raw = (high - low) / 4
    power = 10.0 ** np.floor(np.log10(raw))
    step = power * min((1, 2, 5, 10), key=lambda m: abs(m * power - raw))
    return [float(round(k * step, 12)) for k in range(int(np.ceil(low / step)), int(np.floor(high / step)) + 1)]


def overlay(real: pd.Series[Any], synthetic: pd.Series[Any]) -> dict[str, Any]:
    """Return a column of two tables as a histogram, or as shares of its values where it has few or no numbers."""
    missing = missing_shares(real, synthetic)
    found: dict[str, Any] = {"missing": [f"{100 * share:.1f}" for share in missing] if any(missing) else None}
    if not is_binned(real):
        return found | {"values": _values(value_shares(real, synthetic)), "bins": None}
    return found | {"values": None, "bins": _bins(histogram(real, synthetic), real)}


def _bins(found: Histogram, real: pd.Series[Any]) -> dict[str, Any]:
    """Return bars of the real numbers and the outline of the synthetic ones, in percent of width and height."""
    low, high = float(found.edges[0]), float(found.edges[-1])
    tallest = max(float(found.real.max()), float(found.synthetic.max()))
    width = 100.0 / len(found.real)
    bars = [
        {"x": round(i * width, 2), "height": round(100 * float(share) / tallest, 2)}
        for i, share in enumerate(found.real)
    ]
    outline = " ".join(
        f"{i * width:.2f},{100 - 100 * share / tallest:.2f} {(i + 1) * width:.2f},{100 - 100 * share / tallest:.2f}"
        for i, share in enumerate(found.synthetic.tolist())
    )
    dates = is_time(real)
    marks = np.linspace(low, high, 5)[1:-1].tolist() if dates else ticks(low, high)
    return {
        "bars": bars,
        "width": round(width, 2),
        "outline": f"0,100 {outline} 100,100",
        "ticks": [{"x": 100 * (t - low) / (high - low), "text": moment(t, real) if dates else f"{t:g}"} for t in marks],
    }


def _values(shares: Sequence[ValueShare]) -> list[dict[str, Any]]:
    tallest = max((max(share.real, share.synthetic) for share in shares), default=1.0)
    return [
        {
            "name": share.name,
            "real": f"{100 * share.real:.1f}",
            "synthetic": f"{100 * share.synthetic:.1f}",
            "real_width": round(100 * share.real / tallest, 2),
            "synthetic_width": round(100 * share.synthetic / tallest, 2),
        }
        for share in shares
    ]


def plane(real: pd.DataFrame, synthetic: pd.DataFrame, random_state: int) -> dict[str, Any]:
    """Return rows of two tables as points of the plane in which the real ones vary most, in percent of its sides."""
    a, b = points(*(sampled(frame, 10 * _MAX_DOTS, random_state) for frame in (real, synthetic)))
    centre = a.mean(0)
    _, lengths, axes = np.linalg.svd(a - centre, full_matrices=False)
    axes = axes[:2] if len(axes) > 1 else np.vstack([axes, np.zeros_like(axes)])
    explained = float((lengths[:2] ** 2).sum() / max((lengths**2).sum(), 1e-300))
    flat = [((part - centre) @ axes.T)[:_MAX_DOTS] for part in (a, b)]
    whole = np.vstack(flat)
    low, high = np.quantile(whole, (TAIL, 1 - TAIL), axis=0)
    span = np.where(high > low, high - low, 1.0)
    place = [(4 + 92 * ((part - low) / span).clip(0, 1)).round(2).tolist() for part in flat]
    return {"real": place[0], "synthetic": place[1], "explained": f"{100 * explained:.0f}"}
