"""Likelihoods of rows for ensemble members: normals or mixtures for numbers, categories for codes."""

from __future__ import annotations

from abc import abstractmethod

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from gensynth.nn.priors import LOG_2PI
from gensynth.nn.tabular.feature_scaling import FeatureScaling, MemberInputs, densest_interval

FLOOR = 0.22
"""Minimal standard deviation of a normal, in scaled units: with a smaller one, a column that is nearly a function
of others outweighs all."""
MIXTURE_FLOORS = (0.02, 0.1)
"""Limits of the minimal standard deviation of a mixture component: small enough for gaps between clusters, ..."""
FLOOR_PART = 0.4
"""... and this part of the width of a column's densest interval, so that a narrow cluster beside a wide one is seen."""
MIN_DISTINCT = 50
"""Distinct values of a column from which that interval is looked for."""
REACH = 1.5
"""The means of a mixture start side by side from minus to plus this."""


class RowLikelihood(nn.Module):
    """log p(row | parameters) of every member, cell by cell; subclasses define the likelihood of numbers.

    Parameters
    ----------
    scaling : FeatureScaling
        The members' scalings.
    per_number : int
        Parameters of a number.
    """

    marginals: Tensor

    def __init__(self, scaling: FeatureScaling, per_number: int) -> None:
        super().__init__()
        self.p, self.n_columns = scaling.n_numbers, scaling.n_columns
        self.number_width = self.p * per_number
        self.code_slots = scaling.code_slots
        self.columns, self.coded = scaling.columns, scaling.coded
        self.register_buffer("marginals", scaling.marginals.clone(), persistent=False)

    @property
    def width(self) -> int:
        """Width of the parameters: those of the numbers, then logits."""
        return self.number_width + self.code_slots.n_slots

    @abstractmethod
    def numbers(self, parameters: Tensor, values: Tensor) -> Tensor:
        """Return log-densities (members, n, p) of numbers, given their parameters (members, n, number_width)."""

    def cells(self, parameters: Tensor, rows: MemberInputs) -> Tensor:
        """Return (members, n, k) log-likelihoods; parameters (members, 1, width) are those of every row."""
        out = rows.numbers.new_zeros(*rows.numbers.shape[:2], self.n_columns)
        if self.p:
            numbers = self.numbers(parameters[..., : self.number_width], rows.numbers)
            numbers = torch.where(rows.present, numbers, 0.0) + rows.log_presence
            out = out.index_add(2, self.columns.to(out.device), numbers)
        if self.code_slots.n_slots:
            logits = parameters[..., self.number_width :] + self.marginals
            logits = logits.expand(-1, len(rows.codes), -1)
            codes = self.code_slots.log_likelihood(logits, rows.codes.expand(len(logits), -1, -1))
            out = out.index_add(2, self.coded.to(out.device), codes)
        return out


class NormalLikelihood(RowLikelihood):
    """Normal likelihood of numbers, with a learned deviation for each column.

    Parameters
    ----------
    scaling : FeatureScaling
        The members' scalings.
    members : int
        Networks of the ensemble.
    """

    def __init__(self, scaling: FeatureScaling, members: int) -> None:
        super().__init__(scaling, 1)
        self.raw = nn.Parameter(torch.full((members, 1, self.p), 1.0))

    def deviation(self) -> Tensor:
        """Return (members, 1, p): standard deviations."""
        return FLOOR + F.softplus(self.raw)

    def numbers(self, parameters: Tensor, values: Tensor) -> Tensor:
        """Return log-densities (members, n, p), given means."""
        deviation = self.deviation()
        standard = (values - parameters) / deviation
        return -0.5 * (standard.square() + LOG_2PI) - deviation.log()


class MixtureLikelihood(RowLikelihood):
    """Likelihood of numbers as mixtures of normals, with weights, means and deviations as parameters.

    Parameters
    ----------
    scaling : FeatureScaling
        The members' scalings.
    n_components : int
        Normals of a number.

    References
    ----------
    Uria, Murray & Larochelle 2013, "RNADE: the real-valued neural autoregressive density-estimator" (arXiv 1306.0186).
    """

    floor: Tensor

    def __init__(self, scaling: FeatureScaling, n_components: int) -> None:
        super().__init__(scaling, 3 * n_components)
        self.n_components = n_components
        self.register_buffer("floor", torch.full((len(scaling.scaling_of), 1, self.p, 1), max(MIXTURE_FLOORS)))

    @torch.no_grad()
    def fit_floor(self, rows: MemberInputs) -> None:
        """Fit the minimal deviation of each number, for every member, to the column's densest interval."""
        for j in range(self.p):
            for floor, numbers in zip(self.floor[:, 0, j, 0], rows.numbers[:, rows.present[:, j], j], strict=True):
                distinct = numbers.unique()  # ascending
                if len(distinct) >= MIN_DISTINCT:
                    floor.fill_(FLOOR_PART * densest_interval(distinct)[1]).clamp_(*MIXTURE_FLOORS)

    def start(self) -> Tensor:
        """Return (width,): parameters to begin with, the normals side by side and the codes by their frequency."""
        k = self.n_components
        normals = torch.stack([torch.zeros(k), torch.linspace(-REACH, REACH, k), torch.full((k,), -0.5)], -1)
        return torch.cat([normals.flatten().repeat(self.p), torch.zeros(self.code_slots.n_slots)])

    def numbers(self, parameters: Tensor, values: Tensor) -> Tensor:
        """Return log-densities (members, n, p), given (logit of the weight, mean, raw deviation) of each normal."""
        logits, means, raw = parameters.unflatten(-1, (self.p, self.n_components, 3)).unbind(-1)
        deviations = self.floor + F.softplus(raw)
        standard = (values.unsqueeze(-1) - means) / deviations  # (members, n, p, n_components)
        normals = -0.5 * (standard.square() + LOG_2PI) - deviations.log()
        out: Tensor = (logits.log_softmax(-1) + normals).logsumexp(-1)
        return out
