"""What several commands do together, and the outputs of all of them."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd
import pytest
from command_line import QUICK, Run, people

from gensynth import __version__
from gensynth.cli.options.paths import TABLE_ENDINGS
from gensynth.tables.files import ENDINGS


def test_disk_full_leaves_the_old_file(folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("out.csv").write_text("old")
    before = sorted(folder.iterdir())

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    for line in ("sample m.gensynth -o out.csv", "augment good.csv --rows 5 -o out.csv -m vae"):
        more = QUICK if line.startswith("augment") else []
        outcome = run(*line.split(), *more)
        assert outcome.code == 2
        assert "out.csv" in outcome.err
        assert "No space left on device" in outcome.err
    assert Path("out.csv").read_text() == "old"
    outcome = run("fit", "good.csv", "-o", "new.gensynth", *QUICK)
    assert outcome.code == 2
    assert "No space left on device" in outcome.err
    assert sorted(folder.iterdir()) == before


def test_the_output_is_tried_before_training(folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    import gensynth.training

    monkeypatch.setattr(gensynth.training.Trainer, "run", lambda *_, **__: pytest.fail("it trained"))
    assert run("fit", "good.csv", "-o", "/proc/m.gensynth").code == 2
    assert run("augment", "good.csv", "--rows", "5", "-o", "/proc/out.csv").code == 2


def test_fit_sample_where_score(folder: Path, run: Run) -> None:
    outcome = run("fit", "good.csv", "-o", "new.gensynth", "--condition-on", "sex", *QUICK)
    assert outcome.code == 0
    assert "120 rows" in outcome.err
    more = ["--where", "sex=F", "--where", "member=true", "--where", "age=30", "--seed", "1"]
    assert run("sample", "new.gensynth", "-n", "40", *more, "-o", "s.parquet").code == 0
    table = pd.read_parquet("s.parquet")
    assert len(table) == 40
    assert list(table.columns) == list(people().columns)
    assert set(table["sex"]) == {"F"}
    assert table["member"].all()
    assert set(table["age"]) == {30}
    assert run("sample", "new.gensynth", "-n", "40", *more, "-o", "again.parquet").code == 0
    assert Path("s.parquet").read_bytes() == Path("again.parquet").read_bytes()


def test_version(run: Run) -> None:
    assert run("--version").out == f"gensynth {__version__}\n"


def test_no_arguments_show_the_help(run: Run) -> None:
    outcome = run()
    assert outcome.code == 2
    assert "augment" in outcome.out + outcome.err


def test_endings_are_those_of_tables() -> None:
    assert TABLE_ENDINGS == ENDINGS


def test_one_is_one(folder: Path, run: Run) -> None:
    assert "1 synthetic row written" in run("sample", "m.gensynth", "-n", "1", "-o", "out.csv").err
    people().head(1).to_csv("one.csv", index=False)
    assert "1 row with scores" in run("score", "m.gensynth", "one.csv", "-o", "out.csv").err
    assert "0 missing cells of 1 row filled" in run("impute", "m.gensynth", "one.csv", "-o", "out.csv").err


def test_the_command_line_is_not_told_of_python(folder: Path, run: Run) -> None:
    for line, words in {
        "score m.gensynth good.csv -o out.csv --method magic": "--method magic is unknown; the model has 'elbo'",
        "fit infinite.csv -o out.gensynth -m vae": "replace it, or leave the cell empty",
        "fit good.csv -o out.gensynth -m vae --set trainer.max_epochs=0": "trainer.max_epochs=0, expected",
        "fit good.csv -o out.gensynth -m vae --set trainer.device=gpu": "trainer.device='gpu'",
        "augment good.csv --target income --balance -o out.csv -m vae": "--rows N or --ratio R",
    }.items():
        outcome = run(*line.split())
        assert outcome.code == 2
        assert words in outcome.err
