"""Exported scorers of images, by a toy model: scores and maps as Python has them, metadata, what is refused."""

from __future__ import annotations

import json
import warnings

import numpy as np
import onnx
import pandas as pd
import pytest
from toy_image_recipe import QUICK, ToyImages, bars, synthesizer

from gensynth import AnomalyDetector, Synthesizer
from gensynth.errors import CapabilityError, ColumnWarning, DataError, ExportError
from gensynth.export.runtime import OnnxScorer, Session
from gensynth.export.scores import scores_and_maps
from gensynth.tables.imagearrays import objects_of


def frame_of(images, **columns):
    return pd.DataFrame({"image": objects_of(list(images)), **columns})


def table(n=60, seed=3):
    """Return images beside two columns, one of which has the name of an output."""
    images, labels = bars(n, seed)
    size = np.random.default_rng(seed).normal(size=n)
    return frame_of(images, map=labels, size=np.where(np.arange(n) % 7 == 0, np.nan, size))


@pytest.fixture(scope="module")
def plain() -> Synthesizer:
    return synthesizer().fit(bars()[0])


@pytest.fixture(scope="module")
def beside() -> Synthesizer:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return synthesizer().fit(table(120, 0))


@pytest.fixture(scope="module")
def detector() -> AnomalyDetector:
    return AnomalyDetector(ToyImages(mixed=True), trainer=QUICK, random_state=0, novelty=True).fit(table(200, 0))


def exported(fitted, folder, **options) -> OnnxScorer:
    fitted.to_onnx(folder / "s.onnx", **{"check": 60, **options})
    return OnnxScorer.load(folder / "s.onnx")


@pytest.mark.parametrize("runtime", ["reference", "onnxruntime"])
def test_images_alone(plain, tmp_path, runtime):
    pytest.importorskip("onnxruntime") if runtime == "onnxruntime" else None
    scorer = exported(plain, tmp_path)
    scorer.session = Session(onnx.load(tmp_path / "s.onnx"), runtime)
    new = bars(30, 5)[0]
    found = scorer.score(frame_of(new))
    assert list(found) == ["score"]
    np.testing.assert_allclose(found["score"], plain.score_samples(new), rtol=1e-5)
    maps = scorer.score_maps(frame_of(new))
    assert maps.shape == (30, 8, 6)
    np.testing.assert_allclose(maps, plain.score_maps(new), rtol=1e-4, atol=1e-5)


def test_a_graph_tells_what_it_reads(plain, tmp_path):
    exported(plain, tmp_path)
    model = onnx.load(tmp_path / "s.onnx")
    onnx.checker.check_model(model, full_check=True)
    (port,) = json.loads(next(p.value for p in model.metadata_props if p.key == "gensynth.inputs"))
    assert port["holds"] == "pixels"
    assert (port["dtype"], port["shape"], port["axes"], port["levels"]) == ("uint8", [8, 6], "hw", 256)
    (read,) = model.graph.input
    assert read.type.tensor_type.elem_type == onnx.TensorProto.UINT8
    sizes = [[d.dim_param or d.dim_value for d in o.type.tensor_type.shape.dim] for o in (read, *model.graph.output)]
    assert sizes == [["N", 8, 6], ["N"], ["N", 8, 6]]


def test_columns_beside_images(beside, tmp_path):
    scorer, new = exported(beside, tmp_path, check=200), table(40, 4)
    assert [port.name for port in scorer.metadata.inputs] == ["map_", "size", "image"]
    new.loc[0, "map"] = 99
    new.loc[1, "size"] = 1e300
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wanted, maps = beside.score_samples(new), beside.score_maps(new)
    np.testing.assert_allclose(scorer.score(new)["score"], wanted, rtol=1e-5)
    np.testing.assert_allclose(scorer.score_maps(new), maps, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("method", ["whole", "places"])
def test_every_method(beside, tmp_path, method):
    """One cannot say what places add, the other not what columns do: these are asked for one by one."""
    scorer, new = exported(beside, tmp_path, method=method), table(20, 6)
    np.testing.assert_allclose(scorer.score(new)["score"], beside.score_samples(new, method), rtol=1e-5)
    if method == "places":
        np.testing.assert_allclose(scorer.score_maps(new), beside.score_maps(new, method), rtol=1e-4, atol=1e-5)
    else:
        assert scorer.session.outputs == ["score"]
        with pytest.raises(CapabilityError, match=r"s\.onnx has no output 'map': .* does not tell the places"):
            scorer.score_maps(new)


def test_a_detector(detector, tmp_path):
    """Two score methods, of which one has no maps, and columns whose parts have to be asked for."""
    scorer, new = exported(detector, tmp_path, check=200), table(80, 7)
    assert scorer.session.outputs == ["score", "p_value", "label", "map"]
    found, analysis = scorer.score(new), detector.analyse(new)
    np.testing.assert_allclose(found["score"], analysis.scores, rtol=1e-4, atol=1e-5)  # of float32
    assert np.mean(found["p_value"] != analysis.p_values) <= 0.02
    assert np.array_equal(found["label"], detector.predict(new))
    maps = analysis.maps()
    np.testing.assert_allclose(scorer.score_maps(new), maps, atol=1e-4 * np.abs(maps).max())
    assert np.ptp(maps) > 0.1


def test_an_ensemble(tmp_path):
    fitted = AnomalyDetector(ToyImages(), n_estimators=2, trainer=QUICK, random_state=0).fit(bars(150)[0])
    scorer, new = exported(fitted, tmp_path), bars(30, 8)[0]
    np.testing.assert_allclose(scorer.score(frame_of(new))["score"], fitted.score_samples(new), rtol=1e-4, atol=1e-5)
    maps = fitted.score_maps(new)
    np.testing.assert_allclose(scorer.score_maps(frame_of(new)), maps, atol=1e-4 * np.abs(maps).max())


@pytest.mark.parametrize(
    "images",
    [
        bars(channels=3)[0],
        np.ascontiguousarray(np.moveaxis(bars(channels=3)[0], -1, 1)),
        bars()[0].astype(np.float32) / np.float32(255),
        bars()[0][..., None] / 255.0,
    ],
    ids=["colour", "channels first", "float32", "float64"],
)
def test_arrays_of_every_kind(images, tmp_path):
    fitted = synthesizer().fit(images)
    found = exported(fitted, tmp_path).score(frame_of(images[:20]))["score"]
    np.testing.assert_allclose(found, fitted.score_samples(images[:20]), rtol=1e-5)


def test_images_of_another_dtype_and_axes_than_the_fitted_ones(plain, tmp_path):
    scorer, new = exported(plain, tmp_path), bars(20, 5)[0]
    wanted = plain.score_samples(new)
    for other in (new.astype(np.float64), new[..., None], new.astype(np.int64)[:, None]):
        np.testing.assert_allclose(scorer.score(frame_of(other))["score"], wanted, rtol=1e-5)
    with pytest.warns(ColumnWarning, match="lie outside the fitted range"):
        scorer.score(frame_of(new.astype(np.int64) + 60))


def test_what_cannot_be_read_is_refused_by_name(beside, plain, tmp_path):
    scorer, new = exported(beside, tmp_path), table(3)
    with pytest.raises(DataError, match="lacks the column 'size'"):
        scorer.score(new.drop(columns="size"))
    with pytest.raises(DataError, match="lacks the column 'image'"):
        scorer.score_maps(new.drop(columns="image"))
    with pytest.raises(DataError, match="column 'image', row 1: the image is missing"):
        scorer.score(new.assign(image=[new["image"][0], None, new["image"][2]]))
    scorer = exported(plain, tmp_path)
    with pytest.raises(DataError, match=r"holds images of 9 x 6 pixels, 1 channel; the fitted ones have 8 x 6"):
        scorer.score(frame_of(np.zeros((2, 9, 6))))
    with pytest.raises(DataError, match="missing or infinite pixels"):
        scorer.score(frame_of(np.full((2, 8, 6), np.nan)))
    with pytest.raises(DataError, match="scale the new images as the fitted ones were"):
        scorer.score(frame_of(np.full((2, 8, 6), 9000.0)))


def test_a_graph_that_differs_is_not_written(plain, tmp_path, monkeypatch):
    monkeypatch.setattr(
        "gensynth.export.scorer.scores_and_maps", lambda *args: [own * 1.001 for own in scores_and_maps(*args)]
    )
    with pytest.raises(ExportError, match=r"differs from the model by .* for the row \d+; nothing was written"):
        plain.to_onnx(tmp_path / "s.onnx", check=40)
    monkeypatch.setattr(
        "gensynth.export.scorer.scores_and_maps",
        lambda *args: [own.flip(2) if own.dim() == 3 else own for own in scores_and_maps(*args)],
    )
    with pytest.raises(ExportError, match=r"maps of the exported scorer differ .* nothing was written"):
        plain.to_onnx(tmp_path / "s.onnx", check=40)
    assert not list(tmp_path.iterdir())


def test_a_score_that_is_no_number_is_no_rounding(plain, tmp_path, monkeypatch):
    own = Session.run

    def lost(self, feeds, *rest):
        found = own(self, feeds, *rest)
        found["score"][4] = np.nan
        return found

    monkeypatch.setattr(Session, "run", lost)
    with pytest.raises(ExportError, match="differs from the model by nan"):
        plain.to_onnx(tmp_path / "s.onnx", check=40)
    assert not list(tmp_path.iterdir())


def test_blocks_are_smaller_where_images_are_large(plain, tmp_path):
    scorer = exported(plain, tmp_path, check=0)
    assert scorer.session.block == 2**16 // 48
    scorer.session.block = 7
    new = bars(30, 5)[0]
    np.testing.assert_allclose(scorer.score(frame_of(new))["score"], plain.score_samples(new), rtol=1e-5)
