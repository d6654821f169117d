"""Variational families: ``vae``, ``beta-vae``, ``vq-vae``, ``nvae`` and ``vlae``."""

from __future__ import annotations

from collections.abc import Callable

from gensynth.hookspecs import hookimpl
from gensynth.registry import ModelSpec

GENSYNTH_API_VERSION = 1

_ABLE = frozenset({"conditional", "impute", "score"})


@hookimpl
def register_models(register: Callable[[ModelSpec], None]) -> None:
    """Announce the recipes; no torch is imported until one is used."""
    register(ModelSpec("vae", "gensynth_vae.recipes:VAE", "Variational autoencoder", _ABLE))
    register(ModelSpec("beta-vae", "gensynth_vae.recipes:BetaVAE", "VAE with a weighted divergence", _ABLE))
    register(ModelSpec("vq-vae", "gensynth_vae.recipes:VQVAE", "VAE with code books and a density over codes", _ABLE))
    register(ModelSpec("nvae", "gensynth_vae.recipes:NVAE", "VAE with a hierarchy of latents and flows", _ABLE))
    register(
        ModelSpec(
            "vlae",
            "gensynth_vae.recipes:VLAE",
            "Variational lossy autoencoder: autoregressive decoder, learned prior (the default)",
            _ABLE,
        )
    )
