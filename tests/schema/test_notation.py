from __future__ import annotations

import numpy as np

from gensynth.schema.notation import Notation, split_cell


def test_a_number_may_lack_prefix_and_suffix():
    notation = Notation("${}", "-${}", thousands=",", places=2)
    assert notation.read(["$1,200.50", "1200.50", "EUR 5", "", "$"]).tolist()[:2] == [1200.5, 1200.5]
    assert np.isnan(notation.read(["EUR 5", "", "$"])).all()


def test_zero_has_no_sign():
    assert Notation(whole=1).write(np.array([-0.0, 0.0]), None) == ["0.0", "0.0"]


def test_thousands_may_come_where_none_were_written():
    assert Notation("${}", "-${}", places=2).read(["$1,200.50", "1 200.50"]).tolist() == [1200.5, 1200.5]
    assert Notation(decimal=",").read(["4,5", "4.5"]).tolist() == [4.5, 4.5]


def test_only_the_notation_itself_is_read_strictly():
    values = Notation("${}", "-${}", zero="0").read(["$1.50", "1.50", "0"], strict=True)
    np.testing.assert_array_equal(values, [1.5, np.nan, 0.0])


def test_groups_of_thousands_and_of_lakhs():
    assert Notation(thousands=",").write(np.array([1234567, -100000, 999]), 0) == ["1,234,567", "-100,000", "999"]
    assert Notation(thousands=",", group=2).write(np.array([1234567, 99999]), 0) == ["12,34,567", "99,999"]


def test_large_whole_numbers_keep_their_digits():
    assert Notation("{} kg").write(np.array([2**62 + 1]), 0) == [f"{2**62 + 1} kg"]


def test_a_cell_is_taken_apart():
    cell = split_cell("-$1,234.50")
    assert cell is not None
    assert (cell.sign, cell.core, cell.template, cell.affix) == ("-", "1,234.50", "-${}", ("$", ""))
    assert split_cell("12-15") is None
    assert split_cell("Rome") is None
