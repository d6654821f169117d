"""Plot of the distributions of columns in real and synthetic rows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.ticker import PercentFormatter

from gensynth.errors import OptionError, listed
from gensynth.metrics.columns import is_time, pair_of_frames
from gensynth.metrics.distributions import histogram, is_binned, missing_shares, value_shares
from gensynth.plots.figures import REAL, SYNTHETIC, panels, plain

_MAX_COLUMNS = 24
"""Columns that are drawn where none are named."""
_IN_A_ROW = 4
_MAX_LETTERS = 18


def plot_columns(real: Any, synthetic: Any, columns: Sequence[Any] | None = None, *, figure: Any = None) -> Any:
    """Plot columns of real rows and of synthetic ones.

    Numbers and dates of many different values are histograms of common bins, whose ends hold what lies beyond; all else
    are the shares of the commonest values. Missing cells are told in the heading.

    Parameters
    ----------
    real, synthetic : table
        Of any number of rows each.
    columns : sequence of column labels, optional
        Which; the first 24 otherwise.
    figure : matplotlib Figure or SubFigure, optional
        Where to draw; a new figure otherwise, which pyplot does not know of.

    Returns
    -------
    Figure or SubFigure
        With one of its axes for each column, ``figure.axes``.

    Raises
    ------
    DataError
        A table is empty, or a column is not in both, or holds numbers in one only.
    OptionError
        ``columns`` names none, or one that the real table lacks.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from gensynth.plots import plot_columns
    >>> X = load_wine(as_frame=True).data
    >>> figure = plot_columns(X, X, ["alcohol", "hue"])
    >>> [axes.get_title() for axes in figure.axes]
    ['alcohol', 'hue']
    """
    left, right = pair_of_frames(real, synthetic)
    chosen = list(left.columns[:_MAX_COLUMNS]) if columns is None else list(columns)
    unknown = [name for name in chosen if name not in left.columns]
    if unknown:
        raise OptionError(f"columns: {listed(unknown)} not in the table; there are {listed(list(left.columns))}")
    if not chosen:
        raise OptionError("columns names no column; leave it out to draw the first ones")
    width = min(math.ceil(math.sqrt(len(chosen))), _IN_A_ROW)
    figure, rows = panels(figure, math.ceil(len(chosen) / width), width, (3.2, 2.4))
    every = [axes for row in rows for axes in row]
    for axes, name in zip(every, chosen, strict=False):
        _column(axes, left[name], right[name])
        axes.set_title(_cut(str(name), 30), fontsize="medium")
    for axes in every[len(chosen) :]:
        axes.remove()
    handles, labels = every[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper right", ncols=2, frameon=False)
    return figure


def _column(axes: Axes, real: pd.Series[Any], synthetic: pd.Series[Any]) -> None:
    if is_binned(real):
        _histogram(axes, real, synthetic)
    else:
        _values(axes, real, synthetic)
    missing = missing_shares(real, synthetic)
    if any(missing):
        axes.set_xlabel(f"missing: {missing[0]:.1%} real, {missing[1]:.1%} synthetic", fontsize="small")
    axes.tick_params(labelsize="small")
    plain(axes)


def _histogram(axes: Axes, real: pd.Series[Any], synthetic: pd.Series[Any]) -> None:
    found = histogram(real, synthetic)
    edges: Any = found.edges
    if is_time(real):
        spans = pd.api.types.is_timedelta64_dtype(real.dtype)
        edges = edges / 86_400e6 if spans else np.rint(edges).astype("datetime64[us]")
    axes.stairs(found.real, edges, fill=True, color=REAL, label="real rows")
    axes.stairs(found.synthetic, edges, color=SYNTHETIC, linewidth=1.6, label="synthetic rows")
    axes.set_yticks([])
    if edges.dtype.kind == "M":
        dates = AutoDateLocator(minticks=2, maxticks=6)  # fewer cannot be had of every range
        axes.xaxis.set_major_locator(dates)
        axes.xaxis.set_major_formatter(ConciseDateFormatter(dates))
    else:
        axes.locator_params(axis="x", nbins=4)


def _values(axes: Axes, real: pd.Series[Any], synthetic: pd.Series[Any]) -> None:
    shares = value_shares(real, synthetic)
    places = np.arange(len(shares))
    axes.barh(places - 0.2, [share.real for share in shares], 0.4, color=REAL, label="real rows")
    axes.barh(places + 0.2, [share.synthetic for share in shares], 0.4, color=SYNTHETIC, label="synthetic rows")
    axes.set_yticks(places, [_cut(share.name, _MAX_LETTERS) for share in shares])
    axes.invert_yaxis()
    axes.xaxis.set_major_formatter(PercentFormatter(xmax=1.0, decimals=0))


def _cut(text: str, most: int) -> str:
    """Return a text that is no formula, cut where it is long."""
    text = " ".join(text.split()).replace("$", r"\$")
    return text if len(text) <= most else text[: most - 1] + "…"
