"""Matplotlib figures independent of pyplot, which notebooks show all the same."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

REAL, SYNTHETIC = "#8095ab", "#c2410c"
"""Colours of real and synthetic rows, as on the pages of `gensynth.report`."""
COLOURS = ("#c2410c", "#1f6f9f", "#4d7c0f", "#7c3aed", "#ca8a04", "#0f766e", "#be185d", "#475569")
"""Colours of lines and of groups of points, which light and dark grounds leave visible."""


class ShownFigure(Figure):
    """A figure that a notebook shows, whether pyplot is imported there or not."""

    def _repr_png_(self) -> bytes:
        picture = io.BytesIO()
        self.savefig(picture, format="png")
        return picture.getvalue()


def panels(figure: Any, n_rows: int, n_columns: int, size: tuple[float, float]) -> tuple[Any, Sequence[Sequence[Axes]]]:
    """Return a figure and its axes, row by row.

    Parameters
    ----------
    figure : Figure, SubFigure or None
        What to draw in; None: a new figure. A figure whose layout nothing sees to is given a constrained one.
    n_rows, n_columns : int
        How many axes.
    size : (float, float)
        Width and height of one of them in a new figure, in inches.
    """
    if figure is None:
        figure = ShownFigure(figsize=(size[0] * n_columns, size[1] * n_rows), layout="constrained")
    elif figure.get_layout_engine() is None and hasattr(figure, "set_layout_engine"):
        figure.set_layout_engine("constrained")
    return figure, figure.subplots(n_rows, n_columns, squeeze=False)


def plain(axes: Axes) -> None:
    """Take away the frame's upper and right lines."""
    axes.spines[["top", "right"]].set_visible(False)
