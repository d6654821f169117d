"""The consumers of docs/onnx.md are those in the tree, and give the scores that gensynth gives."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import warnings

import numpy as np
import onnx
import pandas as pd
import pytest
from environments import ROOT
from toy_models import Toy

from gensynth import Synthesizer, Trainer

EXAMPLES = ROOT / "docs" / "examples" / "onnx"
SPARK = ROOT / "docs" / "examples" / "spark" / "score_rows.py"


def test_the_page_shows_the_examples():
    page = (ROOT / "docs" / "onnx.md").read_text("utf-8")
    for path in (EXAMPLES / "score_csv.py", EXAMPLES / "score.cjs", SPARK):
        assert path.read_text("utf-8") in page


@pytest.fixture
def exported(tmp_path):
    """Return a folder with a scorer, rows and their scores."""
    rng = np.random.default_rng(0)
    n = 40
    rows = pd.DataFrame(
        {
            "size": np.where(rng.random(n) < 0.2, np.nan, rng.normal(size=n).round(3)),
            "visits": rng.integers(0, 9, n),
            "sex": pd.Series(rng.choice(["F", "M"], n)).mask(rng.random(n) < 0.2),
            "member": rng.random(n) < 0.5,
            "since": pd.Series(pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, n), unit="h")),
        }
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = Synthesizer(Toy(), trainer=Trainer(max_epochs=1, progress=False), random_state=0).fit(rows)
    fitted.to_onnx(tmp_path / "scorer.onnx", check=0)
    rows.loc[3, "sex"] = "X"
    rows.to_csv(tmp_path / "rows.csv", index=False)
    rows.to_json(tmp_path / "rows.json", orient="records", date_format="iso")
    properties = {p.key: json.loads(p.value) for p in onnx.load(tmp_path / "scorer.onnx").metadata_props}
    (tmp_path / "properties.json").write_text(json.dumps(properties))
    return tmp_path, fitted.score_samples(rows)


def test_onnxruntime_and_numpy(exported):
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    folder, wanted = exported
    command = [sys.executable, str(EXAMPLES / "score_csv.py"), "scorer.onnx", "rows.csv"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=100, check=True)
    np.testing.assert_allclose([float(line) for line in done.stdout.split()], wanted, rtol=1e-8)


def test_node(exported):
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    folder, wanted = exported
    command = [node, str(EXAMPLES / "score.cjs"), "scorer.onnx", "rows.json", "properties.json"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=100, check=False)
    if "Cannot find module 'onnxruntime-node'" in done.stderr:
        pytest.skip("onnxruntime-node is not installed where node looks for it (NODE_PATH)")
    assert done.returncode == 0, done.stderr
    np.testing.assert_allclose(json.loads(done.stdout), wanted, rtol=1e-8)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_spark(exported):
    pytest.importorskip("pyspark", reason="pyspark is not installed")
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java, which is not installed")
    folder, wanted = exported
    rows = pd.read_csv(folder / "rows.csv", parse_dates=["since"]).astype({"since": "datetime64[us]"})
    rows.to_parquet(folder / "rows.parquet", index=False)
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(sys.path),
        "PYSPARK_PYTHON": sys.executable,
        "SPARK_LOCAL_IP": "127.0.0.1",
        "PYSPARK_SUBMIT_ARGS": "--master local[1] --conf spark.ui.enabled=false pyspark-shell",
    }
    command = [sys.executable, str(SPARK), "scorer.onnx", "rows.parquet", "scored.parquet"]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=280, check=False
    )
    assert done.returncode == 0, done.stderr
    scored = pd.read_parquet(folder / "scored.parquet")
    assert list(scored.columns) == [*rows.columns, "score"]
    np.testing.assert_allclose(scored["score"], wanted, rtol=1e-8)
