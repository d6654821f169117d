"""Images that do not fit the memory: learned from files, bit by bit as in memory, and in its bounds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from image_files import write_png
from toy_image_recipe import QUICK, ToyImages, bars, synthesizer
from toy_models import Toy

from gensynth import Synthesizer
from gensynth.engine.fitted_model import FittedModel
from gensynth.engine.inputs import encoded_stream, image_streams
from gensynth.errors import CapabilityError, DataError, SchemaError
from gensynth.tables import Table, open_table
from gensynth.tables import stream as streams
from gensynth.tables.imagearrays import objects_of
from gensynth.tables.stream import MemoryStream
from gensynth.training import cache as caches


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    """Batches of 7 grey images, blocks of 5 colour ones: less than a window of blocks holds all."""
    monkeypatch.setattr(streams, "BATCH_VALUES", 7 * 48)
    monkeypatch.setattr(caches, "BLOCK_BYTES", 5 * 144)


def frame_of(images, **columns) -> pd.DataFrame:
    return pd.DataFrame({"image": pd.Series(objects_of(list(images)), dtype=object), **columns})


def stream_of(frame: pd.DataFrame) -> MemoryStream:
    return MemoryStream(Table(frame))


def weights_of(found: Synthesizer):
    return {name: value.numpy() for name, value in found.model_.state_dict().items()}


def as_bytes(images):
    return images


def as_floats(images):
    return (images / 255).astype(np.float32)


def as_few_levels(images):
    return images // 16


def as_signed(images):
    return images.astype(np.int16) * 20 - 1000


def as_colours(images):
    return np.stack([images, images // 2, 255 - images], -1)


@pytest.mark.parametrize("made", [as_bytes, as_floats, as_few_levels, as_signed, as_colours])
def test_images_that_do_not_fit_are_learned_as_those_that_do(made):
    frame = frame_of(made(bars()[0]))
    whole = synthesizer().fit(frame)
    parts = synthesizer().fit(stream_of(frame), memory_rows=10)
    assert parts.schema_ == whole.schema_
    assert parts.encoder_.layout == whole.encoder_.layout
    one, other = weights_of(whole), weights_of(parts)
    assert all(np.array_equal(one[name], other[name]) for name in one)
    assert parts.n_iter_ == whole.n_iter_ > 1
    drawn = [np.stack(found.sample(5, random_state=1)["image"].tolist()) for found in (whole, parts)]
    assert np.array_equal(drawn[0], drawn[1])


def test_columns_beside_images_are_learned_as_in_memory(recwarn):
    images, labels = bars()
    frame = frame_of(images, label=np.array(["a", "b", "c"])[labels], x=np.arange(len(labels)) / 7)
    frame.loc[57, "label"] = "rare"
    whole = synthesizer(condition_on="label").fit(frame)
    parts = synthesizer(condition_on="label").fit(stream_of(frame), memory_rows=60)
    assert parts.encoder_.layout == whole.encoder_.layout
    one, other = weights_of(whole), weights_of(parts)
    assert all(np.array_equal(one[name], other[name]) for name in one)
    assert list(parts.sample(3).columns) == ["image", "label", "x"]


def test_labels_beside_more_images_are_counted_over_all(monkeypatch, recwarn):
    monkeypatch.setattr(encoded_stream, "MEMORY_ROWS", 20)
    images, labels = bars()
    frame = frame_of(images, label=np.array(["a", "b", "c"])[labels])
    frame.loc[57, "label"] = "rare"
    column = synthesizer().fit(stream_of(frame), memory_rows=20).encoder_.layout.columns[0]
    assert sorted(column.frequencies[1:]) == pytest.approx(sorted(frame["label"].value_counts() / len(frame)))


def test_the_range_is_that_of_all_images():
    images = bars()[0].astype(np.float32) / 300
    images[77, 2, 3] = 3.5
    images[99, 0, 0] = -2
    found = synthesizer().fit(stream_of(frame_of(images)), memory_rows=5).schema_["image"].image
    assert found is not None
    assert (found.low, found.high) == (-2.0, 3.5)


def test_rows_of_no_weight_are_not_there():
    images = bars()[0].astype(np.float32) / 300
    images[77, 2, 3] = 3.5
    weights = np.ones(len(images))
    weights[[3, 77]] = 0
    frame = frame_of(images)
    whole, parts = (synthesizer().fit(X, sample_weight=weights, memory_rows=5) for X in (frame, stream_of(frame)))
    assert whole.schema_ == parts.schema_
    assert whole.encoder_.layout == parts.encoder_.layout
    one, other = weights_of(whole), weights_of(parts)
    assert all(np.array_equal(one[name], other[name]) for name in one)


def test_a_table_of_paths_is_read_in_batches(tmp_path, monkeypatch):
    images, labels = bars()
    paths = [str(write_png(tmp_path / f"{i:03}.png", image)) for i, image in enumerate(images)]
    frame = pd.DataFrame({"y": labels, "photo": paths})
    frame.to_parquet(tmp_path / "t.parquet")
    table = open_table(tmp_path / "t.parquet", in_memory=0)
    declared = {"schema": {"photo": "image", "y": "categorical"}}
    parts = synthesizer(**declared).fit(table, memory_rows=20)
    whole = synthesizer(**declared).fit(frame)
    assert parts.schema_.image == whole.schema_.image
    assert parts.encoder_.layout.image == whole.encoder_.layout.image
    seen: list[int] = []
    own = FittedModel.encode

    def encode(self: FittedModel, X: pd.DataFrame) -> Any:
        seen.append(len(X))
        return own(self, X)

    monkeypatch.setattr(FittedModel, "encode", encode)
    assert np.array_equal(parts.score_samples(table), parts.score_samples(frame))
    assert seen[:-1] == [7] * 17 + [1]


def test_what_cannot_be_learned_is_said_before_anything_is_trained():
    images = bars()[0]
    floats = images.astype(float)
    floats[100, 1, 1] = np.nan
    with pytest.raises(DataError, match=r"1 image \(the first: row 100\) with missing"):
        synthesizer().fit(stream_of(frame_of(floats)), memory_rows=5)
    with pytest.raises(DataError, match="holds 120 images that are all the same"):
        synthesizer().fit(stream_of(frame_of(np.repeat(images[:1], 120, 0))), memory_rows=5)
    with pytest.raises(CapabilityError, match="cannot learn images"):
        Synthesizer(Toy(), trainer=QUICK).fit(stream_of(frame_of(images)), memory_rows=5)
    with pytest.raises(SchemaError, match="column 'image' holds the images"):
        synthesizer(condition_on="image").fit(stream_of(frame_of(images)), memory_rows=5)
    both = frame_of(images, other=pd.Series(objects_of(list(images)), dtype=object))
    with pytest.raises(DataError, match="columns 'image', 'other' hold images"):
        synthesizer().fit(stream_of(both), memory_rows=5)
    mixed = frame_of(list(images[:20]) + [image[:4] for image in images[20:]])
    with pytest.raises(DataError, match=r"several sizes: 8 x 6 in row 0, 4 x 6 in row"):
        synthesizer().fit(stream_of(mixed), memory_rows=5)


def test_how_many_rows_are_in_memory_follows_from_their_images(monkeypatch):
    monkeypatch.setattr(image_streams, "MEMORY_VALUES", 48 * 3)
    monkeypatch.setattr(image_streams, "MIN_MEMORY_ROWS", 2)
    images, labels = bars(12)
    assert image_streams.memory_rows_of(stream_of(frame_of(images)), None) == 3
    assert image_streams.memory_rows_of(stream_of(pd.DataFrame({"x": labels})), None) == image_streams.MEMORY_ROWS


def test_a_fit_that_was_interrupted_goes_on(tmp_path):
    frame = frame_of(bars()[0])
    trainer = QUICK.__class__(**{**QUICK.get_params(), "checkpoint": tmp_path / "c", "max_epochs": 2})
    table = stream_of(frame)
    first = Synthesizer(ToyImages(), trainer=trainer, random_state=0).fit(table, memory_rows=5)
    again = Synthesizer(ToyImages(), trainer=trainer, random_state=0).fit(table, memory_rows=5, resume=True)
    one, other = weights_of(first), weights_of(again)
    assert all(np.array_equal(one[name], other[name]) for name in one)
