"""``gensynth export``, and scores by what it wrote."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from command_line import Run


def test_synthesizer_and_detector(folder: Path, run: Run) -> None:
    for model in ("m", "d"):
        outcome = run("export", f"{model}.gensynth", "--scorer", f"{model}.onnx", "--check", "50")
        assert outcome.code == 0, outcome.err
        assert f"scorer written to {model}.onnx; the largest difference in 50 rows is" in outcome.err
        assert run("score", f"{model}.onnx", "good.csv", "-o", "graph.csv").code == 0
        assert run("score", f"{model}.gensynth", "good.csv", "-o", "python.csv").code == 0
        graph, python = pd.read_csv("graph.csv"), pd.read_csv("python.csv")
        np.testing.assert_allclose(graph["score"], python["score"], rtol=1e-6)
        added = [name for name in graph if name not in python]
        assert added == ([] if model == "m" else ["p_value", "anomaly"])


def test_bad_input(folder: Path, run: Run) -> None:
    before = sorted(folder.iterdir())
    for line, words in {
        "export m.gensynth": "nothing to write: give --scorer FILE.onnx or --sampler FILE.onnx",
        "export m.gensynth --scorer m.onnx --sampler m.onnx": "are the same file",
        "export d.gensynth --sampler d.onnx": "--sampler is for synthesizers",
        "export m.gensynth --scorer m.txt": "must end in .onnx",
        "export m.gensynth --scorer m.onnx --check -1": "--check must be at least 0, not -1",
        "export d.gensynth --scorer d.onnx --method elbo": "--method is for synthesizers",
        "export m.gensynth --scorer m.onnx --method magic": "--method magic is unknown",
        "export cut.gensynth --scorer m.onnx": "cut.gensynth",
        "export absent.gensynth --scorer m.onnx": "there is no model file",
    }.items():
        outcome = run(*line.split())
        assert outcome.code == 2, line
        assert words in outcome.err
    assert sorted(folder.iterdir()) == before


def test_a_scorer_holds_one_score(folder: Path, run: Run) -> None:
    assert run("export", "m.gensynth", "--scorer", "m.onnx", "--check", "0").code == 0
    for more in (["--explain"], ["--method", "elbo"]):
        outcome = run("score", "m.onnx", "good.csv", "-o", "out.csv", *more)
        assert outcome.code == 2
        assert "holds one score and no reasons" in outcome.err
    Path("wrong.onnx").write_bytes(b"no graph")
    outcome = run("score", "wrong.onnx", "good.csv", "-o", "out.csv")
    assert outcome.code == 2
    assert "wrong.onnx is no ONNX file" in outcome.err
    pd.read_csv("good.csv").drop(columns="sex").to_csv("less.csv", index=False)
    outcome = run("score", "m.onnx", "less.csv", "-o", "out.csv")
    assert outcome.code == 2
    assert "lacks the column 'sex'" in outcome.err


def test_a_sampler(folder: Path, run: Run) -> None:
    outcome = run("export", "m.gensynth", "--sampler", "s.onnx", "--scorer", "m.onnx", "--check", "50")
    assert outcome.code == 0, outcome.err
    assert "scorer written to m.onnx; the largest difference in 50 rows is" in outcome.err
    assert "sampler written to s.onnx; 0.0e+00 of the cells of 50 rows differ" in outcome.err
    outcome = run("score", "s.onnx", "good.csv", "-o", "out.csv")
    assert outcome.code == 2
    assert "s.onnx holds a sampler, which cannot score rows" in outcome.err
