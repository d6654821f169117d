"""Relations that nearly all rows keep are found where some rows may be wrong; nearly constant columns keep none."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from related_tables import CITIES, money, rng

from gensynth.encoding.table import TableEncoder
from gensynth.layout import UNKNOWN, Encoding
from gensynth.relations.dependencies import usual_rows
from gensynth.relations.sheet import Sheet
from gensynth.schema import TableSchema
from gensynth.schema.relation import Relation

N = 600


def encoder_of(frame: pd.DataFrame, *, exceptions: bool = True) -> TableEncoder:
    schema = TableSchema.infer(frame)
    encoder = TableEncoder(schema, Encoding("standard"), relations="auto", exceptions=exceptions)
    return encoder.fit(schema.align(frame))


def found(frame: pd.DataFrame, *, exceptions: bool = True) -> set[str]:
    return {str(relation) for relation in encoder_of(frame, exceptions=exceptions).schema.relations}


def places(n: int = N) -> pd.DataFrame:
    city = pd.Series(rng().choice(list(CITIES), n))
    return pd.DataFrame({"city": city, "country": city.map(CITIES), "size": rng(1).integers(0, 900, n)})


@pytest.mark.parametrize("wrong", [1, 6])
def test_slips_hide_no_relation(wrong):
    frame = money().assign(total=lambda t: t["total"].where(t.index >= wrong, t["total"] + 30))
    assert found(frame) & {"total = net + vat", "total = vat + net"}
    assert not found(frame, exceptions=False) & {"total = net + vat", "total = vat + net"}
    frame = places()
    frame.loc[: wrong - 1, "country"] = frame.loc[: wrong - 1, "country"].map({"FR": "IT", "IT": "DE", "DE": "FR"})
    assert found(frame) == {"city -> country"}
    assert found(frame, exceptions=False) == set()


def test_only_the_rows_that_break_it_are_new():
    frame = places()
    frame.loc[7, "country"] = "IT" if frame.loc[7, "country"] != "IT" else "FR"
    encoder = encoder_of(frame)
    (check,) = encoder.checks
    assert np.flatnonzero(encoder.encode(frame).codes[:, check] == UNKNOWN).tolist() == [7]


def test_many_exceptions_are_another_rule():
    frame = places()
    frame.loc[:11, "country"] = "XX"  # 2 %
    assert found(frame) == set()


def test_nearly_constant_columns_keep_nothing():
    flag = np.zeros(N, dtype=np.int64)
    flag[[3, 77, 150]] = 1
    assert found(places()[["city", "size"]].assign(flag=flag, other=np.roll(flag, 1))) == set()


def test_what_all_rows_keep_is_found_as_ever():
    assert found(money()) == found(money(), exceptions=False)
    assert found(places()) == found(places(), exceptions=False)


def test_a_key_without_a_majority_says_nothing():
    sheet = Sheet(
        {"a": np.array([1, 1, 1, 2, 2, 3, 3]), "b": np.array([5, 5, 6, 5, 6, 7, 0])},
        {"a": np.zeros(7, dtype=bool), "b": np.arange(7) == 6},
    )
    usual = usual_rows(Relation("dependency", ("a", "b")), sheet)
    assert usual.tolist() == [True, True, False, False, False, True, True]
