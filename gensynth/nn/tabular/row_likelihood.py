"""Likelihood of rows for the members of an ensemble: normal numbers, categorical codes."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from gensynth.nn.tabular.feature_scaling import FeatureScaling, MemberInputs

LOG_2PI = math.log(2.0 * math.pi)
FLOOR = 0.22
"""Least standard deviation of a number, in its scaled units: finer than this, a column that is nearly a function of
others outweighs all."""


class RowLikelihood(nn.Module):
    """log p(row | parameters) of every member, cell by cell: normal numbers, categorical codes.

    Parameters
    ----------
    scaling : FeatureScaling
        The members' scalings.
    members : int
        Networks of the ensemble.
    """

    def __init__(self, scaling: FeatureScaling, members: int) -> None:
        super().__init__()
        self.p = scaling.n_numbers
        self.code_slots = scaling.code_slots
        self.columns, self.coded = scaling.columns, scaling.coded
        self.n_columns = len(self.columns) + sum(int(i) not in set(self.columns.tolist()) for i in self.coded)
        self.raw = nn.Parameter(torch.full((members, 1, self.p), 1.0))
        self.register_buffer("marginals", scaling.marginals.clone(), persistent=False)

    marginals: Tensor

    @property
    def width(self) -> int:
        """Width of the parameters: means, then logits."""
        return self.p + self.code_slots.n_slots

    def deviation(self) -> Tensor:
        """Return (members, 1, p): standard deviations."""
        return FLOOR + F.softplus(self.raw)

    def cells(self, parameters: Tensor, rows: MemberInputs) -> Tensor:
        """Return (members, n, k) log-likelihoods."""
        deviation = self.deviation()
        standard = (rows.numbers - parameters[..., : self.p]) / deviation
        numbers = -0.5 * (standard.square() + LOG_2PI) - deviation.log()
        numbers = torch.where(rows.present, numbers, 0.0) + rows.log_presence
        out = numbers.new_zeros(*numbers.shape[:2], self.n_columns)
        out = out.index_add(2, self.columns.to(out.device), numbers)
        if self.code_slots.n_slots:
            logits = parameters[..., self.p :] + self.marginals
            codes = self.code_slots.log_likelihood(logits, rows.codes.expand(len(logits), -1, -1))
            out = out.index_add(2, self.coded.to(out.device), codes)
        return out
