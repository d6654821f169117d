"""Declared relations: read, written, refused."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gensynth.errors import OptionError, SchemaError
from gensynth.relations.parse import declared_relations, parse_relation
from gensynth.schema import TableSchema
from gensynth.schema.relation import Relation

NAMES: list[str | int] = ["net", "vat", "total", "start", "end of stay", "education-num", "city", "a", "b", "c", 3]


@pytest.mark.parametrize(
    ("text", "relation"),
    [
        ("total = net + vat", Relation("sum", ("total", "net", "vat"), (0, 1, 1))),
        ("net = total - vat", Relation("sum", ("net", "total", "vat"), (0, 1, -1))),
        ("a + b + c = 100", Relation("sum", ("a", "b", "c"), (100, -1, -1))),
        ("total = 2 * a + b - 5", Relation("sum", ("total", "a", "b"), (-5, 2, 1))),
        ("a = b + 7", Relation("sum", ("a", "b"), (7, 1))),
        ("a == b", Relation("sum", ("a", "b"), (0, 1))),
        ("vat = 0.21 * net", Relation("factor", ("vat", "net"), (0.21, 0))),
        ("a = 1.8*b + 32", Relation("factor", ("a", "b"), (1.8, 32))),
        ("a = b / 4", Relation("factor", ("a", "b"), (0.25, 0))),
        ("total = a * b", Relation("product", ("total", "a", "b"))),
        ("a = b / c", Relation("ratio", ("a", "b", "c"))),
        ("start <= end of stay", Relation("order", ("start", "end of stay"))),
        ("'end of stay' >= start", Relation("order", ("start", "end of stay"))),
        ("city -> education-num", Relation("dependency", ("city", "education-num"))),
        ("a, b and c missing together", None),
        ("a, b, c missing together", Relation("missing", ("a", "b", "c"))),
        ("'3' <= a", Relation("order", (3, "a"))),
    ],
)
def test_texts(text, relation):
    if relation is None:
        with pytest.raises((OptionError, SchemaError)):
            parse_relation(text, NAMES)
        return
    (found,) = parse_relation(text, NAMES)
    assert found == relation
    assert parse_relation(str(found), NAMES) == [found]


def test_one_text_may_say_two():
    assert parse_relation("a <= b <= c", NAMES) == [Relation("order", ("a", "b")), Relation("order", ("b", "c"))]
    assert parse_relation("a <-> b", NAMES) == [Relation("dependency", ("a", "b")), Relation("dependency", ("b", "a"))]


@pytest.mark.parametrize(
    "text", ["", "a", "a < b", "a =", "a = b *", "= a", "a b", "1 = 2", "a <= 5", "a = b * c * net"]
)
def test_what_is_none_is_refused(text):
    with pytest.raises(OptionError, match="expected one such as"):
        parse_relation(text, NAMES)


def test_unknown_columns_are_named():
    with pytest.raises(SchemaError, match="there is no column 'nett'; did you mean 'net'"):
        parse_relation("total = nett + vat", NAMES)
    with pytest.raises(SchemaError, match="'zzz'"):
        declared_relations([Relation("order", ("zzz", "a"))], NAMES)


@given(st.text(max_size=30))
def test_any_text_is_read_or_refused(text):
    with contextlib.suppress(OptionError, SchemaError):
        assert parse_relation(text, NAMES)


def test_json():
    relation = Relation("factor", ("vat", "net"), (0.21, 0), "half_up")
    assert Relation.from_json(relation.to_json()) == relation
    schema = TableSchema((), (relation,))
    assert TableSchema.from_json(schema.to_json()) == schema
    assert "relations" not in TableSchema(()).to_json()
