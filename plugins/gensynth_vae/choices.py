"""What several recipes of this plugin decide in the same way."""

from __future__ import annotations

from gensynth.constraints import number, one_of, several, whole
from gensynth.model import Layout
from gensynth.nn.mixture import GaussianMixture
from gensynth.nn.priors import AutoregressivePrior, BlockwisePrior, Prior

WEIGHT_AVERAGE = 0.99
"""Decay of the average of the weights that is evaluated and kept: less noise, above all in the marginals."""


WEIGHT_DECAY = 0.1
"""Of the optimiser (decoupled). On thousands of rows a hundredth of it overfits by nats."""

STEPS = 10_000
"""Of a full run; the learning rates fall over the last third."""
TWO_STAGES = 7500
"""Of a full run of two stages, the second of which has half the share of the first."""


MAX_START = 30_000
"""Rows whose latents a density starts from, at most."""
MAX_COMPONENTS = 200
"""Normals of a mixture over latents, ..."""
ROWS_A_COMPONENT = 100
"""... fewer where there would be fewer rows than this for each."""

WIDE_TABLE = 200
"""Columns above which each has a smaller network of its own: there are many of them then."""


WIDTH = whole(1, 65_536)
"""Of a layer that a recipe may ask for."""
WIDTHS = several(WIDTH)
LATENT = whole(1, 4096)
WEIGHT = number(0, 1e6)
STEPS_OF_WARMUP = whole(0, 10**9)
PRIOR = one_of("blockwise", "autoregressive", "mixture", "flow", "normal")


def named_prior(name: str, latent_dim: int, layout: Layout) -> Prior | None:
    """Return the density of latents of that name; None for N(0, I)."""
    if name == "normal":
        return None
    if name == "flow":
        return AutoregressivePrior(latent_dim)
    if name == "autoregressive":
        return AutoregressivePrior(latent_dim, n_components=10)
    if name == "blockwise":
        return BlockwisePrior(latent_dim)
    return GaussianMixture(latent_dim, max(1, min(MAX_COMPONENTS, layout.n_rows // ROWS_A_COMPONENT)))
