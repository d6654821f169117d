"""Synthesizers of images: every container there and back, labels, scores, maps, what is refused."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import cross_val_score
from toy_image_recipe import QUICK, bars, synthesizer
from toy_models import Toy

from gensynth import AugmentedEstimator, Augmenter, Synthesizer, augment
from gensynth.engine.fitted_model import FittedModel
from gensynth.errors import CapabilityError, ConditionError, DataError, OptionError
from gensynth.tables import open_table
from gensynth.tables.imagearrays import objects_of


@pytest.fixture(scope="module")
def plain() -> Synthesizer:
    return synthesizer().fit(bars()[0])


@pytest.fixture(scope="module")
def labelled() -> Synthesizer:
    return synthesizer(condition_on="label").fit(*bars())


def table(n=120, seed=0) -> pd.DataFrame:
    images, labels = bars(n, seed)
    return pd.DataFrame({"label": labels, "image": objects_of(list(images)), "name": "a"})


def as_floats(images):
    return images.astype(np.float32) / np.float32(255)


@pytest.mark.parametrize(
    "images",
    [
        bars()[0],
        bars()[0][..., None],
        bars(channels=3)[0],
        np.ascontiguousarray(np.moveaxis(bars(channels=3)[0], -1, 1)),
        as_floats(bars()[0]),
        bars()[0] / 255.0,
        (bars()[0] // 16).astype(np.float64),
    ],
)
def test_samples_come_in_the_array_that_was_fitted(images):
    drawn = synthesizer().fit(images).sample(7, random_state=1)
    assert drawn.shape == (7, *images.shape[1:])
    assert drawn.dtype == images.dtype
    top = 1 if images.max() <= 1 else 15 if images.max() <= 15 else 255
    assert 0 <= drawn.min() < drawn.max() <= top
    levels = np.arange(top + 1 if top > 1 else 256) / (255 if top == 1 else 1)
    assert np.isin(drawn, levels.astype(images.dtype)).all()


def test_flat_arrays_come_back_flat(plain):
    images = bars()[0]
    flat = images.reshape(len(images), -1)
    own = synthesizer(image_shape=(8, 6)).fit(flat)
    assert own.n_features_in_ == 48
    assert np.array_equal(own.sample(4, random_state=1), plain.sample(4, random_state=1).reshape(4, -1))
    assert np.array_equal(own.score_samples(flat[:9]), plain.score_samples(images[:9]))
    assert np.array_equal(own.score_samples(images[:9]), plain.score_samples(images[:9]))
    with pytest.raises(ValueError, match="47 features, but Synthesizer is expecting 48"):
        own.score_samples(flat[:, 1:])
    assert clone(own).image_shape == (8, 6)


@pytest.mark.parametrize("shape", [(8,), 8, "88", (8, 6, 3, 1), (8.5, 6), (0, 6)])
def test_an_image_shape_is_two_or_three_whole_numbers(shape):
    with pytest.raises(OptionError, match=r"image_shape=.*expected"):
        synthesizer(image_shape=shape).fit(np.zeros((9, 48)))


def test_an_image_shape_is_for_arrays():
    with pytest.raises(DataError, match=r"for an array \(n, pixels\), and a DataFrame came.*to_numpy"):
        synthesizer(image_shape=(8, 6)).fit(pd.DataFrame(np.zeros((9, 48))))


def test_few_rows_of_a_sample_are_the_first_of_many(plain):
    many = plain.sample(150, random_state=3)
    assert np.array_equal(many[:5], plain.sample(5, random_state=3))
    assert plain.sample(0).shape == (0, 8, 6)


def test_the_order_of_chunks_does_not_matter(plain, monkeypatch):
    monkeypatch.setattr(FittedModel, "chunk_rows", 40)
    parts = list(plain.sample_batches(100, random_state=3))
    assert [len(part) for part in parts] == [40, 40, 20]
    later = next(iter(plain.sample_batches(100, random_state=3, start=60)))
    assert all(np.array_equal(a, b) for a, b in zip(later["image"], parts[1]["image"][20:], strict=True))


def test_labels_are_a_column_to_condition_on(labelled):
    drawn = labelled.sample(60, conditions={"label": 2}, random_state=0)
    assert list(drawn.columns) == ["image", "label"]
    assert set(drawn["label"]) == {2}
    brightness = np.stack(drawn["image"].tolist()).mean((0, 2))
    assert brightness.argmax() == 5
    several = labelled.sample(40, conditions={"label": [0, 1]}, random_state=0)
    assert set(several["label"]) == {0, 1}
    given = labelled.sample(conditions=pd.DataFrame({"label": [2, 0, 1]}), random_state=0)
    assert given["label"].tolist() == [2, 0, 1]
    assert [np.asarray(image).mean(1).argmax() for image in given["image"]] == [5, 1, 3]


def test_scores_of_arrays_with_labels_are_those_of_the_table(labelled):
    rows = table()[["image", "label"]]
    assert labelled.score(*bars()) == labelled.score_samples(rows).mean()
    flat = synthesizer(image_shape=(8, 6), condition_on="label").fit(bars()[0].reshape(120, -1), bars()[1])
    assert flat.score(bars()[0].reshape(120, -1), bars()[1]) == labelled.score(*bars())
    assert len(cross_val_score(synthesizer(), *bars(), cv=2)) == 2


def test_labels_have_the_name_of_their_series():
    images, labels = bars()
    words = pd.Series(np.array(["low", "mid", "top"])[labels], name="place", index=range(7, 127))
    drawn = synthesizer().fit(images, words).sample(3)
    assert list(drawn.columns) == ["image", "place"]
    assert set(drawn["place"]) <= {"low", "mid", "top"}
    with pytest.raises(DataError, match="120 images and 119 labels"):
        synthesizer().fit(images, labels[1:])
    with pytest.raises(DataError, match="one label for each image"):
        synthesizer().fit(images, np.zeros((120, 2)))


def test_a_table_with_images_comes_back_as_one(labelled):
    frame = table()
    own = synthesizer(condition_on="label").fit(frame)
    drawn = own.sample(5, random_state=1)
    assert list(drawn.columns) == ["label", "image", "name"]
    assert drawn.dtypes.equals(frame.dtypes)
    assert drawn["image"][0].dtype == np.uint8
    assert np.array_equal(own.score_samples(frame[:9]), labelled.score_samples(frame[["image", "label"]][:9]))


def test_the_image_cannot_be_given(labelled):
    with pytest.raises(DataError, match="column 'image' holds the images: samples can be conditioned on the other"):
        synthesizer(condition_on="image").fit(bars()[0])
    with pytest.raises(ConditionError, match="column 'image' holds the images"):
        labelled.sample(2, conditions={"image": bars()[0][0]})


@pytest.mark.parametrize("kind", ["plain", "labelled"])
def test_a_score_is_its_row_s_alone(kind, request):
    model = request.getfixturevalue(kind)
    rows: Any = bars()[0] if kind == "plain" else table()[["image", "label"]]
    scores = model.score_samples(rows)
    order = np.random.default_rng(0).permutation(120)
    mixed = rows[order] if kind == "plain" else rows.iloc[order]
    assert np.array_equal(model.score_samples(mixed), scores[order])
    assert model.score_samples(rows[70:71]) == scores[70]
    assert np.array_equal(model.score_samples(rows[60:67]), scores[60:67])


def test_scores_are_told_apart_by_column_and_by_place(labelled, plain):
    rows = table()[["image", "label"]]
    parts = labelled.explain(rows)
    assert list(parts.columns) == ["image", "label"]
    np.testing.assert_allclose(parts.sum(axis=1), -labelled.score_samples(rows), atol=1e-4)
    maps = labelled.score_maps(rows)
    assert maps.shape == (120, 8, 6)
    np.testing.assert_allclose(maps.sum((1, 2)), parts["image"], atol=1e-4)
    images = bars()[0]
    strange = images[:1].copy()
    strange[0, 7, 5] = 255
    change = plain.score_maps(strange)[0] - plain.score_maps(images[:1])[0]
    assert np.unravel_index(change.argmax(), change.shape) == (7, 5)
    np.testing.assert_allclose(plain.score_maps(images).sum((1, 2)), -plain.score_samples(images), atol=1e-4)


def test_a_family_that_cannot_say_where_says_so(labelled):
    rows = table()[["image", "label"]]
    with pytest.raises(
        CapabilityError,
        match=r"by the score 'whole' what each place .*try method='likelihood', method='places', or take `explain`",
    ):
        labelled.score_maps(rows, method="whole")
    for method in ("whole", "places"):
        parts = labelled.explain(rows, method=method)
        np.testing.assert_allclose(parts.sum(axis=1), -labelled.score_samples(rows, method=method), atol=1e-4)
    frame = pd.DataFrame({"a": np.arange(50) % 3, "b": np.arange(50) % 2})
    with pytest.raises(CapabilityError, match="no images"):
        Synthesizer(Toy(), trainer=QUICK).fit(frame).score_maps(frame)


def test_gaps_beside_images_are_filled(labelled):
    rows = table()[["image", "label"]].astype({"label": float})
    gone = rows.copy()
    gone.loc[3, "label"] = np.nan
    filled = labelled.impute(gone, random_state=0)
    assert filled["label"][3] in (0, 1, 2)
    assert filled["image"][3] is gone["image"][3]
    with pytest.raises(CapabilityError, match="no missing cells"):
        synthesizer().fit(bars()[0]).impute(bars()[0])


def test_further_images_are_learned():
    images, labels = bars()
    for arguments, new in (((images,), bars(50, 1)[:1]), ((images, labels), bars(50, 1))):
        model = synthesizer().fit(*arguments)
        before = model.score_samples(table()[["image", "label"]] if len(new) == 2 else images)
        model.partial_fit(*new)
        assert model.encoder_.layout.n_rows == 170
        after = model.score_samples(table()[["image", "label"]] if len(new) == 2 else images)
        assert not np.array_equal(before, after)


def test_weights_count_images():
    images, labels = bars()
    few = images[labels == 1]
    weighted = synthesizer().fit(images, sample_weight=(labels == 1).astype(int))
    repeated = synthesizer().fit(few)
    assert np.array_equal(weighted.sample(3, random_state=0), repeated.sample(3, random_state=0))


def test_an_interrupted_fit_goes_on_only_with_the_same_images(tmp_path):
    images = bars()[0]
    trainer = clone(QUICK).set_params(checkpoint=tmp_path / "run.ckpt")
    whole = synthesizer(trainer=trainer).fit(images)
    again = synthesizer(trainer=trainer).fit(images, resume=True)
    assert np.array_equal(again.sample(3, random_state=0), whole.sample(3, random_state=0))
    other = images.copy()
    other[5, 3, 3] += 1
    with pytest.raises(OptionError, match="the table is another"):
        synthesizer(trainer=trainer).fit(other, resume=True)


def test_paths_of_files_are_images(tmp_path):
    image = pytest.importorskip("PIL.Image")
    images, labels = bars(40)
    paths = [tmp_path / f"{i}.png" for i in range(40)]
    for path, own in zip(paths, images, strict=True):
        image.fromarray(own).save(path)
    frame = pd.DataFrame({"photo": list(map(str, paths)), "label": labels})
    model = synthesizer(schema={"photo": "image"}).fit(frame)
    drawn = model.sample(2)
    assert drawn["photo"][0].shape == (8, 6)
    loaded = frame.assign(photo=objects_of(list(images)))
    assert np.array_equal(model.score_samples(frame), model.score_samples(loaded))


def test_images_of_another_kind_than_fitted_are_refused(plain, labelled):
    images = bars()[0]
    with pytest.raises(DataError, match="8 x 5 pixels, 1 channel; the fitted ones have 8 x 6"):
        plain.score_samples(images[:, :, :5])
    with pytest.raises(DataError, match="fitted together with 'label': give a DataFrame"):
        labelled.score_samples(images)
    with pytest.raises(DataError, match=r"an array of shape \(120, 48\) came; expected images of 8 x 6 pixels"):
        plain.score_samples(images.reshape(120, -1))
    with pytest.raises(DataError, match="0 samples"):
        plain.score_samples(images[:0])
    frame = pd.DataFrame({"a": np.arange(50) % 3, "b": np.arange(50) % 2})
    with pytest.raises(DataError, match="X has images, and the fitted table has none"):
        Synthesizer(Toy(), trainer=QUICK).fit(frame).score_samples(images)


def test_models_of_tables_refuse_images_before_they_are_trained():
    with pytest.raises(CapabilityError, match="cannot learn images"):
        Synthesizer(Toy(), trainer=QUICK).fit(bars()[0])


@pytest.mark.parametrize("images", [bars(1)[0], [bars(2)[0][0]], np.zeros((5, 8, 6)), np.zeros((0, 8, 6))])
def test_too_few_images_are_refused(images):
    with pytest.raises(DataError, match=r"X is a single image|all the same|at least 2"):
        synthesizer().fit(images)


def test_images_of_several_sizes_are_refused_by_name():
    images = bars()[0]
    with pytest.raises(DataError, match="several sizes: 8 x 6 in row 0, 7 x 6 in row 1"):
        synthesizer().fit([images[0], images[1, 1:], images[2]])


def test_what_cannot_take_images_says_so_before_it_starts(plain, tmp_path):
    images, labels = bars()
    frame = table()
    with pytest.raises(CapabilityError, match="cannot learn images"):
        augment(frame, "label", balance=True, model=Toy())
    for X in (images, frame[["image"]]):
        with pytest.raises(CapabilityError, match="cannot learn images"):
            Augmenter(Toy()).fit_resample(X, labels)
        with pytest.raises(CapabilityError, match="cannot learn images"):
            AugmentedEstimator(None, Augmenter(Toy()), ratio=1.0).fit(X, labels)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        precise = synthesizer().fit(images.astype(np.longdouble))
    for files in ({"scorer": tmp_path / "a.onnx"}, {"sampler": tmp_path / "b.onnx"}):
        with pytest.raises(CapabilityError, match=r"column 'image' holds images of the dtype \w+, which no graph has"):
            precise.to_onnx(**files)
    assert not list(tmp_path.iterdir())
    path = tmp_path / "table.csv"
    pd.DataFrame({"photo": ["a.png", "b.png"], "y": [1, 2]}).to_csv(path, index=False)
    with pytest.raises(CapabilityError, match="cannot learn images"):  # and reads no file
        Synthesizer(Toy(), schema={"photo": "image"}).fit(open_table(path), memory_rows=1)


def test_fits_and_draws_give_no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = synthesizer().fit(*bars())
        model.sample(3)
        model.score_samples(table()[["image", "label"]])
