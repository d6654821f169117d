"""``gensynth score``."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from command_line import Run, people

import gensynth


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


def test_a_detector_labels_rows_as_it_does_in_python(folder: Path, run: Run) -> None:
    people(40).assign(income=[1e9, *people(40)["income"][1:]]).to_csv("new.csv", index=False)
    assert run("score", "d.gensynth", "new.csv", "-o", "out.csv").code == 0
    found, detector = pd.read_csv("out.csv"), gensynth.load("d.gensynth")
    rows = pd.read_csv("new.csv")
    np.testing.assert_array_equal(found["anomaly"], detector.predict(rows) == -1)
    np.testing.assert_allclose(found["p_value"], detector.p_values(rows))
    assert found["anomaly"][0]
    # another score than the one that p-values and threshold are of
    method = detector.estimators_[0].model.score_methods[0]
    assert run("score", "d.gensynth", "new.csv", "-o", "raw.csv", "--method", method).code == 0
    assert list(pd.read_csv("raw.csv")) == [*rows, "score"]


def test_commands_tell_apart_models_and_exported_graphs(folder: Path, run: Run) -> None:
    said = run("score", "no.onnx", "good.csv", "-o", "out.csv")
    assert said.code == 2
    assert "gensynth export MODEL --scorer no.onnx" in said.err
    Path("graph.onnx").write_bytes(b"\x08\x07")
    said = run("info", "graph.onnx")
    assert said.code == 2
    assert "exported graph" in said.err
    assert "damaged" not in said.err
