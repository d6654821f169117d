from __future__ import annotations

import pytest

from gensynth.cli.options.amount import Amount
from gensynth.errors import OptionError


@pytest.mark.parametrize(
    ("given", "by_class", "n"),
    [
        ((None, None, False), False, 120),
        ((7, None, False), False, 7),
        ((None, "0.25", False), False, 30),
        ((None, "auto", False), True, None),
        ((None, None, True), True, None),
    ],
)
def test_rows_of_a_table_of_120(given, by_class, n):
    rows, ratio, balance = given
    amount = Amount.of(rows, ratio, balance=balance)
    assert (amount.by_class, amount.rows_for(120)) == (by_class, n)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ((0, None, False), "--rows must be at least 1"),
        ((None, "0", False), "--ratio must be auto or a number more than 0, not 0"),
        ((None, "inf", False), "--ratio must be auto or a number more than 0, not inf"),
        ((None, "nan", False), "--ratio must be auto or a number more than 0, not nan"),
        ((None, "some", False), "--ratio must be auto or a number more than 0, not 'some'"),
        ((3, "auto", False), "--rows and --ratio exclude each other"),
        ((None, "1", True), "--balance and --ratio exclude each other"),
    ],
)
def test_what_cannot_be_is_refused(given, told):
    rows, ratio, balance = given
    with pytest.raises(OptionError, match=told):
        Amount.of(rows, ratio, balance=balance)
