"""A top-down hierarchy of latents with residual posteriors and normalizing flows (Vahdat & Kautz 2020)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Generator, Tensor, nn

from gensynth.model import Batch, Fit, Optimizer, Phase, Stage
from gensynth.nn.ensemble import fixed_normal, standard_normal
from gensynth.nn.latent_density import LatentPrior
from gensynth.nn.latent_variables import (
    N_SCORE_DRAWS,
    LatentVariableModel,
    cells_only,
    importance_weighted,
    latents_only,
)
from gensynth.nn.networks import Networks, RowDecoder
from gensynth.nn.sampling import EMA_DECAY
from gensynth.nn.spectral import SpectralPenalty
from gensynth_vae.choices import MAX_START
from gensynth_vae.divergence import warmup_progress
from gensynth_vae.level import Level


class HierarchicalModel(LatentVariableModel):
    """Hierarchical VAE: p(row | z_1..z_L) p(z_L | z_<L) ... p(z_1), with learned priors.

    Parameters
    ----------
    networks, noises, learning_rate
        As of `LatentVariableModel`.
    levels : sequence of Level
        From the top down.
    decoder : RowDecoder
        p(row | state below the last level).
    width : int
        Width of state and features.
    betas : sequence of float
        Final weight of each member's divergences.
    warmup : int
        Steps over which the weight grows from 0; meanwhile divergences are balanced among the levels.
    spectral : float
        Weight of the spectral regularisation.
    density : LatentPrior or None
        A density that a second stage fits to the latents of all levels side by side; sampling then uses it.
    """

    score_methods: ClassVar[tuple[str, ...]] = ("elbo", "iwae", "reconstruction", "denoising", "kl")
    score_noise: Tensor
    beta: Tensor

    def __init__(
        self,
        networks: Networks,
        levels: Sequence[Level],
        decoder: RowDecoder,
        *,
        width: int,
        betas: Sequence[float],
        noises: Sequence[float],
        warmup: int,
        spectral: float,
        density: LatentPrior | None,
        learning_rate: float,
    ) -> None:
        super().__init__(networks, noises, learning_rate)
        m, self.level_dim = networks.members, levels[0].mask.shape[-1]
        self.levels, self.decoder, self.density = nn.ModuleList(levels), decoder, density
        self.encoder = networks.state_encoder(width)
        self.latent_dim = len(levels) * self.level_dim
        self.warmup = warmup
        self.top = nn.Parameter(torch.zeros(m, 1, networks.state_width(width)))
        self.columns = networks.column_features(networks.state_width(width))
        self.penalty = SpectralPenalty([*levels, decoder], spectral) if spectral else None
        self.register_buffer("beta", torch.tensor(betas).view(-1, 1), persistent=False)
        shape = (N_SCORE_DRAWS, len(levels), m, 1, self.level_dim)
        self.register_buffer("score_noise", fixed_normal(shape, 0), persistent=False)

    def stages(self) -> tuple[Stage | Fit, ...]:
        """Joint training first; then the second-stage prior of all latents, if there is one."""
        later = () if self.density is None else tuple(self.density.parameters())
        of_density = set(later)
        first = [p for p in self.parameters() if p not in of_density]
        main = self.networks.stage(
            "elbo", first, self._loss, learning_rate=self.learning_rate,
            monitor=self._monitor, report=self._report, max_steps=10_000 if self.density is None else 7_500,
        )  # fmt: skip
        steps: list[Stage | Fit] = [*self.networks.fits(), main]
        if self.density is not None:
            steps.append(Fit("start of the prior", self._start_density, self.networks.at_most(MAX_START)))
            if later:
                prior = Phase("prior", later, self._density_loss, Optimizer(5e-3))
                steps.append(Stage("prior", (prior,), budget_fraction=0.5, ema_decay=EMA_DECAY, max_steps=7_500))
            steps.append(Fit("marginals", self.correct_marginals))
        return tuple(steps)

    def encode(self, batch: Batch) -> Tensor:
        """Return (n, latent_dim): the posterior means of all levels, concatenated."""
        inputs = self.networks.inputs(batch)
        return self._infer(inputs, torch.zeros_like(self.score_noise[0]))[1][0].flatten(1)

    def to_decoder(self, latents: Tensor) -> Tensor:
        """Return the final state (1, n, width) from the concatenated latents of all levels."""
        state = self.top.expand(-1, latents.shape[1], -1)
        for level, z in zip(self._levels(), self._by_level(latents), strict=True):
            state = level.next_state(state, z)
        return state

    def posterior_draw(self, rows: Batch, rng: Generator) -> Tensor:
        """Sample the concatenated latents of all levels from the posterior."""
        return self._infer(self.networks.inputs(rows), self._noise(len(rows), rng))[1].flatten(2)

    def log_prior_of(self, latents: Tensor, rows: Batch) -> Tensor:
        """Return the log-density of the latents of all levels given the columns."""
        inputs = self.networks.inputs(rows)
        if self.density is not None:
            return self.density.given(inputs).log_density(latents)
        return self._own_prior(latents, inputs)

    def middle(self, inputs: Any) -> Tensor:
        """Return the final state (members, n, width) at the posterior mean of every level."""
        return self._infer(inputs, torch.zeros_like(self.score_noise[0]))[0]

    def costs(self, inputs: Any, method: str) -> tuple[Tensor, Tensor]:
        """Return the costs of cells (members, n, k) and of latents (members, n), in nats.

        elbo; iwae, the importance-weighted bound; reconstruction, the first term of the ELBO alone; kl, the second.
        """
        draws = [self._infer(inputs, noise) for noise in self.score_noise]
        divergence = torch.stack([by_level.sum(-1) for _, _, by_level in draws])  # (draws, members, n)
        if method == "kl":
            return latents_only(divergence.mean(0), self.networks.n_cells)
        cells = torch.stack([self.decoder.log_likelihood(inputs, state) for state, _, _ in draws])
        if method == "reconstruction":
            return cells_only(-cells.mean(0))
        if method == "elbo":
            # a weight above 1 keeps the latents from representing anomalies in training; the score uses 1
            weight = 1.0 if self.networks.for_sampling else self.beta.clamp(max=1.0)
            return -cells.mean(0), weight * divergence.mean(0)
        return importance_weighted(cells, -divergence)

    def _infer(self, inputs: Any, noise: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the last state, the latents (members, n, levels, dim) and the divergences (members, n, levels).

        ``noise`` is (levels, members, n or 1, dim).
        """
        features, columns = self.encoder(inputs), self._seen(inputs)
        state = self.top.expand(-1, features.shape[1], -1)
        latents, divergences = [], []
        for level, own in zip(self._levels(), noise, strict=True):
            z, divergence = level.infer(state, features, own, columns)
            latents.append(z)
            divergences.append(divergence)
            state = level.next_state(state, z)
        return state, torch.stack(latents, 2), torch.stack(divergences, 2)

    def _levels(self) -> list[Level]:
        return [level for level in self.levels if isinstance(level, Level)]

    def _by_level(self, latents: Tensor) -> Sequence[Tensor]:
        """Split concatenated latents into those of each level (members, n, dim)."""
        by_level: Tensor = latents.unflatten(-1, (len(self.levels), self.level_dim))
        return [by_level[:, :, i] for i in range(len(self.levels))]

    def _seen(self, inputs: Any) -> Tensor | None:
        """Return the priors' further inputs (members, n, width): columns that are sampled before the latents."""
        return None if self.columns is None else self.columns(inputs)

    def draw_prior(self, n: int, rng: Generator, columns: Batch | None = None) -> Tensor:
        """Sample the levels from the top down; return the final state (1, n, width)."""
        if self.density is not None:
            return self.to_decoder(self.density.given(columns).sample(n, rng))
        state, seen = self.top.expand(-1, n, -1), self._seen(columns)
        for level in self._levels():
            mean, log_scale = level.prior_parameters(state, seen)
            state = level.next_state(state, mean + torch.exp(log_scale) * standard_normal(mean.shape, mean, rng))
        return state

    def propose_for(self, rows: Batch, c: int, rng: Generator) -> tuple[Tensor, Tensor]:
        """Return c states for each row (n * c, width) from the encoder's posterior, and log-weights (n * c,)."""
        candidates = rows[torch.arange(len(rows), device=self.top.device).repeat_interleave(c)]
        inputs = self.networks.inputs(candidates)
        state, latents, divergences = self._infer(inputs, self._noise(len(candidates), rng))
        log_weight = -divergences.sum(-1)
        if self.density is not None:  # divergences are from the levels' own priors
            latents = latents.flatten(2)
            log_weight = log_weight + self.density.given(inputs).log_density(latents) - self._own_prior(latents, inputs)
        return state[0], log_weight[0]

    def _own_prior(self, latents: Tensor, inputs: Any) -> Tensor:
        """Return (members, n): log-density of the latents of all levels under the levels' own priors."""
        state, total = self.top.expand(-1, latents.shape[1], -1), latents.new_zeros(latents.shape[:2])
        seen = self._seen(inputs)
        for level, z in zip(self._levels(), self._by_level(latents), strict=True):
            total = total + level.log_prior(state, z, seen)
            state = level.next_state(state, z)
        return total

    def _noise(self, n: int, rng: Generator) -> Tensor:
        """Draw (levels, members, n, dim)."""
        levels, members, _, dim = self.score_noise.shape[1:]
        return standard_normal((levels, members, n, dim), self.top, rng)

    def terms(self, inputs: Any, n: int, rng: Generator) -> tuple[Tensor, Tensor]:
        """Return (members, n) log-likelihood and (members, n, levels) divergences of n rows at one draw."""
        state, _, divergences = self._infer(inputs, self._noise(n, rng))
        return self.decoder.log_likelihood(inputs, state).sum(-1), divergences

    def _loss(self, batch: Batch, rng: Generator) -> Tensor:
        self.step += 1.0
        inputs = self.networks.noisy(self.networks.inputs(batch), self.noise, rng)
        likelihood, divergences = self.terms(inputs, len(batch), rng)
        progress = warmup_progress(float(self.step), self.warmup)
        if progress < 1.0:  # KL balancing during warm-up (section 3.3 of the paper)
            size = divergences.detach().mean(1, keepdim=True).abs() + 0.01
            divergences = divergences * size / size.mean(-1, keepdim=True)
        loss = self.beta * progress * divergences.sum(-1) - likelihood
        return loss if self.penalty is None else loss + self.penalty()

    def _monitor(self, batch: Batch, rng: Generator) -> Tensor:
        likelihood, divergences = self.terms(self.networks.inputs(batch), len(batch), rng)
        return self.beta * divergences.sum(-1) - likelihood

    def _report(self, batch: Batch, rng: Generator) -> Mapping[str, float]:
        """Return nats of divergence, of all levels and of each from the top down, means over the members."""
        by_level = self.terms(self.networks.inputs(batch), len(batch), rng)[1].mean((0, 1)).tolist()
        return {"kl": sum(by_level), **{f"kl_{i}": kl for i, kl in enumerate(by_level)}}

    def _density_loss(self, batch: Batch, rng: Generator) -> Tensor:
        assert self.density is not None
        with torch.no_grad():
            latents = self.posterior_draw(batch, rng)
        return -self.density.given(self.networks.inputs(batch)).log_density(latents)

    def _start_density(self, batch: Batch, rng: Generator) -> None:
        assert self.density is not None
        self.density.start(lambda: self.posterior_draw(batch, rng), rng)
