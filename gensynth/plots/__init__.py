"""Matplotlib plots of training, columns and latents: ``pip install gensynth[plot]``."""

from __future__ import annotations

try:
    import matplotlib  # noqa: F401 - whether it is there
except ImportError as error:
    raise ImportError("gensynth.plots needs matplotlib: pip install 'gensynth[plot]'") from error

from gensynth.plots.columns import plot_columns
from gensynth.plots.history import plot_history
from gensynth.plots.latent import plot_latent

__all__ = ["plot_columns", "plot_history", "plot_latent"]
