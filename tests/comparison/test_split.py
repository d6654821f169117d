"""Training and held-out rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gensynth.comparison.split import split_table
from gensynth.errors import DataError


def table(n: int = 200) -> pd.DataFrame:
    return pd.DataFrame({"x": np.arange(n), "y": np.where(np.arange(n) % 20 == 0, "rare", "usual")})


def test_classes_keep_their_proportions_and_no_row_is_in_both() -> None:
    train, held = split_table(table(), "y", 0.3, 0)
    assert (len(train), len(held)) == (140, 60)
    assert (train["y"].eq("rare").sum(), held["y"].eq("rare").sum()) == (7, 3)
    assert sorted([*train["x"], *held["x"]]) == list(range(200))
    assert train.index.tolist() == list(range(140))


@pytest.mark.parametrize("target", ["x", None])
def test_numbers_and_no_target_are_split_at_random(target: str | None) -> None:
    train, held = split_table(table(), target, 0.25, 0)
    assert (len(train), len(held)) == (150, 50)
    assert not split_table(table(), target, 0.25, 1)[1].equals(held)


def test_a_class_of_one_row_is_no_obstacle() -> None:
    frame = table()
    frame.loc[3, "y"] = "once"
    frame.loc[4, "y"] = None
    train, held = split_table(frame, "y", 0.3, 0)
    assert len(train) + len(held) == 200


def test_at_least_twenty_rows_on_both_sides() -> None:
    train, held = split_table(table(45), "y", 0.1, 0)
    assert (len(train), len(held)) == (25, 20)
    with pytest.raises(DataError, match="at least 20 must be left"):
        split_table(table(60), "y", 0.8, 0)
