"""``gensynth export``, and scores by what it wrote."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from command_line import QUICK, Run

from gensynth.cli.row_sources.scores import GraphScoredRows
from gensynth.errors import DataError, ExportError
from gensynth.export.runtime import OnnxScorer
from gensynth.tables import Table
from gensynth.tables.stream import MemoryStream


def test_synthesizer_and_detector(folder: Path, run: Run) -> None:
    for model in ("m", "d"):
        outcome = run("export", f"{model}.gensynth", "--scorer", f"{model}.onnx", "--check", "50")
        assert outcome.code == 0, outcome.err
        assert f"scorer written to {model}.onnx; the largest difference in 50 rows is" in outcome.err
        assert run("score", f"{model}.onnx", "good.csv", "-o", "graph.csv").code == 0
        assert run("score", f"{model}.gensynth", "good.csv", "-o", "python.csv").code == 0
        graph, python = pd.read_csv("graph.csv"), pd.read_csv("python.csv")
        np.testing.assert_allclose(graph["score"], python["score"], rtol=1e-6)
        labels = [] if model == "m" else ["p_value", "anomaly"]
        assert list(graph) == list(python) == [*pd.read_csv("good.csv"), "score", *labels]
        for name in labels:
            np.testing.assert_allclose(graph[name], python[name], rtol=1e-6)


def test_bad_input(folder: Path, run: Run) -> None:
    before = sorted(folder.iterdir())
    for line, words in {
        "export m.gensynth": "nothing to write: give --scorer FILE.onnx or --sampler FILE.onnx",
        "export m.gensynth --scorer m.onnx --sampler m.onnx": "are the same file",
        "export d.gensynth --sampler d.onnx": "--sampler is for synthesizers",
        "export m.gensynth --scorer m.txt": "must end in .onnx",
        "export m.gensynth --scorer m.onnx --check -1": "--check must be at least 0, not -1",
        "export m.gensynth --sampler s.onnx --method elbo": "--method says how the scorer scores",
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


def test_rows_of_later_batches_are_counted_from_the_first_of_the_table(folder: Path, run: Run) -> None:
    assert run("export", "m.gensynth", "--scorer", "m.onnx", "--check", "0").code == 0
    frame = pd.read_csv("good.csv").drop(columns="sex")
    scorer = pickle.loads(pickle.dumps(OnnxScorer.load("m.onnx")))  # as workers get it
    rows = GraphScoredRows(scorer, MemoryStream(Table(frame.head(9))), csv=True)
    with pytest.raises(DataError, match=r"lacks the column 'sex'.*counted from row 5 of the table"):
        list(rows.make(5, 9))


def test_threads_are_those_of_onnxruntime_too(folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = pytest.importorskip("onnxruntime")
    assert run("export", "m.gensynth", "--scorer", "m.onnx", "--check", "0").code == 0
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # what --threads would set, so that it is put back
    seen = []

    def session(model: bytes, options: Any, **more: Any) -> Any:
        seen.append(options.intra_op_num_threads)
        return made(model, options, **more)

    made = runtime.InferenceSession
    monkeypatch.setattr(runtime, "InferenceSession", session)
    monkeypatch.setattr("os.cpu_count", lambda: 3)
    before = torch.get_num_threads()
    try:
        outcome = run("score", "m.onnx", "good.csv", "-o", "out.csv", "--threads", "3")
    finally:
        torch.set_num_threads(before)
    assert outcome.code == 0, outcome.err
    assert seen == [3]


def test_a_sampler(folder: Path, run: Run) -> None:
    outcome = run("export", "m.gensynth", "--sampler", "s.onnx", "--scorer", "m.onnx", "--check", "50")
    assert outcome.code == 0, outcome.err
    assert "scorer written to m.onnx; the largest difference in 50 rows is" in outcome.err
    assert "sampler written to s.onnx; 0.0e+00 of the cells of 50 rows differ" in outcome.err
    outcome = run("score", "s.onnx", "good.csv", "-o", "out.csv")
    assert outcome.code == 2
    assert "s.onnx holds a sampler, which cannot score rows" in outcome.err


def messy(rows: int, start: int) -> str:
    """Return lines of a CSV file with semicolons, decimal commas, dates in words of their own and NA as a category."""
    lines = ["Preis;Land;am;Stand;Anteil;ja;Nr"]
    for i in range(start, start + rows):
        price = "-" if i % 9 == 0 else f"{i % 40 + 1000}.{i % 10}"[:4].replace(".", "") + f",{i % 7}5"
        country = ("NA", "DE", "FR", "", "null")[i % 5]
        day = "" if i % 11 == 0 else f"{i % 28 + 1:02d}.{i % 12 + 1:02d}.20{i % 20 + 10}"
        level = ("unbekannt", f"{i % 60}", f"{i % 60}", "-")[i % 4]
        lines.append(f"{price};{country};{day};{level};{i % 13},5 %;{('ja', 'nein')[i % 2]};{('01', '1', '02')[i % 3]}")
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("missing", [["--missing", "-,null"], ["--missing", "-"], []])
def test_cells_of_a_csv_file_mean_what_they_do_to_the_model(folder: Path, run: Run, missing: list[str]) -> None:
    Path("messy.csv").write_text(messy(150, 0))
    new = messy(60, 3).replace("FR", "n/a", 3).replace("DE", "XX", 2).replace(";01\n", ";1.0\n", 4)
    Path("new.csv").write_text(new)
    kinds = ["--schema", "Nr=categorical", "--schema", "Land=categorical"]
    assert run("fit", "messy.csv", "-o", "messy.gensynth", *missing, *kinds, *QUICK).code == 0
    assert run("export", "messy.gensynth", "--scorer", "messy.onnx", "--check", "50").code == 0
    for said in ([], ["--missing", "XX"]):
        for model in ("messy.onnx", "messy.gensynth"):
            outcome = run("score", model, "new.csv", "-o", f"{model}.csv", *said)
            assert outcome.code == 0, outcome.err
        graph, python = (Path(f"messy.{kind}.csv").read_text().splitlines() for kind in ("onnx", "gensynth"))
        assert [line.rpartition(";")[0] for line in graph] == [line.rpartition(";")[0] for line in python]
        scores = [[float(line.rpartition(";")[2].replace(",", ".")) for line in out[1:]] for out in (graph, python)]
        np.testing.assert_allclose(scores[0], scores[1], rtol=1e-6)


def test_nothing_is_written_unless_all_is(folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    before = sorted(folder.iterdir())

    def fails(*_: object) -> None:
        raise ExportError("9 of the cells differ; nothing was written")

    monkeypatch.setattr("gensynth.export.write.check_sampler", fails)
    outcome = run("export", "m.gensynth", "--scorer", "m.onnx", "--sampler", "s.onnx", "--check", "50")
    assert outcome.code == 2
    assert "nothing was written" in outcome.err
    assert sorted(folder.iterdir()) == before
