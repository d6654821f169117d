"""``gensynth score``."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from command_line import Run, people


def test_score_adds_one_column(folder: Path, run: Run) -> None:
    outcome = run("score", "m.gensynth", "good.csv", "-o", "out.csv")
    assert outcome.code == 0
    lines = Path("out.csv").read_text().splitlines()
    before = Path("good.csv").read_text().splitlines()
    assert [line.rpartition(",")[0] for line in lines] == before
    scores = pd.read_csv("out.csv")["score"]
    assert np.isfinite(scores).all()
    people().assign(income=1e9).to_csv("odd.csv", index=False)
    assert run("score", "m.gensynth", "odd.csv", "-o", "odd_scores.csv").code == 0
    assert pd.read_csv("odd_scores.csv")["score"].mean() < scores.mean()
