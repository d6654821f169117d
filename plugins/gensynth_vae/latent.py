"""The one model behind the variational families: encoder x decoder x divergence x prior.

Each family is a choice of those four parts (see `gensynth_vae.recipes`); none has a training step of its own.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Generator, Tensor, nn

from gensynth.errors import CollapseWarning
from gensynth.model import Batch, Condition, Fit, GenerativeModel, Layout, Phase, Score, Stage
from gensynth.nn.mixture import GaussianMixture
from gensynth.nn.priors import LOG_2PI, Prior, standard_normal_log_density
from gensynth.nn.tabular.decoder import Decoder, Given
from gensynth.nn.tabular.imputation import fill
from gensynth.nn.tabular.marginals import n_marginal_rows
from gensynth_vae.choices import MAX_START, STEPS, WEIGHT_AVERAGE, WEIGHT_DECAY
from gensynth_vae.corruption import Corruption

N_SCORE_DRAWS = 8
"""Posterior draws behind a score; the same noise for every row, so that scores are comparable and repeatable."""

N_DIVERGENCE_DRAWS = 128
"""Posterior draws behind a divergence from a learned prior, which take no decoder."""

ACTIVE_VARIANCE = 0.01
"""Variance over rows of a latent's posterior mean above which it counts as active."""
COLLAPSED = 0.05
"""Nats of divergence a row below which the latents say nothing."""
MAX_CHECKED = 4096
"""Rows that this is looked at on, at most; ..."""
ENOUGH_STEPS = 200
"""... unless training had fewer steps and has hardly begun."""

WIDE = 2.0
"""How much wider than the encoder's posterior half of its proposals for a completed row are."""


@dataclass(frozen=True)
class Divergence:
    """How the divergence between posterior and prior enters the loss.

    Parameters
    ----------
    weight : float
        Final weight (beta of Higgins et al. 2017; 1 gives the ELBO of Kingma & Welling 2014).
    warmup : int
        Steps over which the weight grows linearly from 0 (Bowman et al. 2016), against collapse.
    free_nats : float
        Divergence that costs nothing (Kingma et al. 2016, on the batch mean), against collapse.
    capacity : float or None
        Aim for this divergence instead of 0, reached linearly over ``warmup`` steps, and pay ``weight`` for the
        distance (Burgess et al. 2018, equation 8).
    """

    weight: float = 1.0
    warmup: int = 0
    free_nats: float = 0.0
    capacity: float | None = None

    def cost(self, divergence: Tensor, step: float) -> Tensor:
        """Return the scalar that joins the loss; ``divergence`` (n,) in nats."""
        progress = 1.0 if self.warmup == 0 else min(1.0, step / self.warmup)
        mean = divergence.mean()
        if self.capacity is not None:
            return self.weight * (mean - progress * self.capacity).abs()
        return self.weight * progress * mean.clamp(min=self.free_nats)


class LatentModel(GenerativeModel):
    """A variational autoencoder over rows of cells.

    Parameters
    ----------
    layout : Layout
        What a row looks like.
    encoder : Module
        From a batch to (n, 2 * latent_dim): means and log-variances of the posterior.
    decoder : Decoder
        p(row | z).
    prior : Prior or None
        Trained together with the rest; None for N(0, I).
    late_prior : GaussianMixture or None
        A density that is fitted in closed form to the latents of the training rows; sampling then uses it.
    divergence : Divergence
        How the divergence is weighted.
    learning_rate : float
        Step size.
    """

    score_methods: ClassVar[tuple[str, ...]] = (
        "elbo", "iwae", "log_likelihood", "reconstruction", "denoising", "kl",
    )  # fmt: skip
    step: Tensor
    score_noise: Tensor

    def __init__(
        self,
        layout: Layout,
        encoder: nn.Module,
        decoder: Decoder,
        *,
        latent_dim: int,
        prior: Prior | None = None,
        late_prior: GaussianMixture | None = None,
        divergence: Divergence,
        learning_rate: float,
    ) -> None:
        super().__init__(layout)
        self.latent_dim = latent_dim
        self.encoder, self.decoder = encoder, decoder
        self.prior, self.late_prior = prior, late_prior
        self.divergence = divergence
        self.learning_rate = learning_rate
        self.corruption = Corruption(layout)
        self.register_buffer("step", torch.zeros(()))
        half = torch.randn(N_SCORE_DRAWS // 2, latent_dim, generator=Generator().manual_seed(0))
        self.register_buffer("score_noise", torch.cat([half, -half]))  # antithetic: exact means

    def stages(self) -> tuple[Stage | Fit, ...]:
        """Encoder, decoder and their prior together; then the late prior on the latents, where there is one.

        A model whose prior was learned has its marginals set right at the end.
        """
        phase = Phase(
            "elbo", tuple(self.parameters()), self._loss, learning_rate=self.learning_rate, weight_decay=WEIGHT_DECAY
        )
        steps: list[Stage | Fit] = [
            Stage("elbo", (phase,), self._monitor, ema_decay=WEIGHT_AVERAGE, max_steps=STEPS, report=self._report),
            Fit("posterior", self._warn_of_collapse, MAX_CHECKED),
        ]
        if self.late_prior is not None:
            steps.append(Fit("prior", self._fit_prior, MAX_START))
        if self.late_prior is not None or self.prior is not None:
            steps.append(Fit("marginals", self._calibrate))
        return tuple(steps)

    def posterior(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return means and log-variances (n, latent_dim) of q(z | row)."""
        mean, log_variance = self.encoder(batch).chunk(2, -1)
        return mean, 8.0 * torch.tanh(log_variance / 8.0)

    def generate(self, n: int, rng: Generator, condition: Condition | None = None) -> Batch:
        """Draw rows: z from the prior, then the cells; given cells are kept and the rest follows them."""
        if condition is None:
            return self.decoder.draw(self._sampling_prior_draw(n, rng), rng)
        return fill(self.decoder, self._propose, Given.of(condition), rng)

    def encode(self, batch: Batch) -> Tensor:
        """Return (n, latent_dim): means of q(z | row)."""
        return self.posterior(batch)[0]

    def decode(self, latents: Tensor, rng: Generator) -> Batch:
        """Draw one row of p(row | z) for each latent."""
        return self.decoder.draw(latents, rng)

    def complete(self, batch: Batch, missing: Tensor, rng: Generator) -> Batch:
        """Draw missing cells given the others of their row: exactly in the limit of `Decoder.most_candidates`."""
        return fill(self.decoder, self._propose, Given(batch, ~missing, complete=True), rng)

    def score(self, batch: Batch, method: str | None = None, *, attribute: bool = False) -> Score:  # noqa: ARG002
        """Score rows, in nats.

        elbo = E_q[log p(row | z)] - KL; iwae = log mean_k p(row, z_k) / q(z_k | row) (the
        importance-weighted bound, Burda et al. 2016), which as an estimate of log p(row) is called log_likelihood too;
        reconstruction is the first term of the ELBO alone, kl the second with its sign. denoising: log p(row | z)
        with z of the row under noise, the mean over noise levels (`Corruption`; Vincent et al. 2010). All are higher
        for rows that are more normal.
        """
        method = self.score_method(method)
        mean, log_variance = self.posterior(batch)
        if method == "kl":
            return Score(-self.kl(mean, log_variance))
        volume = 0.0 if batch.log_jacobian is None else batch.log_jacobian.sum(-1)
        terms = []
        if method == "denoising":
            for noisy in self.corruption(batch):
                terms.append(self.decoder.log_likelihood(batch, self.posterior(noisy)[0]).sum(-1) + volume)
            return Score(torch.stack(terms).mean(0))
        for noise in self.score_noise:
            z = mean + noise * torch.exp(0.5 * log_variance)
            term = self.decoder.log_likelihood(batch, z).sum(-1) + volume
            if method != "reconstruction":
                term = term + self._log_prior(z) - self._log_posterior(noise, log_variance)
            terms.append(term)
        stacked = torch.stack(terms)
        if method in ("iwae", "log_likelihood"):
            return Score(stacked.logsumexp(0) - math.log(len(terms)))
        return Score(stacked.mean(0))

    def kl(self, mean: Tensor, log_variance: Tensor) -> Tensor:
        """Return (n,) KL(q || p) in nats, p being what is sampled from.

        Closed form for N(0, I). Else the mean of log q(z) - log p(z) over antithetic draws, the same for every row,
        whose second moments are exactly those of the posterior: no error where log p is quadratic, and 0 for q = p.
        """
        if self.prior is None and self.late_prior is None:
            return self._divergence(mean, log_variance, mean)
        spread = torch.exp(0.5 * log_variance)
        noise = _balanced_noise(N_DIVERGENCE_DRAWS, self.latent_dim).to(mean)
        log_prior = torch.stack([self._log_prior(mean + own * spread) for own in noise]).mean(0)
        return -0.5 * (log_variance + 1.0 + LOG_2PI).sum(-1) - log_prior

    def _loss(self, batch: Batch, rng: Generator) -> Tensor:
        self.step += 1.0
        reconstruction, divergence = self._terms(batch, rng)
        return self.divergence.cost(divergence, float(self.step)) - reconstruction.mean()

    def _monitor(self, batch: Batch, rng: Generator) -> Tensor:
        reconstruction, divergence = self._terms(batch, rng)
        return self.divergence.cost(divergence, math.inf) - reconstruction.mean()

    def _report(self, batch: Batch, rng: Generator) -> dict[str, float]:
        """Return the mean divergence in nats and the number of latents that vary with the row (Burda et al. 2016)."""
        mean, log_variance = self.posterior(batch)
        divergence = self._divergence(mean, log_variance, self._draw(mean, log_variance, rng))
        active = mean.var(0, correction=0) > ACTIVE_VARIANCE
        return {"kl": float(divergence.mean()), "active_units": float(active.sum())}

    def _warn_of_collapse(self, batch: Batch, rng: Generator) -> None:
        nats = self._report(batch, rng)["kl"]
        if nats < COLLAPSED and float(self.step) >= ENOUGH_STEPS:
            warnings.warn(
                f"the posterior has collapsed: {nats:.2g} nats of divergence a row, so the latents say nothing of the "
                "rows; lower beta, or raise warmup",
                CollapseWarning,
                stacklevel=2,
            )

    def _terms(self, batch: Batch, rng: Generator) -> tuple[Tensor, Tensor]:
        """Return (n,) log-likelihood of the rows at one posterior draw, and (n,) divergence."""
        mean, log_variance = self.posterior(batch)
        z = self._draw(mean, log_variance, rng)
        return self.decoder.log_likelihood(batch, z).sum(-1), self._divergence(mean, log_variance, z)

    def _divergence(self, mean: Tensor, log_variance: Tensor, z: Tensor) -> Tensor:
        """Return (n,) KL(q || p): closed form for N(0, I), else its one-draw estimate at ``z``."""
        if self.prior is None:
            return 0.5 * (mean.square() + log_variance.exp() - 1.0 - log_variance).sum(-1)
        entropy = 0.5 * (log_variance + 1.0 + LOG_2PI).sum(-1)
        return -entropy - self.prior.log_density(z)

    def _fit_prior(self, batch: Batch, rng: Generator) -> None:
        assert self.late_prior is not None
        mean, log_variance = self.posterior(batch)
        self.late_prior.start(lambda: self._draw(mean, log_variance, rng), rng)

    @torch.no_grad()
    def _calibrate(self, batch: Batch, rng: Generator) -> None:
        self.decoder.correct_marginals(
            batch, self._sampling_prior_draw(n_marginal_rows(len(self.layout.columns)), rng), rng
        )

    @staticmethod
    def _draw(mean: Tensor, log_variance: Tensor, rng: Generator) -> Tensor:
        """Return (n, latent_dim): one draw from each posterior."""
        noise = torch.randn(mean.shape, generator=rng, device=mean.device, dtype=mean.dtype)
        return mean + noise * torch.exp(0.5 * log_variance)

    def _log_prior(self, z: Tensor) -> Tensor:
        prior = self.late_prior or self.prior
        return standard_normal_log_density(z) if prior is None else prior.log_density(z)

    @staticmethod
    def _log_posterior(noise: Tensor, log_variance: Tensor) -> Tensor:
        return standard_normal_log_density(noise) - 0.5 * log_variance.sum(-1)

    def _sampling_prior_draw(self, n: int, rng: Generator) -> Tensor:
        prior = self.late_prior or self.prior
        if prior is None:
            return torch.randn(n, self.latent_dim, generator=rng, device=self.step.device, dtype=self.step.dtype)
        return prior.sample(n, rng)

    def _propose(self, rows: Batch | None, n: int, c: int, rng: Generator) -> tuple[Tensor, Tensor]:
        """Return c latents for each of n rows and their log-weights, as `gensynth.nn.tabular.imputation.Propose` asks.

        Rows as filled so far: from the encoder's posterior, from a wider one, and from the prior. All three are
        weighted as draws from their mixture (Hesterberg 1995, "Weighted average importance sampling and defensive
        mixture distributions"), so that no weight is much above 1 / the prior's share.
        """
        if rows is None:
            z = self._sampling_prior_draw(n * c, rng)
            return z, z.new_zeros(n * c)
        mean, log_variance = self.posterior(rows)
        near = c - c // 4
        scales = torch.where(torch.arange(near, device=mean.device) % 2 == 0, 1.0, WIDE).to(mean.dtype)
        deviation = torch.exp(0.5 * log_variance).unsqueeze(1)
        noise = torch.randn(n, near, mean.shape[1], generator=rng, device=mean.device, dtype=mean.dtype)
        own = mean.unsqueeze(1) + noise * scales.view(1, -1, 1) * deviation
        free = self._sampling_prior_draw(n * (c - near), rng).view(n, c - near, mean.shape[1])
        z = torch.cat([own, free], 1)
        log_prior = self._log_prior(z.flatten(0, 1)).view(n, c)
        parts = [log_prior + math.log((c - near) / c)] if c > near else []
        for scale, share in ((1.0, (near + 1) // 2), (WIDE, near // 2)):
            if share:
                width = scale * deviation
                log_density = standard_normal_log_density((z - mean.unsqueeze(1)) / width) - width.log().sum(-1)
                parts.append(log_density + math.log(share / c))
        return z.flatten(0, 1), (log_prior - torch.stack(parts).logsumexp(0)).flatten()


def _balanced_noise(n: int, dim: int) -> Tensor:
    """Return (m, dim) antithetic draws from N(0, I), always the same, whose mean is 0 and whose covariance is I.

    m is ``n``, or 4 ``dim`` if that is more.
    """
    half = torch.randn(max(n // 2, 2 * dim), dim, generator=Generator().manual_seed(1), dtype=torch.float64)
    factor = torch.linalg.cholesky(half.T @ half / len(half))
    half = torch.linalg.solve_triangular(factor, half.T, upper=False).T
    return torch.cat([half, -half])
