"""``--weight COL``: the column counts rows and is not learned."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from command_line import QUICK, QUICK_DETECTOR, Run, people

from gensynth import load


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_fit_with_a_column_of_weights(folder: Path, run: Run, ending: str) -> None:
    weights = np.random.default_rng(0).integers(0, 4, 120)
    plain, repeated = people().assign(w=weights), people().loc[people().index.repeat(weights)]
    for frame, name in ((plain, "w"), (repeated, "r")):
        path = f"{name}.{ending}"
        frame.to_csv(path, index=False) if ending == "csv" else frame.to_parquet(path, index=False)
    assert run("fit", f"w.{ending}", "-o", "w.gensynth", "--weight", "w", *QUICK).code == 0
    assert run("fit", f"r.{ending}", "-o", "r.gensynth", *QUICK).code == 0
    assert load("w.gensynth").schema_.names == tuple(people().columns)
    for name in "wr":
        assert run("sample", f"{name}.gensynth", "-n", "50", "--seed", "1", "-o", f"{name}_s.{ending}").code == 0
    read = pd.read_csv if ending == "csv" else pd.read_parquet
    pd.testing.assert_frame_equal(read(f"w_s.{ending}"), read(f"r_s.{ending}"))


def test_detect_with_a_column_of_weights(folder: Path, run: Run) -> None:
    weights = np.where(people()["sex"] == "F", 2.5, 0.5)
    people().assign(w=weights).to_csv("w.csv", index=False)
    assert run("detect", "w.csv", "-o", "out.csv", "--weight", "w", "--save", "d.gensynth", *QUICK_DETECTOR).code == 0
    table = pd.read_csv("out.csv")
    assert list(table.columns) == [*people().columns, "w", "score", "p_value", "anomaly", "reason"]
    np.testing.assert_allclose(table["score"], load("d.gensynth").score_samples(pd.read_csv("w.csv").drop(columns="w")))
    assert run("detect", "good.csv", "-o", "out.csv", "--weight", "w", "--train-on", "w.csv", *QUICK_DETECTOR).code == 0
    assert "w" not in pd.read_csv("out.csv")
