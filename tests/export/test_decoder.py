"""Rows decoded on tensors are those that the encoder decodes."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from export_tables import related, zoo
from graphs import ENCODINGS, fitted_encoder

from gensynth.encoding.rows import Rows
from gensynth.errors import CapabilityError
from gensynth.export.check import unsettled
from gensynth.export.columns import ports_of, reserved_text
from gensynth.export.decoder import decode_rows
from gensynth.export.feeds import aligned_feeds
from gensynth.export.ports import texts_of_codes
from gensynth.model import Batch


def random_rows(encoder, n, seed=0):
    """Return rows of random codes, unknown ones included, and numbers in and beyond their range."""
    rng = np.random.default_rng(seed)
    codes = np.stack([rng.integers(0, c.cardinality, n) for c in encoder.layout.columns], 1).astype(np.int32)
    numeric = rng.random((n, encoder.layout.n_numeric))
    for column in encoder.layout.columns:
        if column.holds("continuous"):
            numeric[:, column.numeric.index] = 2.0 * rng.standard_normal(n)
    numeric[:5] = [[-0.5], [0.0], [1.0], [1.5], [0.5]]
    return Rows(numeric, codes)


def assert_same_cells(encoder, rows):
    ports = ports_of(encoder, tuple(encoder.columns), reserved_text(encoder), ())
    found = decode_rows(encoder, ports, Batch(torch.from_numpy(rows.numeric), torch.from_numpy(rows.codes).long()))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        frame = unsettled(encoder).decode(rows, np.random.default_rng(0))
        wanted = aligned_feeds(encoder.schema.align(frame), encoder.schema, ports)
    for port, cells in zip(ports, found, strict=True):
        own = cells.numpy()
        if port.type == "string":
            texts = texts_of_codes(encoder, port)
            own = np.array([texts[code] for code in own.tolist()], dtype=object)
        if own.dtype.kind == "f":
            np.testing.assert_allclose(own, wanted[port.name][:, 0], rtol=1e-11, atol=1e-11, err_msg=port.name)
        else:
            np.testing.assert_array_equal(own, wanted[port.name][:, 0], err_msg=port.name)


@pytest.mark.parametrize("encoding", list(ENCODINGS))
def test_every_kind_of_column(encoding):
    columns = zoo(np.random.default_rng(0))
    if encoding == "normal":  # a normal score has not as many digits
        del columns["wide integers"], columns["nanoseconds"]
    frame = pd.DataFrame({name: pd.Series(one) for name, (one, _) in columns.items()})
    encoder = fitted_encoder(frame, encoding, {"wide integers": "numeric"} if "wide integers" in columns else None)
    assert_same_cells(encoder, random_rows(encoder, 400))


def test_distances_and_equal_cells():
    frame = related()
    frame["paid"] = frame["total"].where(np.arange(len(frame)) % 2 == 0, frame["price"])
    encoder = fitted_encoder(frame, "bins", relations="auto")
    assert encoder.gaps
    assert encoder.links
    assert_same_cells(encoder, random_rows(encoder, 400))


def test_a_range_that_no_sampler_can_write_is_refused_by_name():
    wide = np.linspace(-(2**62), 2**62, 300).astype(np.int64) + np.arange(300) % 2
    encoder = fitted_encoder(pd.DataFrame({"wide": wide, "x": np.arange(300) % 5}), "bins", {"wide": "numeric"})
    with pytest.raises(CapabilityError, match="column 'wide' has a range of more than"):
        assert_same_cells(encoder, random_rows(encoder, 10))
