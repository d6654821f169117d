"""Serialisation of a fitted table encoder as JSON values and arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from numpy.typing import NDArray

from gensynth.arrays import arrays_of, named
from gensynth.encoding.learned import columns_from_state
from gensynth.encoding.links import Link
from gensynth.encoding.owners import generators_from_state
from gensynth.encoding.related import from_state, state_of
from gensynth.encoding.table import TableEncoder
from gensynth.layout import Encoding, Predictor
from gensynth.schema import TableSchema


def table_state(encoder: TableEncoder) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Return the fitted state as JSON values and arrays."""
    json: dict[str, Any] = {
        "schema": encoder.schema.to_json(),
        "encoding": dict(encoder.encoding.__dict__),
        "first": list(encoder.first),
        "n_rows": encoder.layout.n_rows,
        "columns": [],
    }
    arrays: dict[str, NDArray[Any]] = {}
    for i, column in enumerate(encoder.schema.columns):
        part = encoder.columns.get(column.name) or encoder.generators.get(column.name)
        state, own = part.state() if part is not None else ({}, {})
        json["columns"].append(state)
        arrays.update(named(str(i), own))
    json["leaders"] = [[name, leader] for name, leader in encoder.leaders.items()]
    json["links"] = [link.to_json() for link in encoder.links.values()]
    if encoder.layout.predictors:
        json["predictors"] = [[i, *asdict(own).values()] for i, own in encoder.layout.predictors.items()]
    if encoder.implied:
        json["implied"] = list(encoder.implied)
    json["relations"] = None
    if encoder.rules is not None:
        json["relations"], own = state_of(encoder.rules, encoder.gaps)
        arrays.update(named("relations", own))
    return json, arrays


def table_from_state(json: dict[str, Any], arrays: Mapping[str, NDArray[Any]]) -> TableEncoder:
    """Rebuild a fitted encoder from `table_state`."""
    out = TableEncoder(TableSchema.from_json(json["schema"]), Encoding(**json["encoding"]), json["first"])
    out.columns = columns_from_state(out.schema, out.first, json["columns"], arrays)
    out.generators = generators_from_state(out.schema, json["columns"], arrays)
    out.leaders = dict(json["leaders"])
    if json["relations"] is not None:
        related = arrays_of("relations", arrays)
        out.rules, out.gaps = from_state(json["relations"], related, out.columns, out.first)
    out.implied = tuple(json.get("implied", ()))
    predictors = {i: Predictor(*own) for i, *own in json.get("predictors", ())}
    out.lay_out(json["n_rows"], tuple(Link.from_json(link) for link in json["links"]), predictors)
    return out
