"""Every family is exported: scorer, sampler and detector give what Python gives."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from related_tables import CITIES

from gensynth import AnomalyDetector, Synthesizer, Trainer
from gensynth.export.check import MAX_FLIPS
from gensynth.export.rounding import MAX_DIFFERENCE
from gensynth.export.runtime import OnnxScorer
from gensynth.registry import default_registry

MODELS = [entry.spec.name for entry in default_registry().models() if entry.distribution == "gensynth"]
TRAINER = Trainer(max_epochs=1, batch_size=128, progress=False)


def rows(n: int, seed: int = 0) -> pd.DataFrame:
    """Return rows with every type of column, a relation, a sum, missing cells and an identifier."""
    rng = np.random.default_rng(seed)
    city = rng.choice(list(CITIES), n)
    net = np.round(rng.lognormal(3, 1, n), 2)
    return pd.DataFrame(
        {
            "size": np.where(rng.random(n) < 0.1, np.nan, rng.normal(size=n)),
            "visits": rng.poisson(4, n),
            "member": rng.random(n) < 0.3,
            "city": city,
            "country": [CITIES[c] for c in city],
            "grade": pd.Series(rng.choice(list("ABC"), n)).mask(rng.random(n) < 0.1),
            "net": net,
            "paid": np.where(rng.random(n) < 0.5, net, np.round(rng.lognormal(3, 1, n), 2)),
            "since": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, n), unit="D"),
            "key": [f"person{i:06d}@mail.com" for i in range(n)],
        }
    )


def strange(frame: pd.DataFrame, seed: int = 1) -> pd.DataFrame:
    """Return the rows, some cells missing, far out or never seen."""
    rng = np.random.default_rng(seed)
    out = frame.copy()
    far: dict[str, Any] = {"size": 1e300, "visits": 10**9, "city": "Atlantis", "grade": "Z", "net": -1e12}
    for name, value in far.items():
        out[name] = out[name].mask(rng.random(len(out)) < 0.05, value)
    for name in ("size", "city", "paid", "since"):
        out[name] = out[name].mask(rng.random(len(out)) < 0.05)
    return out


def assert_parity(model, n, folder):
    first = ["city"] if "conditional-on-fitted" in default_registry().recipe(model).capabilities else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        synthesizer = Synthesizer(model, trainer=TRAINER, condition_on=first, random_state=0).fit(rows(160))
        detector = AnomalyDetector(model, n_estimators=2, trainer=TRAINER, random_state=0).fit(rows(160))
        new, check = strange(rows(n, 2)), min(n, 10_000)
        found = synthesizer.to_onnx(folder / "s.onnx", folder / "sampler.onnx", check=check)
        assert found["scorer"].difference <= MAX_DIFFERENCE
        assert found["sampler"].difference <= max(MAX_FLIPS, 1 / (9 * check))
        assert detector.to_onnx(folder / "d.onnx", check=check).difference <= MAX_DIFFERENCE
        scores = OnnxScorer.load(folder / "d.onnx").score(new)
        analysis = detector.analyse(new)
        np.testing.assert_allclose(scores["score"], analysis.scores, rtol=1e-6, atol=1e-8)
        assert np.mean(scores["p_value"] != analysis.p_values) <= 1e-4
        assert np.mean((scores["label"] < 0) != (analysis.scores < detector.offset_)) <= 1e-4
        own = OnnxScorer.load(folder / "s.onnx").score(new)["score"]
        np.testing.assert_allclose(own, synthesizer.score_samples(new), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("model", MODELS)
def test_every_family(model, tmp_path):
    assert_parity(model, 200, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
def test_every_family_over_many_rows(model, tmp_path):
    assert_parity(model, 100_000, tmp_path)
