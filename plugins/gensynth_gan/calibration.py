"""Marginals of a trained generator set right by the biases of its heads."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from gensynth.model import Batch
from gensynth.nn.soft import FlatRows

from .generator import RowGenerator

ROUNDS = 4
"""Corrections of the biases of a block; each is a fixed-point step that nearly ends there."""
MOST = 2.0
"""Largest change of a bias: what is further off is not a matter of calibration."""
LEAST = 1e-6
"""Frequencies below this are taken for this."""


@torch.no_grad()
def calibrate(generator: RowGenerator, rows: Batch, noise: Tensor, rng: Generator) -> None:
    """Change the biases so that every code is drawn as often as it stands in ``rows``.

    Block by block, in the order of writing, so that each is corrected given corrected blocks before it; the mean
    probability of each code over drawn rows, one for each noise (m, noise_dim), is brought to its frequency. Only
    marginals are touched: differences between rows of a column's log-odds stay as they are. Given columns are those
    of random ``rows``.
    """
    parts = [part for part in generator.parts if isinstance(part, FlatRows)]
    pick = torch.randint(len(rows), (len(noise),), generator=rng, device=noise.device)

    def adjust(i: int, outputs: Tensor) -> Tensor:
        part, change = parts[i], torch.zeros_like(generator.biases[i])
        target = part.shares(generator.blocks[i].pick(rows))
        slots = change[part.n_numbers :]
        for _ in range(ROUNDS):
            mean = part.buckets.softmax(outputs[:, part.n_numbers :] + slots).mean(0)
            step = (target.clamp(min=LEAST) / mean.clamp(min=LEAST)).log()
            slots.copy_((slots + step).clamp(-MOST, MOST))
        generator.biases[i] += change
        return outputs + change

    generator.draw(noise, rng, rows[pick] if generator.n_given else None, places=False, adjust=adjust)
