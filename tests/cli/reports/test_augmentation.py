"""``gensynth augment --report``: a page on the new rows, which says what they are compared with."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from command_line import QUICK, Run, people

from gensynth.errors import DataError

AUGMENT = ("augment", "good.csv", "--target", "label", "-o", "out.csv", "--no-check", "--seed", "0", *QUICK)


def test_classes_that_were_filled_up(folder: Path, run: Run) -> None:
    outcome = run(*AUGMENT, "--balance", "--report", "page.html")
    assert outcome.code == 0, outcome.err
    page = Path("page.html").read_text()
    assert "30 of the 120 rows of good.csv, the training set of the model" in page
    assert "60 rows that were added" in page
    assert "yes: the classes with new rows" in page
    assert "none, so memorisation of the training rows was not tested" in page
    assert "one random half of the real rows against the other" in page
    assert "out.csv and page.html written" in outcome.err
    assert "evaluated: " in outcome.err


def test_held_out_rows_and_the_summary_as_json(folder: Path, run: Run) -> None:
    people(60, seed=1).to_csv("held.csv", index=False)
    outcome = run(*AUGMENT, "--rows", "80", "--report", "page.html", "--holdout", "held.csv", "--json")
    assert outcome.code == 0, outcome.err
    found = json.loads(outcome.out)
    assert found["written"] == ["out.csv", "page.html"]
    assert found["evaluation"]["rows"] == {"real": 120, "synthetic": 80, "holdout": 60}
    assert "dcr_share" in found["evaluation"]["metrics"]
    page = Path("page.html").read_text()
    assert found["evaluation"]["verdict"]["text"].partition(": ")[2][1:40] in page
    assert "60 rows of held.csv, which the model did not see" in page
    assert "120 rows of good.csv" in page


def test_no_evaluation_where_none_is_asked_for(folder: Path, run: Run) -> None:
    found = json.loads(run(*AUGMENT, "--rows", "5", "--json").out)
    assert (found["evaluation"], found["written"]) == (None, ["out.csv"])


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--report", "page.html", "--rows", "5"], "--report needs at least 20 new rows, and 5 are to be added"),
        (["--report", "page.html", "--ratio", "0.1"], "--report needs at least 20 new rows, and 12 are to be added"),
        (["--report", "page.html", "--holdout", "texts.csv"], "column 'age'"),
        (["--holdout", "good.csv"], "--holdout is for the page of --report PAGE"),
        (["--report", "page.txt"], "must end in .html or .htm"),
        (["--report", "page.html", "--holdout", "none.csv"], "there is no file 'none.csv'"),
        (["--report", "page.html", "--holdout", "five.csv"], "the table of held-out rows has 5 rows"),
        (["--report", "page.html", "--holdout", "weighed.csv"], "lacks the column 'sex'"),
    ],
)
def test_what_cannot_be_is_said_before_training(folder: Path, run: Run, options: list[str], told: str) -> None:
    people(60).assign(age="old").to_csv("texts.csv", index=False)
    outcome = run(*AUGMENT, *options)
    assert outcome.code == 2
    assert told in outcome.err
    assert not Path("out.csv").exists()
    assert not Path("page.html").exists()


def test_too_few_rows_of_a_class_are_told_before_training(folder: Path, run: Run) -> None:
    people(92).assign(label=["rare"] * 12 + ["often"] * 80).to_csv("few.csv", index=False)
    options = ["--target", "label", "--balance", "--no-check", "--report", "page.html", *QUICK]
    outcome = run("augment", "few.csv", "-o", "out.csv", *options)
    assert outcome.code == 2
    assert "12 real rows of the 1 class 'rare' can be compared" in outcome.err
    assert not Path("out.csv").exists()
    assert not Path("page.html").exists()


def test_new_rows_that_cannot_be_evaluated_leave_the_table(folder: Path, run: Run, monkeypatch) -> None:
    def refuse(*arguments, **options):
        raise DataError("no way")

    monkeypatch.setattr("gensynth.augmentation.ComparedRows.evaluate", refuse)
    outcome = run(*AUGMENT, "--balance", "--report", "page.html")
    assert outcome.code == 2
    assert "out.csv is written, but not page.html: no way" in outcome.err
    assert Path("out.csv").exists()
    assert not Path("page.html").exists()


def test_one_table_is_standard_input(folder: Path, run: Run, monkeypatch) -> None:
    piped = io.TextIOWrapper(io.BytesIO(people(60).to_csv(index=False).encode()))
    monkeypatch.setattr("sys.stdin", piped)
    outcome = run("augment", "-", "-o", "out.csv", "--rows", "30", "--report", "page.html", "--holdout", "-")
    assert outcome.code == 2
    assert "both standard input" in outcome.err
