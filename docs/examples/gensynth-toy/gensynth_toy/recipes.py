"""Latent class analysis (P. Lazarsfeld, 1950): within a hidden class the columns of a row are independent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Generator, Tensor, nn

from gensynth.errors import OptionError
from gensynth.model import (
    Batch,
    ColumnLayout,
    GenerativeModel,
    Layout,
    Observed,
    Optimizer,
    Phase,
    Recipe,
    Score,
    Stage,
)


@dataclass(eq=False)
class LatentClasses(Recipe):
    """A mixture of rows with independent columns.

    Parameters
    ----------
    n_classes : int
        Number of hidden classes.
    learning_rate : float
        Step size of AdamW.
    """

    capabilities: ClassVar[frozenset[str]] = frozenset({"sample", "conditional", "impute", "score"})
    score_methods: ClassVar[tuple[str, ...]] = ("likelihood",)
    n_classes: int = 8
    learning_rate: float = 0.05

    def build(self, layout: Layout) -> LatentClassModel:
        """Return a freshly initialised mixture."""
        if self.n_classes < 1:
            raise OptionError(f"n_classes is {self.n_classes}; it must be at least 1")
        return LatentClassModel(layout, self.n_classes, self.learning_rate)


class LatentClassModel(GenerativeModel):
    """log p(row) = logsumexp_k (log w_k + sum_j log p_kj(code_j)); positions in a bin are uniform."""

    score_methods = ("likelihood",)

    def __init__(self, layout: Layout, n_classes: int, learning_rate: float) -> None:
        super().__init__(layout)
        self.learning_rate = learning_rate
        self.weights = nn.Parameter(torch.zeros(n_classes))
        self.logits = nn.ParameterList(_initial_logits(column, layout.n_rows, n_classes) for column in layout.columns)

    def stages(self) -> tuple[Stage, ...]:
        """Maximise the likelihood."""
        phase = Phase("mixture", tuple(self.parameters()), self._loss, Optimizer(self.learning_rate))
        return (Stage("fit", (phase,)),)

    @torch.no_grad()
    def generate(self, n: int, rng: Generator, observed: Observed | None = None) -> Batch:
        """Draw a class from its posterior given the observed cells, then the other cells from that class."""
        if observed is None:
            codes = torch.zeros(n, len(self.layout.columns), dtype=torch.long, device=self.weights.device)
            nothing = Batch(self.weights.new_zeros(n, self.layout.n_numeric), codes)
            observed = Observed(nothing, torch.zeros_like(codes, dtype=torch.bool))
        rows, free = observed.rows, ~observed.mask
        joint = self.weights.log_softmax(0).expand(len(rows), -1)  # (n, n_classes)
        allowed = []
        for j, column in enumerate(self.layout.columns):
            log_probability = self.logits[j].log_softmax(1)
            known = log_probability.clone()
            known[:, 0] = -torch.inf  # UNKNOWN is never sampled
            if observed.impute and column.missing is not None:
                known[:, column.missing] = -torch.inf
            told = log_probability.T[rows.codes[:, j]]
            joint = joint + torch.where(free[:, j, None], known.logsumexp(1), told)
            allowed.append(known.softmax(1))
        classes = torch.multinomial(joint.softmax(1), 1, generator=rng)[:, 0]
        codes, numeric = rows.codes.clone(), rows.numeric.clone()
        for j, column in enumerate(self.layout.columns):
            drawn = torch.multinomial(allowed[j][classes], 1, generator=rng)[:, 0]
            codes[:, j] = torch.where(free[:, j], drawn, rows.codes[:, j])
            if column.numeric is not None:
                slot = column.numeric
                number = torch.rand(n, generator=rng, device=codes.device, dtype=joint.dtype) * slot.beside(codes[:, j])
                numeric[:, slot.index] = torch.where(free[:, j], number, rows.numeric[:, slot.index])
        return Batch(numeric, codes)

    def score(self, batch: Batch, method: str | None = None, *, attribute: bool = False) -> Score:  # noqa: ARG002
        """Return (n,) log-densities, higher = more normal."""
        if method not in (None, *self.score_methods):
            raise OptionError(f"no score method {method!r}; there is {', '.join(self.score_methods)}")
        density = self._log_likelihood(batch)
        return Score(density if batch.log_jacobian is None else density + batch.log_jacobian.sum(1))

    def _loss(self, batch: Batch, rng: Generator) -> Tensor:  # noqa: ARG002 - this loss needs no noise
        return -self._log_likelihood(batch)

    def _log_likelihood(self, batch: Batch) -> Tensor:
        joint = self.weights.log_softmax(0).expand(len(batch), -1)  # (n, n_classes)
        for j, logits in enumerate(self.logits):
            joint = joint + logits.log_softmax(1).T[batch.codes[:, j]]
        return joint.logsumexp(1)


def _initial_logits(column: ColumnLayout, n_rows: int, n_classes: int) -> nn.Parameter:
    """Start near the column's frequencies, with enough noise to tell the classes apart."""
    counts = torch.tensor(column.frequencies) * n_rows + 0.5
    return nn.Parameter(counts.log() + 0.5 * torch.randn(n_classes, column.cardinality))
