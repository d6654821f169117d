"""Relations that hold in every row are found, in every kind of column; what chance explains is none."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from related_tables import CITIES, money, rng

from gensynth.encoding.table import TableEncoder
from gensynth.layout import Encoding
from gensynth.schema import TableSchema

N = 600


def found(frame, shuffle=True, **options):
    """The relations of a table, whatever the order of its columns."""
    if shuffle:
        frame = frame[rng(1).permutation(frame.columns)]
    schema = TableSchema.infer(frame)
    encoder = TableEncoder(schema, Encoding(), relations="auto", **options).fit(schema.align(frame))
    return {str(relation) for relation in encoder.schema.relations}


def test_a_sum_of_decimals_and_a_rounded_factor():
    assert found(money()) in ({"total = net + vat", "vat = 0.21 * net"}, {"total = vat + net", "vat = 0.21 * net"})


def test_sums_of_whole_numbers_with_missing_cells():
    parts = rng().integers(0, 400, (N, 3))
    frame = pd.DataFrame(parts, columns=list("abc")).assign(all=parts.sum(1), other=rng(2).integers(0, 900, N))
    frame = frame.astype("Int64")
    frame.loc[::9, "a"] = pd.NA
    frame.loc[4::11, "all"] = pd.NA
    (relation,) = found(frame)
    assert sorted(relation.partition(" = ")[2].split(" + ")) == ["a", "b", "c"]
    assert relation.startswith("all = ")


def test_shares_that_make_a_hundred():
    shares = rng().multinomial(1000, [0.1, 0.15, 0.2, 0.25, 0.3], N) / 10
    (relation,) = found(pd.DataFrame(shares, columns=list("abcde")))
    assert relation.endswith(" = 100")
    assert sorted(relation.partition(" = ")[0].split(" + ")) == list("abcde")


def test_a_difference_and_a_fixed_distance():
    gross, cost = rng().integers(500, 900, N), rng(1).integers(0, 400, N)
    frame = pd.DataFrame({"gross": gross, "cost": cost, "profit": gross - cost})
    assert found(frame) in ({"gross = cost + profit"}, {"gross = profit + cost"})
    start = pd.Timestamp("2021-01-01") + pd.to_timedelta(rng().integers(0, 900, N), unit="D")
    (relation,) = found(pd.DataFrame({"order": start, "due": start + pd.Timedelta(days=30)}))
    assert relation in ("due = order + 30", "order = due - 30")


@pytest.mark.parametrize("unit", ["days", "hours", "timedelta"])
def test_the_time_between_two_dates(unit):
    start = pd.Timestamp("2021-01-01") + pd.to_timedelta(rng().integers(0, 900, N), unit="D")
    stay = pd.to_timedelta(rng(1).integers(0, 30, N), unit="D")
    length = {"days": stay.days, "hours": stay.days * 24, "timedelta": stay}[unit]
    frame = pd.DataFrame({"start": start, "end": start + stay, "stay": length})
    factor = "24 * " if unit == "hours" else ""
    assert f"stay = {factor}end - {factor}start" in found(frame)


def test_products_and_ratios():
    price, quantity = np.round(rng().gamma(2, 20, N), 2), rng(1).integers(1, 40, N)
    frame = pd.DataFrame({"price": price, "quantity": quantity, "amount": np.round(price * quantity, 2)})
    assert found(frame) & {"amount = price * quantity", "amount = quantity * price"}
    weight, height = rng().normal(75, 12, N).round(1), rng(1).normal(1.75, 0.1, N).round(2)
    frame = pd.DataFrame({"weight": weight, "height": height, "index": np.round(weight / height, 1)})
    assert found(frame) & {"index = weight / height", "height = weight / index"}


def test_a_factor_with_a_constant():
    celsius = rng().normal(12, 8, N).round(1)
    frame = pd.DataFrame({"c": celsius, "f": np.round(celsius * 1.8 + 32, 1)})
    assert found(frame) == {"f = 1.8 * c + 32"}


def test_full_floats():
    a, b = rng().gamma(2, 20, N), rng(1).gamma(2, 20, N)
    assert found(pd.DataFrame({"a": a, "b": b, "area": a * b})) & {"area = a * b", "area = b * a"}
    assert found(pd.DataFrame({"a": a, "b": a * 2.54})) & {"b = 2.54 * a"}


def test_orders_of_dates_and_numbers_without_those_that_follow():
    start = pd.Timestamp("2021-01-01") + pd.to_timedelta(rng().integers(0, 900, N), unit="D")
    end = start + pd.to_timedelta(rng(1).integers(0, 60, N), unit="D")
    assert found(pd.DataFrame({"start": start, "end": end})) == {"start <= end"}
    low = rng().gamma(3, 20, N).round(2)
    mid = (low + rng(1).gamma(2, 5, N)).round(2)
    high = (mid + rng(2).gamma(2, 5, N)).round(2)
    assert found(pd.DataFrame({"low": low, "mid": mid, "high": high})) == {"low <= mid", "mid <= high"}


def test_ranges_that_do_not_overlap_are_no_order():
    born = pd.Timestamp("1960-01-01") + pd.to_timedelta(rng().integers(0, 9000, N), unit="D")
    seen = pd.Timestamp("2015-01-01") + pd.to_timedelta(rng(1).integers(0, 900, N), unit="D")
    assert found(pd.DataFrame({"born": born, "seen": seen})) == set()


@pytest.mark.parametrize("dtype", ["object", "category", "string"])
def test_dependencies(dtype):
    city = pd.Series(rng().choice(list(CITIES), N), dtype=dtype)
    country = city.astype(object).map(CITIES).astype(dtype)
    continent = country.astype(object).map({"FR": "west", "IT": "south", "DE": "west"}).astype(dtype)
    frame = pd.DataFrame({"city": city, "country": country, "continent": continent, "x": rng(3).normal(size=N)})
    assert found(frame) == {"city -> country", "country -> continent"}


def test_codes_and_names_say_each_other():
    code = rng().integers(0, 12, N)
    frame = pd.DataFrame({"code": code, "name": [f"thing {'abcdefghijkl'[c]}" for c in code]})
    assert found(frame) == {"code -> name", "name -> code"}


def test_columns_that_are_missing_together():
    frame = pd.DataFrame(rng().normal(size=(N, 4)), columns=list("abcd"))
    gone = rng(1).random(N) < 0.2
    frame.loc[gone, ["a", "c"]] = np.nan
    frame.loc[rng(2).random(N) < 0.2, "d"] = np.nan
    assert found(frame, shuffle=False) == {"a, c missing together"}


@pytest.mark.parametrize("seed", range(6))
def test_small_tables_of_few_values_have_none_by_chance(seed):
    random = rng(seed)
    frame = pd.DataFrame(random.integers(0, 4, (150, 8)), columns=list("abcdefgh"))
    frame = frame.assign(
        rare=(random.random(150) < 0.02).astype(int),
        rarer=np.where(random.random(150) < 0.02, "x", "y"),
        city=random.choice(list("pqrst"), 150),
        wide=random.integers(0, 140, 150),
        price=random.gamma(2, 20, 150).round(2),
        tax=random.gamma(2, 5, 150).round(2),
    )
    assert found(frame) == set()


def test_what_breaks_in_one_row_is_no_relation():
    frame = money()
    frame["total"] += np.where(frame.index == 17, 0.01, 0.0)
    assert "vat = 0.21 * net" in found(frame)
    assert not any("+" in text for text in found(frame))
    city = pd.Series(rng().choice(list(CITIES), N))
    country = city.map(CITIES)
    country[5] = "UK"
    assert found(pd.DataFrame({"city": city, "country": country})) == set()


def test_few_rows_say_nothing():
    assert found(money(20)) == set()


def test_copies_of_rows_are_no_evidence():
    frame = pd.DataFrame({"x": rng().normal(size=N).round(4), "c": rng(1).choice(list("abc"), N)})
    assert found(pd.concat([frame] * 4, ignore_index=True)) == set()
