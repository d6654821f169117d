"""Autoregressive density of a row (RNADE), which a detector trains beside its ensemble."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from sklearn.covariance import ledoit_wolf
from torch import Generator, Tensor, nn

from gensynth.constraints import NONE, Constraint, number, whole
from gensynth.errors import CapabilityError
from gensynth.layout import UNKNOWN, Layout
from gensynth.model import Batch, Fit, GenerativeModel, Observed, Optimizer, Phase, Recipe, Score, Stage
from gensynth.nn.ensemble import standard_normal
from gensynth.nn.made import EnsembleMADE
from gensynth.nn.priors import LOG_2PI
from gensynth.nn.tabular.ensemble_causal import column_orders
from gensynth.nn.tabular.feature_scaling import MAX_ROWS, FeatureScaling, MemberInputs, ScalingKind
from gensynth.nn.tabular.row_likelihood import MixtureLikelihood

KINDS: tuple[ScalingKind, ...] = ("asinh", "adaptive", "standard", "adaptive")
"""Scalings of the members: "asinh" keeps all gaps, also those of columns with heavy tails; "standard" keeps groups of
anomalies far away. Every second member reads the columns in the opposite order of the one before."""
N_BLURRED = 2
"""Number of members, the last ones, that are trained on noisy rows."""
MAX_NORMALS = 64
"""Maximal number of mixture components over all numbers of a row, ..."""
COMPONENTS = (2, 8)
"""... with at least and at most this many per number."""
WEIGHT_DECAY = 1e-4
RIDGE = 0.01
"""Added to the variances of a normal distribution of scaled numbers."""
FLOOR_ROWS = 10_000
"""Maximal number of rows to which the minimal deviations are fitted: every member sorts every column."""
TAIL = 0.025
"""Probability beyond each end of an interval."""
N_CANDIDATES = 65
"""Number of quantiles, and of evenly spaced values, among which the ends of an interval are searched."""
_BLOCK = 2**15


@dataclass(eq=False)
class AutoregressiveDensity(Recipe):
    """Recipe of p(row) = prod_i p(cell_i | cells before), by masked networks over several column orders.

    Half of them learn the rows as they are and see narrow gaps; the others learn them under noise, and are misled
    neither by narrow ridges in many columns nor by small groups of anomalies. The score is the mean of their
    log-densities.

    Parameters
    ----------
    n_components : int or None, default=None
        Normals in the mixture that a number is; None for 2 to 8, the fewer the more numbers there are.
    hidden : int, default=64
        Width of the hidden layers.
    learning_rate : float, default=3e-3
        Step size.
    noise : float, default=0.3
        Deviation of the noise that half of the networks learn the rows under, in units of the columns.
    max_steps : int, default=600
        Steps of a full run.

    References
    ----------
    Uria, Murray & Larochelle 2013, "RNADE: the real-valued neural autoregressive density-estimator" (arXiv 1306.0186).
    Germain et al. 2015, "MADE: masked autoencoder for distribution estimation" (arXiv 1502.03509).
    """

    constraints: ClassVar[Mapping[str, Constraint]] = {
        "n_components": NONE | whole(1, 1024),
        "hidden": whole(1, 65_536),
        "learning_rate": number(0, open_low=True),
        "noise": number(0, 1e3),
        "max_steps": whole(1),
    }
    capabilities: ClassVar[frozenset[str]] = frozenset({"score"})
    score_methods: ClassVar[tuple[str, ...]] = ("log_likelihood",)
    n_components: int | None = None
    hidden: int = 64
    learning_rate: float = 3e-3
    noise: float = 0.3
    max_steps: int = 600

    def build(self, layout: Layout) -> GenerativeModel:
        """Return an untrained model for this layout."""
        return AutoregressiveModel(layout, self)


class AutoregressiveModel(GenerativeModel):
    """Model of `AutoregressiveDensity`, with two simple densities as baselines.

    Parameters
    ----------
    layout : Layout
        What a row looks like.
    recipe : AutoregressiveDensity
        Hyperparameters.
    """

    score_methods: ClassVar[tuple[str, ...]] = AutoregressiveDensity.score_methods
    noise: Tensor
    center: Tensor
    whitening: Tensor

    def __init__(self, layout: Layout, recipe: AutoregressiveDensity) -> None:
        super().__init__(layout)
        self.learning_rate, self.max_steps, members = recipe.learning_rate, recipe.max_steps, len(KINDS)
        noise = torch.tensor([0.0] * (members - N_BLURRED) + [recipe.noise] * N_BLURRED)
        self.register_buffer("noise", noise.view(-1, 1, 1), persistent=False)
        self.scaling = FeatureScaling(layout, KINDS)
        p = self.scaling.n_numbers
        least, most = COMPONENTS
        self.likelihood = MixtureLikelihood(
            self.scaling, recipe.n_components or max(least, min(most, MAX_NORMALS // max(p, 1)))
        )
        place = column_orders(members, len(layout.columns))[:, self.scaling.owner]  # (members, width)
        per_number = 3 * self.likelihood.n_components
        outputs = torch.cat([place[:, :p].repeat_interleave(per_number, 1), place[:, p:]], 1)
        self.network = EnsembleMADE(place, outputs, recipe.hidden, 0, gain=0.1)
        start = self.likelihood.start().expand(members, 1, -1)
        with torch.no_grad():
            self.network.last.bias.copy_(start)
        self.independent = nn.Parameter(start.clone())
        self.register_buffer("center", torch.zeros(p))
        self.register_buffer("whitening", torch.eye(p))  # upper triangular

    def stages(self) -> tuple[Stage | Fit, ...]:
        """Fit scalings and floors, then train the networks and the independent columns by maximum likelihood."""

        def loss(batch: Batch, rng: Generator) -> Tensor:
            rows = self.scaling(batch)
            plain = self.likelihood.cells(self.independent, rows)
            return -(self._cells(self._noisy(rows, rng)) + plain).sum(-1)

        def monitor(batch: Batch, rng: Generator) -> Tensor:
            return -self._cells(self._noisy(self.scaling(batch), rng)).sum(-1)

        phase = Phase(
            "density", tuple(self.parameters()), loss, Optimizer(self.learning_rate, weight_decay=WEIGHT_DECAY)
        )
        stage = Stage("density", (phase,), monitor, decay_on_plateau=False, max_steps=self.max_steps)
        scaling, normal = Fit("scaling", self.scaling.fit, MAX_ROWS), Fit("normal", self._fit_normal, MAX_ROWS)
        return scaling, Fit("floor", self._fit_floor, FLOOR_ROWS), normal, stage

    def generate(self, n: int, rng: Generator, observed: Observed | None = None) -> Batch:  # noqa: ARG002
        """Raise `CapabilityError`: the density only scores rows."""
        raise CapabilityError("this density scores rows; it draws none")

    @torch.no_grad()
    def score(self, batch: Batch, method: str | None = None, *, attribute: bool = False) -> Score:
        """Return log-densities (members, n) in nats, of numbers in units of a member's scaling."""
        self.score_method(method)
        cells = self._cells(self.scaling(batch))
        return Score(cells.sum(-1), -cells if attribute else None)

    @torch.no_grad()
    def gains(self, batch: Batch) -> Tensor:
        """Return (2, n) the gain of the first member in log-likelihood, in nats, over two simple densities.

        By columns that are independent of each other; and by those with a joint normal distribution of the numbers, in
        rows that have all numbers.
        """
        rows = self.scaling(batch)
        alone = self.likelihood.cells(self.independent, rows)
        plain = torch.stack([alone[0].sum(-1), self._with_normal_numbers(alone[:1], rows)[0]])
        return self._cells(rows)[0].sum(-1) - plain

    @torch.no_grad()
    def conditional_interval(self, batch: Batch, position: int) -> tuple[Tensor, Tensor] | None:
        """Return the central 95 % interval of a number given all other cells; the likeliest code twice.

        p(cell | others) is proportional to p(row): the density of the row with each of many values in the cell's place.
        """
        numbers = (self.scaling.columns == position).nonzero().flatten().tolist()
        if numbers:
            values = self._candidates(self.scaling.knots[numbers[0]]).to(batch.numeric)
        else:
            values = torch.arange(UNKNOWN + 1, self.layout.columns[position].cardinality, device=batch.codes.device)
        parts = []
        for part in torch.arange(len(batch), device=values.device).split(max(_BLOCK // len(values), 1)):
            rows, cells = self._with_values(batch[part], position, values)
            log_mass = cells.sum(-1).unflatten(-1, (len(part), len(values)))  # (members, n, candidates)
            if numbers:
                own = rows.numbers[:, : len(values), numbers[0]]  # the same values beside every row
                log_mass = log_mass + torch.gradient(own, dim=-1)[0].clamp(min=1e-9).log().unsqueeze(1)
            parts.append(log_mass.mean(0).softmax(-1))
        shares = torch.cat(parts)
        if not numbers:
            likeliest = values[shares.argmax(-1)]
            return likeliest, likeliest
        below = shares.cumsum(-1)
        low, high = (below > TAIL).float().argmax(-1), (below >= 1.0 - TAIL).float().argmax(-1)
        ends = torch.cat([values[:1], 0.5 * (values[1:] + values[:-1]), values[-1:]])  # one value per interval
        return ends[low], ends[high + 1]

    @staticmethod
    def _candidates(knots: Tensor) -> Tensor:
        """Return values (2 * N_CANDIDATES,) of a number in its fitted range: its quantiles, and evenly spaced ones."""
        levels = torch.linspace(0, 1, N_CANDIDATES).to(knots)
        return torch.cat([torch.quantile(knots, levels), torch.lerp(knots[0], knots[-1], levels)]).sort().values

    def _fit_floor(self, batch: Batch, rng: Generator) -> None:  # noqa: ARG002
        self.likelihood.fit_floor(self.scaling(batch))

    def _fit_normal(self, batch: Batch, rng: Generator) -> None:  # noqa: ARG002
        """Fit the joint normal distribution of the numbers, in the first member's units."""
        numbers = self.scaling(batch).numbers[0].double().cpu().numpy()
        if numbers.size:
            covariance = ledoit_wolf(numbers)[0] + RIDGE * np.eye(numbers.shape[1])
            self.center.copy_(torch.from_numpy(numbers.mean(0)))
            self.whitening.copy_(torch.from_numpy(np.linalg.inv(np.linalg.cholesky(covariance)).T))

    def _with_normal_numbers(self, cells: Tensor, rows: MemberInputs) -> Tensor:
        """Return (1, n): sums of cells (1, n, k) with those of numbers replaced by their joint normal density."""
        standard = (rows.numbers[:1] - self.center) @ self.whitening
        joint = (-0.5 * (standard.square() + LOG_2PI)).sum(-1) + self.whitening.diagonal().log().sum()
        alone = self.likelihood.numbers(self.independent[:1, :, : self.likelihood.number_width], rows.numbers[:1])
        return cells.sum(-1) + torch.where(rows.present.all(-1), joint - alone.sum(-1), 0.0)

    def _noisy(self, rows: MemberInputs, rng: Generator) -> MemberInputs:
        network = rows.network + self.noise * standard_normal(rows.network.shape, rows.network, rng)
        return rows._replace(network=network, numbers=network[..., : self.scaling.n_numbers])

    def _cells(self, rows: MemberInputs) -> Tensor:
        """Return (members, n, k) log p(cell | cells before)."""
        return self.likelihood.cells(self.network(rows.network), rows)

    def _with_values(self, batch: Batch, position: int, values: Tensor) -> tuple[MemberInputs, Tensor]:
        """Return each of n rows with each value in one column's place, and their cells (members, n * values, k)."""
        n, slot = len(batch), self.layout.columns[position].numeric
        rows = batch[torch.arange(n, device=values.device).repeat_interleave(len(values))]
        numeric, codes = rows.numeric.clone(), rows.codes.clone()
        if slot is not None and slot.kind == "continuous":
            numeric[:, slot.index] = values.repeat(n)
            codes[:, position] = slot.codes.start
        else:
            codes[:, position] = values.repeat(n)
        inputs = self.scaling(Batch(numeric, codes))
        return inputs, self._cells(inputs)
