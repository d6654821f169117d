"""The page of ``gensynth detect --html``: distribution of the scores, and reasons of the top anomalies."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gensynth.engine.scoring.reasons import MIN_ATTRIBUTION, format_value
from gensynth.errors import counted
from gensynth.report.figures import ticks
from gensynth.report.grids import data_uri, image_grid, map_pair
from gensynth.report.page import render, write_html
from gensynth.tables.imagewriter import value_range_of

MAX_ROWS = 50
_BINS = 48
_REACH = 12.0
"""Range of the histogram, in distances of the quartiles from the median; its outer bars hold what lies beyond."""
_MAX_BARS = 8
_MIN_BAR = 0.01
_MAX_CELLS = 40
"""Number of a row's cells that are shown; the rest is folded away."""
_MAX_LETTERS = 160
_SIDE = 128
"""Minimal length in pixels of an image's longer side."""
_STRONGEST = 0.995
"""Quantile of all shown anomaly maps that gets the strongest red."""


@dataclass(frozen=True)
class Findings:
    """What a detector found in a table of n rows.

    Parameters
    ----------
    scores, p_values : ndarray of shape (n,)
        Of all rows; scores are higher for rows that are more normal.
    anomalies : ndarray of shape (n,), bool
        Rows that are labelled.
    threshold : float or None
        Score that the labelled rows lie below; None if no row was far enough out.
    shown : ndarray of shape (k,)
        Positions of the oddest rows, the oddest first; a page shows `MAX_ROWS` of them.
    reasons : sequence of str
        A sentence for each of them.
    attributions : DataFrame of shape (k, n_columns)
        What `AnomalyDetector.explain` returned for them.
    cells : DataFrame of shape (k, n_columns)
        Their cells, as they are to be read.
    identifier : str or None
        Name of a column whose cells tell rows apart; they head what is said of a row.
    listed : int
        How many of the oddest rows are listed with their reasons, those that are labelled among them.
    maps : sequence of (ndarray of shape (h, w) or None), or None
        For each of the shown rows what each place of its image adds to minus its score.
    """

    scores: NDArray[np.float64]
    p_values: NDArray[np.float64]
    anomalies: NDArray[np.bool_]
    threshold: float | None
    shown: NDArray[np.int64]
    reasons: Sequence[str]
    attributions: pd.DataFrame
    cells: pd.DataFrame
    identifier: str | None = None
    listed: int = 0
    maps: Sequence[NDArray[np.float64] | None] | None = None


def write_page(
    findings: Findings,
    path: str | os.PathLike[str],
    *,
    title: str,
    facts: Sequence[tuple[str, str]],
    p_value: str,
    foot: str = "",
) -> None:
    """Write the page, whole or not at all.

    Parameters
    ----------
    findings : Findings
        What was found.
    path : path-like
        File to write.
    title : str
        Name of the data.
    facts : sequence of pairs of str
        What was done, as names and values.
    p_value : str
        A sentence that says what the p-values are.
    foot : str
        What the page is to be made again by: seed, date.

    Raises
    ------
    OSError
        The file cannot be written.
    """
    write_html(render_page(findings, title=title, facts=facts, p_value=p_value, foot=foot), path)


def render_page(
    findings: Findings, *, title: str, facts: Sequence[tuple[str, str]], p_value: str, foot: str = ""
) -> str:
    """Return the page; parameters are those of `write_page`."""
    n, n_odd = len(findings.scores), int(findings.anomalies.sum())
    return render(
        "anomalies.html.j2",
        title=title,
        facts=facts,
        p_value=p_value,
        n_rows=n,
        n_anomalies=n_odd,
        share=f"{100 * n_odd / n:.3g}",
        histogram=histogram(findings.scores, findings.anomalies, findings.threshold),
        rows=_rows(findings),
        maps=any(one is not None for one in findings.maps or ()),
        most_cells=_MAX_CELLS,
        foot=foot,
    )


def histogram(scores: NDArray[np.float64], anomalies: NDArray[np.bool_], threshold: float | None) -> dict[str, Any]:
    """Return bars, ticks and the threshold's place, in percent of the width and the height.

    The oddest rows may be so far away that all others would share one bar: the axis ends some quartiles from the
    median, and its outer bars hold what lies beyond.
    """
    first, median, third = np.quantile(scores, (0.25, 0.5, 0.75))
    reach = _REACH * max(float(third - first), 1e-9 * max(1.0, abs(float(median))))
    low, high = max(float(scores.min()), median - reach), min(float(scores.max()), median + reach)
    if threshold is not None:
        low, high = min(low, threshold), max(high, threshold)
    if not low < high:
        low, high = low - 0.5, high + 0.5
    edges = np.linspace(low, high, _BINS + 1)
    inside = scores.clip(low, high)
    every, odd = (np.histogram(part, edges)[0] for part in (inside, inside[anomalies]))
    tallest = int(every.max())
    bars = []
    for i in np.flatnonzero(every):
        # a bar of few rows beside one of thousands must still be seen
        height = max(100.0 * every[i] / tallest, 1.5)
        bars.append({
            "x": 100.0 * i / _BINS, "width": 88.0 / _BINS, "height": height,
            "odd": height * odd[i] / every[i], "n": int(every[i]), "n_odd": int(odd[i]),
            "from": f"{edges[i]:.4g}", "to": f"{edges[i + 1]:.4g}",
        })  # fmt: skip
    return {
        "bars": bars,
        "tallest": tallest,
        "ticks": [{"x": 100.0 * (t - low) / (high - low), "text": f"{t:g}"} for t in ticks(low, high)],
        "threshold": None if threshold is None else 100.0 * (threshold - low) / (high - low),
        "threshold_text": None if threshold is None else f"{threshold:.4g}",
        "beyond": int((scores < low).sum()),
        "lowest": f"{scores.min():.4g}",
    }


def _rows(findings: Findings) -> list[dict[str, Any]]:
    """Return what the page says of each row that it shows."""
    names = [str(name) for name in findings.cells.columns]
    by_name = {str(name): i for i, name in enumerate(findings.attributions.columns)}
    against = findings.attributions.to_numpy(dtype=float).clip(min=0.0)
    fractions = against / np.maximum(against.sum(1, keepdims=True), 1e-300)
    identifier = findings.identifier
    pictures = Pictures.of(findings)

    def heading(rank: int) -> str:
        if identifier is None:
            return ""
        return f"{identifier} {_shown(findings.cells.iloc[rank][identifier])['text']}"

    out = []
    for rank, at in enumerate(findings.shown[:MAX_ROWS]):
        own = {name: float(fractions[rank, by_name[name]]) if name in by_name else 0.0 for name in names}
        cells = [
            {
                "name": name,
                "odd": own[name] >= MIN_ATTRIBUTION,
                **_shown(value),
                "picture": pictures.of_cell(value, rank),
            }
            for name, value in zip(names, findings.cells.iloc[rank].tolist(), strict=True)
        ]
        out.append({
            "rank": rank + 1,
            "number": int(at) + 1,
            "heading": heading(rank),
            "score": f"{findings.scores[at]:.4g}",
            "p_value": f"{findings.p_values[at]:.3g}",
            "anomaly": bool(findings.anomalies[at]),
            "reason": findings.reasons[rank],
            "bars": _bars(own),
            "cells": cells,
        })  # fmt: skip
    return out


@dataclass(frozen=True)
class Pictures:
    """How the images of rows are shown: beside a map of what is unusual, where there are maps.

    Parameters
    ----------
    value_range : (low, high)
        Values that are black and white.
    maps : sequence of ndarray of shape (h, w) or None
        For each row.
    most : float
        Value of the strongest red.
    """

    value_range: tuple[float, float]
    maps: Sequence[NDArray[np.float64] | None]
    most: float

    @classmethod
    def of(cls, findings: Findings) -> Pictures:
        """Return that of rows, whose maps can then be compared with each other."""
        images = [cell for name in findings.cells for cell in findings.cells[name] if isinstance(cell, np.ndarray)]
        maps = list(findings.maps or [])[:MAX_ROWS]
        there = [one.ravel() for one in maps if one is not None]
        most = float(np.quantile(np.concatenate(there), _STRONGEST)) if there else 0.0
        return cls(value_range_of(images), maps, most)

    def of_cell(self, value: Any, rank: int) -> str | None:
        """Return the address of a cell's picture; None for cells that are no images."""
        if not isinstance(value, np.ndarray):
            return None
        unusual = self.maps[rank] if rank < len(self.maps) else None
        if unusual is None:
            return data_uri(image_grid([value], value_range=self.value_range, side=_SIDE))
        return data_uri(map_pair(value, unusual, self.most, self.value_range, _SIDE))


def _bars(fractions: dict[str, float]) -> list[dict[str, Any]]:
    """Return the columns that say most, and what all others say together."""
    named = sorted(fractions, key=lambda name: -fractions[name])[:_MAX_BARS]
    named = [name for name in named if fractions[name] >= _MIN_BAR]
    bars = [{"name": name, "percent": 100 * fractions[name], "rest": False} for name in named]
    rest = [name for name in fractions if name not in named and fractions[name] > 0]
    together = sum(fractions[name] for name in rest)
    if together >= _MIN_BAR:
        label = counted(len(rest), "other column")
        bars.append({"name": label, "percent": 100 * together, "rest": True})
    return bars


def _shown(value: Any) -> dict[str, Any]:
    """Return a cell's text, cut where it is very long, and whether it is empty."""
    if isinstance(value, np.ndarray):
        return {"text": "", "missing": False}
    missing = pd.isna(value)
    if (isinstance(missing, bool | np.bool_) and missing) or (isinstance(value, str) and not value):
        return {"text": "missing", "missing": True}
    text = value if isinstance(value, str) else format_value(value)
    return {"text": text if len(text) <= _MAX_LETTERS else text[:_MAX_LETTERS] + " …", "missing": False}
