"""Plot of rows in a model's latent space, projected to the plane of largest variance."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import NDArray

from gensynth.errors import CapabilityError, OptionError, counted
from gensynth.metrics.columns import is_time, kind_of, numbers
from gensynth.metrics.distributions import moment
from gensynth.plots.figures import COLOURS, panels, plain
from gensynth.tables import to_frame

_MAX_GROUPS = len(COLOURS) - 1
_OTHERS = "#9ca3af"
_DOT = {"s": 10, "alpha": 0.7, "linewidths": 0}


def plot_latent(synthesizer: Any, X: Any, color: Any = None, *, ax: Axes | None = None) -> Any:
    """Plot where rows lie in the latent space of a model.

    Of more than two latents the plane is drawn in which these rows vary most (principal components).

    Parameters
    ----------
    synthesizer : Synthesizer
        A fitted one whose model has latents (capability "latent").
    X : table of shape (n_samples, n_features)
        The rows, as for `Synthesizer.transform`; those that were fitted, or others.
    color : column label or array-like of shape (n_samples,), optional
        What the points are coloured by: a column of ``X``, or a value for each row. Numbers and dates are a scale,
        other values groups, the seven commonest by themselves.
    ax : matplotlib Axes, optional
        Where to draw; those of a new figure otherwise, which pyplot does not know of.

    Returns
    -------
    Figure or SubFigure
        That the axes are in.

    Raises
    ------
    CapabilityError
        The model has no latents.
    OptionError
        ``color`` is no column of ``X``, or has not one value for each row.
    DataError
        ``X`` lacks a column or holds a value that cannot be read.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from gensynth import Synthesizer, Trainer
    >>> from gensynth.plots import plot_latent
    >>> wine = load_wine(as_frame=True)
    >>> synthesizer = Synthesizer(trainer=Trainer(max_epochs=3, progress=False), random_state=0).fit(wine.data)
    >>> figure = plot_latent(synthesizer, wine.data, color=wine.target_names[wine.target])
    >>> len(figure.axes)
    1
    """
    if not hasattr(synthesizer, "transform"):
        raise CapabilityError(f"plot_latent needs a Synthesizer whose model has latents; this {synthesizer!r} has none")
    latents = np.asarray(synthesizer.transform(X), dtype=np.float64)
    values = None if color is None else _values(X, color, len(latents))
    places, names = _plane(latents)
    figure = None
    if ax is None:
        figure, ((ax,),) = panels(None, 1, 1, (6.2, 4.2))
    if values is None:
        ax.scatter(*places.T, color=COLOURS[1], **_DOT)
    elif kind_of(values) == "numeric":
        _scale(ax, places, values)
    else:
        _groups(ax, places, values)
    ax.set_xlabel(names[0])
    ax.set_ylabel(names[1])
    plain(ax)
    return ax.figure if figure is None else figure


def _values(X: Any, color: Any, n: int) -> pd.Series[Any]:
    """Return what each point is coloured by."""
    if isinstance(color, Hashable):  # a label; arrays, lists and Series are none
        frame = to_frame(X)[0]
        if color not in frame.columns:
            raise OptionError(f"color={color!r} is no column of X; name one, or give a value for each row")
        return frame[color].reset_index(drop=True)
    values = pd.Series(color).reset_index(drop=True)
    if len(values) != n:
        raise OptionError(f"color has {counted(len(values), 'value')} and X has {counted(n, 'row')}; give one for each")
    return values


def _plane(latents: NDArray[np.float64]) -> tuple[NDArray[np.float64], tuple[str, str]]:
    """Return two coordinates for each row, and what they are called."""
    width = latents.shape[1]
    if width <= 2:
        padded = np.column_stack([latents, np.zeros((len(latents), 2 - width))])
        return padded, ("latent0", "latent1" if width > 1 else "")
    centred = latents - latents.mean(0)
    _, lengths, axes = np.linalg.svd(centred, full_matrices=False)
    axes = np.vstack([axes, np.zeros((2, width))])[:2]  # a single row has one direction
    total = max(float((lengths**2).sum()), 1e-300)
    shares = [100 * float(length**2) / total for length in [*lengths, 0.0][:2]]
    first, second = (f"component {i + 1} of {width} latents ({share:.0f} %)" for i, share in enumerate(shares))
    return centred @ axes.T, (first, second)


def _scale(ax: Axes, places: NDArray[np.float64], values: pd.Series[Any]) -> None:
    """Draw points coloured by a scale of numbers; those without one are grey."""
    shown = numbers(values)
    known = np.isfinite(shown)
    ax.scatter(*places[~known].T, color=_OTHERS, **_DOT)
    points = ax.scatter(*places[known].T, c=shown[known], cmap="viridis", **_DOT)
    bar = ax.figure.colorbar(points, ax=ax, label="" if values.name is None else str(values.name))
    if is_time(values):
        bar.ax.yaxis.set_major_formatter(lambda tick, _: moment(tick, values))


def _groups(ax: Axes, places: NDArray[np.float64], values: pd.Series[Any]) -> None:
    """Draw points coloured by groups, the commonest by themselves."""
    names = values.astype(object).where(values.notna(), "missing").map(str)
    common = names.value_counts().index[:_MAX_GROUPS]
    rest = ~names.isin(common).to_numpy()
    if rest.any():
        ax.scatter(*places[rest].T, color=_OTHERS, label="others", **_DOT)
    for name, colour in zip(common, COLOURS, strict=False):
        ax.scatter(*places[(names == name).to_numpy()].T, color=colour, label=name.replace("$", r"\$"), **_DOT)
    title = None if values.name is None else str(values.name)
    ax.legend(title=title, frameon=False, markerscale=2, fontsize="small", loc="upper left", bbox_to_anchor=(1.0, 1.0))
