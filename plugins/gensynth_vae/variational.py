"""What the variational recipes share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from gensynth.constraints import NONE, Constraint, number, whole
from gensynth.model import Encoding, Layout, Recipe
from gensynth.nn.buckets import Buckets
from gensynth.nn.cells import CellEmbedding
from gensynth.nn.dropout import fitting_rate
from gensynth_vae.choices import LATENT


class Cells(NamedTuple):
    """What encoder and decoder of a model are made over."""

    buckets: Buckets
    embedding: CellEmbedding
    dropout: float


@dataclass(eq=False)
class Variational(Recipe):
    """Numbers are quantile bins, cells are embedded, and dropout fits the number of rows.

    Parameters
    ----------
    embedding_dim : int, default=16
        Width of a cell's embedding.
    dropout : float or None, default=None
        Share of units dropped in training, in [0, 1); None chooses from the number of rows.
    learning_rate : float
        Step size.
    max_bins : int
        Most quantile bins of a numeric column.
    """

    constraints: ClassVar[Mapping[str, Constraint]] = {
        "embedding_dim": LATENT,
        "dropout": NONE | number(0, 1, open_high=True),
        "learning_rate": number(0, open_low=True),
        "max_bins": whole(2, 10_000),
    }
    embedding_dim: int = 16
    dropout: float | None = None
    learning_rate: float = 2e-3
    max_bins: int = 100

    @property
    def encoding(self) -> Encoding:
        """Quantile bins."""
        return Encoding("bins", max_bins=self.max_bins)

    def _cells(self, layout: Layout) -> Cells:
        """Return what a model is made over, after a look at the options."""
        self.check()
        buckets = Buckets(layout)
        dropout = self._fitting_dropout(layout) if self.dropout is None else self.dropout
        return Cells(buckets, CellEmbedding(layout, buckets, self.embedding_dim), dropout)

    def _fitting_dropout(self, layout: Layout) -> float:
        """Return the share of units to drop that suits the table."""
        return fitting_rate(layout.n_rows)


@dataclass(eq=False)
class InPasses(Variational):
    """A row is written in passes.

    Parameters
    ----------
    passes : int, default=8
        Passes that a row is written in: the columns of one are independent given the latent and the passes before.
        1 makes all cells independent given the latent, and sampling fastest.
    """

    constraints: ClassVar[Mapping[str, Constraint]] = {"passes": whole(1, 1_000_000)}
    passes: int = 8
    before: ClassVar[Mapping[str, Any]] = {"passes": 1}
