"""``gensynth augment``."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from command_line import QUICK, Run, people


def test_balance_keeps_the_real_cells_byte_for_byte(folder: Path, run: Run) -> None:
    text = people().to_csv(index=False).replace("True", "TRUE").replace("False", "FALSE")
    (folder / "styled.csv").write_text(text)
    outcome = run("augment", "styled.csv", "--target", "label", "--balance", "-o", "out.csv", *QUICK)
    assert outcome.code == 0, outcome.err
    assert not outcome.out
    lines = (folder / "out.csv").read_text().splitlines()
    before = text.splitlines()
    assert lines[0] == before[0] + ",_synthetic"
    assert lines[1:121] == [line + ",False" for line in before[1:]]
    table = pd.read_csv("out.csv", dtype=str)
    assert table["label"].value_counts().to_dict() == {"no": 90, "yes": 90}
    assert set(table["member"]) == {"TRUE", "FALSE"}
    assert table["_synthetic"].tolist() == ["False"] * 120 + ["True"] * 60
    for word in ("before", "after", "yes", "30", "90", "fidelity", "equal a real row", "out.csv"):
        assert word in outcome.err


def test_dropped_copies_are_said(folder: Path, run: Run) -> None:
    few = people()[["sex", "label"]].assign(n=range(120))
    few["n"] = few["n"] % 9
    few.to_csv("few.csv", index=False)
    outcome = run("augment", "few.csv", "--drop-copies", "--rows", "30", "-o", "out.csv", *QUICK)
    assert outcome.code == 0, outcome.err
    assert "copies were drawn anew (--drop-copies): combinations that are common" in outcome.err


def test_parquet_keeps_values_and_dtypes(folder: Path, run: Run) -> None:
    frame = people().astype({"sex": "category", "age": "Int64"})
    frame.to_parquet("in.parquet")
    assert run("augment", "in.parquet", "--target", "label", "-o", "out.parquet", *QUICK).code == 0
    table = pd.read_parquet("out.parquet")
    assert len(table) == 240
    read = pd.read_parquet("in.parquet")
    pd.testing.assert_frame_equal(table.head(120).drop(columns="_synthetic"), read)
    assert table.dtypes.drop("_synthetic").equals(read.dtypes)


@pytest.mark.parametrize(
    ("more", "n"),
    [(["--rows", "7"], 7), (["--ratio", "0.25"], 30), (["--ratio", "auto"], 60), ([], 120), (["--balance"], 60)],
)
def test_only_synthetic(folder: Path, run: Run, more: list[str], n: int) -> None:
    options = ["--target", "label", "--only-synthetic", "-o", "out.csv.gz", *QUICK, *more]
    assert run("augment", "good.csv", *options).code == 0
    table = pd.read_csv("out.csv.gz")
    assert len(table) == n
    assert table["_synthetic"].all()


def test_same_seed_same_file(folder: Path, run: Run) -> None:
    for name in ("one.csv", "two.csv"):
        assert run("augment", "good.csv", "--rows", "20", "-o", name, *QUICK).code == 0
    assert Path("one.csv").read_bytes() == Path("two.csv").read_bytes()


def test_data_set_by_name_has_a_target(folder: Path, run: Run) -> None:
    assert run("augment", "wine", "--balance", "-o", "out.parquet", *QUICK).code == 0
    assert pd.read_parquet("out.parquet")["target"].value_counts().to_dict() == dict.fromkeys(
        ["class_0", "class_1", "class_2"], 71
    )


def test_what_the_new_rows_do_to_a_classifier_is_said(folder: Path, run: Run) -> None:
    options = ["--target", "label", "--balance", "-o", "out.csv", *QUICK]
    outcome = run("augment", "good.csv", *options)
    assert "checked on held-out real rows (gradient boosting, average precision of 'yes')" in outcome.err
    assert "checked" not in run("augment", "good.csv", "--no-check", *options).err


def test_summary_as_json(folder: Path, run: Run) -> None:
    outcome = run("augment", "good.csv", "--target", "label", "--balance", "-o", "out.csv", *QUICK, "--json", "-q")
    found = json.loads(outcome.out)
    assert outcome.err == ""
    assert (found["real_rows"], found["synthetic_rows"]) == (120, 60)
    assert found["classes_after"] == {"no": 90, "yes": 90}
    assert found["check"]["best"] in ("synthetic", "nothing", "weights", "oversampling", "smote")
    assert len(found["check"]["nothing"]) == 3


def test_a_model_is_chosen(folder: Path, run: Run) -> None:
    options = ["-m", "auto", "--set", "trainer.max_epochs=1", "--max-time", "30", "--seed", "0", "-o", "out.csv"]
    outcome = run("augment", "good.csv", "--target", "label", "--balance", *options, "--json")
    assert outcome.code == 0, outcome.err
    found = json.loads(outcome.out)
    assert found["choice"]["model"] in found["choice"]["distances"]
    assert found["choice"]["helps"] is (found["check"]["best"] == "synthetic")
    assert "was chosen of" in found["choice"]["text"]
    assert len(pd.read_csv("out.csv")) == 180


def test_nothing_to_add(folder: Path, run: Run) -> None:
    people().assign(label=["a", "b"] * 60).to_csv("even.csv", index=False)
    outcome = run("augment", "even.csv", "--target", "label", "--balance", "-m", "auto", "-o", "out.csv")
    assert outcome.code == 0, outcome.err
    assert "there was nothing to add, so nothing was trained" in outcome.err
    assert len(pd.read_csv("out.csv")) == 120


def test_a_model_that_is_chosen_has_no_settings_yet(folder: Path, run: Run) -> None:
    outcome = run("augment", "good.csv", "-m", "auto", "--set", "model.hidden=3", "-o", "out.csv")
    assert outcome.code == 2
    assert "--set model.hidden=3: --model auto chooses the model" in outcome.err
