"""UUIDs, IP addresses and bytes are learned as text and come back as what they were."""

from __future__ import annotations

import ipaddress
import uuid
import warnings

import numpy as np
import pandas as pd
import pytest

from gensynth.encoding.table import TableEncoder
from gensynth.encoding.tablestate import table_from_state, table_state
from gensynth.errors import DataError, IdentifierWarning
from gensynth.layout import Encoding
from gensynth.schema import TableSchema

R = np.random.default_rng(3)
MAKE = {
    "uuid": lambda: uuid.UUID(int=int.from_bytes(R.bytes(16), "big"), version=4),
    "ip": lambda: ipaddress.ip_address(int(R.integers(2**32))),
    "bytes": lambda: R.bytes(6),
    "bytearray": lambda: bytearray(R.bytes(6)),
}


def fitted(values):
    data = pd.DataFrame({"x": pd.Series(values, dtype=object), "v": R.normal(size=len(values))})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", IdentifierWarning)
        schema = TableSchema.infer(data)
    frame = schema.align(data)
    encoder = TableEncoder(schema, Encoding()).fit(frame)
    again = table_from_state(*table_state(encoder))
    return schema["x"], again.decode(again.encode(frame), np.random.default_rng(0))["x"]


@pytest.mark.parametrize("name", MAKE)
def test_repeated_objects_are_categories(name):
    few = [MAKE[name]() for _ in range(4)]
    values = [None if i % 7 == 3 else few[i % 4] for i in range(60)]
    column, back = fitted(values)
    assert column.kind == "categorical"
    assert back.tolist() == values


@pytest.mark.parametrize("name", MAKE)
def test_unique_objects_are_identifiers(name):
    values = [MAKE[name]() for _ in range(80)]
    column, new = fitted(values)
    assert column.kind == "identifier"
    assert {type(v) for v in new} == {type(values[0])}
    assert len({bytes(v) if isinstance(v, bytearray) else v for v in new}) == 80
    assert not any(v in values for v in new)
    if name == "uuid":
        assert {v.version for v in new} == {4}


def test_versions_of_addresses_may_differ():
    values = [ipaddress.ip_address("10.0.0.1"), ipaddress.ip_address("::1")] * 20
    assert fitted(values)[1].tolist() == values


def test_one_object_is_a_constant():
    column, back = fitted([uuid.UUID(int=5)] * 30)
    assert column.kind == "constant"
    assert back.tolist() == [uuid.UUID(int=5)] * 30


def test_objects_of_several_types_are_refused():
    with pytest.raises(DataError, match=r"'x'.*UUID, str"):
        TableSchema.infer(pd.DataFrame({"x": pd.Series([uuid.UUID(int=5), "a"] * 20, dtype=object)}))
