"""The distribution of one column's cell given the cells before it: of its code, and of the number beside the code."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from torch import Generator, Tensor

from gensynth.nn.tabular.heads import WithinBinHeads
from gensynth.nn.tabular.rank_heads import RankHeads, RankMasses


@dataclass(eq=False)
class ColumnConditional:
    """p(code | cells before) p(number | code, cells before) of one column.

    Parameters
    ----------
    position : int
        The column's position in the layout.
    hidden : Tensor of shape (n, width)
        Hidden vectors.
    logits : Tensor of shape (n, cardinality)
        Those of the softmax over its codes.
    within_bin_heads : WithinBinHeads
        Heads of the numbers.
    rank_heads : RankHeads or None
        Heads of the ranks; None if no column has a predictor.
    source : Tensor of shape (n,) or None
        Log-odds of the ranks of the column's predictor; None if it has none.
    """

    position: int
    hidden: Tensor
    logits: Tensor
    within_bin_heads: WithinBinHeads
    rank_heads: RankHeads | None
    source: Tensor | None

    @cached_property
    def masses(self) -> RankMasses | None:
        """What ranks give the codes; None without a predictor."""
        if self.rank_heads is None or self.source is None:
            return None
        return self.rank_heads.masses(self.position, self.hidden, self.source)

    @property
    def shares(self) -> tuple[Tensor, Tensor] | None:
        """Weight of the softmax (n, 1) and what ranks give each code (n, cardinality); None without a predictor."""
        return None if self.masses is None else self.masses.shares(self.logits.shape[1])

    def log_weights(self) -> Tensor:
        """Return the codes' log-weights (n, cardinality), not normalised."""
        shares = self.shares
        return self.logits if shares is None else (shares[0] * self.logits.softmax(-1) + shares[1]).log()

    def log_density(self, codes: Tensor, number: Tensor | None) -> Tensor:
        """Return log-densities (n,) of cells."""
        own = self.logits.log_softmax(-1).gather(1, codes.unsqueeze(1)).squeeze(1)
        if number is not None:
            own = own + self.within_bin_heads.log_density_of(self.position, self.hidden, codes, number)
        if self.rank_heads is None or self.source is None:
            return own
        return self.rank_heads.joint(self.position, self.hidden, self.source, own, codes, number)

    def draw_number(self, codes: Tensor, rng: Generator) -> Tensor | None:
        """Draw the numbers (n,) beside codes; None if the column has none."""
        if self.position not in self.within_bin_heads.where:
            return None
        number = self.within_bin_heads.sample(self.position, self.hidden, codes, rng)
        if self.rank_heads is None or self.masses is None:
            return number
        return self.rank_heads.number(self.position, self.masses, (codes, number, self.logits), rng)
