"""Exported scorers of toy models: parity, metadata, what is refused, what is written."""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass

import numpy as np
import onnx
import pandas as pd
import pytest
import torch
from toy_models import Toy, ToyModel

from gensynth import AnomalyDetector, Synthesizer, Trainer
from gensynth.errors import CapabilityError, DataError, ExportError, ModelFileError, OptionError
from gensynth.export.rounding import Rounding
from gensynth.export.runtime import OnnxScorer, Session
from gensynth.export.tails import combined_score
from gensynth.model import Score

TRAINER = Trainer(max_epochs=1, progress=False)


def rows(n=120, seed=0):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "score": np.where(rng.random(n) < 0.1, np.nan, rng.normal(size=n)),
            "sex": rng.choice(np.array(["F", "M", None], dtype=object), n),
            "member": rng.random(n) < 0.5,
            "visits": rng.poisson(3, n),
            "since": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, n), unit="D"),
            "key": [f"person{i:05d}@mail.com" for i in range(n)],
        }
    )


def strange(frame):
    out = frame.copy()
    out.loc[0, "sex"] = "X"
    out.loc[1, "score"] = 1e300
    out.loc[2, "since"] = pd.NaT
    out.loc[3, "visits"] = 10**9
    return out


@pytest.fixture(scope="module")
def synthesizer():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Synthesizer(Toy(), trainer=TRAINER, random_state=0).fit(rows())


@pytest.fixture(scope="module")
def detector():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return AnomalyDetector(Toy(), n_estimators=2, trainer=TRAINER, random_state=0).fit(rows(300))


def test_a_synthesizer(synthesizer, tmp_path):
    checked = synthesizer.to_onnx(tmp_path / "s.onnx", check=200)["scorer"]
    assert checked.rows == 200
    assert checked.difference < 1e-8
    scorer = OnnxScorer.load(tmp_path / "s.onnx")
    found = scorer.score(strange(rows(60, 1)))
    assert list(found) == ["score"]
    np.testing.assert_allclose(found["score"], synthesizer.score_samples(strange(rows(60, 1))), rtol=1e-8)
    half = synthesizer.to_onnx(tmp_path / "half.onnx", method="half", check=50)["scorer"]
    assert half.difference < 1e-8
    np.testing.assert_allclose(
        OnnxScorer.load(tmp_path / "half.onnx").score(rows(9))["score"] * 2, scorer.score(rows(9))["score"], rtol=1e-12
    )


def test_a_detector(detector, tmp_path):
    detector.to_onnx(tmp_path / "d.onnx", check=200)
    found = OnnxScorer.load(tmp_path / "d.onnx").score(strange(rows(200, 1)))
    new = strange(rows(200, 1))
    np.testing.assert_allclose(found["score"], detector.score_samples(new), rtol=1e-7, atol=1e-9)
    np.testing.assert_array_equal(found["p_value"], detector.p_values(new))
    np.testing.assert_array_equal(found["label"], detector.predict(new))
    assert set(found["label"]) == {-1, 1}


def test_the_graph_stands_alone(detector, tmp_path):
    """Raw columns in, one input each, any number of rows; the metadata says what they are."""
    detector.to_onnx(tmp_path / "d.onnx", check=0)
    model = onnx.load(tmp_path / "d.onnx")
    onnx.checker.check_model(model, full_check=True)
    told = {entry.key: json.loads(entry.value) for entry in model.metadata_props}
    ports = {port["name"]: port for port in told["gensynth.inputs"]}
    assert {name: (port["column"], port["type"]) for name, port in ports.items()} == {
        "score_": ("score", "double"),
        "sex": ("sex", "string"),
        "member": ("member", "bool"),
        "visits": ("visits", "int64"),
        "since": ("since", "int64"),
    }
    assert told["gensynth.sign"] == "higher = more normal"
    assert told["gensynth.threshold"] == detector.offset_
    assert told["gensynth.missing_text"] == ports["sex"]["missing"] == "<missing>"
    assert ports["since"]["unit"] == "us"
    assert told["gensynth.graph"] == "scorer"
    new = rows(5, 3)
    feeds = {
        "score_": new[["score"]].to_numpy(),
        "sex": new[["sex"]].fillna("<missing>").to_numpy(dtype=object),
        "member": new[["member"]].to_numpy(),
        "visits": new[["visits"]].to_numpy(),
        "since": new[["since"]].to_numpy().astype("M8[us]").astype(np.int64),
    }
    for n in (1, 2, 5):
        found = Session(model, "reference").run({name: array[:n] for name, array in feeds.items()})
        np.testing.assert_allclose(found["score"], detector.score_samples(new)[:n], rtol=1e-7)


def test_both_runtimes_agree(detector, tmp_path):
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    detector.to_onnx(tmp_path / "d.onnx", check=0)
    scorer = OnnxScorer.load(tmp_path / "d.onnx")
    scores = {}
    for runtime in ("onnxruntime", "reference"):
        scorer.session = Session(onnx.load(tmp_path / "d.onnx"), runtime)
        scores[runtime] = scorer.score(strange(rows(50)))["score"]
    np.testing.assert_allclose(scores["onnxruntime"], scores["reference"], rtol=1e-10)


class Deciding(ToyModel):
    def score(self, batch, method=None, *, attribute=False):
        values = self.log_likelihood(batch)
        return Score(values if float(values.mean()) < 0 else -values)


class Noisy(ToyModel):
    def score(self, batch, method=None, *, attribute=False):
        return Score(self.log_likelihood(batch) + 0.0 * torch.rand(len(batch)))


@dataclass(eq=False)
class Odd(Toy):
    model: type = Deciding

    def build(self, layout):
        return self.model(layout, self.width, self.dropout, self.two_stages)

    def to_json(self):
        return {}


@pytest.mark.parametrize(("model", "words"), [(Deciding, "looks at values"), (Noisy, "draws random numbers")])
def test_a_family_that_is_no_graph_says_so_and_writes_nothing(model, words, tmp_path):
    fitted = Synthesizer(Odd(model=model), trainer=TRAINER, random_state=0).fit(rows()[["visits", "member"]])
    with pytest.raises(CapabilityError, match=f"Odd cannot be exported: it {words}"):
        fitted.to_onnx(tmp_path / "s.onnx")
    assert not list(tmp_path.iterdir())


def test_a_graph_that_differs_is_not_written(synthesizer, tmp_path, monkeypatch):
    monkeypatch.setattr(Rounding, "differences", lambda _, found, wanted: np.full(len(wanted), 2e-5))
    with pytest.raises(ExportError, match="differs from the model by 2e-05"):
        synthesizer.to_onnx(tmp_path / "s.onnx", check=20)
    assert not list(tmp_path.iterdir())


def test_the_check_compares(synthesizer, tmp_path, monkeypatch):
    """A wrong scale of the scores in the graph is found."""
    monkeypatch.setattr("gensynth.export.scorer.row_scores", lambda _, batch: batch.numeric.sum(1))
    with pytest.raises(ExportError, match="nothing was written"):
        synthesizer.to_onnx(tmp_path / "s.onnx", check=20)


def test_a_detector_may_differ_by_less_than_what_ties_are_told_by(detector, tmp_path, monkeypatch):
    monkeypatch.setattr("gensynth.export.scores.combined_score", lambda *args: combined_score(*args) * (1.0 + 3e-7))
    with pytest.raises(ExportError, match="for p-values and labels at most 1e-07 is allowed; nothing was written"):
        detector.to_onnx(tmp_path / "d.onnx", check=50)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("bad", [-1, 2.5, True])
def test_rows_of_the_check(synthesizer, tmp_path, bad):
    with pytest.raises(OptionError, match="expected a number of rows"):
        synthesizer.to_onnx(tmp_path / "s.onnx", check=bad)


def test_bad_files_and_tables(synthesizer, tmp_path):
    (tmp_path / "no.onnx").write_bytes(b"nothing of the kind")
    with pytest.raises(ModelFileError, match="no ONNX file"):
        OnnxScorer.load(tmp_path / "no.onnx")
    empty = onnx.helper.make_model(onnx.helper.make_graph([], "empty", [], []))
    onnx.save(empty, tmp_path / "empty.onnx")
    with pytest.raises(ModelFileError, match="lacks the metadata"):
        OnnxScorer.load(tmp_path / "empty.onnx")
    synthesizer.to_onnx(tmp_path / "s.onnx", check=0)
    scorer = OnnxScorer.load(tmp_path / "s.onnx")
    with pytest.raises(DataError, match="lacks the column 'sex'"):
        scorer.score(rows(3).drop(columns="sex"))
    with pytest.raises(DataError, match="column 'visits', row 0: 'many' is not a number"):
        scorer.score(rows(3).assign(visits="many"))
