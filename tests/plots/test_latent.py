"""The plot of latents: points in a plane, coloured by groups or by a scale."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from toy_models import Toy

from gensynth import Synthesizer, Trainer
from gensynth.errors import CapabilityError, OptionError
from gensynth.plots import plot_latent
from gensynth.plots.figures import COLOURS


class Latents:
    """Stands in for a fitted synthesizer: its latents are given."""

    def __init__(self, width: int = 3) -> None:
        self.width = width

    def transform(self, X: Any) -> np.ndarray:
        rng = np.random.default_rng(0)
        return rng.normal(size=(len(X), self.width)) * ([1.0, 10.0, 3.0] * 2)[: self.width]


def table(n: int = 60) -> pd.DataFrame:
    return pd.DataFrame({
        "city": [["Rome", "Oslo", None][i % 3] for i in range(n)],
        "amount": [np.nan, *range(1, n)],
        "day": pd.date_range("2020-01-01", periods=n),
        "name": [f"n{i % 20}" for i in range(n)],
    })  # fmt: skip


def points(axes: Any) -> np.ndarray:
    return np.vstack([np.asarray(part.get_offsets()) for part in axes.collections])


def test_the_plane_is_that_in_which_rows_vary_most() -> None:
    figure = plot_latent(Latents(), table())
    (axes,) = figure.axes
    spread = points(axes).std(0)
    assert spread[0] > 2 * spread[1]
    assert axes.get_xlabel().startswith("component 1 of 3 latents (8")
    assert figure._repr_png_().startswith(b"\x89PNG")


@pytest.mark.parametrize(("width", "names"), [(1, ("latent0", "")), (2, ("latent0", "latent1"))])
def test_two_latents_are_drawn_as_they_are(width: int, names: tuple[str, str]) -> None:
    (axes,) = plot_latent(Latents(width), table()).axes
    assert (axes.get_xlabel(), axes.get_ylabel()) == names
    assert points(axes)[:, :width] == pytest.approx(Latents(width).transform(table()))


def test_groups_have_colours_and_names() -> None:
    (axes,) = plot_latent(Latents(), table(), "city").axes
    assert sorted(text.get_text() for text in axes.get_legend().get_texts()) == ["Oslo", "Rome", "missing"]
    assert axes.get_legend().get_title().get_text() == "city"
    assert [to_hex(part.get_facecolor()[0]) for part in axes.collections] == list(COLOURS[:3])
    assert len(points(axes)) == 60


def test_rare_groups_stand_together() -> None:
    (axes,) = plot_latent(Latents(), table(), "name").axes
    names = [text.get_text() for text in axes.get_legend().get_texts()]
    assert (len(names), names[0]) == (8, "others")


@pytest.mark.parametrize("color", ["amount", "day"])
def test_numbers_and_dates_are_a_scale(color: str) -> None:
    figure = plot_latent(Latents(), table(), color)
    axes, bar = figure.axes
    assert bar.get_ylabel() == color
    assert len(points(axes)) == 60
    if color == "day":
        figure.draw_without_rendering()
        assert bar.get_yticklabels()[1].get_text().startswith("2020-")


def test_a_value_for_each_row_and_a_given_ax() -> None:
    mine = Figure()
    ax = mine.subplots()
    assert plot_latent(Latents(), table(), np.arange(60) < 20, ax=ax) is mine
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["False", "True"]


def test_what_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(OptionError, match="'nope' is no column of X"):
        plot_latent(Latents(), table(), "nope")
    with pytest.raises(OptionError, match="color has 3 values and X has 60 rows"):
        plot_latent(Latents(), table(), [1, 2, 3])
    fitted = Synthesizer(Toy(), trainer=Trainer(max_epochs=1, progress=False)).fit(table()[["amount"]].dropna())
    with pytest.raises(CapabilityError, match="whose model has latents"):
        plot_latent(fitted, table())
