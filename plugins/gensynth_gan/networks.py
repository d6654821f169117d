"""Generator and critic of rows of a table."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Generator, Tensor, nn

from gensynth.nn.layers import ResidualMLP
from gensynth.nn.tabular.relaxed import RelaxedRows

N_HIDDEN = 4
"""Hidden layers of the generator, all but the first residual."""
FREQUENCIES = (0.5, 1.0)
"""Frequencies, in periods per unit of a normal score, of the critic's sine and cosine features."""


class RowGenerator(nn.Module):
    """Generator from noise and given entries to the scores of numbers and the logits of codes.

    Biases of the logits start at the log marginals: an untrained generator draws every code with its own frequency.

    Parameters
    ----------
    rows : RelaxedRows
        What vectors of rows look like.
    n_conditions : int
        Columns, the first ones, that are given with every row, not drawn.
    noise_dim : int
        Width of the normal noise.
    width : int
        Width of the hidden layers.
    """

    given: Tensor

    def __init__(self, rows: RelaxedRows, n_conditions: int, noise_dim: int, width: int) -> None:
        super().__init__()
        given = rows.entries_of(tuple(range(n_conditions)))
        self.rows, self.noise_dim, self.n_given = rows, noise_dim, int(given.sum())
        self.register_buffer("given", given, persistent=False)
        self.network = ResidualMLP(noise_dim + self.n_given, [width] * N_HIDDEN, rows.width)
        with torch.no_grad():
            self.network.out.bias[: rows.n_scores] = 0.0
            self.network.out.bias[rows.n_scores :] = rows.code_slots.log_marginals.clamp(min=-30.0)

    def outputs(self, noise: Tensor, row: Tensor) -> Tensor:
        """Return scores and logits (n, width) from noise (n, noise_dim) and vectors (n, width) with given entries."""
        if self.n_given:
            noise = torch.cat([noise, row[:, self.given]], 1)
        out: Tensor = self.network(noise)
        return out

    def forward(self, noise: Tensor, row: Tensor, rng: Generator) -> Tensor:
        """Return vectors (n, width) of new rows, with gradients; the given entries are those of ``row``."""
        drawn = self.rows.sample_relaxed(self.outputs(noise, row), rng)
        return torch.where(self.given, row, drawn) if self.n_given else drawn


class RowCritic(nn.Module):
    """Critic of packs of rows: one value for each pack, higher = more like real rows.

    A score enters with sines and cosines of it (Tancik et al. 2020, "Fourier Features Let Networks Learn High Frequency
    Functions in Low Dimensional Domains", arXiv:2006.10739): without them the critic sees gaps and steps late.
    ``pac`` rows are judged together, so that a generator of too little variety is found out (Lin et al. 2018,
    "PacGAN", arXiv:1712.04086; here the first layers are shared by the rows of a pack, which then meet in the last
    hidden layer, where the paper widens the first layer).
    No batch normalisation: a penalty on the gradient of each row needs rows that do not interact beyond their pack.

    Parameters
    ----------
    rows : RelaxedRows
        What vectors of rows look like.
    width : int
        Width of the three hidden layers.
    pac : int
        Rows judged together.
    """

    def __init__(self, rows: RelaxedRows, width: int, pac: int) -> None:
        super().__init__()
        self.n_scores, self.pac = rows.n_scores, pac
        self.n_features = rows.width + 2 * len(FREQUENCIES) * rows.n_scores
        self.first = nn.Linear(self.n_features, width)
        self.second = nn.Linear(width, width)
        self.together = nn.Linear(pac * width, width)
        self.out = nn.Linear(width, 1)

    def features(self, vectors: Tensor) -> Tensor:
        """Return the critic's input features (n, n_features) of vectors of rows (n, width), without parameters."""
        scores = vectors[:, : self.n_scores]
        angles = torch.cat([scores * (2.0 * math.pi * f) for f in FREQUENCIES], 1)
        return torch.cat([vectors, 0.5 * angles.sin(), 0.5 * angles.cos()], 1)

    def forward(self, features: Tensor) -> Tensor:
        """Map the features of pac * n rows, in any shape, to values (n,); rows of a pack follow each other."""
        return self._value(self.hidden(features))

    def hidden(self, features: Tensor) -> Tensor:
        """Return the last hidden layer (n, width) of packs of rows."""
        h = F.leaky_relu(self.first(features.reshape(-1, self.n_features)), 0.2)
        h = F.leaky_relu(self.second(h), 0.2)
        return F.leaky_relu(self.together(h.view(-1, self.together.in_features)), 0.2)

    def value_and_hidden(self, vectors: Tensor) -> tuple[Tensor, Tensor]:
        """Return the value (n,) and the last hidden layer (n, width) of each row, packed with itself."""
        hidden = self.hidden(self.features(vectors).repeat_interleave(self.pac, 0))
        return self._value(hidden), hidden

    def _value(self, hidden: Tensor) -> Tensor:
        out: Tensor = self.out(hidden)
        return out.squeeze(1)
