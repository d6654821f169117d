"""Hyperparameters of the adversarial families."""

from __future__ import annotations

import json

import pytest
from toy_layouts import mixed

from gensynth.errors import OptionError
from gensynth_gan.recipes import DRAGAN, GAN, WGAN


def test_recipes_are_plain_json_and_rebuild_themselves(variant):
    state = json.loads(json.dumps(variant.to_json()))
    assert len(state) <= 15
    assert type(variant)(**state).get_params() == variant.get_params()


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        (WGAN(width=0), "width=0"),
        (WGAN(pac=1.5), "pac=1.5"),  # type: ignore[arg-type]  # what is refused
        (WGAN(mmd_weight=-1.0), "mmd_weight=-1.0"),
        (WGAN(learning_rate=0.0), "learning_rate=0.0"),
        (DRAGAN(penalty_weight=-1.0), "penalty_weight=-1.0"),
        (WGAN(clip=-1.0), "clip=-1.0"),
        (WGAN(penalty_weight=-1.0), "penalty_weight=-1.0"),
        (GAN(ema_decay=1.0), "ema_decay=1.0"),
        (GAN(pretrain_fraction=1.0), "pretrain_fraction=1.0"),
        (GAN(loss="hinge"), "loss='hinge'"),  # type: ignore[arg-type]  # what is refused
    ],
)
def test_impossible_settings_are_named(recipe, message):
    with pytest.raises(OptionError, match=message):
        recipe.build(mixed())
