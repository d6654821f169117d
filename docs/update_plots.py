"""Draw docs/images/plots.png, which docs/notebooks.md shows (needs matplotlib).

python docs/update_plots.py
"""

from __future__ import annotations

from pathlib import Path

from gensynth import Synthesizer, Trainer
from gensynth.datasets import load
from gensynth.plots import plot_columns, plot_history, plot_latent
from gensynth.plots.figures import ShownFigure

PICTURE = Path(__file__).resolve().parent / "images" / "plots.png"

if __name__ == "__main__":
    table, _ = load("simulated-claims")
    synthesizer = Synthesizer(trainer=Trainer(max_epochs=20), random_state=0).fit(table)
    figure = ShownFigure(figsize=(11, 3.6), layout="constrained")
    left, middle, right = figure.subfigures(1, 3, width_ratios=[3, 5, 4])
    plot_history(synthesizer, figure=left)
    plot_columns(table, synthesizer.sample(len(table)), ["age", "vehicle", "income", "opened"], figure=middle)
    plot_latent(synthesizer, table, "vehicle", ax=right.subplots())
    figure.savefig(PICTURE, dpi=80)
