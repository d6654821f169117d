"""``gensynth sample``."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from command_line import QUICK, Run


def test_an_existing_output_is_replaced_and_a_link_stays_one(folder: Path, run: Run) -> None:
    Path("old.csv").write_text("old")
    Path("to_old.csv").symlink_to("old.csv")
    assert run("sample", "m.gensynth", "-n", "5", "-o", "to_old.csv").code == 0
    assert Path("to_old.csv").is_symlink()
    assert len(pd.read_csv("old.csv")) == 5


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


def test_given_cells_that_a_model_cannot_take(folder: Path, run: Run) -> None:
    assert run("fit", "good.csv", "-o", "gan.gensynth", "-m", "cgan", "--set", "trainer.max_epochs=1").code == 0
    outcome = run("sample", "gan.gensynth", "--where", "sex=F", "-o", "s.csv")
    assert outcome.code == 2
    for words in ("fitted without conditions", "--condition-on sex", "models that can: ", "vlae"):
        assert words in outcome.err
    assert not Path("s.csv").exists()
