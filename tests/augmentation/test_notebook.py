"""What a notebook shows of an `Augmenter`."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from toy_models import Toy

from gensynth import Augmenter, Trainer
from gensynth.augmentation.notebook import shown_augmenter


def data(n: int = 120) -> tuple[pd.DataFrame, pd.Series]:
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"<b>a</b>": rng.normal(size=n), "city": rng.choice(["Rome", "Oslo"], n)})
    return X, pd.Series(np.where(np.arange(n) < n // 4, "rare", "common"), name="y")


@pytest.fixture
def augmenter() -> Augmenter:
    return Augmenter(Toy(), trainer=Trainer(max_epochs=3, progress=False, device="cpu"), random_state=0)


def test_rows_classes_columns_training_and_new_rows(augmenter: Augmenter) -> None:
    X, y = data()
    X_new, _ = augmenter.fit_resample(X, y)
    shown = augmenter._repr_html_()
    assert "90 real rows" not in shown
    assert "120 real rows, 60 synthetic rows" in shown
    assert "2 columns: 1 numeric, 1 categorical" in shown
    assert "the first 5 synthetic rows" in shown
    assert f"of {len(augmenter.history_)} evaluations" in shown
    assert "<b>a</b>" not in shown
    assert shown.count("<details open>") == 4
    pd.testing.assert_frame_equal(augmenter.first_rows_, X_new[120:125].reset_index(drop=True))
    assert augmenter.history_["epoch"].max() == 3


def test_classes_that_were_only_counted(augmenter: Augmenter) -> None:
    assert shown_augmenter(augmenter) is None
    shown = augmenter.fit(*data())._repr_html_()
    assert "Classes were counted" in shown
    assert "<td>60</td>" in shown


def test_nothing_that_was_added(augmenter: Augmenter) -> None:
    X, _ = data()
    augmenter.fit_extend(X, None, 0)
    shown = augmenter._repr_html_()
    assert "120 real rows, 0 synthetic rows" in shown
    assert "<details" not in shown.partition("gensynth-shown p")[2].partition("Augmenter by")[2]
