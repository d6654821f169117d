"""``gensynth evaluate``."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pandas as pd
import pytest
from command_line import Run, people

import gensynth.registry


@pytest.fixture
def other(folder: Path) -> Path:
    people(60, seed=1)[["age", "income", "label"]].to_csv(folder / "real.csv", index=False)
    people(60, seed=2)[["age", "income", "label"]].to_csv(folder / "other.csv", index=False)
    return folder / "other.csv"


def test_table_verdict_page_and_json(run: Run, other: Path) -> None:
    outcome = run("evaluate", "real.csv", "other.csv", "--html", "p.html", "--json", "r.json", "--target", "label")
    assert outcome.code == 0
    lines = outcome.out.splitlines()
    assert lines[0].split() == ["metric", "synthetic", "real", "rows", "independent", "columns"]
    found = json.loads(Path("r.json").read_text())
    assert {line.split()[0] for line in lines[1:-2]} == set(found["metrics"])
    assert "tstr" in found["metrics"]
    assert lines[-1] == found["verdict"]["text"]
    assert 'Evaluation of <span class="data">other.csv</span>' in Path("p.html").read_text()
    assert "p.html and r.json written" in outcome.err


def test_json_on_standard_output_and_nothing_else(run: Run, other: Path) -> None:
    outcome = run("evaluate", "real.csv", "other.csv", "--json", "-", "--quiet")
    assert json.loads(outcome.out)["rows"]["synthetic"] == 60
    assert outcome.err == ""


def test_one_metric_of_a_plugin(run: Run, other: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Registry:
        def metrics(self) -> dict[str, object]:
            return {"rows": lambda real, synthetic: float(len(synthetic))}

    monkeypatch.setattr(gensynth.registry, "default_registry", Registry)
    outcome = run("evaluate", "real.csv", "other.csv", "--metric", "rows")
    assert (outcome.code, outcome.out, outcome.err) == (0, "60\n", "")


def test_only_the_marked_rows_of_an_augmented_table(run: Run, other: Path) -> None:
    real, new = (pd.read_csv(name) for name in ("real.csv", "other.csv"))
    both = pd.concat([real.assign(_synthetic=False), new.assign(_synthetic=True)])
    both.to_csv("both.csv", index=False)
    marked = run("evaluate", "real.csv", "both.csv", "--metric", "shape_error")
    assert marked.out == run("evaluate", "real.csv", "other.csv", "--metric", "shape_error").out
    assert "60 rows of 120 that its column '_synthetic' marks" in marked.err
    outcome = run("evaluate", "good.csv", "augmented.csv")
    assert (outcome.code, "marks no row as synthetic" in outcome.err) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["good.csv", "no_sex.csv"], "lacks the column 'sex' of the real table"),
        (["good.csv", "scored.csv"], "has the column 'score', which the real table lacks"),
        (["good.csv", "text_age.csv"], "column 'age', row 0: 'old' is not a number"),
        (["good.csv", "empty.csv"], "empty.csv is empty"),
        (["good.csv", "header.csv"], "no rows"),
        (["good.csv", "onerow.csv"], "has 1 row; at least 20 are needed"),
        (["onerow.csv", "good.csv"], "the real table has 1 row"),
        (["good.csv", "good.csv", "--holdout", "no_sex.csv"], "table of held-out rows lacks the column 'sex'"),
        (["good.csv", "good.csv", "--target", "sexx"], "did you mean 'sex'"),
        (["good.csv", "good.csv", "--metric", "nope"], "there is no metric 'nope'; there are: category_coverage"),
        (["good.csv", "good.csv", "--metric", "nndr_share"], "needs held-out rows"),
        (["good.csv", "good.csv", "--metric", "shape_error", "--json", "-"], "--metric prints one number"),
        (["good.csv", "good.csv", "--html", "p.txt"], "must end in .html or .htm"),
        (["good.csv", "good.csv", "--json", "good.csv"], "must end in .json"),
    ],
)
def test_bad_input(run: Run, folder: Path, arguments: list[str], message: str) -> None:
    outcome = run("evaluate", *arguments)
    assert outcome.code == 2
    assert message in outcome.err
    assert outcome.out == ""


@pytest.mark.parametrize("place", [0, 1, 2])
def test_one_table_may_come_from_standard_input(
    run: Run, other: Path, monkeypatch: pytest.MonkeyPatch, place: int
) -> None:
    people(60, seed=3)[["age", "income", "label"]].to_csv("held.csv", index=False)
    names = ["real.csv", "other.csv", "held.csv"]
    expected = run("evaluate", names[0], names[1], "--holdout", names[2], "--json", "-")
    piped = io.TextIOWrapper(io.BytesIO(Path(names[place]).read_bytes()))
    monkeypatch.setattr("sys.stdin", piped)
    names[place] = "-"
    outcome = run("evaluate", names[0], names[1], "--holdout", names[2], "--json", "-", "--html", "p.html")
    assert outcome.code == 0, outcome.err
    found = [json.loads(one.out) | {"seconds": 0} for one in (expected, outcome)]
    assert found[0] == found[1]
    assert "standard input: 60 rows" in Path("p.html").read_text()


def test_standard_input_holds_one_table(run: Run, other: Path) -> None:
    outcome = run("evaluate", "-", "-")
    assert outcome.code == 2
    assert "REAL and SYNTHETIC are both standard input (-), which holds one table; name a file" in outcome.err


def test_a_folder_of_parts_is_one_table(run: Run, other: Path) -> None:
    Path("parts").mkdir()
    frame = pd.read_csv("other.csv")
    frame[:25].to_csv("parts/a.csv", index=False)
    frame[25:].to_csv("parts/b.csv", index=False)
    whole = run("evaluate", "real.csv", "other.csv", "--metric", "trend_error")
    assert run("evaluate", "real.csv", "parts", "--metric", "trend_error").out == whole.out
