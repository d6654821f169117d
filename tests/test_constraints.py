"""Parameters are checked at fit, in Python as at the command line: what is wrong is named, with what is expected."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from toy_detectors import make_rows

from gensynth import AnomalyDetector, Synthesizer, Trainer, models
from gensynth.constraints import FLAG, NONE, Between, check_parameters, constraints_of, number, one_of, several, whole
from gensynth.errors import OptionError

RECIPES = [getattr(models, name) for name in dir(models)]
ROWS = make_rows(40)
TRAINER = Trainer(max_epochs=1, progress=False, device="cpu")


@pytest.mark.parametrize(
    ("constraint", "right", "wrong"),
    [
        (whole(1), [1, 10**9, np.int64(3), np.uint8(1)], [0, -1, 1.0, "1", True, None, (8,), math.nan]),
        (whole(0, 4), [0, 4, np.int8(4)], [5, -1, np.float64(1.0)]),
        (number(0), [0, 0.5, 3, np.float32(0.5), np.int64(1)], [-1e-9, math.nan, math.inf, "1", None, True, [1.0]]),
        (number(0, 1, open_low=True), [1e-9, 1, 1.0], [0, 1.1]),
        (number(0, 1, open_high=True), [0, 0.99], [1, -0.1]),
        (one_of("a", "b"), ["a", "b"], ["c", None, 1, ["a"], np.zeros(2)]),
        (several(whole(1)), [(1,), [1, 2], (np.int64(3),)], [(), [], 8, "12", (1, 0), (1.5,), None, {1}]),
        (NONE | whole(1), [None, 1], [0, "none"]),
        (FLAG, [True, False, np.bool_(True)], [0, 1, "yes", None]),
    ],
)
def test_constraints_hold(constraint, right, wrong):
    assert all(constraint.allows(value) for value in right)
    assert not any(constraint.allows(value) for value in wrong)


@pytest.mark.parametrize("kind", [*RECIPES, Trainer])
def test_every_parameter_is_constrained_and_every_default_allowed(kind):
    names = set(kind().get_params(deep=False))
    unconstrained = names - set(constraints_of(kind))
    assert unconstrained <= {"device"}  # `pick_device` names it
    assert set(constraints_of(kind)) <= names
    check_parameters(kind())


@pytest.mark.parametrize("kind", RECIPES)
def test_a_wrong_value_is_refused_at_fit_and_named(kind):
    for name in constraints_of(kind):
        wrong: tuple[Any, ...] = ("much", (8, "x"), -3, math.nan, {})
        for value in wrong:
            recipe = kind(**{name: value})  # not here: scikit-learn's convention
            assert clone(recipe).get_params()[name] is not None
            expected = rf"{kind.__name__}: {name}={re.escape(repr(value))}, expected "
            with pytest.raises(OptionError, match=expected):
                Synthesizer(recipe, trainer=TRAINER).fit(ROWS)


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        (models.VLAE(hidden=(8,)), r"VLAE: hidden=\(8,\), expected None or an integer from 1 to 65,536"),
        (
            models.VAE(hidden=8),
            "VAE: hidden=8, expected None or a tuple of one or more, each an integer from 1 to 65,536",
        ),
        (models.VAE(prior="none"), "VAE: prior='none', expected one of 'blockwise', 'autoregressive'"),
        (models.GAN(loss="mse"), "GAN: loss='mse', expected None or one of 'relativistic', 'non-saturating'"),
        (models.WGAN(pretrain_fraction=1.0), r"WGAN: pretrain_fraction=1.0, expected a number in \[0, 1\)"),
        (models.VAE(latent_dim=True), "VAE: latent_dim=True, expected None or an integer"),
    ],
)
def test_messages(recipe, message):
    with pytest.raises(OptionError, match=message):
        Synthesizer(recipe, trainer=TRAINER).fit(ROWS)


@pytest.mark.parametrize("estimator", [Synthesizer, AnomalyDetector])
def test_a_wrong_trainer_is_refused_before_the_table_is_read(estimator):
    with pytest.raises(OptionError, match=r"Trainer: patience=0, expected an integer >= 1"):
        estimator(trainer=Trainer(patience=0)).fit(ROWS)


@pytest.mark.parametrize("option", [{"contamination": "much"}, {"contamination": 0.6}, {"novelty": 2}, {"method": 3}])
def test_a_wrong_option_of_a_detector_is_named(option):
    name = next(iter(option))
    with pytest.raises(OptionError, match=f"AnomalyDetector: {name}="):
        AnomalyDetector(**option).fit(ROWS)


def test_numbers_of_numpy_are_taken(tmp_path):
    recipe = models.VLAE(latent_dim=np.int64(4), beta=np.float32(0.5), width=np.int32(16), hidden=np.uint8(8))
    numbers: dict[str, Any] = {"max_epochs": np.int64(1), "batch_size": np.int32(16)}
    seed: Any = np.int64(0)
    trainer = Trainer(**numbers, progress=False, device="cpu")
    synthesizer = Synthesizer(recipe, trainer=trainer, random_state=seed).fit(ROWS)
    synthesizer.save(tmp_path / "model.gensynth")
    plain = Synthesizer(models.VLAE(latent_dim=4, beta=0.5, width=16, hidden=8), trainer=trainer, random_state=0)
    assert (plain.fit(ROWS).score_samples(ROWS) == synthesizer.score_samples(ROWS)).all()
    lists = Synthesizer(models.VAE(hidden=[16, 16]), trainer=trainer, random_state=0).fit(ROWS)
    assert len(lists.sample(3)) == 3


@pytest.mark.parametrize(
    "choices",
    [Between(1, 4, log=True, whole=True), Between(1, 4, whole=True), Between(0.01, 10.0, log=True), Between(0.0, 1.0)],
)
def test_numbers_worth_trying_are_within_their_ends(choices):
    many = choices.rvs(2000, random_state=0)
    assert many.min() >= choices.low
    assert many.max() <= choices.high
    if choices.whole:
        assert set(many.tolist()) == {1, 2, 3, 4}
    else:
        assert many.max() - many.min() > 0.9 * (choices.high - choices.low)
    one = choices.rvs(random_state=0)
    assert type(one) is (int if choices.whole else float)
    assert one == choices.rvs(random_state=0)


def test_a_logarithmic_scale_has_as_many_numbers_in_every_decade():
    drawn = Between(0.01, 10.0, log=True).rvs(3000, random_state=0)
    assert 900 < (drawn < 0.1).sum() < 1100
