"""Drawn rows keep every kind of relation, whatever the model drew; given and filled cells too."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from related_tables import CITIES, money, rng

from gensynth.encoding.related_rows import settle
from gensynth.encoding.rows import Rows
from gensynth.encoding.table import TableEncoder
from gensynth.encoding.tablestate import table_from_state, table_state
from gensynth.errors import ConditionError
from gensynth.layout import Encoding
from gensynth.schema import TableSchema

N = 500


def dates():
    start = pd.Timestamp("2021-01-01") + pd.to_timedelta(rng().integers(0, 700, N), unit="D")
    return pd.DataFrame({"start": start, "end": start + pd.to_timedelta(rng(1).integers(0, 30, N), unit="D")})


def places():
    city = pd.Series(rng(3).choice(list(CITIES), N, p=[0.4, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1]))
    country = city.map(CITIES)
    return pd.DataFrame({"city": city, "country": country, "continent": country.map({"FR": "w", "IT": "s", "DE": "w"})})


def shares():
    return pd.DataFrame(rng().multinomial(1000, [0.05, 0.15, 0.2, 0.25, 0.35], N) / 10, columns=list("abcde"))


def orders():
    price, quantity = np.round(rng().gamma(2, 20, N), 2), rng(1).integers(1, 12, N)
    return pd.DataFrame({"price": price, "quantity": quantity, "amount": np.round(price * quantity, 2)})


def chain():
    low = rng().gamma(3, 20, N).round(2)
    mid = (low + rng(1).gamma(2, 5, N)).round(2)
    return pd.DataFrame({"low": low, "mid": mid, "high": (mid + rng(2).gamma(2, 5, N)).round(2)})


def stays():
    frame = dates()
    return frame.assign(days=(frame["end"] - frame["start"]).dt.days)


def together():
    frame = pd.DataFrame(rng().normal(size=(N, 3)).round(3), columns=list("xyz"))
    frame.loc[rng(1).random(N) < 0.3, ["x", "z"]] = np.nan
    return frame


def weekdays():
    start = pd.Timestamp("2021-01-01") + pd.to_timedelta(rng().integers(0, 700, N), unit="D")
    end = start + pd.to_timedelta(rng(1).integers(0, 20, N), unit="D")
    end = end + pd.to_timedelta(np.select([end.day_of_week == 5, end.day_of_week == 6], [2, 1], 0), unit="D")
    return pd.DataFrame({"start": start, "end": end})


def codes():
    code = rng().integers(0, 12, N) * 7
    return pd.DataFrame({"code": code, "name": [f"thing {'abcdefghijkl'[c // 7]}" for c in code]})


def pairs(frame, *columns):
    return set(frame[list(columns)].itertuples(index=False, name=None))


KINDS = {
    "money": (money, lambda f: np.isclose(f.total, f.net + f.vat) & (np.round(f.net * 0.21, 2) == f.vat)),
    "dates": (dates, lambda f: f.end >= f.start),
    "shares": (shares, lambda f: np.isclose(f.sum(axis=1), 100) & (f >= 0).all(axis=1)),
    "orders": (orders, lambda f: np.round(f.price * f.quantity, 2) == f.amount),
    "chain": (chain, lambda f: (f.low <= f.mid) & (f.mid <= f.high)),
    "stays": (stays, lambda f: ((f.end - f.start).dt.days == f.days) & (f.days >= 0)),
    "together": (together, lambda f: f.x.isna() == f.z.isna()),
    "weekdays": (weekdays, lambda f: (f.end >= f.start) & (f.end.dt.day_of_week < 5)),
    "places": (places, lambda f: [row in pairs(places(), *f) for row in f.itertuples(index=False, name=None)]),
    "codes": (codes, lambda f: [row in pairs(codes(), *f) for row in f.itertuples(index=False, name=None)]),
}


def fit(frame, first=(), relations="auto", encoding=None):
    schema = TableSchema.infer(frame, keep=first)
    return TableEncoder(schema, encoding or Encoding(), first, relations).fit(schema.align(frame))


def drawn(encoder, frame, seed=0, n=None):
    """Rows whose columns were drawn independently of each other: the worst of all models."""
    rows = encoder.encode(encoder.schema.align(frame))
    random = rng(seed)
    codes, numeric = rows.codes.copy(), rows.numeric.copy()
    for i, column in enumerate(encoder.layout.columns):
        order = random.permutation(len(rows))
        codes[:, i] = codes[order, i]
        if column.numeric is not None:
            numeric[:, column.numeric.index] = numeric[order, column.numeric.index]
    return Rows(numeric[:n], codes[:n])


@pytest.mark.parametrize("numeric", ["bins", "normal"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_row_keeps_it(kind, numeric):
    make, holds = KINDS[kind]
    frame = make()
    encoder = fit(frame, encoding=Encoding(numeric))
    assert encoder.schema.relations
    assert np.all(holds(frame))
    settled, broken = settle(encoder, drawn(encoder, frame), rng(1))
    out = encoder.decode(settled, rng(2))
    assert broken.mean() < 0.02
    assert np.all(np.asarray(holds(out))[~broken])
    for name in frame:
        if pd.api.types.is_numeric_dtype(frame[name]):
            assert out[name].dropna().between(frame[name].min(), frame[name].max()).all()
        assert out[name].dtype == frame[name].dtype


@pytest.mark.parametrize("kind", KINDS)
def test_fitted_rows_come_back_and_break_nothing(kind):
    frame = KINDS[kind][0]()
    encoder = fit(frame)
    rows = encoder.encode(encoder.schema.align(frame))
    pd.testing.assert_frame_equal(encoder.decode(rows, rng()), frame)
    assert (rows.codes[:, list(encoder.checks)] == 1).all()


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_keeps_them(kind):
    frame = KINDS[kind][0]()
    encoder = fit(frame)
    state, arrays = table_state(encoder)
    again = table_from_state(json.loads(json.dumps(state, allow_nan=False)), arrays)
    assert again.schema.relations == encoder.schema.relations
    assert again.layout == encoder.layout
    rows = drawn(encoder, frame)
    pd.testing.assert_frame_equal(again.decode(rows, rng(5)), encoder.decode(rows, rng(5)))


@pytest.mark.parametrize("kind", KINDS)
def test_a_row_does_not_depend_on_how_many_there_are(kind):
    frame = KINDS[kind][0]()
    encoder = fit(frame)
    whole = encoder.decode(drawn(encoder, frame), rng(5))
    part = encoder.decode(drawn(encoder, frame, n=40), rng(5))
    pd.testing.assert_frame_equal(part, whole.head(40))


def test_gaps_among_the_parts_stay_gaps():
    frame = money(N)
    frame.loc[::7, "net"] = np.nan
    frame.loc[3::5, "total"] = np.nan
    encoder = fit(frame)
    pd.testing.assert_frame_equal(encoder.decode(encoder.encode(frame), rng()), frame)
    out = encoder.decode(drawn(encoder, frame), rng())
    full = out.dropna()
    assert np.isclose(full.total, full.net + full.vat).all()
    assert out["total"].isna().mean() == pytest.approx(frame["total"].isna().mean(), abs=0.05)


def test_a_total_is_missing_where_a_part_is_if_it_always_was():
    frame = money(N)
    frame.loc[::7, ["net", "vat"]] = np.nan
    frame.loc[::7, "total"] = np.nan
    out = (encoder := fit(frame)).decode(drawn(encoder, frame), rng())
    assert (out.isna().sum(axis=1) % 3 == 0).all()


def conditioned(encoder, frame, conditions, n=60, seed=0):
    """Rows under conditions of a model that draws every other cell by itself."""
    columns, cells = encoder.encode_condition(conditions, n, rng(seed))
    rows = drawn(encoder, frame, seed, n)
    given = np.zeros(rows.codes.shape, dtype=bool)
    for i in columns:
        given[:, i] = True
        rows.codes[:, i] = cells.codes[:, i]
        slot = encoder.layout.columns[i].numeric
        if slot is not None:
            rows.numeric[:, slot.index] = cells.numeric[:, slot.index]
    settled, broken = settle(encoder, rows, rng(seed), given)
    return encoder.decode(settled, rng(seed), given), broken


@pytest.mark.parametrize(
    ("kind", "conditions"),
    [
        ("money", {"net": 100.0}),
        ("money", {"vat": 10.5}),
        ("money", {"total": 121.0}),
        ("dates", {"end": pd.Timestamp("2021-06-01")}),
        ("dates", {"start": pd.Timestamp("2021-06-01")}),
        ("shares", {"a": 5.0}),
        ("shares", {"e": 36.0, "d": 24.0}),
        ("orders", {"quantity": 3}),
        ("orders", {"amount": 60.0}),
        ("chain", {"high": 80.0}),
        ("chain", {"mid": 60.0}),
        ("stays", {"days": 7}),
        ("stays", {"end": pd.Timestamp("2021-06-01"), "days": 4}),
        ("weekdays", {"end": pd.Timestamp("2021-06-01")}),
        ("places", {"country": "FR"}),
        ("places", {"continent": "w"}),
        ("places", {"city": "Rome"}),
        ("codes", {"name": "thing c"}),
        ("together", {"x": None}),
        ("together", {"x": 0.5}),
    ],
)
def test_conditions_and_relations_are_both_kept(kind, conditions):
    make, holds = KINDS[kind]
    frame = make()
    encoder = fit(frame)
    out, broken = conditioned(encoder, frame, conditions)
    assert broken.mean() < 0.5
    out = out[~broken]
    assert np.all(holds(out))
    for name, value in conditions.items():
        assert (out[name].isna() if value is None else out[name] == value).all()


def test_keys_of_a_value_are_drawn_by_their_frequency():
    frame = places()
    encoder = fit(frame)
    out, _ = conditioned(encoder, frame, {"country": "FR"}, n=N)
    shares_ = frame.loc[frame["country"] == "FR", "city"].value_counts(normalize=True)
    assert out["city"].value_counts(normalize=True)["Paris"] == pytest.approx(shares_["Paris"], abs=0.08)


@pytest.mark.parametrize(
    ("kind", "conditions", "reason"),
    [
        ("places", {"city": "Paris", "country": "DE"}, "city='Paris' always had country='FR'"),
        ("places", {"city": "Rome", "continent": "w"}, "country='IT' always had continent='s'"),
        ("money", {"net": 100.0, "vat": 5.0}, "vat = 0.21"),
        ("money", {"net": 100.0, "total": 150.0}, "total"),
        ("dates", {"start": pd.Timestamp("2021-06-01"), "end": pd.Timestamp("2021-05-01")}, "start <= end"),
        ("shares", {"a": 5.0, "b": 15.0, "c": 20.0, "d": 25.0, "e": 34.0}, "= 100"),
    ],
)
def test_contradictions_are_refused_with_the_reason(kind, conditions, reason):
    frame = KINDS[kind][0]()
    encoder = fit(frame)
    with pytest.raises(ConditionError, match="no row can have") as caught:
        encoder.encode_condition(conditions, 5, rng())
    assert reason in str(caught.value)


def test_condition_columns_are_changed_last():
    encoder = fit(money(N), first=("total",))
    assert encoder.layout.columns[0].name == "total"
    frame = dates()
    encoder = fit(frame, first=("end",))
    assert not encoder.gaps
    out = encoder.decode(settle(encoder, drawn(encoder, frame), rng())[0], rng())
    assert (out["end"] >= out["start"]).all()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 5), st.sampled_from([1, 100, 10**6]))
def test_whole_sums_are_exact_whatever_their_size(seed, k, size):
    parts = rng(seed).integers(0, 1000 * size, (120, k))
    frame = pd.DataFrame(parts, columns=[f"p{i}" for i in range(k)]).assign(total=parts.sum(1))
    frame = frame[rng(seed).permutation(frame.columns)]
    schema = TableSchema.infer(frame, dict.fromkeys(frame.columns, "numeric"))
    encoder = TableEncoder(schema, Encoding(), relations="auto").fit(frame)
    settled, broken = settle(encoder, drawn(encoder, frame, seed), rng(seed))
    out = encoder.decode(settled, rng(seed))[~broken]
    assert (out.filter(like="p").sum(axis=1) == out["total"]).all()


def test_a_number_between_two_keys_goes_with_one_of_them():
    age = rng().integers(18, 80, N) + rng(1).choice([0.0, 0.25, 0.5], N)
    frame = pd.DataFrame({"age": age, "group": np.select([age < 30, age < 60], ["young", "middle"], "old")})
    frame["other"] = rng(2).normal(size=N).round(2)
    encoder = fit(frame)
    assert [str(relation) for relation in encoder.schema.relations] == ["age -> group"]
    unseen = frame.assign(age=frame["age"] + 0.13)
    assert (encoder.encode(unseen).codes[:, list(encoder.checks)] == 1).all()  # nothing is known of such a key
    settled, _ = settle(encoder, drawn(encoder, frame), rng())
    out = encoder.decode(settled, rng())
    ends = frame.groupby("group")["age"].agg(["min", "max"])
    for group, (low, high) in ends.iterrows():
        assert out.loc[out["group"] == group, "age"].between(low - 1, high + 1).all()


def test_short_distances_are_learned_as_they_are():
    frame = dates()
    encoder = fit(frame)
    assert set(encoder.gaps) == {"end"}
    out = encoder.decode(drawn(encoder, frame), rng())
    assert set((out["end"] - out["start"]).dt.days) <= set(range(30))


def test_none_are_kept_if_so_asked():
    frame = money(N)
    encoder = fit(frame, relations=False)
    assert encoder.schema.relations == ()
    assert [column.name for column in encoder.layout.columns] == ["net", "vat", "total"]
