"""The variational autoencoder of ``vae``, ``beta-vae`` and ``vlae``: encoder, decoder, KL term, prior."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Generator, Tensor

from gensynth.errors import CollapseWarning
from gensynth.model import Batch, Fit, Stage
from gensynth.nn.denoiser import Denoiser
from gensynth.nn.draws import at_draws
from gensynth.nn.ensemble import balanced_normal, fixed_normal, member_mask, standard_normal
from gensynth.nn.latent_density import LatentDensity, LatentPrior, NormalLatents
from gensynth.nn.latent_variables import (
    N_SCORE_DRAWS,
    LatentVariableModel,
    cells_only,
    importance_weighted,
    latents_only,
)
from gensynth.nn.layers import bounded
from gensynth.nn.networks import Networks, RowDecoder
from gensynth.nn.priors import LOG_2PI, standard_normal_log_density
from gensynth_vae.choices import MAX_START
from gensynth_vae.divergence import Divergence

WIDE = 2.0
"""Factor by which half of the proposals for an imputed row are wider than the encoder's posterior."""
N_DIVERGENCE_DRAWS = 128
"""Posterior draws behind a divergence from a learned prior, which take no decoder."""
ACTIVE_VARIANCE = 0.01
"""Variance over rows of a latent's posterior mean above which it counts as active (Burda et al. 2016, section 5.2)."""
COLLAPSED = 0.05
"""KL divergence per row, in nats, below which the posterior counts as collapsed."""
MAX_CHECKED = 4096
"""Maximal number of rows for checking this, ..."""
ENOUGH_STEPS = 50
"""... unless training had fewer steps and has hardly begun."""


class LatentModel(LatentVariableModel):
    """A variational autoencoder over rows.

    Parameters
    ----------
    networks, noises, learning_rate
        As of `LatentVariableModel`.
    hidden : sequence of int
        Hidden widths of the encoder.
    decoder : RowDecoder
        p(row | z).
    latent_dims : sequence of int
        Width of each member's latent.
    divergence : Divergence
        How the divergence is weighted.
    prior : LatentPrior or None
        Trained together with the rest; None for N(0, I).
    density : LatentPrior or None
        A density that is fitted to the latents of the training rows in the end; sampling then uses it.
    denoiser : Denoiser or None
        A denoising autoencoder beside each member, whose residual is the score "denoising".
    """

    score_methods: ClassVar[tuple[str, ...]] = (
        "elbo", "iwae", "log_likelihood", "reconstruction", "denoising", "kl",
    )  # fmt: skip
    ties_by_latents: ClassVar[bool] = True
    """Whether nothing but the latents ties the columns, so that a collapsed posterior is to be said."""
    score_noise: Tensor
    mask: Tensor

    def __init__(
        self,
        networks: Networks,
        hidden: Sequence[int],
        decoder: RowDecoder,
        *,
        latent_dims: Sequence[int],
        noises: Sequence[float],
        divergence: Divergence,
        prior: LatentPrior | None = None,
        density: LatentPrior | None = None,
        learning_rate: float,
        denoiser: Denoiser | None = None,
    ) -> None:
        super().__init__(networks, noises, learning_rate)
        self.latent_dim = max(latent_dims)
        self.encoder, self.decoder = networks.encoder(hidden, 2 * self.latent_dim), decoder
        self.prior, self.density, self.denoiser = prior, density, denoiser
        self.divergence = divergence
        self.register_buffer("mask", member_mask(latent_dims), persistent=False)  # (members, 1, latent_dim)
        shape = (N_SCORE_DRAWS, networks.members, 1, self.latent_dim)
        self.register_buffer("score_noise", fixed_normal(shape, 0), persistent=False)

    def stages(self) -> tuple[Stage | Fit, ...]:
        """Joint training; then the second-stage prior, if any, and the correction of the marginals."""
        whole = self.networks.stage(
            "elbo", tuple(self.parameters()), self.loss, learning_rate=self.learning_rate, monitor=self._monitor,
            report=self._report,
        )  # fmt: skip
        steps: list[Stage | Fit] = [*self.networks.fits(), whole]
        if self.networks.for_sampling and self.ties_by_latents:
            steps.append(Fit("posterior", self._warn_of_collapse, self.networks.at_most(MAX_CHECKED)))
        if self.density is not None:
            steps.append(Fit("density", self._fit_density, self.networks.at_most(MAX_START)))
        if self.networks.for_sampling and (self.density or self.prior):
            steps.append(Fit("marginals", self.correct_marginals))
        return tuple(steps)

    def posterior(self, inputs: Any) -> tuple[Tensor, Tensor]:
        """Return means and log-variances (members, n, latent_dim) of q(z | row)."""
        mean, log_variance = self.encoder(inputs).chunk(2, -1)
        return mean * self.mask, bounded(log_variance, 8.0)

    def terms(self, inputs: Any, rng: Generator) -> tuple[Tensor, Tensor, Tensor]:
        """Return log-likelihood and divergence (members, n) at one posterior draw, and the draw itself."""
        mean, log_variance = self.posterior(inputs)
        z = self._sample(mean, log_variance, rng)
        likelihood = self.decoder.log_likelihood(inputs, z).sum(-1)
        return likelihood, self._divergence(inputs, mean, log_variance, z), z

    def loss(self, batch: Batch, rng: Generator) -> Tensor:
        """Return (members, n): the negative ELBO (Kingma & Welling 2014, equation 10) with a weighted divergence."""
        self.step += 1.0
        inputs = self.networks.inputs(batch)
        # where there is noise: encode the row under it, decode the row (Im et al. 2017, arXiv 1511.06406)
        likelihood, divergence, z = self.terms(self.networks.noisy(inputs, self.noise, rng), rng)
        loss = self.divergence.cost(divergence, float(self.step)) - likelihood
        if self.divergence.capacity is not None and self.prior is not None:
            # below the capacity the prior must not move away from the latents: it always fits them
            misfit = -self.prior.given(inputs).log_density(z.detach())
            slope = self.divergence.slope(divergence.detach(), float(self.step))
            loss = loss + (1.0 - slope) * (misfit - misfit.detach())
        return loss if self.denoiser is None else loss + self.denoiser.losses(inputs.network, rng)

    def middle(self, inputs: Any) -> Tensor:
        """Return the posterior means (members, n, latent_dim)."""
        return self.posterior(inputs)[0]

    def posterior_draw(self, rows: Batch, rng: Generator) -> Tensor:
        """Draw from q(z | row)."""
        return self._sample(*self.posterior(self.networks.inputs(rows)), rng)

    def log_prior_of(self, latents: Tensor, rows: Batch) -> Tensor:
        """Return log p(z | columns)."""
        return self._density(self.networks.inputs(rows)).log_density(latents)

    def costs(self, inputs: Any, method: str) -> tuple[Tensor, Tensor]:
        """Return what each cell costs (members, n, k) and what the latent does (members, n), in nats.

        elbo: -E_q[log p(row | z)] + KL (Kingma & Welling 2014, eq. 10; Higgins et al. 2017, eq. 4); iwae:
        -log mean_k p(row, z_k) / q(z_k | row) (Burda et al. 2016, eq. 8), which as an estimate of -log p(row) is called
        log_likelihood too; reconstruction is the first term of the ELBO alone (An & Cho 2015), kl the second.
        """
        mean, log_variance = self.posterior(inputs)
        if method == "kl":
            return latents_only(self.kl(inputs, mean, log_variance), self.networks.n_cells)
        draws = self._reparameterise(mean, log_variance, self.score_noise)  # (draws, members, n, latent_dim)
        cells = at_draws(self.decoder.log_likelihood, draws, inputs)  # (draws, members, n, k)
        if method == "reconstruction":
            return cells_only(-cells.mean(0))
        if method == "elbo" and not self.networks.for_sampling:
            # a weight above 1 keeps the latents from representing anomalies in training; the score uses 1
            weights = self.mask.new_tensor(self.divergence.weights).clamp(max=1.0).unsqueeze(1)
            return -cells.mean(0), weights * self.kl(inputs, mean, log_variance)
        noise = (draws - mean) * torch.exp(-0.5 * log_variance)
        log_q = -0.5 * ((noise.square() + LOG_2PI + log_variance) * self.mask).sum(-1)
        ratios = at_draws(self._density(inputs).log_density, draws) - log_q  # (draws, members, n)
        if method == "elbo":
            return -cells.mean(0), -ratios.mean(0)
        return importance_weighted(cells, ratios)

    def denoising(self, inputs: Any) -> tuple[Tensor, Tensor]:
        """Return the squared residual of the denoiser where there is one, else what `LatentVariableModel` does."""
        if self.denoiser is None:
            return super().denoising(inputs)
        return cells_only(self.networks.by_column(self.denoiser.residuals(inputs.network)))

    def kl(self, inputs: Any, mean: Tensor, log_variance: Tensor) -> Tensor:
        """Return (members, n) KL(q || p) in nats, where p is the sampling prior.

        Closed form for N(0, I). Else the mean of log q(z) - log p(z) over antithetic draws, the same for every row,
        whose second moments are exactly those of the posterior: no error where log p is quadratic, and 0 for q = p.
        """
        if self.prior is None and self.density is None:
            return self._divergence(inputs, mean, log_variance, mean)
        noises = balanced_normal(N_DIVERGENCE_DRAWS, self.latent_dim).to(mean)
        log_density = self._density(inputs).log_density
        log_prior = at_draws(log_density, self._reparameterise(mean, log_variance, noises[:, None, None]))
        return -0.5 * ((log_variance + 1.0 + LOG_2PI) * self.mask).sum(-1) - log_prior.mean(0)

    def _sample(self, mean: Tensor, log_variance: Tensor, rng: Generator) -> Tensor:
        return self._reparameterise(mean, log_variance, standard_normal(mean.shape, mean, rng))

    def _reparameterise(self, mean: Tensor, log_variance: Tensor, noise: Tensor) -> Tensor:
        return mean + noise * self.mask * torch.exp(0.5 * log_variance)

    def _divergence(self, inputs: Any, mean: Tensor, log_variance: Tensor, z: Tensor) -> Tensor:
        """Return (members, n) KL(q || p): closed form for N(0, I), else its one-draw estimate at ``z``."""
        if self.prior is None:
            return 0.5 * ((mean.square() + log_variance.exp() - 1.0 - log_variance) * self.mask).sum(-1)
        entropy = 0.5 * ((log_variance + 1.0 + LOG_2PI) * self.mask).sum(-1)
        return -entropy - self.prior.given(inputs).log_density(z)

    def _density(self, inputs: Any) -> LatentDensity:
        """Return the prior of the latents of the rows."""
        density = self.density or self.prior
        return NormalLatents(self.mask) if density is None else density.given(inputs)

    def _monitor(self, batch: Batch, rng: Generator) -> Tensor:
        inputs = self.networks.inputs(batch)
        likelihood, divergence, _ = self.terms(inputs, rng)
        cost = self.divergence.cost(divergence, math.inf) - likelihood
        return cost if self.denoiser is None else cost + self.denoiser.losses(inputs.network, rng)

    def _report(self, batch: Batch, rng: Generator) -> dict[str, float]:
        """Return the divergence in nats and the number of active latents, means over the members."""
        inputs = self.networks.inputs(batch)
        mean, log_variance = self.posterior(inputs)
        z = self._sample(mean, log_variance, rng)
        active = (mean.var(1, correction=0) > ACTIVE_VARIANCE).double().sum(-1).mean()
        return {"kl": float(self._divergence(inputs, mean, log_variance, z).mean()), "active_units": float(active)}

    def _warn_of_collapse(self, batch: Batch, rng: Generator) -> None:
        nats = self._report(batch, rng)["kl"]
        if nats < COLLAPSED and float(self.step) >= ENOUGH_STEPS:
            warnings.warn(
                f"posterior collapse: the divergence is {nats:.2g} nats per row, so the latents carry no information; "
                "lower beta, or raise warmup",
                CollapseWarning,
                stacklevel=2,
            )

    def _fit_density(self, batch: Batch, rng: Generator) -> None:
        assert self.density is not None
        inputs = self.networks.inputs(batch)
        mean, log_variance = self.posterior(inputs)
        self.density.start(lambda: self._sample(mean, log_variance, rng), rng)

    def draw_prior(self, n: int, rng: Generator, columns: Batch | None = None) -> Tensor:
        """Draw latents (1, n, latent_dim)."""
        return self._density(columns).sample(n, rng)

    def propose_for(self, rows: Batch, c: int, rng: Generator) -> tuple[Tensor, Tensor]:
        """Return c latents for each of n rows as filled so far (n * c, latent_dim), and their log-weights (n * c,).

        From the encoder's posterior, from a wider one, and from the prior. All three are weighted as draws from their
        mixture (Hesterberg 1995, "Weighted average importance sampling and defensive mixture distributions"), so that
        no weight is much above 1 / the prior's share.
        """
        n = len(rows)
        mean, log_variance = (t[0] for t in self.posterior(self.networks.inputs(rows)))
        near = c - c // 4
        scales = torch.where(torch.arange(near, device=mean.device) % 2 == 0, 1.0, WIDE).to(mean.dtype)
        deviation = torch.exp(0.5 * log_variance).unsqueeze(1)
        noise = standard_normal((n, near, mean.shape[1]), mean, rng)
        own = mean.unsqueeze(1) + noise * scales.view(1, -1, 1) * deviation
        free = self.draw_prior(n * (c - near), rng).view(n, c - near, mean.shape[1])
        z = torch.cat([own, free], 1)
        log_prior = self._density(rows).log_density(z.flatten(0, 1).unsqueeze(0)).view(n, c)
        parts = [log_prior + math.log((c - near) / c)] if c > near else []
        for scale, drawn in ((1.0, (near + 1) // 2), (WIDE, near // 2)):
            if drawn:
                width = scale * deviation
                log_density = standard_normal_log_density((z - mean.unsqueeze(1)) / width) - width.log().sum(-1)
                parts.append(log_density + math.log(drawn / c))
        return z.flatten(0, 1), (log_prior - torch.stack(parts).logsumexp(0)).flatten()
