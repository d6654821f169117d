"""The recipes of this plugin, one module a family."""

from gensynth_vae.vae import VAE, BetaVAE
from gensynth_vae.vlae import VLAE

__all__ = ["VAE", "VLAE", "BetaVAE"]
