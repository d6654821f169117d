"""Adversarial recipes, and trained models that several test modules look at and none changes."""

from __future__ import annotations

import pytest
from adversarial_models import SIZES, built, trained
from toy_layouts import mixed_rows

from gensynth_gan.recipes import CGAN, DRAGAN, GAN, LSGAN, WGAN

RECIPES = [
    GAN(**SIZES),
    GAN(**SIZES, loss="minimax", penalty_weight=0.0),
    GAN(**SIZES, loss="non-saturating"),
    WGAN(**SIZES),
    WGAN(**SIZES, clip=0.05, mmd_weight=1.0, n_critic=2),
    WGAN(**SIZES, pretrain_fraction=0.5),
    LSGAN(**SIZES),
    DRAGAN(**SIZES),
    CGAN(**SIZES),
]


@pytest.fixture(params=RECIPES, ids=repr)
def variant(request):
    """Every recipe, and options that make another game of one."""
    return request.param


@pytest.fixture(scope="package")
def wgan():
    return trained(built(WGAN(**SIZES, ema_decay=0.99)), mixed_rows(2000), 500)


@pytest.fixture(scope="package")
def cgan():
    return trained(built(CGAN(**SIZES, ema_decay=0.99)), mixed_rows(2000), 500)
