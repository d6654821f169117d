"""The critic of rows of a table."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from gensynth.nn.tabular.relaxed import RelaxedRows

FREQUENCIES = (0.5, 1.0)
"""Periods a unit of a normal score, of the sines and cosines that the critic sees it by."""


class RowCritic(nn.Module):
    """From packs of rows to one value a pack, higher = more like real rows.

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
        """Return what the critic sees (n, n_features) of vectors of rows (n, width): no parameter is in it."""
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
