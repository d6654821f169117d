from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from toy_models import Toy

from gensynth import Augmenter, Trainer, augment
from gensynth.augmentation.selection import likeliest
from gensynth.errors import OptionError
from gensynth.metrics.learners import fitted
from gensynth.schema import TableSchema


def two_classes(n: int = 400, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    """A number that lies about 0 for the one class, about 3 for the other; and one that says nothing."""
    rng = np.random.default_rng(seed)
    codes = (rng.random(n) < 0.1).astype(np.int64)
    x = rng.normal(size=n) + 3.0 * codes
    return pd.DataFrame({"x": x, "noise": rng.normal(size=n), "city": rng.choice(["a", "b"], n)}), codes


def kept_of(real, codes, drawn, wanted, candidates=2, weights=None):
    declared = {name: "identifier" for name in real if name == "id"}
    columns = TableSchema.infer(real, declared).columns
    rng = np.random.default_rng(0)
    return likeliest(real, codes, drawn, np.asarray(wanted), candidates, columns, weights, rng)


@pytest.mark.parametrize("weighted", [False, True])
def test_the_rows_that_lie_where_the_class_does_are_kept(weighted):
    real, codes = two_classes()
    weights = np.ones(len(real)) if weighted else None
    drawn = pd.DataFrame({"x": np.tile([0.0, 3.0], 50), "noise": 0.0, "city": "a"})
    wanted = np.repeat([0, 1], 25)
    kept = kept_of(real, codes, drawn, wanted, weights=weights)
    assert len(np.unique(kept)) == len(wanted)
    np.testing.assert_allclose(drawn["x"].to_numpy()[kept], np.where(wanted == 1, 3.0, 0.0))
    of = np.repeat(wanted, 2)
    np.testing.assert_array_equal(of[kept], wanted)  # a row that was drawn for a class is of that class


def test_classes_of_one_row_and_three_classes():
    real, codes = two_classes()
    codes[0] = 2
    drawn = real.sample(30, replace=True, random_state=0).reset_index(drop=True)
    wanted = np.repeat([0, 1, 2], 5)
    kept = kept_of(real, codes, drawn, wanted)
    np.testing.assert_array_equal(np.repeat(wanted, 2)[kept], wanted)


@pytest.mark.parametrize(("n_classes", "n_fits"), [(2, 8), (10, 8), (20, 4), (100, 1)])
def test_many_classes_take_fewer_bags(n_classes, n_fits, monkeypatch):
    real, _ = two_classes()
    seen = []
    monkeypatch.setattr("gensynth.augmentation.selection._N_TREES", 20)
    monkeypatch.setattr("gensynth.augmentation.selection._LEAST_TREES", 2)

    def counted(model, X, y):
        seen.append(model)
        return fitted(model, X, y)

    monkeypatch.setattr("gensynth.augmentation.selection.fitted", counted)
    kept_of(real, np.arange(len(real)) % n_classes, real.iloc[:8], np.arange(4) % n_classes)
    assert len(seen) == n_fits


def test_identifiers_are_not_looked_at():
    real, codes = two_classes()
    drawn = pd.DataFrame({"x": np.tile([0.0, 3.0], 20), "noise": 0.0, "city": "a"})
    wanted, names = np.repeat(1, 20), [f"customer {i:05}" for i in range(900, 940)]
    kept = kept_of(real.assign(id=[f"customer {i:05}" for i in range(400)]), codes, drawn.assign(id=names), wanted)
    np.testing.assert_array_equal(kept, kept_of(real, codes, drawn, wanted))


def test_identifiers_are_those_of_as_many_rows_without_candidates():
    real, codes = two_classes(200)
    real = real.assign(id=[f"customer {i:05}" for i in range(len(real))])
    settings: dict[str, Any] = {"model": Toy(), "trainer": Trainer(max_epochs=1, progress=False), "random_state": 0}
    settings["schema"] = {"id": "identifier"}
    plain, chosen = (Augmenter(candidates=n, **settings).fit_resample(real, codes)[0].iloc[200:] for n in (1, 3))
    assert chosen["id"].is_unique
    assert not chosen["id"].isin(real["id"]).any()
    assert set(chosen["id"]) == set(plain["id"])  # of all candidates every third would be there
    keys = pd.DataFrame({"id": real["id"]})
    only = Augmenter(candidates=2, **settings).fit_resample(keys, codes)[0]
    assert only["id"].is_unique


def test_rows_are_chosen_among_those_that_copy_no_real_one(monkeypatch):
    real, codes = two_classes()
    real = real.round(0)
    asked = []

    def spied(real, codes, drawn, wanted, candidates, *how):
        asked.append((drawn, np.repeat(wanted, candidates)))
        return likeliest(real, codes, drawn, wanted, candidates, *how)

    monkeypatch.setattr("gensynth.augmentation.oversampling.likeliest", spied)
    settings: dict[str, Any] = {"trainer": Trainer(max_epochs=1, progress=False), "random_state": 0}
    augmenter = Augmenter(Toy(), candidates=2, drop_copies=True, **settings)
    new = augmenter.fit_resample(real, codes)[0].iloc[len(real) :]
    ((drawn, of),) = asked
    assert len(drawn) == 2 * len(new)
    assert augmenter.copies_.n_dropped > 0
    assert len(drawn.assign(k=of).merge(real.assign(k=codes).drop_duplicates())) == 0
    assert augmenter.copies_.n == 0


def test_an_augmenter_keeps_rows_that_are_typical_of_their_class():
    real, codes = two_classes(600)
    settings: dict[str, Any] = {"model": Toy(), "trainer": Trainer(max_epochs=1, progress=False), "random_state": 0}
    plain = Augmenter(**settings).fit_resample(real, codes)[0].iloc[len(real) :]
    chosen = Augmenter(candidates=4, **settings).fit_resample(real, codes)[0].iloc[len(real) :]
    assert len(plain) == len(chosen)
    assert chosen["x"].mean() > plain["x"].mean() + 0.3  # an untrained model draws the class from all rows
    again = Augmenter(candidates=4, **settings).fit_resample(real, codes)[0].iloc[len(real) :]
    pd.testing.assert_frame_equal(chosen, again)


@pytest.mark.parametrize("candidates", [0, -1, 1.5, "two"])
def test_candidates_that_cannot_be_are_refused(candidates):
    real, codes = two_classes(60)
    with pytest.raises(OptionError, match="candidates="):
        Augmenter(Toy(), candidates=candidates).fit_resample(real, codes)


def test_few_rows_are_added_to_each_class_by_ratio_auto():
    real, codes = two_classes()
    table = real.assign(label=np.where(codes == 1, "rare", "usual"))
    found = augment(
        table, "label", ratio="auto", model=Toy(), trainer=Trainer(max_epochs=1, progress=False), random_state=0
    )
    n_rare = int((codes == 1).sum())
    assert found.report.classes_after == {"rare": 5 * n_rare, "usual": len(real) - n_rare}
    assert (found.synthetic["label"] == "rare").all()


def test_ratio_auto_needs_classes():
    real, _ = two_classes(60)
    with pytest.raises(OptionError, match="ratio='auto' needs a target"):
        augment(real, ratio="auto", model=Toy())
    with pytest.raises(OptionError, match="cannot be balanced"):
        augment(real, "x", ratio="auto", model=Toy())
    with pytest.raises(OptionError, match="or 'auto'"):
        augment(real, "city", ratio="some", model=Toy())
