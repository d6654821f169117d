"""Real tables, dirty on purpose, through every command with no option but the target."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from command_line import Run
from data_dirs import shared_data

TARGETS = {
    "aid362.csv.gz": "Outcome",
    "chicago_taxi.csv": "payment_type",
    "cmc.csv.gz": "class_numberofchildren",
    "googleplaystore.csv": "Type",
    "horse_colic.csv": "outcome",
    "hypothyroid.csv": "class",
    "insurance.csv": "smoker",
    "nyc_weather.csv": "origin",
    "penguins.csv": "species",
    "solar_flare.csv.gz": "class",
    "stroke.csv": "stroke",
}
QUICKLY = ["--max-time", "1", "--seed", "0"]


def read(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, dtype=str, keep_default_na=False)


@pytest.mark.slow
@pytest.mark.parametrize("name", TARGETS)
def test_raw_table_goes_through_everything(name: str, tmp_path: Path, run: Run) -> None:
    data = shared_data() / "raw" / name
    if not data.is_file():
        pytest.skip(f"{data} is missing")
    real = read(data)
    model, out = tmp_path / "m.gensynth", tmp_path / "out.csv"

    def done(*arguments: str | Path) -> None:
        outcome = run(*map(str, arguments))
        assert outcome.code == 0, outcome.err

    done("fit", data, "-o", model, "--target", TARGETS[name], *QUICKLY)
    done("sample", model, "-n", "200", "-o", tmp_path / "s.csv", "--seed", "1")
    sampled = read(tmp_path / "s.csv")
    assert list(sampled.columns) == list(real.columns)
    assert len(sampled) == 200
    value = real[TARGETS[name]].iloc[0]
    done("sample", model, "-n", "50", "--where", f"{TARGETS[name]}={value}", "-o", tmp_path / "w.csv", "--seed", "1")
    assert set(read(tmp_path / "w.csv")[TARGETS[name]]) == {value}

    part = tmp_path / "part.csv"  # enough rows to meet every kind of cell; scoring them all would take minutes
    real.iloc[:: max(1, len(real) // 1000)].to_csv(part, index=False)
    done("score", model, part, "-o", out)
    scored = read(out)
    assert np.isfinite(scored["score"].astype(float)).all()
    pd.testing.assert_frame_equal(scored.drop(columns="score"), read(part))

    done("augment", data, "--target", TARGETS[name], "-o", out, *QUICKLY)
    table = read(out)
    assert (table["_synthetic"] == "True").sum() == len(real)
    pd.testing.assert_frame_equal(table.drop(columns="_synthetic").head(len(real)), real)


@pytest.mark.slow
def test_adult_balanced(tmp_path: Path, run: Run) -> None:
    data = shared_data() / "tabular" / "adult" / "train.parquet"
    if not data.is_file():
        pytest.skip(f"{data} is missing")
    out = tmp_path / "out.parquet"
    outcome = run("augment", str(data), "--target", "income", "--balance", "-o", str(out), *QUICKLY)
    assert outcome.code == 0, outcome.err
    real, table = pd.read_parquet(data), pd.read_parquet(out)
    pd.testing.assert_frame_equal(table.drop(columns="_synthetic").head(len(real)), real)
    counts = table["income"].value_counts().tolist()
    assert counts == [max(counts)] * 2
    assert table["_synthetic"].sum() == len(table) - len(real)
