"""Exported samplers of toy models: the same rows of the same noise, metadata, what is refused."""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import onnx
import pytest
from export_tables import related
from toy_models import Toy, ToyModel

from gensynth import AnomalyDetector, Synthesizer, Trainer
from gensynth.errors import CapabilityError, ExportError, OptionError
from gensynth.export import check
from gensynth.export.runtime import Session
from gensynth.export.sampler import SamplerPlan

TRAINER = Trainer(max_epochs=1, progress=False)


@pytest.fixture(scope="module")
def table():
    frame = related()[["city", "country", "start", "end", "quantity", "price", "one", "two"]]
    frame["key"] = [f"person{i:05d}@mail.com" for i in range(len(frame))]
    frame["flag"] = np.arange(len(frame)) % 3 == 0
    frame["always"] = 1
    return frame


@pytest.fixture(scope="module")
def synthesizer(table):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Synthesizer(Toy(), trainer=TRAINER, random_state=0).fit(table)


def told_by(path):
    return {entry.key: json.loads(entry.value) for entry in onnx.load(path).metadata_props}


def test_rows_of_noise(synthesizer, table, tmp_path):
    checked = synthesizer.to_onnx(sampler=tmp_path / "s.onnx", check=200)["sampler"]
    assert checked.rows == 200
    assert checked.difference <= 1e-5
    model, told = onnx.load(tmp_path / "s.onnx"), told_by(tmp_path / "s.onnx")
    onnx.checker.check_model(model, full_check=True)
    ports = {port["name"]: port for port in told["gensynth.outputs"]}
    assert list(ports) == [name for name in table if name not in ("key", "always")]
    assert told["gensynth.left_out"] == {"key": "identifier", "always": "constant"}
    assert "city -> country" in told["gensynth.relations_not_kept"]
    (noise,) = told["gensynth.noise"]
    assert noise["name"] == "uniform"
    uniform = np.random.default_rng(0).random((30, noise["width"]), dtype=np.float32)
    found = Session(model, "reference").run({"uniform": uniform})
    assert {name: cells.shape for name, cells in found.items()} == dict.fromkeys(ports, (30, 1))
    assert set(found["city"].ravel()) <= set(table["city"])
    assert set(found["two"].ravel()) <= {"a", "b", told["gensynth.missing_text"]}
    assert found["flag"].dtype == bool
    low, high = (
        t.to_datetime64().astype("M8[us]").astype(np.int64) for t in (table["start"].min(), table["start"].max())
    )
    assert ((found["start"] >= low) & (found["start"] <= high)).all()
    assert (found["end"] >= found["start"]).all()  # the distance is what is drawn
    fewer = Session(model, "reference").run({"uniform": uniform[:3]})
    for name, cells in fewer.items():
        np.testing.assert_array_equal(cells, found[name][:3])


def test_what_a_sampler_writes_a_scorer_reads(synthesizer, tmp_path):
    synthesizer.to_onnx(tmp_path / "scorer.onnx", tmp_path / "sampler.onnx", check=0)
    told = told_by(tmp_path / "sampler.onnx")
    uniform = np.random.default_rng(1).random((9, told["gensynth.noise"][0]["width"]), dtype=np.float32)
    rows = Session(onnx.load(tmp_path / "sampler.onnx"), "reference").run({"uniform": uniform})
    assert told["gensynth.outputs"] == told_by(tmp_path / "scorer.onnx")["gensynth.inputs"]
    scores = Session(onnx.load(tmp_path / "scorer.onnx"), "reference").run(rows)["score"]
    assert np.isfinite(scores).all()


class GivenFirst(ToyModel):
    """Draws the other cells; the first column is given."""

    def generate(self, n, rng, observed=None):
        drawn = super().generate(n, rng)
        return drawn if observed is None else observed.put_into(drawn, self.layout)


@dataclass(eq=False)
class Conditional(Toy):
    capabilities: ClassVar[frozenset[str]] = frozenset({"sample", "conditional-on-fitted", "score"})

    def build(self, layout):
        return GivenFirst(layout, self.width, self.dropout, self.two_stages)


def test_given_cells(table, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = Synthesizer(Conditional(), trainer=TRAINER, condition_on=["city", "price"], random_state=0).fit(table)
    fitted.to_onnx(sampler=tmp_path / "s.onnx", check=100)
    told = told_by(tmp_path / "s.onnx")
    assert [(p["name"], p["column"]) for p in told["gensynth.inputs"]] == [
        ("given:city", "city"),
        ("given:price", "price"),
    ]
    n = 12
    feeds = {
        n_["name"]: np.random.default_rng(0).random((n, n_["width"]), dtype=np.float32) for n_ in told["gensynth.noise"]
    }
    city, price = table[["city"]].head(n).to_numpy(dtype=object), table[["price"]].head(n).to_numpy()
    found = Session(onnx.load(tmp_path / "s.onnx"), "reference").run(
        {**feeds, "given:city": city, "given:price": price}
    )
    np.testing.assert_array_equal(found["city"], city)
    np.testing.assert_allclose(found["price"], price, atol=0.011)


def test_networks_that_write_numbers_compute_in_float64(synthesizer, tmp_path, monkeypatch):
    assert not check.is_inexact(SamplerPlan.of(synthesizer.fitted_))

    monkeypatch.setattr("gensynth.export.write.is_inexact", lambda _: True)
    checked = synthesizer.to_onnx(sampler=tmp_path / "s.onnx", check=100)["sampler"]
    assert checked.difference <= 1e-2
    assert told_by(tmp_path / "s.onnx")["gensynth.float64"]


def test_a_sampler_that_differs_is_not_written(synthesizer, tmp_path, monkeypatch):
    monkeypatch.setattr(
        check,
        "unsettled",
        lambda encoder: type(
            "Shifted", (), {"decode": lambda _, rows, rng: encoder.decode(rows, rng).assign(quantity=1)}
        )(),
    )
    with pytest.raises(ExportError, match=r"cells of the exported sampler differ .* most of them in 'quantity'"):
        synthesizer.to_onnx(sampler=tmp_path / "s.onnx", check=50)
    assert not list(tmp_path.iterdir())


def test_what_is_refused(synthesizer, table, tmp_path):
    with pytest.raises(OptionError, match="nothing to write"):
        synthesizer.to_onnx()
    detector = AnomalyDetector(Toy(), trainer=TRAINER, random_state=0).fit(table[["quantity", "flag"]])
    assert not hasattr(detector, "sample")

    class Rejecting(ToyModel):
        def generate(self, n, rng, observed=None):
            rows = super().generate(n, rng, observed)
            return rows if bool((rows.codes > 0).all()) else super().generate(n, rng, observed)

    @dataclass(eq=False)
    class Again(Toy):
        def build(self, layout):
            return Rejecting(layout, self.width, self.dropout, self.two_stages)

    fitted = Synthesizer(Again(), trainer=TRAINER, random_state=0).fit(table[["quantity", "flag"]])
    with pytest.raises(CapabilityError, match="Again cannot be exported: it looks at values"):
        fitted.to_onnx(sampler=tmp_path / "s.onnx")
    assert not list(tmp_path.iterdir())
