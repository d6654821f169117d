"""The metrics beside an independent judge's, on the same files."""

from __future__ import annotations

import importlib.util
import json

import pandas as pd
import pytest
from data_dirs import shared_data

from gensynth.metrics import copies, detection_auc, fidelity, memorisation, utility


def test_shared_metrics_agree_with_the_judge():
    pytest.importorskip("xgboost", reason="the judge's classifiers are XGBoost's")
    data = shared_data()
    path = data.parent / "bench" / "table_judge.py"
    if not path.is_file():
        pytest.skip(f"no judge in {path}")
    spec = importlib.util.spec_from_file_location("table_judge", path)
    assert spec is not None
    assert spec.loader is not None
    judge = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(judge)
    folder = data / "tabular" / "telco_churn"
    train, test = (pd.read_parquet(folder / f"{name}.parquet") for name in ("train", "test"))
    target = json.loads((folder / "meta.json").read_text())["target"]
    rows = train.sample(len(train), replace=True, random_state=0).reset_index(drop=True)
    other = train.sample(len(train), random_state=1).reset_index(drop=True)
    # rows of a middling generator: a third of the columns come from other rows
    mixed = pd.DataFrame({c: (rows if i % 3 else other)[c] for i, c in enumerate(train)})
    wanted = judge.score(train, test, mixed, target)
    found = fidelity(train, mixed)
    assert found.shape_error == pytest.approx(wanted["shape_error"], abs=1e-9)
    assert found.trend_error == pytest.approx(wanted["trend_error"], abs=1e-9)
    assert detection_auc(train, mixed) == pytest.approx(wanted["detection_auc"], abs=0.01)
    assert utility(train, test, target) == pytest.approx(wanted["trtr"], abs=0.01)
    assert utility(mixed, test, target) == pytest.approx(wanted["tstr"], abs=0.01)
    assert memorisation(train, test, mixed).dcr_share == pytest.approx(wanted["dcr_share"], abs=0.01)
    assert copies(train, mixed).mean() == pytest.approx(wanted["exact"], abs=0.01)
