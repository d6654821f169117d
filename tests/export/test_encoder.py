"""Encoders on a graph give the very codes and numbers that those in numpy give."""

from __future__ import annotations

import datetime as dt
import decimal
import warnings

import numpy as np
import onnx
import pandas as pd
import pytest
import torch

from gensynth.encoding.table import TableEncoder
from gensynth.errors import CapabilityError
from gensynth.export.columns import ports_of, reserved_text
from gensynth.export.emit import emit
from gensynth.export.encoder import encode_columns
from gensynth.export.feeds import feeds_of
from gensynth.export.graph import GraphBuilder
from gensynth.export.recording import record
from gensynth.export.runtime import Session
from gensynth.export.scorer import TORCH_TYPES, read_port
from gensynth.layout import Encoding
from gensynth.schema import TableSchema

N = 400
ENCODINGS = {
    "bins": Encoding("bins", max_levels=20),
    "normal": Encoding("normal", mixed=False),
    "standard": Encoding("standard", max_atoms=0, max_levels=20),
}


def graph_rows(encoder, frame):
    """Return codes, numbers and log-Jacobians of a table by the graph."""
    ports = ports_of(encoder, tuple(encoder.columns), reserved_text(encoder), ())

    def function(*inputs):
        batch = encode_columns(encoder, ports, inputs)
        return batch.codes, batch.numeric, batch.log_jacobian

    program = record(function, lambda n: [torch.zeros(n, dtype=TORCH_TYPES[port.type]) for port in ports])
    builder = GraphBuilder(program.rows)
    made = emit(program, builder, [read_port(builder, encoder, port) for port in ports])
    kinds = (onnx.TensorProto.INT64, onnx.TensorProto.DOUBLE, onnx.TensorProto.DOUBLE)
    widths = (len(encoder.layout.columns), encoder.layout.n_numeric, encoder.layout.n_numeric)
    for name, kind, own, width in zip(("codes", "numbers", "jacobian"), kinds, made, widths, strict=True):
        builder.output(name, kind, own, width)
    found = Session(builder.finish("encoder", {}), "reference").run(feeds_of(frame, encoder.schema, ports))
    return found["codes"], found["numbers"], found["jacobian"]


def assert_same(encoder, frame):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rows = encoder.encode(encoder.schema.align(frame), jacobian=True)
        codes, numbers, jacobian = graph_rows(encoder, frame)
    names = [column.name for column in encoder.layout.columns]
    differ = (codes != rows.codes).any(0)
    assert not differ.any(), {
        n: (codes[:, i][codes[:, i] != rows.codes[:, i]][:5], rows.codes[:, i][codes[:, i] != rows.codes[:, i]][:5])
        for i, n in enumerate(names)
        if differ[i]
    }
    np.testing.assert_allclose(numbers, rows.numeric, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(jacobian, rows.log_jacobian, rtol=1e-12, atol=1e-12)


def fitted(frame, encoding, schema=None, relations=False):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        inferred = TableSchema.infer(frame, schema)
        return TableEncoder(inferred, ENCODINGS[encoding], (), relations).fit(inferred.align(frame))


def days(values, unit="us"):
    return pd.to_datetime(values, unit="D").astype(f"datetime64[{unit}]")


def zoo(rng):
    """Return columns by name: what is fitted, and what is encoded then."""
    normal = rng.standard_normal(N)
    count = rng.integers(0, 30, N)
    holes = rng.random(N) < 0.2
    labels = rng.choice(["red", "green", "blue"], N)
    day = rng.integers(10_000, 12_000, N)
    monday = 4 + 7 * rng.integers(1400, 1700, N) + rng.choice([0, 2], N)
    months = pd.Series(pd.to_datetime("2001-01-01") + pd.to_timedelta(0, "D")).repeat(N).reset_index(drop=True)
    months = pd.Series([pd.Timestamp(2001 + i // 12 % 9, i % 12 + 1, 1) for i in rng.integers(0, 100, N)])
    ends = months + pd.offsets.MonthEnd(0)
    new_floats = np.concatenate([[np.nan, 1e308, -1e308, 1e6, -5.0, 0.0, -0.0], normal])[:N]
    new_counts = np.concatenate([[-7, 10**17, 31, -(10**17), 12], count])[:N]
    return {
        "float": (normal, new_floats),
        "float32": (normal.astype(np.float32), normal.astype(np.float32)[::-1]),
        "holes": (np.where(holes, np.nan, normal), new_floats),
        "cents": (np.round(normal * 50, 2), np.concatenate([[1e300, 0.005, 2.675, np.nan], np.round(normal * 60, 3)])[:N]),
        "tail": (rng.lognormal(0, 3, N), np.concatenate([[1e300, 1e-300, np.nan], rng.lognormal(0, 5, N)])[:N]),
        "spike": (np.where(rng.random(N) < 0.6, 0.0, normal), new_floats),
        "count": (count, new_counts),
        "wide integers": (rng.integers(10**17, 9 * 10**17, N), np.concatenate([[-(10**18), 3], rng.integers(10**17, 9 * 10**17, N)])[:N]),
        "nullable": (pd.array(np.where(holes, None, count), dtype="Int64"), pd.array(new_counts, dtype="Int64")),
        "whole floats": (np.where(holes, np.nan, count), np.concatenate([[2.4, np.nan, 1e19], count])[:N]),
        "flag": (rng.random(N) < 0.4, rng.random(N) < 0.4),
        "maybe": (pd.array(np.where(holes, None, rng.random(N) < 0.5), dtype="boolean"),
                  pd.array(np.where(rng.random(N) < 0.5, None, True), dtype="boolean")),
        "label": (labels, np.concatenate([["violet", "<missing>", None], labels])[:N]),
        "gaps": (np.where(holes, None, labels), np.concatenate([["violet", ""], labels])[:N]),
        "many": (rng.zipf(1.5, N).clip(max=300).astype(str), rng.zipf(1.3, N).clip(max=500).astype(str)),
        "numbered": (pd.Categorical(rng.choice([3, 1, 2, 70], N)), np.concatenate([[5, 70, 0], rng.choice([3, 1, 2], N)])[:N]),
        "fractions": (pd.Categorical(rng.choice([0.5, 1.0, 2.25], N)), np.concatenate([[0.75, np.nan], rng.choice([0.5, 1.0], N)])[:N]),
        "date": (days(day), days(np.concatenate([[0, 200, 30_000], day])[:N])),
        "nanoseconds": (days(day, "ns") + pd.to_timedelta(rng.integers(0, 10**9, N), "ns"), days(day, "ns")),
        "seconds": (days(day, "s"), days(day + 1, "s")),
        "sparse dates": (pd.Series(days(day)).where(~holes), pd.Series(days(day)).where(holes)),
        "weekdays": (days(monday), days(np.concatenate([monday[:200], day])[:N])),
        "first of month": (months, pd.concat([months[:100], pd.Series(days(day))])[:N].reset_index(drop=True)),
        "end of month": (ends, pd.concat([ends[:100], pd.Series(days(day - 20_000))])[:N].reset_index(drop=True)),
        "zoned": (pd.Series(days(day)).dt.tz_localize("Europe/Berlin"), pd.Series(days(day + 3)).dt.tz_localize("UTC").dt.tz_convert("Europe/Berlin")),
        "span": (pd.to_timedelta(day, "h"), pd.to_timedelta(day * 2, "h")),
        "written dates": (pd.Series(days(day)).dt.strftime("%d/%m/%Y"), pd.Series(days(day + 40)).dt.strftime("%d/%m/%Y")),
        "numbered dates": (pd.Series(days(day)).dt.strftime("%Y%m%d").astype(int), pd.Series(days(day + 9)).dt.strftime("%Y%m%d").astype(int)),
        "times": ([dt.time(h % 24, h % 60) for h in day], [dt.time(h % 23, h % 59) for h in day]),
        "decimal": ([decimal.Decimal(c).scaleb(-2) for c in count.tolist()], [decimal.Decimal(c).scaleb(-1) for c in count.tolist()]),
        "euros": ([f"{v:,.2f} €" for v in np.round(normal * 5000, 2)], [f"{v:,.2f} €" for v in np.round(normal * 9000, 2)]),
        "with words": ([("unknown" if h else str(c)) for h, c in zip(holes, count, strict=True)],
                       [("unknown" if h else str(c + 5)) for h, c in zip(~holes, count, strict=True)]),
    }  # fmt: skip


NAMES = list(zoo(np.random.default_rng(0)))


@pytest.mark.parametrize("encoding", list(ENCODINGS))
def test_every_kind_of_column(encoding):
    columns = zoo(np.random.default_rng(0))
    frame = pd.DataFrame({name: pd.Series(one) for name, (one, _) in columns.items()})
    new = pd.DataFrame({name: pd.Series(other) for name, (_, other) in columns.items()})
    encoder = fitted(frame, encoding, {"wide integers": "numeric"})
    assert list(encoder.columns) == list(columns)
    assert_same(encoder, frame)
    assert_same(encoder, new)
