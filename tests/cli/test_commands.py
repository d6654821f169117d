"""The commands on good input: what they write, and where."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from command_line import QUICK, Run, people

from gensynth import __version__, datasets
from gensynth.cli.paths import TABLE_ENDINGS
from gensynth.tables.files import ENDINGS


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
    ("more", "n"), [(["--rows", "7"], 7), (["--ratio", "0.25"], 30), ([], 120), (["--balance"], 60)]
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


def test_an_existing_output_is_replaced_and_a_link_stays_one(folder: Path, run: Run) -> None:
    Path("old.csv").write_text("old")
    Path("to_old.csv").symlink_to("old.csv")
    assert run("sample", "m.gensynth", "-n", "5", "-o", "to_old.csv").code == 0
    assert Path("to_old.csv").is_symlink()
    assert len(pd.read_csv("old.csv")) == 5


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


def test_sample_within_bounds(folder: Path, run: Run) -> None:
    bounds = ["--where", "age>=30", "--where", "age < 40", "--where", "since >= 2021-01-01", "--where", "sex!=F"]
    assert run("sample", "m.gensynth", "-n", "60", *bounds, "--seed", "1", "-o", "s.csv").code == 0
    table = pd.read_csv("s.csv", parse_dates=["since"])
    assert table["age"].between(30, 39).all()
    assert table["age"].nunique() > 3
    assert (table["since"] >= "2021-01-01").all()
    assert set(table["sex"]) == {"M"}


def test_names_and_values_may_hold_operators(folder: Path, run: Run) -> None:
    rng = np.random.default_rng(0)
    odd = pd.DataFrame(
        {"a": rng.normal(size=60), "a>b": rng.choice([">50K", "<=50K", "=x"], 60), "a>": rng.normal(size=60)}
    )
    odd.to_csv("odd.csv", index=False)
    assert run("fit", "odd.csv", "-o", "odd.gensynth", *QUICK).code == 0
    for text, column, wanted in (
        ("a>b=>50K", "a>b", [">50K"]), ("a>b=<=50K", "a>b", ["<=50K"]), ("a>b==x", "a>b", ["=x"]),
        ("a>b!=>50K", "a>b", ["<=50K", "=x"]),
    ):  # fmt: skip
        assert run("sample", "odd.gensynth", "-n", "40", "--where", text, "-o", "s.csv").code == 0
        assert sorted(set(pd.read_csv("s.csv")[column])) == wanted
    assert run("sample", "odd.gensynth", "-n", "40", "--where", "a>>0.5", "-o", "s.csv").code == 0
    assert (pd.read_csv("s.csv")["a>"] > 0.5).all()


def test_score_adds_one_column(folder: Path, run: Run) -> None:
    outcome = run("score", "m.gensynth", "good.csv", "-o", "out.csv")
    assert outcome.code == 0
    lines = Path("out.csv").read_text().splitlines()
    before = Path("good.csv").read_text().splitlines()
    assert [line.rpartition(",")[0] for line in lines] == before
    scores = pd.read_csv("out.csv")["score"]
    assert np.isfinite(scores).all()
    people().assign(income=1e9).to_csv("odd.csv", index=False)
    assert run("score", "m.gensynth", "odd.csv", "-o", "odd_scores.csv").code == 0
    assert pd.read_csv("odd_scores.csv")["score"].mean() < scores.mean()


def test_set_reaches_model_and_trainer(folder: Path, run: Run) -> None:
    from gensynth import load

    more = ["-m", "vae", "--set", "model.latent_dim=3", "--set", "model.hidden=8,8", "--set", "model.dropout=none"]
    assert run("fit", "good.csv", "-o", "new.gensynth", *more, "--set", "trainer.max_epochs=2").code == 0
    fitted = load("new.gensynth")
    assert (fitted.recipe_.latent_dim, fitted.recipe_.hidden, fitted.recipe_.dropout) == (3, (8, 8), None)
    assert fitted.trainer.max_epochs == 2


def test_models(run: Run) -> None:
    table = run("models")
    assert table.code == 0
    assert {"vae", "vlae", "gan"} <= {line.split()[0] for line in table.out.splitlines()}
    rows = json.loads(run("models", "--json").out)
    vae = next(row for row in rows if row["name"] == "vae")
    assert vae["distribution"] == "gensynth"
    assert "conditional" in vae["capabilities"]


def test_plugins(run: Run) -> None:
    outcome = run("plugins")
    assert outcome.code == 0
    assert "gensynth_vae" in outcome.out
    rows = json.loads(run("plugins", "--json").out)
    assert all(row["loaded"] for row in rows if row["distribution"] == "gensynth")


def test_datasets(folder: Path, run: Run) -> None:
    listed = run("datasets", "list").out
    assert all(name in listed for name in datasets.cards())
    assert {row["name"] for row in json.loads(run("datasets", "list", "--json").out)} == set(datasets.cards())
    shown = run("datasets", "show", "simulated-claims").out
    assert "licence: CC0-1.0" in shown
    assert "fraud" in shown
    assert run("datasets", "fetch", "wine").code == 0
    frame, _ = datasets.load("wine")
    pd.testing.assert_frame_equal(pd.read_csv("wine.csv"), frame, check_dtype=False)


def test_version(run: Run) -> None:
    assert run("--version").out == f"gensynth {__version__}\n"


def test_no_arguments_show_the_help(run: Run) -> None:
    outcome = run()
    assert outcome.code == 2
    assert "augment" in outcome.out + outcome.err


def test_endings_are_those_of_tables() -> None:
    assert TABLE_ENDINGS == ENDINGS
