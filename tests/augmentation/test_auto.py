"""A model that is chosen: by comparison, and by what its rows do to a classifier."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from toy_models import Toy

from gensynth import Augmenter, Trainer, augment
from gensynth.augmentation import auto
from gensynth.augmentation.auto import candidates, choose
from gensynth.augmentation.check import CheckFolds, UncheckedError
from gensynth.augmentation.checked import AugmentCheck
from gensynth.comparison import Comparison
from gensynth.comparison import compare as original
from gensynth.errors import CapabilityError, DataError, TrainingError

TRAINER = Trainer(max_epochs=1, progress=False, max_time=30)
NAMES = ("vae", "wgan", "vlae")


def table(n: int = 120, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 2))
    y = rng.random(n) < 1 / (1 + np.exp(2 - 4 * x[:, 0]))
    return pd.DataFrame({"a": x[:, 0], "b": x[:, 1], "y": np.where(y, "yes", "no")})


@pytest.fixture
def toys(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let every name stand for the toy, and note which model was checked."""
    names: list[str] = []

    def compare(frame, wanted, **options):
        return original(frame, {name: Toy() for name in wanted}, **options)

    def checked(folds, augmenter, n, n_real, each, times):
        names.append(augmenter.model)
        if augmenter.model == "wgan":
            raise UncheckedError("no room")
        score = 0.9 if augmenter.model == "vlae" else 0.5
        return AugmentCheck((score,) * 3, (0.6,) * 3, (0.7,) * 3, "yes", None, (0.6,) * 3)

    monkeypatch.setattr(auto, "compare", compare)
    monkeypatch.setattr(auto, "checked", checked)
    monkeypatch.setattr(auto, "candidates", lambda *, balance, images=False: list(NAMES))
    monkeypatch.setattr(auto, "_MAX_CHECKED", 3)
    return names


def test_the_one_whose_rows_help_most_is_chosen(toys: list[str]) -> None:
    found = choose(table(), "y", Augmenter(trainer=TRAINER), 50, check=True, seed=0)
    assert sorted(toys) == sorted(NAMES)
    assert found.model == "vlae"
    assert found.helps is True
    assert found.unchecked == {"wgan": "no room"}
    assert isinstance(found.comparison, Comparison)
    assert "vlae was chosen of" in str(found)
    assert str(found).endswith("augmentation helps here")
    assert 3 <= found.seconds <= 30


def test_where_simpler_is_as_good_augmentation_does_not_help(toys: list[str], monkeypatch) -> None:
    monkeypatch.setattr(auto, "candidates", lambda *, balance, images=False: ["vae"])
    found = choose(table(), "y", Augmenter(trainer=TRAINER), 50, check=True, seed=0)
    assert found.helps is False
    assert str(found).endswith("augmentation does not help here: use class weights on the real rows")


def test_without_a_check_the_most_like_real_rows_is_chosen(toys: list[str]) -> None:
    found = choose(table(), None, Augmenter(trainer=TRAINER), 50, check=False, seed=0)
    assert toys == []
    assert found.helps is None
    assert found.model == found.comparison.results[0].name
    assert "by how like real rows theirs are" in str(found)


def test_candidates_can_be_given_a_class_where_classes_are_filled_up() -> None:
    assert candidates(balance=True) == ["vlae", "vae", "cgan"]
    assert candidates(balance=False)[:2] == ["vlae", "vae"]


def test_no_model_no_choice(monkeypatch) -> None:
    class Empty:
        def able(self, *capabilities: str) -> list[str]:
            return []

    monkeypatch.setattr(auto, "default_registry", Empty)
    with pytest.raises(CapabilityError, match="no installed model can draw such rows"):
        candidates(balance=True)


def test_all_that_fail_are_told_of(monkeypatch) -> None:
    from gensynth.synthesizer import Synthesizer

    def broken(self, *arguments):
        raise ZeroDivisionError("no width")

    monkeypatch.setattr(Synthesizer, "fit", broken)
    with pytest.raises(TrainingError, match="vlae failed \\(no width\\)"):
        choose(table(), "y", Augmenter(trainer=TRAINER), 50, check=True, seed=0)


def test_too_few_rows_to_choose_by() -> None:
    with pytest.raises(
        DataError, match=r"39 rows are too few to select a model with \(at least 40\); name one: model="
    ):
        choose(table(39), "y", Augmenter(trainer=TRAINER), 50, check=True, seed=0)


@pytest.mark.parametrize("options", [{"balance": True}, {"n_rows": 30}])
def test_augment_takes_the_chosen_model(options, monkeypatch) -> None:
    monkeypatch.setattr(auto, "candidates", lambda *, balance, images=False: ["vae"])
    given = []
    init = CheckFolds.__init__

    def watch(self, *arguments, **more):
        given.append(arguments)
        init(self, *arguments, **more)

    monkeypatch.setattr(CheckFolds, "__init__", watch)
    result = augment(table(), "y", model="auto", trainer=TRAINER, check=True, random_state=0, **options)
    choice = result.report.choice
    assert choice is not None
    assert choice.model == "vae"
    assert result.report.check is choice.check
    assert len(given) == 1, "it is checked once"
    assert result.report.check is not None
    assert len(result.report.check.oversampling) == 3
    assert TRAINER.max_time == 30


def test_a_continuous_target_is_compared_but_not_checked(monkeypatch) -> None:
    monkeypatch.setattr(auto, "candidates", lambda *, balance, images=False: ["vae"])
    result = augment(table(60), "a", n_rows=5, model="auto", trainer=TRAINER, check=True, random_state=0)
    assert result.report.choice is not None
    assert result.report.choice.checks == {}
    assert "holds numbers or dates" in str(result.report.unchecked)


def test_same_seed_same_choice_and_rows(monkeypatch) -> None:
    monkeypatch.setattr(auto, "candidates", lambda *, balance, images=False: ["vae"])
    quick = Trainer(max_epochs=1, progress=False)
    one, other = (augment(table(60), n_rows=5, model="auto", trainer=quick, random_state=3) for _ in range(2))
    assert one.report.choice is not None
    assert other.report.choice is not None
    assert one.report.choice.model == other.report.choice.model
    pd.testing.assert_frame_equal(one.synthetic, other.synthetic)


def test_nothing_to_check_is_told_and_the_most_like_real_rows_is_chosen(monkeypatch) -> None:
    def refuse(self) -> float:
        raise UncheckedError("no way")

    monkeypatch.setattr(auto, "candidates", lambda *, balance, images=False: ["vae"])
    monkeypatch.setattr(CheckFolds, "prepare", refuse)
    result = augment(table(60), "y", n_rows=5, model="auto", trainer=TRAINER, check=True, random_state=0)
    assert result.report.check is None
    assert result.report.unchecked == "no way"
    assert result.report.choice is not None
    assert result.report.choice.model == "vae"
