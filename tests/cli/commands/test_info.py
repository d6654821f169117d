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
    assert found["trainer"] == {"max_epochs": 1}
    assert found["training"]["stages"]["elbo"]["best"] == min(row["monitor"] for row in found["training"]["history"])
    assert (found["condition_on"], found["left_out"]) == ([], {})
    text = run("info", "m.gensynth").out
    assert f"written by gensynth {__version__}" in text
    assert "sample rows" in text
    assert "on 120 rows, 1 epoch, seed" in text
    assert "=None" not in text
    assert f"6 columns ({found['kinds']}):" in text
    assert "the best" in text
    assert "trainer:   max_epochs=1" in text


def test_a_detector(run: Run, folder: Path) -> None:
    found = json.loads(run("info", "d.gensynth", "--json").out)
    assert found["kind"] == "detector"
    assert found["score_methods"]
    assert (found["calibration_rows"], found["novelty"]) == (120, False)
    text = run("info", "d.gensynth").out
    assert "rows with a lower score are anomalies" in text
    assert f"{100 * found['contamination']:.3g} % of 120 rows trained on" in text
    assert f"method:    {found['method']}" in text
    assert (found["density_weights"] is None) == ("a density of" not in text)
    assert "every drawn row" not in text


def test_columns_that_are_left_out_say_why(run: Run, folder: Path) -> None:
    Path("keys.csv").write_text("id,x,c\n" + "".join(f"A-{i * 7919 % 10007:05},{i % 7},z\n" for i in range(200)))
    assert run("fit", "keys.csv", "-o", "k.gensynth", "-m", "vae", "--set", "trainer.max_epochs=1").code == 0
    text = run("info", "k.gensynth").out
    assert "an identifier: made up anew" in text
    assert "one value only" in text
    assert "2 not learned" in text
    assert json.loads(run("info", "k.gensynth", "--json").out)["left_out"] == {
        "id": "an identifier: made up anew", "c": "one value only"
    }  # fmt: skip


def test_dates_have_their_format_and_columns_that_are_given_are_named(run: Run, folder: Path) -> None:
    lines = "".join(f"{i % 28 + 1:02}.{i % 12 + 1:02}.2020,{i % 7},{'ab'[i % 2]}\n" for i in range(200))
    Path("dates.csv").write_text("day,x,c\n" + lines)
    options = ["-m", "cgan", "--condition-on", "c", "--set", "trainer.max_epochs=1"]
    assert run("fit", "dates.csv", "-o", "k.gensynth", *options).code == 0
    text = run("info", "k.gensynth").out
    assert "%d.%m.%Y" in text
    assert "given:     c" in text


def test_no_model(run: Run, folder: Path) -> None:
    for name in ("none.gensynth", "cut.gensynth", "table.gensynth"):
        outcome = run("info", name)
        assert (outcome.code, outcome.out) == (2, "")
