"""The generator of rows of a table: all columns at once, from noise."""

from __future__ import annotations

import torch
from torch import Generator, Tensor, nn

from gensynth.nn.layers import ResidualMLP
from gensynth.nn.tabular.relaxed import RelaxedRows

N_HIDDEN = 4
"""Hidden layers, all but the first residual."""


class RowGenerator(nn.Module):
    """From noise, and the given entries of a row, to the scores of its numbers and the logits of its codes.

    Biases of the logits start at the log marginals: an untrained generator draws every code with its own frequency.

    Parameters
    ----------
    rows : RelaxedRows
        What vectors of rows look like.
    given : Tensor of shape (rows.width,), bool
        Entries that are given with every row, not drawn.
    noise_dim : int
        Width of the normal noise.
    width : int
        Width of the hidden layers.
    """

    given: Tensor

    def __init__(self, rows: RelaxedRows, given: Tensor, noise_dim: int, width: int) -> None:
        super().__init__()
        self.rows, self.noise_dim, self.n_given = rows, noise_dim, int(given.sum())
        self.register_buffer("given", given, persistent=False)
        self.network = ResidualMLP(noise_dim + self.n_given, [width] * N_HIDDEN, rows.width)
        with torch.no_grad():
            self.network.out.bias[: rows.n_scores] = 0.0
            self.network.out.bias[rows.n_scores :] = rows.code_slots.log_marginals.clamp(min=-30.0)

    def outputs(self, noise: Tensor, row: Tensor | None = None) -> Tensor:
        """Return scores and logits (n, width) from noise (n, noise_dim) and vectors (n, width) with given entries."""
        if self.n_given:
            if row is None:
                raise ValueError("this generator needs rows with the given cells")
            noise = torch.cat([noise, row[:, self.given]], 1)
        out: Tensor = self.network(noise)
        return out

    def forward(self, noise: Tensor, rng: Generator, row: Tensor | None = None) -> Tensor:
        """Return vectors (n, width) of new rows, with gradients; the given entries are those of ``row``."""
        drawn = self.rows.sample_relaxed(self.outputs(noise, row), rng)
        return drawn if row is None else torch.where(self.given, row, drawn)
