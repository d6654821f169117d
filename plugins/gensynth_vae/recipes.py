"""The recipes of this plugin, one module per family."""

from gensynth_vae.nvae import NVAE
from gensynth_vae.vae import VAE, BetaVAE
from gensynth_vae.vlae import VLAE
from gensynth_vae.vq_vae import VQVAE

__all__ = ["NVAE", "VAE", "VLAE", "VQVAE", "BetaVAE"]
