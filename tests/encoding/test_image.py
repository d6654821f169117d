"""Images among encoded rows: layouts with and without columns beside them."""

from __future__ import annotations

import numpy as np
import pandas as pd
from toy_image_recipe import bars

from gensynth.encoding.rows import Rows
from gensynth.encoding.table import TableEncoder
from gensynth.encoding.tablestate import table_from_state, table_state
from gensynth.layout import Encoding, ImageLayout
from gensynth.schema import TableSchema
from gensynth.tables.imagearrays import objects_of


def encoded(frame):
    schema = TableSchema.infer(frame, {"id": "identifier"} if "id" in frame else None)
    aligned = schema.align(frame)
    encoder = TableEncoder(schema, Encoding()).fit(aligned)
    return encoder, encoder.encode(aligned, jacobian=True)


def test_images_alone_have_a_layout_without_columns():
    images = bars(30)[0]
    encoder, rows = encoded(pd.DataFrame({"image": objects_of(list(images))}))
    assert encoder.layout.columns == ()
    assert encoder.layout.image == ImageLayout(1, 8, 6, 256)
    assert encoder.layout.n_rows == 30
    assert rows.codes.shape == rows.numeric.shape == (30, 0)
    back = encoder.decode(rows, np.random.default_rng(0))
    assert np.array_equal(np.stack(back["image"].tolist()), images)


def test_columns_beside_images_are_encoded_as_ever():
    images, labels = bars(60)
    frame = pd.DataFrame({"id": [f"k{i:05d}" for i in range(60)], "image": objects_of(list(images)), "label": labels})
    encoder, rows = encoded(frame)
    assert [column.name for column in encoder.layout.columns] == ["label"]
    state, arrays = table_state(encoder)
    again = table_from_state(state, arrays)
    assert again.layout == encoder.layout
    back = again.decode(rows, np.random.default_rng(0))
    assert list(back.columns) == list(frame.columns)
    assert np.array_equal(back["label"], labels)
    assert np.array_equal(np.stack(back["image"].tolist()), images)


def test_rows_carry_their_images():
    images, labels = bars(30)
    encoder, rows = encoded(pd.DataFrame({"image": objects_of(list(images)), "label": labels}))
    assert rows.pixels is not None
    some = rows[np.array([3, 1])]
    assert some.pixels is not None
    assert np.array_equal(some.pixels, rows.pixels[[3, 1]])
    both = Rows.cat([some, rows[:2]])
    assert both.pixels is not None
    assert np.array_equal(both.pixels, rows.pixels[[3, 1, 0, 1]])
    other = rows[5:9].copy()
    which = np.array([True, False, False, True])
    target = Rows.zeros(4, encoder.layout)
    target.overwrite(which, other)
    assert target.pixels is not None
    assert np.array_equal(target.pixels[which], rows.pixels[[5, 8]])
    assert not target.pixels[~which].any()
