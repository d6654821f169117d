"""Adversarial families: ``gan``, ``wgan``, ``lsgan``, ``dragan`` and ``cgan``."""

from __future__ import annotations

from collections.abc import Callable

from gensynth.hookspecs import hookimpl
from gensynth.registry import ModelSpec

GENSYNTH_API_VERSION = 1


@hookimpl
def register_models(register: Callable[[ModelSpec], None]) -> None:
    """Announce the recipes; no torch is imported until one is used."""
    score = frozenset({"score"})
    register(ModelSpec("gan", "gensynth_gan.recipes:GAN", "Generative adversarial network", score))
    register(ModelSpec("wgan", "gensynth_gan.recipes:WGAN", "Wasserstein GAN, gradient penalty or clipping", score))
    register(ModelSpec("lsgan", "gensynth_gan.recipes:LSGAN", "Least-squares GAN", score))
    register(ModelSpec("dragan", "gensynth_gan.recipes:DRAGAN", "GAN with a gradient penalty around the data", score))
    register(
        ModelSpec(
            "cgan",
            "gensynth_gan.recipes:CGAN",
            "Conditional GAN: samples given the condition columns",
            frozenset({"conditional", "score"}),
        )
    )
