"""Networks for scoring, batched over the ensemble: scaled features in, normals and categories out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import ClassVar

import torch
from torch import Generator, Tensor, nn

from gensynth.layout import Layout
from gensynth.model import Batch, Fit, Score
from gensynth.nn.ensemble import EnsembleMLP, fixed_normal, standard_normal
from gensynth.nn.latent_density import CodePrior, LatentPrior
from gensynth.nn.made import EnsembleMADE
from gensynth.nn.networks import Networks, RowDecoder
from gensynth.nn.tabular.ensemble_causal import (
    EnsembleCodePrior,
    EnsembleFlow,
    EnsembleFlowPrior,
    column_orders,
)
from gensynth.nn.tabular.feature_scaling import MAX_ROWS, FeatureScaling, MemberInputs
from gensynth.nn.tabular.row_likelihood import NormalLikelihood

MAX_STEPS = 1200
"""Training steps of a full run."""
NOISE_LEVELS = (0.2, 0.4, 0.8)
"""Of the denoising score, in units of a member's scaling."""
TRIM = 0.2
"""Fraction of a batch's rows, those of highest loss, that are ignored if training rows may hold anomalies."""
FILLINGS = 10
"""Iterations of filling in a cell to obtain its expected value (Rezende et al. 2014, appendix F, with means)."""


class EnsembleNetworks(Networks):
    """Networks of all ensemble members; every second one reads tail-scaled numbers.

    Parameters
    ----------
    layout : Layout
        What a row looks like; numbers are continuous.
    members : int
        Networks.
    robust : bool
        Whether the rows may hold anomalies: columns are then scaled by median and quartiles, and the worst rows of a
        batch are trimmed (a trimmed likelihood: Neykov & Neytchev 1990).
    """

    for_sampling: ClassVar[bool] = False
    ema_decay: ClassVar[float] = 0.0
    weight_decay: ClassVar[float] = 1e-4
    decay_on_plateau: ClassVar[bool] = False
    max_steps: ClassVar[int | None] = MAX_STEPS
    fixed_noise: Tensor

    def __init__(self, layout: Layout, members: int, *, robust: bool) -> None:
        super().__init__(layout, members)
        kinds = ("robust" if robust else "standard", "adaptive")
        self.scaling = FeatureScaling(layout, [kinds[i % 2] for i in range(members)])  # type: ignore[misc]
        self.trim = TRIM if robust else 0.0
        self.loss_scale = 1.0 / len(layout.columns)
        self.register_buffer("fixed_noise", fixed_normal((2, members, 1, self.scaling.width), 1))

    @property
    def width(self) -> int:
        """Width of the features that the networks read."""
        return self.scaling.width

    def fits(self) -> tuple[Fit, ...]:
        """Measure the columns."""
        return (Fit("scaling", self.scaling.fit, MAX_ROWS),)

    def inputs(self, batch: Batch, *, differentiable: bool = False) -> MemberInputs:
        """Return the network inputs of rows in each member's scaling."""
        rows: MemberInputs = self.scaling(batch)
        return rows._replace(network=rows.network.detach().requires_grad_()) if differentiable else rows

    def noisy(self, inputs: MemberInputs, deviation: Tensor, rng: Generator) -> MemberInputs:
        """Return the inputs under normal noise."""
        x = inputs.network
        return inputs._replace(network=x + deviation * standard_normal(x.shape, x, rng))

    def corrupted(self, inputs: MemberInputs) -> Iterator[MemberInputs]:
        """Yield the inputs under the same noise for every row, of several levels."""
        for level in NOISE_LEVELS:
            for noise in self.fixed_noise:
                yield inputs._replace(network=inputs.network + level * noise)

    def encoder(self, hidden: Sequence[int], width_out: int) -> nn.Module:
        """Return perceptrons over the features, one for each member."""
        return _OverInputs(EnsembleMLP(self.members, (self.scaling.width, *hidden, width_out)))

    def mlp(self, width_in: int, hidden: Sequence[int], width_out: int) -> nn.Module:
        """Return perceptrons, one for each member."""
        return EnsembleMLP(self.members, (width_in, *hidden, width_out))

    def decoder(self, width_in: int, hidden: Sequence[int], column_groups: int = 1) -> RowDecoder:  # noqa: ARG002
        """Return perceptrons over the latents, one for each member."""
        likelihood = NormalLikelihood(self.scaling, self.members)
        return EnsembleDecoder(likelihood, EnsembleMLP(self.members, (width_in, *hidden, likelihood.width)))

    def causal_decoder(self, width_in: int, width: int, hidden: int) -> RowDecoder:  # noqa: ARG002
        """Return masked networks, one for each member, each with its own column order."""
        likelihood = NormalLikelihood(self.scaling, self.members)
        order = column_orders(self.members, len(self.layout.columns))[:, self.scaling.owner]
        return EnsembleCausalDecoder(likelihood, EnsembleMADE(order, order, hidden, width_in))

    def flow_prior(self, latent_dims: Sequence[int], n_components: int = 1) -> LatentPrior:  # noqa: ARG002
        """Return affine autoregressive flows, one for each member."""
        return EnsembleFlowPrior(latent_dims)

    def posterior_flow(self, latent_dims: Sequence[int], context: int) -> nn.Module:
        """Return flows over the latents, one for each member."""
        return EnsembleFlow(latent_dims, context)

    def code_prior(self, groups: int, dim: int, width: int, n_codes: int) -> CodePrior:
        """Return masked networks, one for each member."""
        return EnsembleCodePrior(self.members, groups, dim, width, n_codes)

    def by_column(self, entries: Tensor) -> Tensor:
        """Return (members, n, k): sums of (members, n, width) over the inputs of each column."""
        return self.scaling.by_column(entries)

    def score(self, cells: Tensor, latent: Tensor, inputs: MemberInputs, *, attribute: bool) -> Score:
        """Return rows and, where asked, columns.

        What belongs to the row as a whole is attributed to the columns in proportion to how much it would change with
        them: |x dE / dx| (gradient times input, Shrikumar et al. 2017, arXiv 1605.01713).
        """
        rows = -(cells.sum(-1) + latent)
        if not attribute:
            return Score(rows)
        weights = self._influence(latent, inputs.network)
        return Score(rows.detach(), (cells + latent.unsqueeze(-1) * weights).detach())

    def _influence(self, latent: Tensor, network: Tensor) -> Tensor:
        """Return (members, n, k): weights, summing to 1, of the columns in the latent term."""
        k = len(self.layout.columns)
        if not latent.requires_grad:
            return torch.full((*latent.shape, k), 1.0 / k, dtype=latent.dtype, device=latent.device)
        (gradient,) = torch.autograd.grad(latent.sum(), network, allow_unused=True, retain_graph=True)
        size = torch.zeros_like(network) if gradient is None else (gradient * network).abs()
        out = self.scaling.by_column(size) + 1e-12
        return out / out.sum(-1, keepdim=True)

    def conditional_interval(
        self, batch: Batch, position: int, latent_of: Callable[[MemberInputs], Tensor], decoder: RowDecoder
    ) -> tuple[Tensor, Tensor] | None:
        """Return two deviations on each side of what the members expect, on average; of codes the likeliest, twice."""
        assert isinstance(decoder, EnsembleDecoder)
        return self.interval(
            batch, position, lambda x: decoder.parameters_at(x, latent_of(x)), decoder.likelihood.deviation()
        )

    def interval(
        self, batch: Batch, position: int, parameters_of: Callable[[MemberInputs], Tensor], deviation: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Do so with parameters of the cells (members, n, width), and with deviations (members, 1, p)."""
        inputs, own = self.inputs(batch), self.scaling.inputs_of(position)
        hidden = inputs.network.clone()
        hidden[..., own] = 0.0  # scaled: what is typical
        inputs = inputs._replace(network=hidden)
        parameters = parameters_of(inputs)
        for _ in range(FILLINGS):  # the cell is repeatedly replaced by its prediction from the rest of the row
            hidden[..., own] = self.scaling.as_read(parameters)[..., own]
            parameters = parameters_of(inputs)
        at = (self.scaling.columns == position).nonzero().flatten().tolist()
        if not at:
            code = self.scaling.with_marginals(parameters)[..., own].mean(0)[:, 1:].argmax(-1) + 1  # never `UNKNOWN`
            return code, code
        mean, reach = parameters[..., at[0]], 2.0 * deviation[..., at[0]]
        ends = (self.scaling.encoded(at[0], mean - reach), self.scaling.encoded(at[0], mean + reach))
        return ends[0].median(0).values, ends[1].median(0).values


class EnsembleDecoder(RowDecoder):
    """Decoders over the latents, one for each member, that output the parameters of a likelihood of rows.

    Parameters
    ----------
    likelihood : NormalLikelihood
        log p(row | parameters).
    network : Module
        From latents (members, n, width) to parameters (members, n, likelihood.width).
    """

    def __init__(self, likelihood: NormalLikelihood, network: nn.Module) -> None:
        super().__init__()
        self.likelihood, self.network = likelihood, network

    def log_likelihood(self, inputs: MemberInputs, z: Tensor) -> Tensor:
        """Return (members, n, k) log-densities of the cells, of numbers in units of the member's scaling."""
        return self.likelihood.cells(self.parameters_at(inputs, z), inputs)

    def parameters_at(self, inputs: MemberInputs, z: Tensor) -> Tensor:  # noqa: ARG002
        """Return (members, n, width): parameters of the cells at latents."""
        out: Tensor = self.network(z)
        return out


class EnsembleCausalDecoder(EnsembleDecoder):
    """An autoregressive `EnsembleDecoder`: each cell is also conditional on the cells before it."""

    def parameters_at(self, inputs: MemberInputs, z: Tensor) -> Tensor:
        """Return (members, n, width): parameters of the cells given those before them."""
        out: Tensor = self.network(inputs.network, z)
        return out


class _OverInputs(nn.Module):
    """A network over what the members read."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, inputs: MemberInputs) -> Tensor:
        out: Tensor = self.network(inputs.network)
        return out
