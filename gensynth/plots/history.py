"""Plot of a training history: training loss above, monitor on held-out rows below."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from sklearn.utils.validation import check_is_fitted

from gensynth.errors import OptionError
from gensynth.plots.figures import COLOURS, panels, plain


def plot_history(fitted: Any, *, figure: Any = None) -> Any:
    """Plot how a model was trained.

    One column of panels for each stage, over its epochs: above the loss of each phase on training rows, below what is
    monitored on held-out rows, lower is better, with a dot where it was lowest. The two may be in different units.

    Parameters
    ----------
    fitted : Synthesizer, AnomalyDetector, Augmenter or DataFrame
        A fitted estimator, or its ``history_``. Of a detector of several models all are drawn.
    figure : matplotlib Figure or SubFigure, optional
        Where to draw; a new figure otherwise, which pyplot does not know of.

    Returns
    -------
    Figure or SubFigure
        With two axes for each stage, ``figure.axes``.

    Raises
    ------
    NotFittedError
        The estimator is not fitted.
    OptionError
        There is no history in it.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from gensynth import Synthesizer, Trainer
    >>> from gensynth.plots import plot_history
    >>> synthesizer = Synthesizer(trainer=Trainer(max_epochs=3, progress=False), random_state=0)
    >>> figure = plot_history(synthesizer.fit(load_wine(as_frame=True).data))
    >>> len(figure.axes)
    2
    """
    histories = _histories(fitted)
    stages = list(dict.fromkeys(name for history in histories for name in history["stage"]))
    figure, axes = panels(figure, 2, len(stages), (4.5, 2.6))
    for column, stage in enumerate(stages):
        upper, lower = axes[0][column], axes[1][column]
        parts = [part for history in histories if len(part := history[history["stage"] == stage])]
        for part in parts:
            _losses(upper, part)
            _monitor(lower, part)
        upper.set_title(str(stage))
        lower.set_xlabel("epoch")
        for one in (upper, lower):
            one.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        if column == 0:
            upper.set_ylabel("training loss")
            lower.set_ylabel("monitor on held-out rows")
        _legend(upper)
    return figure


def _histories(fitted: Any) -> list[pd.DataFrame]:
    if isinstance(fitted, pd.DataFrame):
        found = [fitted]
    else:
        check_is_fitted(fitted)
        models = getattr(fitted, "estimators_", None)
        found = [fitted.history_] if hasattr(fitted, "history_") else [model.history for model in models or ()]
    found = [history for history in found if {"stage", "epoch", "monitor"} <= set(history.columns) and len(history)]
    if not found:
        raise OptionError(
            f"plot_history has no evaluations to draw in this {type(fitted).__name__}; give a fitted Synthesizer, "
            "AnomalyDetector or Augmenter, or its history_"
        )
    return found


def _losses(axes: Axes, part: pd.DataFrame) -> None:
    names = [name for name in part.columns if str(name).startswith("loss_") and part[name].notna().any()]
    for name, colour in zip(names, COLOURS, strict=False):
        axes.plot(part["epoch"], part[name], color=colour, label=str(name).removeprefix("loss_"))
    plain(axes)


def _monitor(axes: Axes, part: pd.DataFrame) -> None:
    epochs, monitor = (part[name].to_numpy(dtype=np.float64) for name in ("epoch", "monitor"))
    axes.plot(epochs, monitor, color=COLOURS[1])
    if np.isfinite(monitor).any():
        best = int(np.nanargmin(monitor))
        axes.plot(epochs[best], monitor[best], "o", color=COLOURS[1], markersize=5)
    plain(axes)


def _legend(axes: Axes) -> None:
    """Name the phases; each once, however many models there are."""
    named = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
    if named:
        axes.legend(named.values(), named.keys(), frameon=False)
