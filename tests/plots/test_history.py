"""The plot of a training: a column of panels for each stage, losses above, held-out rows below."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from sklearn.exceptions import NotFittedError
from toy_models import Toy

from gensynth import AnomalyDetector, Augmenter, Synthesizer, Trainer
from gensynth.errors import OptionError
from gensynth.plots import plot_history

QUICK = Trainer(max_epochs=3, progress=False, device="cpu")
HISTORY = pd.DataFrame({
    "stage": ["game"] * 3 + ["prior"] * 2,
    "epoch": [1.0, 2.0, 3.0, 1.0, 2.0],
    "loss_critic": [3.0, 2.0, 1.0, np.nan, np.nan],
    "loss_generator": [1.0, 2.0, 3.0, np.nan, np.nan],
    "loss_prior": [np.nan, np.nan, np.nan, 5.0, 4.0],
    "monitor": [0.3, 0.1, 0.2, 7.0, 6.0],
})  # fmt: skip


def table(n: int = 100) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame({"a": rng.normal(size=n), "b": rng.choice(["x", "y"], n)})


def test_stages_stand_side_by_side_with_their_phases_and_their_best() -> None:
    figure = plot_history(HISTORY)
    game, prior, held_out, held_out_prior = figure.axes
    assert [axes.get_title() for axes in (game, prior)] == ["game", "prior"]
    assert [text.get_text() for text in game.get_legend().get_texts()] == ["critic", "generator"]
    assert [text.get_text() for text in prior.get_legend().get_texts()] == ["prior"]
    assert game.lines[0].get_ydata().tolist() == [3.0, 2.0, 1.0]
    line, best = held_out.lines
    assert line.get_ydata().tolist() == [0.3, 0.1, 0.2]
    assert (best.get_xdata()[0], best.get_ydata()[0]) == (2.0, 0.1)
    assert held_out_prior.lines[1].get_ydata()[0] == 6.0


def test_fitted_estimators_have_histories() -> None:
    synthesizer = Synthesizer(Toy(), trainer=QUICK, random_state=0).fit(table())
    assert plot_history(synthesizer).axes[0].get_title() == synthesizer.history_["stage"].iloc[0]
    augmenter = Augmenter(Toy(), trainer=QUICK, random_state=0)
    augmenter.fit_resample(table(), np.arange(100) < 20)
    assert plot_history(augmenter).axes
    detector = AnomalyDetector(Toy(), trainer=QUICK, density=False, n_estimators=2, random_state=0).fit(table())
    upper = plot_history(detector).axes[0]
    assert len(upper.lines) == 2 * len(upper.get_legend().get_texts())


def test_a_given_figure_is_drawn_in() -> None:
    mine = Figure()
    assert plot_history(HISTORY, figure=mine) is mine
    assert len(mine.axes) == 4


def test_what_has_no_history_is_refused() -> None:
    with pytest.raises(NotFittedError):
        plot_history(Synthesizer(Toy()))
    with pytest.raises(OptionError, match="no evaluations to draw in this DataFrame"):
        plot_history(pd.DataFrame({"a": [1]}))
    augmenter = Augmenter(Toy()).fit(table(), np.arange(100) < 20)
    with pytest.raises(OptionError, match="no evaluations to draw in this Augmenter"):
        plot_history(augmenter)
