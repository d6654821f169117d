"""Variational families: ``vae``, ``beta-vae``, ``vq-vae``, ``nvae`` and ``vlae``."""

from __future__ import annotations

from collections.abc import Callable

from gensynth.hookspecs import ModelSpec, hookimpl

GENSYNTH_API_VERSION = 1

_ABLE = frozenset({"conditional", "impute", "score"})


@hookimpl
def register_models(register: Callable[[ModelSpec], None]) -> None:
    """Announce the recipes; no torch is imported until one is used."""
    for name, recipe, module, summary in (
        ("vae", "VAE", None, "Variational autoencoder"),
        ("beta-vae", "BetaVAE", None, "VAE with a weighted divergence"),
        ("vq-vae", "VQVAE", "scoring_vqvae", "VAE with code books and a density over codes"),
        ("nvae", "NVAE", "scoring_nvae", "VAE with a hierarchy of latents and flows"),
        (
            "vlae",
            "VLAE",
            None,
            "Variational lossy autoencoder: autoregressive decoder, learned prior (the default)",
        ),
    ):
        target, detector = f"gensynth_vae.recipes:{recipe}", module and f"gensynth_vae.{module}:{recipe}Scorer"
        able = _ABLE if module else _ABLE | {"latent"}
        register(ModelSpec(name, target, summary, able, detector))
