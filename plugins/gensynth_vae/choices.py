"""What several recipes of this plugin decide in the same way."""

from __future__ import annotations

from gensynth.constraints import number, one_of, several, whole
from gensynth.layout import Layout
from gensynth.nn.mixture import GaussianMixture
from gensynth.nn.priors import AutoregressivePrior, BlockwisePrior
from gensynth.nn.tabular.sampling_networks import SamplingPrior

MAX_START = 30_000
"""Rows whose latents a density starts from, at most."""
MAX_COMPONENTS = 200
"""Normals of a mixture over latents, ..."""
ROWS_A_COMPONENT = 100
"""... fewer where there would be fewer rows than this for each."""

WIDTH = whole(1, 65_536)
"""Of a layer that a recipe may ask for."""
WIDTHS = several(WIDTH)
LATENT = whole(1, 4096)
WEIGHT = number(0, 1e6)
STEPS_OF_WARMUP = whole(0, 10**9)
PRIOR = one_of("blockwise", "autoregressive", "mixture", "flow", "normal")


def named_prior(name: str, latent_dim: int, layout: Layout) -> SamplingPrior | None:
    """Return the density of latents of that name; None for N(0, I)."""
    if name == "normal":
        return None
    if name == "flow":
        return SamplingPrior(AutoregressivePrior(latent_dim))
    if name == "autoregressive":
        return SamplingPrior(AutoregressivePrior(latent_dim, n_components=10))
    if name == "blockwise":
        return SamplingPrior(BlockwisePrior(latent_dim))
    n_components = max(1, min(MAX_COMPONENTS, layout.n_rows // ROWS_A_COMPONENT))
    return SamplingPrior(GaussianMixture(latent_dim, n_components))
