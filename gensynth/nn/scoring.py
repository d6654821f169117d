"""Ensembles of networks that are trained to score rows."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from sklearn.base import clone
from torch import Generator, Tensor, nn

from gensynth.constraints import FLAG, Constraint, number, whole
from gensynth.errors import CapabilityError
from gensynth.layout import Encoding, Layout
from gensynth.model import Batch, Condition, Fit, GenerativeModel, Optimizer, Phase, Recipe, Score, Stage
from gensynth.nn.tabular.feature_scaling import MAX_ROWS, FeatureScaling, MemberInputs, ScalingKind

TRIMMED = 0.2
"""Share of the worst rows of a batch that nothing is learned from where training rows may be anomalies."""


STEPS = 1200
"""Of a full run."""
FILLINGS = 10
"""Turns in which a cell is filled in to say what was expected there (Rezende et al. 2014, appendix F, by means)."""


@dataclass(eq=False)
class ScoringRecipe(Recipe):
    """What the recipes of all scoring ensembles share.

    Parameters
    ----------
    n_members : int, default=8
        Networks of the ensemble, trained side by side as one.
    contaminated : bool, default=False
        Whether the rows may hold anomalies. The worst fifth of every batch is then left out of the loss (a trimmed
        likelihood: Neykov & Neytchev 1990), and columns are measured by median and quartiles.
    hidden : int, default=128
        Hidden width of a network.
    learning_rate : float, default=2e-3
        Step size.
    max_levels : int, default=64
        Most levels of a category that are told apart.
    """

    constraints: ClassVar[Mapping[str, Constraint]] = {
        "n_members": whole(1, 1024),
        "contaminated": FLAG,
        "hidden": whole(1, 65_536),
        "learning_rate": number(0, open_low=True),
        "max_levels": whole(1, 10_000),
    }
    capabilities: ClassVar[frozenset[str]] = frozenset({"score"})
    n_members: int = 8
    contaminated: bool = False
    hidden: int = 128
    learning_rate: float = 2e-3
    max_levels: int = 64

    @property
    def encoding(self) -> Encoding:
        """Numbers as they are, standardised: a value far away must look far away."""
        return Encoding("standard", max_atoms=0, max_levels=self.max_levels)

    def views(self) -> tuple[ScalingKind, ...]:
        """Return the scaling of each member, in turns."""
        linear: ScalingKind = "robust" if self.contaminated else "standard"
        kinds: tuple[ScalingKind, ...] = (linear, "quantile")
        return tuple(kinds[i % 2] for i in range(self.n_members))

    def of_members(self, *choices: float) -> list[float]:
        """Return an option of each member: two members, one a view, have the same, then the next two the next."""
        return [choices[i // 2 % len(choices)] for i in range(self.n_members)]

    def for_detection(self, *, contaminated: bool, members: int | None = None) -> ScoringRecipe:
        """Return the recipe with this ``contaminated``, and with ``n_members`` if that is said."""
        told = {} if members is None else {"n_members": members}
        out: ScoringRecipe = clone(self)
        out.set_params(contaminated=contaminated, **told)
        return out

    @property
    def trim(self) -> float:
        """Share of the worst rows that are left out of the loss."""
        return TRIMMED if self.contaminated else 0.0


class Energies(NamedTuple):
    """How odd rows are to each member: ``cells`` (members, n, k) of the row's columns, ``rest`` (members, n)."""

    cells: Tensor
    rest: Tensor

    @property
    def total(self) -> Tensor:
        """Energy of each row (members, n): lower = more normal."""
        return self.cells.sum(-1) + self.rest


class ScoringEnsemble(GenerativeModel):
    """Networks side by side that score rows by their energies: a score has a leading members axis.

    Parameters
    ----------
    layout : Layout
        What a row looks like.
    views : sequence of {"standard", "robust", "quantile"}
        FeatureScaling of each member.
    trim : float
        Share in [0, 1) of the worst rows of a batch that the loss leaves out.
    """

    def __init__(self, layout: Layout, views: Sequence[ScalingKind], trim: float) -> None:
        super().__init__(layout)
        self.scaling = FeatureScaling(layout, views)
        self.members, self.trim = len(views), trim

    def stages(self) -> tuple[Stage | Fit, ...]:
        """Measure the columns, then learn."""
        return Fit("scaling", self.scaling.fit, MAX_ROWS), *self.learning_stages()

    @abstractmethod
    def learning_stages(self) -> tuple[Stage | Fit, ...]:
        """Return what is to be trained."""

    @abstractmethod
    def energies(self, rows: MemberInputs, method: str) -> Energies:
        """Return how odd the rows are to each member, by one of ``score_methods``."""

    def generate(self, n: int, rng: Generator, condition: Condition | None = None) -> Batch:  # noqa: ARG002
        """Raise `CapabilityError`: these networks are trained to score."""
        raise CapabilityError("an anomaly detector scores rows; to sample rows, fit a Synthesizer with the same model")

    def score(self, batch: Batch, method: str | None = None, *, attribute: bool = False) -> Score:
        """Score rows (members, n): minus each member's energy.

        Energies that belong to the row as a whole (a divergence, a critic's features) are attributed to the columns in
        proportion to how much they would change with the column: |x dE / dx| (gradient times input, Shrikumar et al.
        2017, arXiv 1605.01713).
        """
        method, rows = self.score_method(method), self.scaling(batch)
        if not attribute:
            return Score(-self.energies(rows, method).total)
        with torch.enable_grad():
            network = rows.network.detach().requires_grad_(True)
            energies = self.energies(rows._replace(network=network), method)
            influence = self._influence(energies.rest, network)
        return Score(-energies.total.detach(), (energies.cells + energies.rest.unsqueeze(-1) * influence).detach())

    def conditional_interval(self, batch: Batch, position: int) -> tuple[Tensor, Tensor] | None:
        """Return what was expected in one column, given the other cells of each row; None if the family cannot say.

        Parameters
        ----------
        batch : Batch
            n rows.
        position : int
            The column's position in the layout.

        Returns
        -------
        low, high : Tensor of shape (n,)
            For a number: where the members' two deviations on each side end, in encoded units, on average. For a
            column of codes: the most likely code, twice.
        """
        hidden = self.scaling(batch).network.clone()
        inputs = self.scaling.inputs_of(position)
        hidden[..., inputs] = 0.0  # standardised: what is typical
        parameters = self.reconstruct(hidden)
        if parameters is None:
            return None
        for _ in range(FILLINGS):  # the cell is filled in by what the rest of the row says of it, again and again
            hidden[..., inputs] = self.scaling.as_read(parameters)[..., inputs]
            parameters = self.reconstruct(hidden)
            assert parameters is not None
        at = (self.scaling.columns == position).nonzero().flatten().tolist()
        if not at:
            logits = self.scaling.with_marginals(parameters)[..., inputs].mean(0)
            code = logits[:, 1:].argmax(-1) + 1  # never `UNKNOWN`
            return code, code
        mean, reach = parameters[..., at[0]], 2.0 * self.deviation()[..., at[0]]
        ends = (self.scaling.encoded(at[0], mean - reach), self.scaling.encoded(at[0], mean + reach))
        return ends[0].median(0).values, ends[1].median(0).values

    def reconstruct(self, network: Tensor) -> Tensor | None:  # noqa: ARG002
        """Return (members, n, width) parameters of the cells given what the networks read; None if there are none."""
        return None

    def deviation(self) -> Tensor:
        """Return (members, 1, p): standard deviations of the numbers about what `reconstruct` returns."""
        return self.scaling.spread.new_ones(self.members, 1, self.scaling.n_numbers)

    def _influence(self, rest: Tensor, network: Tensor) -> Tensor:
        """Return (members, n, k): shares, summing to 1, of the columns in the rest of the energy."""
        k = len(self.layout.columns)
        if not rest.requires_grad:
            return torch.full((*rest.shape, k), 1.0 / k, dtype=rest.dtype, device=rest.device)
        (gradient,) = torch.autograd.grad(rest.sum(), network, allow_unused=True, retain_graph=True)
        size = torch.zeros_like(network) if gradient is None else (gradient * network).abs()
        out = self.scaling.by_column(size) + 1e-12
        return out / out.sum(-1, keepdim=True)


def likelihood_stage(
    name: str,
    parameters: Sequence[nn.Parameter],
    loss: Callable[[Batch, Generator], Tensor],
    *,
    learning_rate: float,
    trim: float,
    budget_fraction: float = 1.0,
    after_step: Callable[[], None] | None = None,
) -> Stage:
    """Return a stage of one phase, as scoring ensembles learn: short, and watched on held-out rows."""
    optimizer = Optimizer(learning_rate, weight_decay=1e-4)
    phase = Phase(name, tuple(parameters), loss, optimizer, after_step=after_step)
    return Stage(name, (phase,), budget_fraction=budget_fraction, max_steps=STEPS, decay_on_plateau=False, trim=trim)
