"""``gensynth compare``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_line import Run

QUICK = ["--set", "trainer.max_epochs=1", "--set", "vae.hidden=16,16"]


def test_table_verdict_page_and_json(folder: Path, run: Run) -> None:
    more = ["--html", "p.html", "--json", "r.json", "--target", "label"]
    outcome = run("compare", "good.csv", "-m", "vae,wgan,nvae", *QUICK, "--set", "nvae.levels=70", *more)
    assert outcome.code == 0, outcome.err
    lines = outcome.out.splitlines()
    assert lines[0].split()[:2] == ["rank", "model"]
    assert all(word in lines[0] for word in ("detection", "TSTR", "gap", "shape", "trend", "copies", "fit s"))
    assert [line.split()[0] for line in lines[1:3]] == ["1", "2"]
    assert lines[3].split()[:2] == ["nvae", "failed:"]
    assert "levels=70, expected None or an integer from 1 to 64" in lines[3]
    assert lines[4].split()[:2] == ["real", "rows"]
    assert lines[5].split()[:2] == ["independent", "columns"]
    found = json.loads(Path("r.json").read_text())
    assert lines[-1] == found["verdict"]
    assert [model["model"] for model in found["models"]] == [lines[1].split()[1], lines[2].split()[1], "nvae"]
    assert 'Models on <span class="data">good.csv</span>' in Path("p.html").read_text()
    assert "p.html and r.json written" in outcome.err


def test_json_on_standard_output_and_nothing_else(folder: Path, run: Run) -> None:
    outcome = run("compare", "good.csv", "-m", "vae", *QUICK, "--json", "-", "--quiet")
    assert outcome.code == 0, outcome.err
    assert json.loads(outcome.out)["rows"] == {"train": 84, "holdout": 36}
    assert outcome.err == ""


def test_all_failing_is_an_error(folder: Path, run: Run) -> None:
    outcome = run("compare", "good.csv", "-m", "nvae", "--set", "nvae.levels=70", "--html", "p.html")
    assert outcome.code == 2
    assert "No model could be compared: nvae failed (model.levels=70" in outcome.err
    assert not Path("p.html").exists()
    assert "Traceback" not in outcome.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-m", "vea"], "Did you mean 'vae'?"),
        (["-m", "vae,vae"], "--models names 'vae' twice"),
        (["-m", ","], "--models names no model"),
        (["--max-time", "0"], "--max-time must be more than 0 seconds"),
        (["--target", "labl"], "did you mean 'label'?"),
        (["-m", "vae", "--set", "trainer.max_time=3"], "--max-time and --set trainer.max_time are the same"),
        (["-m", "vae", "--set", "wgan.clip=3"], "there is no setting 'wgan.clip'"),
        (["--html", "p.txt"], "--html p.txt: the name must end in .html"),
        (["--holdout", "no_sex.csv"], "lacks the column 'sex'"),
    ],
)
def test_bad_options_are_refused_before_training(folder: Path, run: Run, monkeypatch, arguments, said) -> None:
    import gensynth.training

    monkeypatch.setattr(gensynth.training.Trainer, "run", lambda *_, **__: pytest.fail("it trained"))
    outcome = run("compare", "good.csv", *arguments)
    assert (outcome.code, said in outcome.err) == (2, True), outcome.err
