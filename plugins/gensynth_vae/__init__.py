"""Variational families: ``vae``, ``beta-vae``, ``vq-vae``, ``nvae`` and ``vlae``."""

from __future__ import annotations

from collections.abc import Callable

from gensynth.hookspecs import ModelSpec, hookimpl

GENSYNTH_API_VERSION = 1

_LATENT = ("elbo", "iwae", "log_likelihood", "reconstruction", "denoising", "kl")
_HIERARCHY = ("elbo", "iwae", "reconstruction", "denoising", "kl")
_CODES = ("likelihood", "reconstruction", "denoising", "prior")
_ABLE = frozenset({"sample", "conditional", "impute", "score", "latent", "images"})


@hookimpl
def register_models(register: Callable[[ModelSpec], None]) -> None:
    """Announce the recipes; no torch is imported until one is used."""
    for name, recipe, methods, summary in (
        ("vae", "VAE", _LATENT, "Variational autoencoder"),
        ("beta-vae", "BetaVAE", _LATENT, "VAE with a weighted divergence"),
        ("vq-vae", "VQVAE", _CODES, "VAE with code books and a density over codes"),
        ("nvae", "NVAE", _HIERARCHY, "VAE with a hierarchy of latents and flows"),
        ("vlae", "VLAE", _LATENT, "Variational lossy autoencoder: autoregressive decoder, learned prior (the default)"),
    ):
        register(ModelSpec(name, f"gensynth_vae.recipes:{recipe}", summary, _ABLE, methods))
