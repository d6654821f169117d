"""What several recipes of this plugin decide in the same way."""

from __future__ import annotations

from typing import Any

import torch
from torch import Generator

from gensynth.errors import OptionError
from gensynth.model import Batch, Layout
from gensynth.nn.priors import AutoregressivePrior, BlockwisePrior, MixturePrior, Prior

WEIGHT_AVERAGE = 0.99
"""Decay of the average of the weights that is evaluated and kept: less noise, above all in the marginals."""


WEIGHT_DECAY = 0.1
"""Of the optimiser (decoupled). On thousands of rows a hundredth of it overfits by nats."""

STEPS = 10_000
"""Of a full run; the learning rates fall over the last third."""
TWO_STAGES = 7500
"""Of a full run of two stages, the second of which has half the share of the first."""


WIDE_TABLE = 200
"""Columns above which each has a smaller network of its own: there are many of them then."""


WIDEST = 65_536
"""Of a layer that a recipe may ask for."""
MOST_STEPS = 10**9
"""Of a warm-up that a recipe may ask for."""


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
    if name == "mixture":
        return MixturePrior(latent_dim, max(4, min(100, layout.n_rows // 50)))
    raise OptionError(f"prior must be blockwise, autoregressive, mixture, flow or normal, got {name!r}")


def some_rows(batch: Batch, rng: Generator, most: int = 4096) -> Batch:
    """Return at most so many rows in random order: enough for a first guess."""
    return batch[torch.randperm(len(batch), generator=rng, device=batch.codes.device)[:most]]


def check_range(name: str, value: Any, low: float, high: float, optional: bool = False) -> None:
    """Raise `OptionError` for an option, or one of a sequence of values, that is out of its range."""
    if value is None and optional:
        return
    if isinstance(value, tuple | list):
        if not value:
            raise OptionError(f"{name} must hold one number at least, got {value!r}")
        for part in value:
            check_range(name, part, low, high)
        return
    whole = isinstance(low, int) and isinstance(high, int)
    kind = int if whole else (int, float)
    if not isinstance(value, kind) or not low <= value <= high:
        raise OptionError(
            f"{name} must be {'an integer' if whole else 'a number'} from {low:,} to {high:,}, got {value!r}"
        )
