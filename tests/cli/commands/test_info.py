"""``gensynth info``."""

from __future__ import annotations

import json
from pathlib import Path

from command_line import Run

from gensynth.version import __version__


def test_a_synthesizer(run: Run, folder: Path) -> None:
    outcome = run("info", "m.gensynth", "--json")
    found = json.loads(outcome.out)
    assert (found["kind"], found["model"], found["gensynth"]) == ("synthesizer", "vae", __version__)
    assert found["bytes"] == Path("m.gensynth").stat().st_size
    assert [column["name"] for column in found["columns"]] == ["age", "income", "sex", "member", "since", "label"]
    assert "sample" in found["can"]
    assert (found["rows"], found["seed"] >= 0, found["training"]["epochs"]) == (120, True, 1)
    assert found["training"]["history"][-1]["epoch"] == 1
    assert found["parameters"]["hidden"] == [16, 16]
    text = run("info", "m.gensynth").out
    assert f"written by gensynth {__version__}" in text
    assert "draw rows" in text
    assert "on 120 rows, 1 epochs" in text


def test_a_detector(run: Run, folder: Path) -> None:
    found = json.loads(run("info", "d.gensynth", "--json").out)
    assert found["kind"] == "detector"
    assert found["score_methods"]
    assert "rows with a lower score are anomalies" in run("info", "d.gensynth").out


def test_columns_that_are_left_out_say_why(run: Run, folder: Path) -> None:
    Path("keys.csv").write_text("id,x,c\n" + "".join(f"A-{i * 7919 % 10007:05},{i % 7},z\n" for i in range(200)))
    assert run("fit", "keys.csv", "-o", "k.gensynth", "-m", "vae", "--set", "trainer.max_epochs=1").code == 0
    text = run("info", "k.gensynth").out
    assert "an identifier: made up anew" in text
    assert "one value only" in text


def test_no_model(run: Run, folder: Path) -> None:
    for name in ("none.gensynth", "cut.gensynth", "table.gensynth"):
        outcome = run("info", name)
        assert (outcome.code, outcome.out) == (2, "")
