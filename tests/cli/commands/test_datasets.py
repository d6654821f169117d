"""``gensynth datasets``."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
from command_line import Run

from gensynth import datasets


def test_datasets(folder: Path, run: Run) -> None:
    listed = run("datasets", "list").out
    assert all(name in listed for name in datasets.cards())
    assert {row["name"] for row in json.loads(run("datasets", "list", "--json").out)} == set(datasets.cards())
    shown = run("datasets", "show", "simulated-claims").out
    assert "licence: CC0-1.0" in shown
    assert "fraud" in shown
    assert run("datasets", "fetch", "wine").code == 0
    frame, _ = datasets.load("wine")
    pd.testing.assert_frame_equal(pd.read_csv("wine.csv"), frame, check_dtype=False)


def test_images_are_written_as_arrays(folder: Path, run: Run) -> None:
    assert run("datasets", "fetch", "digits").code == 0
    with np.load("digits.npz") as found:
        assert (found["x"].shape, found["y"].shape) == ((1797, 8, 8), (1797,))
    outcome = run("datasets", "fetch", "digits", "-o", "digits.csv")
    assert (outcome.code, "must end in .npz" in outcome.err) == (2, True)
