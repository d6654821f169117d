"""What the variational recipes share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from gensynth.constraints import NONE, Constraint, number, whole
from gensynth.model import Encoding, Layout, Recipe
from gensynth.nn.layers import fitting_rate
from gensynth.nn.tabular.categorical_slots import CategoricalSlots
from gensynth.nn.tabular.embeddings import CellEmbedding
from gensynth_vae.choices import LATENT


class Cells(NamedTuple):
    """What encoder and decoder of a model are made over."""

    code_slots: CategoricalSlots
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
    capabilities: ClassVar[frozenset[str]] = frozenset({"sample", "conditional", "impute", "score"})
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
        code_slots = CategoricalSlots(layout)
        dropout = self._fitting_dropout(layout) if self.dropout is None else self.dropout
        return Cells(code_slots, CellEmbedding(layout, code_slots, self.embedding_dim), dropout)

    def _fitting_dropout(self, layout: Layout) -> float:
        """Return the share of units to drop that suits the table."""
        return fitting_rate(layout.n_rows)


@dataclass(eq=False)
class InColumnGroups(Variational):
    """Columns are drawn in groups, one autoregressive step a group.

    Parameters
    ----------
    column_groups : int, default=8
        Autoregressive steps: the columns of one group are independent given the latent and the groups before.
        1 makes all cells independent given the latent, and sampling fastest.
    """

    constraints: ClassVar[Mapping[str, Constraint]] = {"column_groups": whole(1, 1_000_000)}
    column_groups: int = 8
