"""Several latent draws of each row through one network, in one batch if there are few rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, Self

import torch
from torch import Tensor

from gensynth.batch import Batch

BLOCK = 256
"""Maximal number of rows per pass: small ones take as long as dozens of rows, larger ones exceed a CPU's cache."""


class Repeatable(Protocol):
    """Network inputs of rows."""

    def repeated(self, times: int) -> Self:
        """Return the rows tiled ``times`` times: all rows, then all of them again."""


def at_draws(function: Callable[..., Tensor], draws: Tensor, inputs: Any = None) -> Tensor:
    """Evaluate a function of latents at several latents of each row: (draws, members, n, ...).

    Parameters
    ----------
    function : callable
        From ``inputs``, if there are any, and latents (members, n, width) to a tensor (members, n, ...), each row of
        which depends on its own row alone.
    draws : Tensor of shape (draws, members, n, width)
        The latents.
    inputs : Repeatable or None
        The n rows. Images are passed once a draw: they come in blocks that fill the memory meant for them.
    """
    n = draws.shape[2]
    images = isinstance(inputs, Batch) and inputs.pixels is not None
    parts = []
    for some in draws.split(1 if images else max(BLOCK // max(n, 1), 1)):
        times = len(some)
        latents = some.transpose(0, 1).flatten(1, 2)
        found = function(latents) if inputs is None else function(_repeated(inputs, times), latents)
        parts.append(found.unflatten(1, (times, n)).transpose(0, 1))
    return torch.cat(parts)


def _repeated(inputs: Repeatable, times: int) -> Repeatable:
    return inputs if times == 1 else inputs.repeated(times)
