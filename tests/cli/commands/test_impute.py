"""``gensynth impute``: gaps are filled, and the rest of the file stays as it was."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from command_line import Run, people


def _with_gaps(text: str) -> tuple[str, set[tuple[int, int]]]:
    """Blank out cells of age, sex and member; every third row, so that most rows stay whole."""
    lines = [line.split(",") for line in text.splitlines()]
    gaps = {(i, i % 4 if i % 4 != 1 else 2) for i in range(3, len(lines), 3)}
    for i, j in gaps:
        lines[i][j] = ""
    return "".join(",".join(line) + "\n" for line in lines), gaps


def test_csv_keeps_every_cell_that_was_there(folder: Path, run: Run) -> None:
    text = people().to_csv(index=False).replace("True", "TRUE").replace("False", "FALSE")
    gappy, gaps = _with_gaps(text)
    Path("gappy.csv").write_text(gappy)
    outcome = run("impute", "m.gensynth", "gappy.csv", "-o", "out.csv", "--seed", "3")
    assert outcome.code == 0, outcome.err
    assert f"{len(gaps)} missing cells of 120 rows filled" in outcome.err
    before = [line.split(",") for line in gappy.splitlines()]
    after = [line.split(",") for line in Path("out.csv").read_text().splitlines()]
    assert len(after) == len(before)
    changed = {(i, j) for i, row in enumerate(after) for j, cell in enumerate(row) if cell != before[i][j]}
    assert changed == gaps
    filled = pd.read_csv("out.csv", dtype=str)
    assert not filled.isna().any().any()
    assert filled["age"].str.fullmatch(r"\d+").all()
    assert set(filled["sex"]) == {"F", "M"}
    assert set(filled["member"]) == {"TRUE", "FALSE"}


def test_seed_and_formats(folder: Path, run: Run) -> None:
    frame = people()
    frame.loc[::2, "sex"] = None
    frame.to_parquet("in.parquet")
    for name, seed in (("one.parquet", "1"), ("same.parquet", "1"), ("other.csv.gz", "2")):
        assert run("impute", "m.gensynth", "in.parquet", "-o", name, "--seed", seed).code == 0
    assert Path("one.parquet").read_bytes() == Path("same.parquet").read_bytes()
    one, other = pd.read_parquet("one.parquet"), pd.read_csv("other.csv.gz")
    assert (one["sex"] != other["sex"]).any()
    pd.testing.assert_frame_equal(one.drop(columns="sex"), frame.drop(columns="sex"), check_dtype=False)


def test_a_whole_table_comes_back_byte_for_byte(folder: Path, run: Run) -> None:
    assert run("impute", "m.gensynth", "good.csv", "-o", "out.csv").code == 0
    assert Path("out.csv").read_bytes() == Path("good.csv").read_bytes()


def test_a_family_that_cannot_says_which_can(folder: Path, run: Run) -> None:
    fit = ["fit", "good.csv", "-o", "gan.gensynth", "-m", "gan", "--set", "trainer.max_epochs=1"]
    assert run(*fit).code == 0
    gappy, _ = _with_gaps(people().to_csv(index=False))
    Path("gappy.csv").write_text(gappy)
    outcome = run("impute", "gan.gensynth", "gappy.csv", "-o", "out.csv")
    assert outcome.code == 2
    assert "vlae" in outcome.err
    assert not Path("out.csv").exists()


@pytest.mark.parametrize("ending", [".txt", ""])
def test_output_needs_an_ending(folder: Path, run: Run, ending: str) -> None:
    assert run("impute", "m.gensynth", "good.csv", "-o", f"out{ending}").code == 2
