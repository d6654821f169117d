"""Adversarial families: ``gan``, ``wgan``, ``lsgan``, ``dragan`` and ``cgan``."""

from __future__ import annotations

from collections.abc import Callable

from gensynth.hookspecs import ModelSpec, hookimpl

GENSYNTH_API_VERSION = 1


@hookimpl
def register_models(register: Callable[[ModelSpec], None]) -> None:
    """Announce the recipes; no torch is imported until one is used."""
    able = frozenset({"sample", "score", "images"})
    methods = ("feature", "critic", "reconstruction")
    for name, recipe, summary, can in (
        ("gan", "GAN", "Generative adversarial network", able),
        ("wgan", "WGAN", "Wasserstein GAN, gradient penalty or clipping", able),
        ("lsgan", "LSGAN", "Least-squares GAN", able),
        ("dragan", "DRAGAN", "GAN with a gradient penalty around the data", able),
        ("cgan", "CGAN", "Conditional GAN: samples given the condition columns", able | {"conditional-on-fitted"}),
    ):
        register(ModelSpec(name, f"gensynth_gan.recipes:{recipe}", summary, can, methods))
