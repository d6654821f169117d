"""Which columns are identifiers, and which numbers and texts are not."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

from gensynth.errors import IdentifierWarning, SchemaError, command_line_hints
from gensynth.schema import TableSchema
from gensynth.schema.column_names import words_of

R = np.random.default_rng(11)
N = 1000
WHO = R.integers(0, 300, N)
HOSTS = ["x.org", "mail.co.uk"]
MAILS = np.array([f"{['ann', 'bob', 'li'][i % 3]}.{R.integers(10**6)}@{HOSTS[i % 2]}" for i in range(300)])
ADDRESSES = np.array([".".join(map(str, R.integers(0, 256, 4))) for _ in range(300)])
LOCAL = np.array([f"0{R.integers(10**8, 10**9)}" for _ in range(300)])
AMERICAN = np.array([f"+1 ({R.integers(200, 999)}) {R.integers(200, 999)}-{R.integers(10**4):04d}" for _ in range(300)])
SOCIAL = np.array([f"{R.integers(1, 899):03d}-{R.integers(1, 99):02d}-{R.integers(1, 9999):04d}" for _ in range(300)])
CODES = np.array([f"CUST{R.integers(10**6):06d}" for _ in range(300)])
ACCOUNTS = ["DE89370400440532013000", "GB82WEST12345698765432", "NL91ABNA0417164300", "FR1420041010050500013M02606",
            "BE68539007547034", "ES9121000418450200051332", "CH9300762011623852957", "AT611904300234573201",
            "PT50000201231234567890154", "IT60X0542811101000000123456"]  # fmt: skip


def kind(values, name="x"):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", IdentifierWarning)
        return TableSchema.infer(pd.DataFrame({name: values}))[name].kind


@pytest.mark.parametrize(
    ("values", "name"),
    [
        (MAILS[WHO], "x"),
        (MAILS[:20][np.arange(60) % 20], "x"),
        (LOCAL[WHO], "x"),
        (AMERICAN[WHO], "x"),
        (SOCIAL[WHO], "x"),
        (np.where(np.arange(N) % 5 == 0, "unknown", MAILS[WHO]), "x"),
        (np.where(np.arange(300) % 5 == 0, "withheld", LOCAL), "x"),
        (np.where(np.arange(300) % 5 == 0, "N/A", [f"{m} {m[::-1]}" for m in MAILS]), "x"),
        (np.array([f"10.{i % 7}.0.{i % 211}" for i in range(400)])[R.integers(0, 400, 8000)], "x"),
        (ADDRESSES[WHO], "x"),
        (CODES[WHO], "customer_id"),
        ([f"INV{i}" for i in R.choice(9000, 300, replace=False) + 1000], "x"),
        ([f"#{i}" for i in range(1, 300)], "x"),
        ([f"TX20210101{i}" for i in R.integers(10**8, 10**9, 300)], "x"),
        ([f"Nr. {i}" for i in R.choice(9000, 300, replace=False)], "x"),
        ([f"US{i}" for i in R.choice(9 * 10**6, 300, replace=False) + 10**6], "x"),
        ([f"{i // 10**6} {i // 1000 % 1000:03d} {i % 1000:03d}" for i in R.integers(10**8, 10**9, 300)], "x"),
        ([f"{i}" for i in R.integers(10**9, 10**10, 300)], "x"),
        (np.array(ACCOUNTS)[np.arange(40) % 10], "x"),
        (R.choice(900_000_000, N, replace=False) + 100_000_000, "x"),
        (R.choice(898_000_000, N, replace=False) + 1_010_000, "x"),
        (R.choice([212, 415, 310, 718, 646], N) * 10**7 + R.choice(10**7, N, replace=False), "x"),
        (4_000 * 10**6 + R.choice(10**6, N, replace=False), "x"),
        (R.integers(-(2**63), 2**63 - 1, N), "x"),
        (R.integers(0, 2**32, N), "x"),
        (np.append(R.choice(900_000_000, N, replace=False) + 100_000_000, np.repeat(123_456_789, 50)), "x"),
        (R.choice(900_000, 3000, replace=False) + 100_000, "x"),
        (R.choice(10**8, 60, replace=False), "account"),
        (R.choice(10**8, 60, replace=False), "accountNumber"),
        (R.choice(10**8, 60, replace=False), "Kontonummer"),
        ((R.choice(900_000, 300, replace=False) + 100_000)[WHO], "customer_id"),
        (np.where(np.arange(N) % 9 == 0, np.nan, R.choice(900_000_000, N, replace=False) + 1e8), "x"),
    ],
)  # fmt: skip
def test_identifiers(values, name):
    assert kind(values, name) == "identifier"


@pytest.mark.parametrize(
    ("values", "name"),
    [
        (MAILS[:5][WHO % 5], "mailbox"),
        (MAILS[:20][np.arange(2000) % 20], "x"),
        (ADDRESSES[:20][WHO % 20], "x"),
        (np.array([f"{R.integers(10**4, 10**5)}-{R.integers(10**4):04d}" for _ in range(300)])[WHO], "zip"),
        (np.array([f"{i * 1000}-{i * 1000 + 999}" for i in range(1000, 1060)])[WHO % 60], "income"),
        (np.array([f"SKU{i:05d}" for i in range(300)])[WHO], "sku"),
        (np.array([f"city {i}" for i in range(60)])[WHO % 60], "city"),
        (np.array(["-", "n/a", "a", "b", "c", "1", "2"])[WHO % 7], "grade"),
    ],
)
def test_categories(values, name):
    assert kind(values, name) == "categorical"


@pytest.mark.parametrize(
    ("values", "name"),
    [
        (R.choice(10**8, N, replace=False) + 1_600_000_000, "x"),
        ((R.choice(10**8, N, replace=False) + 1_600_000_000) * 1000 + 123, "x"),
        (R.choice(90_000, N, replace=False) + 30_000, "salary"),
        (R.choice(900_000, N, replace=False) + 100_000, "income"),
        (R.choice(900_000, N, replace=False) + 100_000, "account_balance"),
        (R.choice(900_000, N, replace=False) + 100_000, "number_of_people"),
        (np.unique(np.rint(R.lognormal(14, 2, N)).astype(int)), "x"),
        (np.unique(np.rint(R.lognormal(16, 0.3, N)).astype(int)), "x"),
        (np.unique(np.rint(R.normal(5e8, 1e8, N)).astype(int)), "x"),
        (R.choice(10**5, N, replace=False), "zip"),
        (R.choice(10**6, 200, replace=False), "x"),
        (WHO, "user_id"),
        (np.repeat(np.arange(1960, 2020), 10), "year"),
        (R.choice(10**9, N, replace=False) / 100, "x"),
        ([f"{i:,}" for i in R.integers(10**6, 10**8, 300)], "x"),
        ([f"EUR {i}" for i in R.choice(10**5, 300, replace=False)], "x"),
        ([f"${i}" for i in R.choice(10**5, 300, replace=False)], "x"),
        ([f"{i} km" for i in R.choice(10**5, 300, replace=False)], "x"),
        ([f"Rs. {i}" for i in R.choice(10**5, 300, replace=False)], "x"),
        (np.where(np.arange(N) % 9 == 0, np.nan, R.normal(0, 1, N)), "id"),
    ],
)
def test_quantities(values, name):
    assert kind(values, name) == "numeric"


def test_every_real_key_of_a_few_rows_is_learned():
    assert kind(R.choice(10**8, 19, replace=False), "account") == "numeric"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("customerId", ["customer", "id"]),
        ("USERID", ["user", "id"]),
        ("order_no", ["order", "no"]),
        ("phone1", ["phone"]),
        ("accountnumber", ["account", "number"]),
        ("paid", ["paid"]),
        ("humid", ["humid"]),
        ("volcano", ["volcano"]),
        (7, []),
    ],
)
def test_words(name, words):
    assert words_of(name) == words


def test_one_warning_names_every_identifier_and_the_way_out():
    data = pd.DataFrame({"ssn": SOCIAL[:40], "mail": MAILS[:40], "v": np.arange(40) % 3})
    with pytest.warns(IdentifierWarning, match=r"'ssn', 'mail'.*schema=\{'ssn': 'categorical'\}") as caught:
        TableSchema.infer(data)
    assert len(caught) == 1
    numbers = pd.DataFrame({"account": R.choice(10**8, 40, replace=False)})
    with command_line_hints(), pytest.warns(IdentifierWarning, match=r"--schema account=categorical.*account=numeric"):
        TableSchema.infer(numbers)
    with pytest.warns(IdentifierWarning, match="'account' looks like an identifier: anomalies in it are not detected"):
        TableSchema.infer(numbers, learn_constants=True)  # as detectors ask


def test_a_declared_kind_wins():
    data = pd.DataFrame({"ssn": SOCIAL[:40], "n": np.arange(40) * 1.0, "half": np.arange(40) + 0.5})
    schema = TableSchema.infer(data, {"ssn": "categorical", "n": "identifier"})
    assert [schema["ssn"].kind, schema["n"].kind] == ["categorical", "identifier"]
    with pytest.raises(SchemaError, match="'half' is declared identifier"):
        TableSchema.infer(data, {"ssn": "categorical", "half": "identifier"})
