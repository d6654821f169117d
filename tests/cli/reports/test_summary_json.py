"""Summaries as JSON, and commands that say nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
from command_line import QUICK, QUICK_DETECTOR, Run

from gensynth.cli.reports.summary_json import detection_facts
from gensynth.report.anomalies import Findings


def test_fit(folder: Path, run: Run) -> None:
    outcome = run("fit", "good.csv", "-o", "x.gensynth", *QUICK, "--json", "--quiet")
    found = json.loads(outcome.out)
    assert outcome.err == ""
    assert (found["written"], found["rows"], found["epochs"]) == (["x.gensynth"], 120, 1)
    assert found["columns"]["since"] == "datetime"
    assert run("fit", "good.csv", "-o", "x.gensynth", *QUICK).out == ""


def test_detect(folder: Path, run: Run) -> None:
    arguments = ["detect", "good.csv", "-o", "x.csv", *QUICK_DETECTOR, "--contamination", "0.05"]
    found = json.loads(run(*arguments, "--json").out)
    assert (found["rows"], found["anomalies"]) == (120, 6)
    assert len(found["most_anomalous"]) == 6
    assert found["most_anomalous"][0]["reason"]
    scores = [row["score"] for row in found["most_anomalous"]]
    assert scores == sorted(scores)
    outcome = run(*arguments, "--quiet")
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "")


def test_quiet_commands_say_errors_only(folder: Path, run: Run) -> None:
    for arguments in (["sample", "m.gensynth", "-o", "x.csv"], ["score", "m.gensynth", "good.csv", "-o", "x.csv"]):
        outcome = run(*arguments, "--quiet")
        assert (outcome.code, outcome.out, outcome.err) == (0, "", "")
        assert run(*arguments).err, "the next command speaks again"
    outcome = run("sample", "none.gensynth", "-o", "x.csv", "-q")
    assert outcome.code == 2
    assert outcome.err.startswith("error:")


def test_anomalous_images_are_named_by_their_files() -> None:
    scores = np.array([-3.0, 1.0])
    found = Findings(
        scores, np.array([0.1, 0.9]), scores < 0, 0.0, np.array([0]), ["image is unusual"], pd.DataFrame(),
        pd.DataFrame(),
        listed=1,
    )  # fmt: skip
    assert detection_facts(found, ["x.csv"], 1.0, ("a.png", "b.png"))["most_anomalous"][0]["file"] == "a.png"
    assert "file" not in detection_facts(found, ["x.csv"], 1.0)["most_anomalous"][0]
