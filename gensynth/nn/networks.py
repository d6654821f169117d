"""Plain networks, sized by whoever builds them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from torch import Tensor, nn

from gensynth.nn.dropout import dropout


class ResidualMLP(nn.Module):
    """A multilayer perceptron whose hidden layers of equal width add to what came in.

    Parameters
    ----------
    width_in, width_out : int
        Widths of the input and of the output.
    hidden : sequence of int
        Widths of the hidden layers; layers of the same width as the one before are residual.
    dropout : float
        Share of hidden units dropped in training.
    """

    def __init__(self, width_in: int, hidden: Sequence[int], width_out: int, dropout: float = 0.0) -> None:
        super().__init__()
        widths = [width_in, *hidden]
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in itertools.pairwise(widths))
        self.out = nn.Linear(widths[-1], width_out)
        self.activation = nn.SiLU()
        self.dropout = dropout

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., width_in) to (..., width_out)."""
        out: Tensor = self.out(self.features(x))
        return out

    def features(self, x: Tensor) -> Tensor:
        """Return the last hidden layer (..., hidden[-1])."""
        for layer in self.layers:
            h = dropout(self.activation(layer(x)), self.dropout, self.training)
            x = x + h if h.shape == x.shape else h
        return x
