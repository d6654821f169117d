"""New rows are compared with real ones of the classes that were filled up, in the same proportions."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError
from toy_models import Toy

from gensynth import Augmenter, Trainer
from gensynth.augmentation import compared_rows
from gensynth.errors import DataError, OptionError


def rows(**counts: int) -> pd.DataFrame:
    labels = np.repeat(list(counts), list(counts.values()))
    rng = np.random.default_rng(0)
    order = rng.permutation(len(labels))
    return pd.DataFrame({"x": rng.normal(size=len(labels)), "y": labels[order]})


def counts_of(frame: pd.DataFrame) -> dict[str, int]:
    return {str(name): n for name, n in frame["y"].value_counts(sort=False).sort_index().items()}


def test_one_class_is_compared_with_itself() -> None:
    found = compared_rows(rows(a=300, b=50), rows(b=250), "y", by_class=True)
    assert (counts_of(found.real), counts_of(found.synthetic)) == ({"b": 50}, {"b": 250})
    assert (found.classes, found.holdout) == (("b",), None)


@pytest.mark.parametrize(
    ("real", "new", "expected"),
    [
        # all real rows of the classes, and some of the new ones
        ({"a": 400, "b": 100, "c": 20}, {"b": 300, "c": 380}, ({"b": 100, "c": 20}, {"b": 300, "c": 60})),
        # all new rows, and some of the real ones
        ({"a": 1000, "b": 990, "c": 40}, {"b": 10, "c": 960}, ({"b": 1, "c": 40}, {"b": 10, "c": 960})),
    ],
)
def test_classes_have_the_same_proportions_on_both_sides(
    real: dict[str, int], new: dict[str, int], expected: tuple[dict[str, int], dict[str, int]]
) -> None:
    found = compared_rows(rows(**real), rows(**new), "y", rows(**real), by_class=True)
    assert (counts_of(found.real), counts_of(found.synthetic)) == expected
    assert found.holdout is not None
    assert counts_of(found.holdout) == expected[0]
    assert found.real.index.is_monotonic_increasing


def test_held_out_classes_that_are_written_otherwise_are_those_of_the_real_rows() -> None:
    real = rows(a=60, b=30).assign(y=lambda frame: pd.Categorical(frame["y"].map({"a": 0, "b": 1})))
    held = rows(a=30, b=25).assign(y=lambda frame: pd.Categorical(frame["y"].map({"a": "0", "b": "1"})))
    found = compared_rows(real, real[real["y"] == 1], "y", held, by_class=True)
    assert found.holdout is not None
    assert counts_of(found.holdout)["1"] == 25


def test_all_rows_where_no_class_was_filled_up() -> None:
    real, new = rows(a=30, b=5), rows(a=7)
    found = compared_rows(real, new, "y")
    assert (len(found.real), len(found.synthetic), found.classes, found.target) == (35, 7, (), "y")


def test_too_few_rows_and_no_classes_are_refused() -> None:
    with pytest.raises(DataError, match="15 real rows of the 1 class 'b' can be compared"):
        compared_rows(rows(a=300, b=15), rows(b=285), "y", by_class=True)
    with pytest.raises(OptionError, match="is not categorical in all tables"):
        compared_rows(rows(a=300), rows(a=30), "x", by_class=True)
    with pytest.raises(OptionError, match="is not categorical in all tables"):
        compared_rows(rows(a=300), rows(a=30), "z", by_class=True)


@pytest.fixture
def augmenter() -> Augmenter:
    return Augmenter(Toy(), trainer=Trainer(max_epochs=2, progress=False, device="cpu"), random_state=0)


def test_an_augmenter_gives_what_evaluate_takes(augmenter: Augmenter) -> None:
    table = rows(a=120, b=60)
    X, y = augmenter.fit_resample(table[["x"]], table["y"])
    found = augmenter.compared(X, y)
    assert (counts_of(found.real), counts_of(found.synthetic)) == ({"b": 60}, {"b": 60})
    evaluation = found.evaluate()
    assert evaluation.samples.n_rows == {"real": 60, "synthetic": 60, "holdout": 0}
    assert evaluation.target is None  # one class only
    assert set(found.real["x"]) <= set(table["x"])


@pytest.mark.parametrize("kind", ["array", "continuous", "none"])
def test_rows_like_the_whole_table_are_compared_with_it(augmenter: Augmenter, kind: str) -> None:
    table = rows(a=120, b=60)
    target = {"array": table["y"].to_numpy(), "continuous": np.linspace(0, 1, 180), "none": None}[kind]
    X, y = augmenter.fit_extend(table[["x"]].to_numpy(), target, 50)
    found = augmenter.compared(X, y)
    assert (len(found.real), len(found.synthetic), found.classes) == (180, 50, ())
    assert found.target == (None if kind == "none" else "target")


def test_other_rows_are_refused(augmenter: Augmenter) -> None:
    with pytest.raises(NotFittedError):
        augmenter.compared(rows(a=30))
    augmenter.fit_extend(rows(a=30, b=30), None, 5)
    with pytest.raises(DataError, match="X has 30 rows where 65 were returned"):
        augmenter.compared(rows(a=30))
