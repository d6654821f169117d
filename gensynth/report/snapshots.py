"""Samples at every evaluation of a training of images, with its history, written to a folder."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from gensynth.engine.tensors import place_of
from gensynth.errors import CapabilityError
from gensynth.files import atomic_write
from gensynth.report.grids import image_grid, png_bytes
from gensynth.tables import write_table
from gensynth.training.callbacks import Callback, EvaluationRound


class GridSnapshots(Callback):
    """Callback that writes an image grid from fixed noise after every evaluation, to show the progress.

    Parameters
    ----------
    folder : path-like
        Folder that exists. It gets ``latest.png``, a ``STAGE-STEP.png`` for each evaluation, ``history.csv``, and, if
        matplotlib is installed, ``history.png``.
    n : int
        Images of a picture, at least 1.
    seed : int
        Seed of the noise.
    resume : bool
        Go on with the history that the folder has, of a training that was interrupted.
    """

    def __init__(self, folder: str | os.PathLike[str], n: int = 64, seed: int = 0, *, resume: bool = False) -> None:
        self.folder, self.n, self.seed = Path(folder), n, seed
        history = self.folder / "history.csv"
        found = pd.read_csv(history).to_dict(orient="records") if resume and history.exists() else []
        self._rows: dict[tuple[Any, Any], dict[Any, Any]] = {(row["stage"], row["step"]): row for row in found}

    def on_round(self, info: EvaluationRound) -> None:
        """Write the current samples.

        Raises
        ------
        CapabilityError
            It is no model of images.
        """
        device, _ = place_of(info.model)
        rng = torch.Generator(device).manual_seed(self.seed)
        with torch.no_grad():
            pixels = info.model.generate(self.n, rng).pixels
        if pixels is None:
            raise CapabilityError("pictures of a training are of images, and the rows have none")
        images = np.moveaxis(pixels.float().cpu().numpy(), 1, -1)
        picture = png_bytes(image_grid(list(images), value_range=(0.0, 1.0)))
        for name in (f"{_plain(info.stage)}-{info.step:07}.png", "latest.png"):
            with atomic_write(self.folder / name) as file:
                file.write(picture)
        self._rows[info.stage, info.step] = info.to_row()
        history = pd.DataFrame(list(self._rows.values()))
        write_table(history, self.folder / "history.csv")
        if importlib.util.find_spec("matplotlib") is not None:
            from gensynth.plots import plot_history  # imports matplotlib

            with atomic_write(self.folder / "history.png") as file:
                plot_history(history).savefig(file, format="png", dpi=120)


def _plain(stage: str) -> str:
    """Return the name of a stage as part of a file's name."""
    return "".join(letter if letter.isalnum() else "-" for letter in stage)
