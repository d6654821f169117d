"""Odd input that is no error: it goes through, and what is special about it comes back."""

from __future__ import annotations

import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from command_line import QUICK, Run, people

from gensynth.tables import read_table, write_table


def augmented(run: Run, folder: Path, frame: pd.DataFrame | str, *more: str, sep: str = ",") -> pd.DataFrame:
    """Write a CSV, augment it by a few rows, and return what was written, as text."""
    text = frame if isinstance(frame, str) else frame.to_csv(index=False)
    (folder / "odd.csv").write_text(text, newline="")
    outcome = run("augment", "odd.csv", "-o", "out.csv", "--rows", "20", *QUICK, *more)
    assert outcome.code == 0, outcome.err
    return pd.read_csv(folder / "out.csv", dtype=str, keep_default_na=False, sep=sep)


def new_rows(table: pd.DataFrame) -> pd.DataFrame:
    return table[table["_synthetic"] == "True"]


def test_mixed_types_in_a_column_are_categories(folder: Path, run: Run) -> None:
    frame = people().assign(size=["large", "3", "2.5", ""] * 30)
    made = new_rows(augmented(run, folder, frame))
    assert set(made["size"]) <= {"large", "3", "2.5", ""}


@pytest.mark.slow
def test_a_thousand_columns(folder: Path, run: Run) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(60, 1000)).round(2), columns=[f"c{i}" for i in range(1000)])
    table = augmented(run, folder, frame)
    assert table.shape == (80, 1001)


def test_all_values_missing(folder: Path, run: Run) -> None:
    frame = people().assign(nothing="NA")
    made = new_rows(augmented(run, folder, frame))
    assert set(made["nothing"]) == {"NA"}


def test_huge_integers(folder: Path, run: Run) -> None:
    big = 9_007_199_254_740_993  # 2**53 + 1: not a float
    frame = people().assign(account=[big, big + 2, 12] * 40)
    made = new_rows(augmented(run, folder, frame))
    assert set(made["account"]) <= {str(big), str(big + 2), "12"}


def test_integers_beyond_64_bits_are_text(folder: Path, run: Run) -> None:
    frame = people().assign(account=[str(10**30), str(10**30 + 1), "7"] * 40)
    made = new_rows(augmented(run, folder, frame))
    assert set(made["account"]) <= {str(10**30), str(10**30 + 1), "7"}


def test_codes_with_leading_zeros(folder: Path, run: Run) -> None:
    made = new_rows(augmented(run, folder, people().assign(code=["007", "010", "100"] * 40)))
    assert set(made["code"]) <= {"007", "010", "100"}


def test_dates_keep_their_pattern_and_range(folder: Path, run: Run) -> None:
    frame = people()
    made = new_rows(augmented(run, folder, frame))
    dates = pd.to_datetime(made["since"], format="%Y-%m-%d")
    assert dates.between(frame["since"].min(), frame["since"].max()).all()


def test_empty_column_name(folder: Path, run: Run) -> None:
    text = people().reset_index().rename(columns={"index": ""}).to_csv(index=False)
    (folder / "odd.csv").write_text(text)
    outcome = run("augment", "odd.csv", "--rows", "5", "-o", "out.csv", *QUICK)
    assert outcome.code == 0, outcome.err
    assert (folder / "out.csv").read_text().splitlines()[0] == text.splitlines()[0] + ",_synthetic"


def test_column_name_with_spaces_quotes_and_equals(folder: Path, run: Run) -> None:
    frame = people().rename(columns={"sex": 'a "b", c=d'})
    table = augmented(run, folder, frame, "--schema", 'a "b", c=d=categorical')
    assert 'a "b", c=d' in table.columns


@pytest.mark.parametrize("ending", ["\r\n", "\n"])
def test_byte_order_mark_semicolons_and_line_ends(folder: Path, run: Run, ending: str) -> None:
    text = "\ufeff" + people().to_csv(index=False, sep=";", lineterminator=ending)
    table = augmented(run, folder, text, sep=";")
    assert list(table.columns) == [*people().columns, "_synthetic"]
    assert len(table) == 140
    written = (folder / "out.csv").read_bytes()
    assert written.startswith(b"\xef\xbb\xbfage;")
    assert written.count(b"\r\n") == (141 if ending == "\r\n" else 0)


def test_cells_with_commas_quotes_and_line_breaks(folder: Path, run: Run) -> None:
    values = ["a,b", 'say "x"', "two\nlines"] * 40
    table = augmented(run, folder, people().assign(note=values))
    assert table["note"].head(120).tolist() == values
    assert set(new_rows(table)["note"]) <= set(values)


def test_short_rows_are_filled_up(folder: Path, run: Run) -> None:
    lines = people().to_csv(index=False).splitlines()
    lines[5] = ",".join(lines[5].split(",")[:3])
    table = augmented(run, folder, "\n".join(lines) + "\n")
    assert table[["member", "since", "label"]].iloc[4].tolist() == ["", "", ""]


def test_unseen_category_is_scored(folder: Path, run: Run) -> None:
    people().assign(sex="unheard of").to_csv("new.csv", index=False)
    assert run("score", "m.gensynth", "new.csv", "-o", "out.csv").code == 0
    assert run("score", "m.gensynth", "good.csv", "-o", "seen.csv").code == 0
    new, seen = pd.read_csv("out.csv")["score"], pd.read_csv("seen.csv")["score"]
    assert np.isfinite(new).all()
    assert new.mean() < seen.mean()


def test_columns_in_another_order_give_the_same_scores(folder: Path, run: Run) -> None:
    frame = people()
    frame[frame.columns[::-1]].to_csv("turned.csv", index=False)
    assert run("score", "m.gensynth", "turned.csv", "-o", "out.csv").code == 0
    assert run("score", "m.gensynth", "good.csv", "-o", "straight.csv").code == 0
    turned, straight = pd.read_csv("out.csv"), pd.read_csv("straight.csv")
    assert list(turned.columns) == [*frame.columns[::-1], "score"]
    assert turned["score"].tolist() == straight["score"].tolist()


def test_an_extra_column_is_left_out_with_a_note_and_kept_in_the_output(folder: Path, run: Run) -> None:
    people().assign(extra=1).to_csv("more.csv", index=False)
    outcome = run("score", "m.gensynth", "more.csv", "-o", "out.csv")
    assert outcome.code == 0
    assert "note:" in outcome.err
    assert "extra" in outcome.err
    assert list(pd.read_csv("out.csv").columns) == [*people().columns, "extra", "score"]


def test_missing_values_where_there_were_none_are_scored(folder: Path, run: Run) -> None:
    people().assign(age=np.nan).to_csv("gaps.csv", index=False)
    assert run("score", "m.gensynth", "gaps.csv", "-o", "out.csv").code == 0
    assert np.isfinite(pd.read_csv("out.csv")["score"]).all()


def test_identifier_is_noted_and_never_repeated(folder: Path, run: Run) -> None:
    frame = people().assign(key=[f"K-{i:05d}" for i in range(120)])
    (folder / "odd.csv").write_text(frame.to_csv(index=False))
    outcome = run(*shlex.split("augment odd.csv --rows 20 -o out.csv"), *QUICK)
    assert outcome.code == 0
    assert "note: column 'key'" in outcome.err
    made = new_rows(pd.read_csv("out.csv", dtype=str))
    assert made["key"].str.fullmatch(r"K-\d{5}").all()
    assert not set(made["key"]) & set(frame["key"])


def test_a_file_wins_over_a_data_set_of_its_name(folder: Path, run: Run) -> None:
    people().to_csv("wine", index=False)
    outcome = run("augment", "wine", "--rows", "5", "-o", "out.csv", *QUICK)
    assert outcome.code == 2
    assert "wine: unknown kind of file" in outcome.err


@pytest.mark.parametrize(
    ("ending", "cell"), [("csv", "a\rb"), ("csv.gz", "a\r\nb"), ("parquet", "a\rb"), ("parquet", "a\0b")]
)
def test_cells_with_control_characters_come_back(folder: Path, run: Run, ending: str, cell: str) -> None:
    values = [cell, "plain"] * 60
    write_table(people().assign(note=values), f"odd.{ending}")
    outcome = run("augment", f"odd.{ending}", "--rows", "20", "-o", f"out.{ending}", *QUICK)
    assert outcome.code == 0, outcome.err
    made = read_table(f"out.{ending}").frame
    assert made["note"].tolist()[:120] == values
    assert set(made["note"]) == {cell, "plain"}
    assert len(made) == 140


def test_nul_goes_into_no_csv_file(folder: Path, run: Run) -> None:
    write_table(people().assign(note=["plain", "a\0b"] * 60), "odd.parquet")
    outcome = run("augment", "odd.parquet", "--rows", "20", "-o", "out.csv", *QUICK)
    assert outcome.code == 2
    assert "column 'note', row 1" in outcome.err
    assert "NUL" in outcome.err
    assert not Path("out.csv").exists()
