"""The plot of columns: histograms of numbers and dates, shares of values."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from gensynth.errors import DataError, OptionError
from gensynth.plots import plot_columns


def table(n: int = 300, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame({
        "amount": rng.lognormal(size=n),
        "city": rng.choice(np.array(["Rome", "$x^2", None]), n),
        "day": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, n), unit="D"),
        "spent": pd.to_timedelta(rng.integers(0, 900, n), unit="h"),
        "few": rng.integers(0, 3, n),
        "empty": np.nan,
    })  # fmt: skip


def test_each_column_has_its_axes() -> None:
    figure = plot_columns(table(), table(seed=1))
    assert [axes.get_title() for axes in figure.axes] == list(table().columns)
    amount, city, day, spent, few, _ = figure.axes
    real, synthetic = (patch.get_data().values for patch in amount.patches)
    assert real.sum() == pytest.approx(1.0)
    assert synthetic.sum() == pytest.approx(1.0)
    assert sorted(text.get_text() for text in city.get_yticklabels()) == ["Rome", r"\$x^2"]
    assert "missing" in city.get_xlabel()
    widths = [patch.get_width() for patch in few.patches]
    assert widths[:3] == (table()["few"].value_counts(normalize=True).sort_index()).tolist()
    figure.draw_without_rendering()
    assert "2020" in [text.get_text() for text in day.get_xticklabels()]
    assert spent.patches[0].get_data().edges.max() < 40  # days
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["real rows", "synthetic rows"]
    assert figure._repr_png_().startswith(b"\x89PNG")


def test_named_columns_in_their_order_in_a_given_figure() -> None:
    mine = Figure()
    assert plot_columns(table(), table(), ["few", "amount"], figure=mine) is mine
    assert [axes.get_title() for axes in mine.axes] == ["few", "amount"]


def test_of_wide_tables_the_first_columns_are_drawn() -> None:
    wide = pd.DataFrame(np.zeros((5, 40)))
    assert len(plot_columns(wide, wide).axes) == 24


def test_what_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(OptionError, match="'nope' not in the table"):
        plot_columns(table(), table(), ["nope"])
    with pytest.raises(OptionError, match="names no column"):
        plot_columns(table(), table(), [])
    with pytest.raises(DataError, match="cast it to float64 first"):
        plot_columns(table(), table().assign(amount="a"))
    with pytest.raises(DataError, match="lacks 1 column"):
        plot_columns(table(), table().drop(columns="day"))
