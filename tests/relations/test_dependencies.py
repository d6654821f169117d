from __future__ import annotations

import numpy as np
import pytest

from gensynth.relations import dependencies
from gensynth.relations.dependencies import DependencyRule
from gensynth.relations.sheet import Domain, Sheet
from gensynth.schema import Column
from gensynth.schema.relation import Relation

KEYS = np.array([-5, -2, 0, 7, 8, 40])
VALUES = np.array([1, 1, 2, 3, 3, 4])


@pytest.fixture
def domains():
    return {name: Domain(Column(name, "numeric", "int64", decimals=0), 0, 50) for name in ("a", "b")}


def _sheet(keys, values):
    return Sheet(
        {"a": keys, "b": values},
        {name: np.zeros(len(keys), dtype=bool) for name in ("a", "b")},
        {name: np.ones(len(keys), dtype=bool) for name in ("a", "b")},
    )


def _settled(domains):
    relation = Relation("dependency", ("a", "b"))
    rule = DependencyRule.fit(relation, domains, _sheet(KEYS, VALUES))
    own = np.arange(-30, 90)
    sheet = _sheet(own.copy(), np.random.default_rng(0).integers(0, 6, len(own)))
    rule.settle(sheet, np.random.default_rng(1).random(len(own)))
    assert not rule.broken(sheet).any()
    return sheet


def test_keys_far_apart_are_looked_up_as_those_near_each_other(domains, monkeypatch):
    near = _settled(domains)
    monkeypatch.setattr(dependencies, "_MOST_SPAN", 0)
    far = _settled(domains)
    for name in ("a", "b"):
        np.testing.assert_array_equal(near.values[name], far.values[name])


def test_a_number_between_two_keys_takes_the_value_of_the_nearer(domains):
    rule = DependencyRule.fit(Relation("dependency", ("a", "b")), domains, _sheet(KEYS, VALUES))
    values, found = rule.solve(_sheet(KEYS, VALUES), "b", np.zeros(len(KEYS)))
    assert found.all()
    np.testing.assert_array_equal(values, VALUES)
    sheet = _sheet(np.array([3, 4, 30]), np.array([5, 5, 5]))
    rule.settle(sheet, np.zeros(3))
    np.testing.assert_array_equal(sheet.values["b"], [2, 3, 4])
