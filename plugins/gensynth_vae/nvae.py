"""NVAE for tables: a hierarchy of latents drawn top down, residual posteriors with flows, independent cells."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Generator, Tensor, nn

from gensynth.constraints import Constraint, whole
from gensynth.model import Batch, Condition, Fit, GenerativeModel, Layout, Optimizer, Phase, Score, Stage
from gensynth.nn.flows import InverseAutoregressiveFlow
from gensynth.nn.layers import ResidualMLP
from gensynth.nn.priors import LOG_2PI, Prior
from gensynth.nn.spectral import SpectralPenalty
from gensynth.nn.tabular.corruption import Corruption
from gensynth.nn.tabular.decoder import Decoder, Given
from gensynth.nn.tabular.encoder import CellEncoder
from gensynth.nn.tabular.imputation import fill
from gensynth.nn.tabular.independent_decoder import grouped_decoder
from gensynth.nn.tabular.marginals import n_marginal_rows
from gensynth_vae.choices import (
    LATENT,
    MAX_START,
    PRIOR,
    STEPS,
    STEPS_OF_WARMUP,
    TWO_STAGES,
    WEIGHT,
    WEIGHT_AVERAGE,
    WEIGHT_DECAY,
    WIDTH,
    named_prior,
)
from gensynth_vae.variational import InColumnGroups

N_SCORE_DRAWS = 8


class Level(nn.Module):
    """One group of latents: prior given the levels above, residual posterior, flows, and what it tells those below.

    The posterior is N(mu + d_mu, sigma * d_sigma) where the prior is N(mu, sigma) (Vahdat & Kautz 2020, arXiv
    2007.03898, section 3.2), followed by inverse autoregressive flows.
    """

    def __init__(self, width: int, dim: int, n_flows: int, dropout: float) -> None:
        super().__init__()
        self.prior = ResidualMLP(width, (width,), 2 * dim, dropout)
        self.residual = ResidualMLP(2 * width, (width,), 2 * dim, dropout)
        self.flows = nn.ModuleList(InverseAutoregressiveFlow(dim, width) for _ in range(n_flows))
        self.tell = ResidualMLP(width + dim, (width, width), width, dropout)
        for network in (self.prior, self.residual):
            nn.init.normal_(network.out.weight, std=0.01)
            nn.init.zeros_(network.out.bias)

    def prior_parameters(self, state: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log-scale (n, dim) of p(z | levels above)."""
        mean, log_scale = self.prior(state).chunk(2, -1)
        return mean, _bounded(log_scale)

    def infer(self, state: Tensor, features: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Return a posterior draw (n, dim) and log q - log p at it (n,): its one-draw divergence."""
        mean, log_scale = self.prior_parameters(state)
        shift, log_ratio = self.residual(torch.cat([state, features], -1)).chunk(2, -1)
        log_ratio = _bounded(log_ratio)
        z = mean + torch.exp(log_scale) * (shift + torch.exp(log_ratio) * noise)
        log_q = -(0.5 * (noise.square() + LOG_2PI) + log_scale + log_ratio).sum(-1)
        for flow in self.flows:
            z, log_determinant = flow(z, features)
            log_q = log_q - log_determinant
        standard = (z - mean) * torch.exp(-log_scale)
        log_p = -(0.5 * (standard.square() + LOG_2PI) + log_scale).sum(-1)
        return z, log_q - log_p

    def next_state(self, state: Tensor, z: Tensor) -> Tensor:
        """Return what the levels below see (n, width)."""
        told: Tensor = self.tell(torch.cat([state, z], -1))
        return state + told


class HierarchicalModel(GenerativeModel):
    """p(row | z_1..z_L) p(z_L | z_<L) ... p(z_1), every prior learned.

    Parameters
    ----------
    layout : Layout
        What a row looks like.
    encoder : Module
        From a batch to features (n, width).
    levels : sequence of Level
        From the top down.
    decoder : Decoder
        p(row | state below the last level).
    late_prior : Prior or None
        A density that a second stage fits to the latents of all levels side by side; sampling then uses it.
    width : int
        Width of state and features.
    latent_dim : int
        Latents a level.
    beta : float
        Final weight of the divergences.
    warmup : int
        Steps over which the weight grows from 0; meanwhile divergences are balanced among the levels.
    spectral : float
        Weight of the spectral regularisation.
    learning_rate : float
        Step size.
    """

    score_methods: ClassVar[tuple[str, ...]] = ("elbo", "iwae", "reconstruction", "denoising")
    step: Tensor
    score_noise: Tensor

    def __init__(
        self,
        layout: Layout,
        encoder: nn.Module,
        levels: list[Level],
        decoder: Decoder,
        *,
        late_prior: Prior | None,
        width: int,
        latent_dim: int,
        beta: float,
        warmup: int,
        spectral: float,
        learning_rate: float,
    ) -> None:
        super().__init__(layout)
        self.encoder, self.levels, self.decoder = encoder, nn.ModuleList(levels), decoder
        self.late_prior = late_prior
        self.level_dim, self.latent_dim = latent_dim, len(levels) * latent_dim
        self.beta, self.warmup, self.learning_rate = beta, warmup, learning_rate
        self.top = nn.Parameter(torch.zeros(width))
        self.penalty = SpectralPenalty([*levels, decoder], spectral)
        self.corruption = Corruption(layout)
        self.register_buffer("step", torch.zeros(()))
        half = torch.randn(N_SCORE_DRAWS // 2, len(levels), latent_dim, generator=Generator().manual_seed(0))
        self.register_buffer("score_noise", torch.cat([half, -half]))

    def stages(self) -> tuple[Stage | Fit, ...]:
        """All parts together first; then the density of all latents, where there is one."""
        late = () if self.late_prior is None else tuple(self.late_prior.parameters())
        body = tuple(p for p in self.parameters() if all(p is not q for q in late))
        phase = Phase("elbo", body, self._loss, Optimizer(self.learning_rate, weight_decay=WEIGHT_DECAY))
        steps = STEPS if self.late_prior is None else TWO_STAGES
        main = Stage("elbo", (phase,), self._monitor, ema_decay=WEIGHT_AVERAGE, max_steps=steps, report=self._report)
        if self.late_prior is None:
            return (main,)
        start = Fit("start of the prior", self._start_prior, MAX_START)
        if not late:
            return main, start, Fit("marginals", self._calibrate)
        prior = Phase("prior", late, self._prior_loss, Optimizer(5e-3))
        density = Stage("prior", (prior,), budget_fraction=0.5, ema_decay=WEIGHT_AVERAGE, max_steps=TWO_STAGES)
        return main, start, density, Fit("marginals", self._calibrate)

    def generate(self, n: int, rng: Generator, condition: Condition | None = None) -> Batch:
        """Draw the levels from the top down, then the cells; given cells are kept and the latents follow them."""
        if condition is None:
            return self.decoder.draw(self._prior_states(n, rng), rng)
        return fill(self.decoder, self._propose, Given.of(condition), rng)

    def complete(self, batch: Batch, missing: Tensor, rng: Generator) -> Batch:
        """Draw missing cells given the others of their row, by posterior iteration."""
        return fill(self.decoder, self._propose, Given(batch, ~missing, complete=True), rng)

    def encode(self, batch: Batch) -> Tensor:
        """Return (n, latent_dim): the middle of the posterior of every level, side by side."""
        still = torch.zeros(len(batch), len(self.levels), self.level_dim, device=self.top.device, dtype=self.top.dtype)
        return self._infer(batch, still)[1].flatten(1)

    def decode(self, latents: Tensor, rng: Generator) -> Batch:
        """Draw one row for each latent (n, latent_dim)."""
        return self.decoder.draw(self._state_of(latents), rng)

    def _state_of(self, latents: Tensor) -> Tensor:
        """Return what latents of all levels tell the decoder (n, width)."""
        state = self.top.expand(len(latents), -1)
        for level, z in zip(self._levels(), latents.unflatten(1, (-1, self.level_dim)).unbind(1), strict=True):
            state = level.next_state(state, z)
        return state

    def _prior_states(self, n: int, rng: Generator) -> Tensor:
        """Return what n draws of all levels tell the decoder (n, width)."""
        if self.late_prior is not None:
            return self._state_of(self.late_prior.sample(n, rng))
        state = self.top.expand(n, -1)
        for level in self._levels():
            mean, log_scale = level.prior_parameters(state)
            noise = torch.randn(mean.shape, generator=rng, device=mean.device, dtype=mean.dtype)
            state = level.next_state(state, mean + torch.exp(log_scale) * noise)
        return state

    def _propose(self, rows: Batch | None, n: int, c: int, rng: Generator) -> tuple[Tensor, Tensor]:
        """Return c states for each of n rows and log-weights, as `gensynth.nn.tabular.imputation.Propose` asks.

        The prior first, then the encoder's posterior for the rows as they were filled so far.
        """
        if rows is None:
            state = self._prior_states(n * c, rng)
            return state, state.new_zeros(n * c)
        candidates = rows[torch.arange(n, device=self.top.device).repeat_interleave(c)]
        state, latents, divergences = self._infer(candidates, self._noise(candidates, rng))
        log_weight = -divergences.sum(1)
        if self.late_prior is not None:  # divergences are from the levels' own priors
            log_weight = log_weight + self.late_prior.log_density(latents.flatten(1)) - self._own_prior(latents)
        return state, log_weight

    def _own_prior(self, latents: Tensor) -> Tensor:
        """Return (n,): log-density of latents (n, levels, dim) under the levels' own priors."""
        state, total = self.top.expand(len(latents), -1), latents.new_zeros(len(latents))
        for i, level in enumerate(self._levels()):
            mean, log_scale = level.prior_parameters(state)
            standard = (latents[:, i] - mean) * torch.exp(-log_scale)
            total = total - (0.5 * (standard.square() + LOG_2PI) + log_scale).sum(-1)
            state = level.next_state(state, latents[:, i])
        return total

    def score(self, batch: Batch, method: str | None = None, *, attribute: bool = False) -> Score:  # noqa: ARG002
        """Score rows, in nats: "elbo", "iwae" (importance-weighted bound), "reconstruction" (no divergence).

        "denoising": log p(row | latents of the row under noise), the mean over noise levels (`Corruption`).
        """
        method = self.score_method(method)
        volume = 0.0 if batch.log_jacobian is None else batch.log_jacobian.sum(-1)
        terms = []
        if method == "denoising":
            still = torch.zeros_like(self.score_noise[0]).expand(len(batch), -1, -1)
            for noisy in self.corruption(batch):
                state, _, _ = self._infer(noisy, still)
                terms.append(self.decoder.log_likelihood(batch, state).sum(-1) + volume)
            return Score(torch.stack(terms).mean(0))
        for noise in self.score_noise:
            likelihood, divergences = self._terms(batch, noise.expand(len(batch), -1, -1))
            terms.append(likelihood + volume - (0.0 if method == "reconstruction" else divergences.sum(1)))
        stacked = torch.stack(terms)
        return Score(stacked.logsumexp(0) - math.log(len(terms)) if method == "iwae" else stacked.mean(0))

    def _levels(self) -> list[Level]:
        return [level for level in self.levels if isinstance(level, Level)]

    def _terms(self, batch: Batch, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Return (n,) log-likelihood and (n, levels) divergences at one draw; ``noise`` is (n, levels, dim)."""
        state, _, divergences = self._infer(batch, noise)
        return self.decoder.log_likelihood(batch, state).sum(-1), divergences

    def _infer(self, batch: Batch, noise: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the last state, the latents (n, levels, dim) and the divergences (n, levels) of one draw."""
        features = self.encoder(batch)
        state = self.top.expand(len(batch), -1)
        latents, divergences = [], []
        for i, level in enumerate(self._levels()):
            z, divergence = level.infer(state, features, noise[:, i])
            latents.append(z)
            divergences.append(divergence)
            state = level.next_state(state, z)
        return state, torch.stack(latents, 1), torch.stack(divergences, 1)

    def _prior_loss(self, batch: Batch, rng: Generator) -> Tensor:
        assert self.late_prior is not None
        with torch.no_grad():
            _, latents, _ = self._infer(batch, self._noise(batch, rng))
        return -self.late_prior.log_density(latents.flatten(1)).mean()

    def _start_prior(self, batch: Batch, rng: Generator) -> None:
        assert self.late_prior is not None
        self.late_prior.start(lambda: self._infer(batch, self._noise(batch, rng))[1].flatten(1), rng)

    @torch.no_grad()
    def _calibrate(self, batch: Batch, rng: Generator) -> None:
        self.decoder.correct_marginals(batch, self._prior_states(n_marginal_rows(len(self.layout.columns)), rng), rng)

    def _noise(self, batch: Batch, rng: Generator) -> Tensor:
        shape = (len(batch), len(self.levels), self.level_dim)
        return torch.randn(shape, generator=rng, device=self.top.device, dtype=self.top.dtype)

    def _loss(self, batch: Batch, rng: Generator) -> Tensor:
        self.step += 1.0
        likelihood, divergences = self._terms(batch, self._noise(batch, rng))
        progress = 1.0 if self.warmup == 0 else min(1.0, float(self.step) / self.warmup)
        cost = divergences.mean(0)
        if progress < 1.0:  # section 3.3 of the paper: levels that carry much pay more while warming up
            size = cost.detach().abs() + 0.01
            cost = cost * size / size.mean()
        loss: Tensor = self.beta * progress * cost.sum() - likelihood.mean() + self.penalty()
        return loss

    def _report(self, batch: Batch, rng: Generator) -> Mapping[str, float]:
        """Return nats of divergence, of all levels and of each from the top down."""
        by_level = self._terms(batch, self._noise(batch, rng))[1].mean(0).tolist()
        return {"kl": sum(by_level), **{f"kl_{i}": kl for i, kl in enumerate(by_level)}}

    def _monitor(self, batch: Batch, rng: Generator) -> Tensor:
        likelihood, divergences = self._terms(batch, self._noise(batch, rng))
        cost: Tensor = self.beta * divergences.sum(1).mean() - likelihood.mean()
        return cost


def _bounded(log_scale: Tensor) -> Tensor:
    return 5.0 * torch.tanh(log_scale / 5.0)


@dataclass(eq=False)
class NVAE(InColumnGroups):
    """NVAE for tables: a top-down hierarchy of latents, residual posteriors with normalizing flows.

    What the paper does to images with residual convolutions is done here with residual perceptrons; batch norm and
    squeeze-and-excitation have no counterpart. Cells are independent given the latents. Departs from the paper in two
    measured points: the divergences weigh less than 1, and sampling uses a density that a second stage fits to the
    latents of all levels.

    Parameters
    ----------
    column_groups : int, default=1
        Autoregressive steps of the decoder over the columns; 1: all that ties columns passes through the latents.
    levels : int, default=3
        Groups of latents.
    latent_dim : int, default=6
        Latents a group.
    width : int, default=128
        Width of features and state.
    flows : int, default=1
        Inverse autoregressive flows in each posterior.
    beta : float, default=0.2
        Final weight of the divergences.
    warmup : int, default=1000
        Steps over which that weight grows from 0, the levels balanced meanwhile.
    prior : {"blockwise", "autoregressive", "mixture", "flow", "normal"}, default="blockwise"
        Density fitted to the latents of all levels in a second stage; "normal" samples from the hierarchy's own.
    spectral : float, default=1e-3
        Weight of the spectral regularisation.

    References
    ----------
    Vahdat & Kautz 2020, "NVAE: A deep hierarchical variational autoencoder" (arXiv 2007.03898).
    """

    constraints: ClassVar[Mapping[str, Constraint]] = {
        "levels": whole(1, 64),
        "latent_dim": LATENT,
        "width": WIDTH,
        "flows": whole(0, 64),
        "beta": WEIGHT,
        "warmup": STEPS_OF_WARMUP,
        "prior": PRIOR,
        "spectral": WEIGHT,
    }
    capabilities: ClassVar[frozenset[str]] = frozenset({"sample", "conditional", "impute", "score", "latent"})
    score_methods: ClassVar[tuple[str, ...]] = HierarchicalModel.score_methods
    column_groups: int = 1
    levels: int = 3
    latent_dim: int = 6
    width: int = 128
    flows: int = 1
    beta: float = 0.2
    warmup: int = 1000
    prior: str = "blockwise"
    spectral: float = 1e-3

    def build(self, layout: Layout) -> GenerativeModel:
        """Return an untrained model for this layout."""
        cells = self._cells(layout)
        return HierarchicalModel(
            layout,
            CellEncoder(layout, cells.embedding, (self.width, self.width), self.width, cells.dropout),
            [Level(self.width, self.latent_dim, self.flows, cells.dropout) for _ in range(self.levels)],
            grouped_decoder(
                layout, *cells, column_groups=self.column_groups, hidden=(self.width,), latent_dim=self.width
            ),
            late_prior=named_prior(self.prior, self.levels * self.latent_dim, layout),
            width=self.width,
            latent_dim=self.latent_dim,
            beta=self.beta,
            warmup=self.warmup,
            spectral=self.spectral,
            learning_rate=self.learning_rate,
        )
