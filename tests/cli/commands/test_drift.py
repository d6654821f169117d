"""``gensynth drift``."""

from __future__ import annotations

import json

from command_line import Run, people


def test_the_columns_that_moved_are_in_the_table(folder, run: Run) -> None:
    people(600, seed=6).assign(age=40, label="yes").to_csv("new.csv", index=False)
    people(600).to_csv("old.csv", index=False)
    outcome = run("drift", "old.csv", "new.csv")
    assert outcome.code == 0
    lines = {line.split("  ")[0]: line for line in outcome.out.splitlines()}
    assert list(lines) == ["column", "age", "income", "sex", "member", "since", "label", "(rows as a whole)"]
    assert [name for name, line in lines.items() if line.endswith("moved")] == ["age", "label"]
    assert "distributions that moved: " in outcome.err


def test_json_and_large_tables(folder, run: Run) -> None:
    people(600, seed=5).to_parquet("new.parquet")
    outcome = run("drift", "good.csv", "new.parquet", "--json", "--rows", "100")
    assert outcome.code == 0
    state = json.loads(outcome.out)
    assert [c["column"] for c in state["columns"]] == list(people().columns)
    assert not any(c["moved"] for c in state["columns"])
    assert 0 < state["table"]["p_value"] <= 1


def test_tables_that_cannot_be_compared(folder, run: Run) -> None:
    outcome = run("drift", "good.csv", "no_sex.csv")
    assert outcome.code == 2
    assert "lacks the column 'sex'" in outcome.err
    outcome = run("drift", "good.csv", "text_age.csv")
    assert outcome.code == 2
    assert "'old' is not a number" in outcome.err
