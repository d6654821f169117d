"""Scoring ensembles of the variational families with one normal latent: ``vae`` and ``beta-vae``."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Generator, Tensor

from gensynth.model import Batch, GenerativeModel, Layout, Stage
from gensynth.nn.ensemble import EnsembleMLP, fixed_normal, standard_normal
from gensynth.nn.scoring import Energies, ScoringEnsemble, likelihood_stage
from gensynth.nn.tabular.feature_scaling import MemberInputs, ScalingKind
from gensynth.nn.tabular.row_likelihood import RowLikelihood
from gensynth_vae.denoiser import Denoiser
from gensynth_vae.scoring_parts import (
    N_DRAWS,
    LatentScoringRecipe,
    MemberOptions,
    without_rest,
)


class LatentEnsemble(ScoringEnsemble):
    """Variational autoencoders side by side.

    Parameters
    ----------
    layout : Layout
        What a row looks like.
    views : sequence of str
        FeatureScaling of each member.
    options : sequence of MemberOptions
        One a member.
    hidden : int
        Hidden width.
    trim : float
        Share of the worst rows that the loss leaves out.
    learning_rate : float
        Step size.
    """

    score_methods: ClassVar[tuple[str, ...]] = (
        "elbo", "iwae", "reconstruction", "denoising", "latent",
    )  # fmt: skip
    score_noise: Tensor
    mask: Tensor
    beta: Tensor
    noise: Tensor

    def __init__(
        self,
        layout: Layout,
        views: Sequence[ScalingKind],
        options: Sequence[MemberOptions],
        *,
        hidden: int,
        trim: float,
        learning_rate: float,
    ) -> None:
        super().__init__(layout, views, trim)
        m, widest = len(options), max(o.latent_dim for o in options)
        self.learning_rate = learning_rate
        self.likelihood = RowLikelihood(self.scaling, m)
        self.encoder = EnsembleMLP(m, (self.scaling.width, hidden, hidden, 2 * widest))
        self.decoder = EnsembleMLP(m, (widest, hidden, hidden, self.likelihood.width))
        mask = torch.tensor([[float(i < o.latent_dim) for i in range(widest)] for o in options])
        self.register_buffer("mask", mask.unsqueeze(1), persistent=False)
        self.register_buffer("beta", torch.tensor([[o.beta] for o in options]), persistent=False)
        self.register_buffer("noise", torch.tensor([[[o.noise]] for o in options]), persistent=False)
        self.register_buffer("score_noise", fixed_normal((N_DRAWS, m, 1, widest), 0))
        self.denoiser = Denoiser(m, self.scaling.width, hidden)

    def learning_stages(self) -> tuple[Stage, ...]:
        """One stage: all members together."""
        return (likelihood_stage("elbo", tuple(self.parameters()), self._loss, learning_rate=self.learning_rate),)

    def energies(self, rows: MemberInputs, method: str) -> Energies:
        """Return minus the log-likelihood of the cells, and the divergence as ``method`` has it.

        elbo: E_q[-log p(x | z)] + min(beta, 1) KL(q || p) (Kingma & Welling 2014, eq. 10; Higgins et al. 2017,
        eq. 4). iwae: -log mean_k p(x, z_k) / q(z_k | x) (Burda et al. 2016, eq. 8). reconstruction: the
        first term of the ELBO (the reconstruction probability of An & Cho 2015). latent: KL(q || p). denoising: the
        squared residual of a denoising autoencoder beside each member, over noise levels (`Denoiser`).
        """
        if method == "denoising":
            return without_rest(self.scaling.by_column(self.denoiser.residuals(rows.network)))
        mean, log_variance = self.posterior(rows.network)
        if method == "latent":
            divergence = self.divergence(mean, log_variance)
            return Energies(divergence.new_zeros(*divergence.shape, len(self.layout.columns)), divergence)
        draws = [mean + e * self.mask * torch.exp(0.5 * log_variance) for e in self.score_noise]
        cells = torch.stack([self.likelihood.cells(self.decoder(z), rows) for z in draws])
        if method == "reconstruction":
            return without_rest(-cells.mean(0))
        if method == "elbo":
            # a weight above 1 keeps the latent from learning the anomalies; it has no place in the score
            return Energies(-cells.mean(0), self.beta.clamp(max=1.0) * self.divergence(mean, log_variance))
        ratios = torch.stack(
            [
                0.5 * ((e.square() - z.square() + log_variance) * self.mask).sum(-1)  # log p(z) - log q(z | x)
                for e, z in zip(self.score_noise, draws, strict=True)
            ]
        )
        bound = (cells.sum(-1) + ratios).logsumexp(0) - math.log(len(draws))
        return Energies(-cells.mean(0), cells.mean(0).sum(-1) - bound)

    def reconstruct(self, network: Tensor) -> Tensor:
        """Return (members, n, width): the decoded mean of the latent."""
        out: Tensor = self.decoder(self.posterior(network)[0])
        return out

    def deviation(self) -> Tensor:
        """Return (members, 1, p): the likelihood's."""
        return self.likelihood.deviation()

    def posterior(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return means, and log-variances, (members, n, latent_dim) of q(z | x)."""
        mean, log_variance = self.encoder(x).chunk(2, -1)
        return mean * self.mask, 8.0 * torch.tanh(log_variance / 8.0)

    def divergence(self, mean: Tensor, log_variance: Tensor) -> Tensor:
        """Return (members, n): KL(q || N(0, I)) in nats."""
        return 0.5 * ((mean.square() + log_variance.exp() - 1.0 - log_variance) * self.mask).sum(-1)

    def _loss(self, batch: Batch, rng: Generator) -> Tensor:
        rows = self.scaling(batch)
        # the denoising criterion (Im et al. 2017, arXiv 1511.06406): encode the row under noise, decode the row
        x = rows.network + self.noise * standard_normal(rows.network.shape, rows.network, rng)
        mean, log_variance = self.posterior(x)
        noise = standard_normal(mean.shape, mean, rng)
        cells = self.likelihood.cells(self.decoder(mean + noise * self.mask * torch.exp(0.5 * log_variance)), rows)
        elbo = self.mean_loss(self.beta * self.divergence(mean, log_variance) - cells.sum(-1))
        return elbo + self.mean_loss(self.denoiser.losses(rows.network, rng))


@dataclass(eq=False)
class VAEScorer(LatentScoringRecipe):
    """Ensemble of variational autoencoders for scoring: what ``AnomalyDetector("vae")`` trains.

    Members differ in seed, scaling and latent width (see `of_members`). The default score adds the ELBO and the
    denoising residual, which sees what a narrow latent rounds off; where the rows may hold anomalies it is the ELBO
    alone, because a network without a bottleneck learns them.
    """

    n_members: int = 12

    @property
    def score_weights(self) -> Mapping[str, float]:
        """The ELBO, and the denoising residual where the rows are taken for normal."""
        return {"elbo": 1.0} if self.contaminated else {"elbo": 1.0, "denoising": 1.0}

    def build(self, layout: Layout) -> GenerativeModel:
        """Return an untrained ensemble for this layout."""
        clean = (8, 16), (0.5,), (0.0,)
        return LatentEnsemble(
            layout,
            self.views(),
            self.options(clean, contaminated=((2,), (4.0,), (0.0,))),
            hidden=self.hidden,
            trim=self.trim,
            learning_rate=self.learning_rate,
        )


@dataclass(eq=False)
class BetaVAEScorer(VAEScorer):
    """As `VAEScorer`, with members along the rate-distortion curve (Alemi et al. 2018, arXiv 1711.00464)."""

    n_members: int = 8
    latent_dims: tuple[int, ...] | None = (8,)
    betas: tuple[float, ...] | None = (1.0, 4.0, 2.0, 8.0)
    noises: tuple[float, ...] | None = (0.0,)
