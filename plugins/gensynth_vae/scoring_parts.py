"""What the scoring ensembles of the variational families share."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from torch import Generator, Tensor

from gensynth.constraints import NONE, Constraint, number, several
from gensynth.model import Batch, Layout, Stage
from gensynth.nn.ensemble import fixed_normal, standard_normal
from gensynth.nn.scoring import Energies, ScoringEnsemble, ScoringRecipe, likelihood_stage
from gensynth.nn.tabular.feature_scaling import MemberInputs, ScalingKind
from gensynth.nn.tabular.row_likelihood import RowLikelihood
from gensynth_vae.choices import LATENT, WEIGHT

N_DRAWS = 4
"""Posterior draws behind a score, the same noise for every row."""
NOISE_LEVELS = (0.2, 0.4, 0.8)
"""Of the denoising score, in the scaling of a member."""


class MemberOptions(NamedTuple):
    """What tells a member from the others: width of its latent, weight of its divergence, noise on its input."""

    latent_dim: int
    beta: float
    noise: float


class Draw(NamedTuple):
    """What one draw from the posterior gives.

    ``parameters`` (members, n, width) are those of a `RowLikelihood`; ``divergence`` (members, n) is
    log q(z | x) - log p(z) at the draw, whose mean over draws is the Kullback-Leibler divergence.
    """

    parameters: Tensor
    divergence: Tensor


class DrawnEnsemble(ScoringEnsemble):
    """Variational autoencoders side by side whose divergence has no closed form: it is estimated from draws.

    Parameters
    ----------
    layout : Layout
        What a row looks like.
    views : sequence of str
        FeatureScaling of each member.
    options : sequence of MemberOptions
        One a member.
    levels : int
        Groups of latents, of ``latent_dim`` each.
    trim : float
        Share of the worst rows that the loss leaves out.
    learning_rate : float
        Step size.
    """

    score_noise: Tensor
    corruption: Tensor
    mask: Tensor
    beta: Tensor
    noise: Tensor

    def __init__(
        self,
        layout: Layout,
        views: Sequence[ScalingKind],
        options: Sequence[MemberOptions],
        *,
        levels: int,
        trim: float,
        learning_rate: float,
    ) -> None:
        super().__init__(layout, views, trim)
        m, widest = len(options), max(o.latent_dim for o in options)
        self.learning_rate = learning_rate
        self.likelihood = RowLikelihood(self.scaling, m)
        mask = torch.tensor([[float(i < o.latent_dim) for i in range(widest)] for o in options])
        self.register_buffer("mask", mask.unsqueeze(1), persistent=False)
        self.register_buffer("beta", torch.tensor([[o.beta] for o in options]), persistent=False)
        self.register_buffer("noise", torch.tensor([[[o.noise]] for o in options]), persistent=False)
        self.register_buffer("score_noise", fixed_normal((N_DRAWS, levels, m, 1, widest), 0))
        self.register_buffer("corruption", fixed_normal((2, m, 1, self.scaling.width), 1))

    @abstractmethod
    def encode(self, x: Tensor) -> Tensor:
        """Return (members, n, features): what the posterior is made of; ``x`` is the row as a network reads it."""

    @abstractmethod
    def draw(self, x: Tensor, features: Tensor, noise: Tensor) -> Draw:
        """Draw latents and decode them; ``noise`` is (levels, members, n or 1, latent_dim)."""

    def learning_stages(self) -> tuple[Stage, ...]:
        """One stage: all members together."""
        parameters = tuple(self.parameters())
        return (likelihood_stage("elbo", parameters, self._loss, learning_rate=self.learning_rate, trim=self.trim),)

    def energies(self, rows: MemberInputs, method: str) -> Energies:
        """Return minus the log-likelihood of the cells, and the divergence as ``method`` has it.

        iwae, log_likelihood: -log mean_k p(x, z_k) / q(z_k | x) (Burda et al. 2016, eq. 8), which tends to
        -log p(x). denoising: -log p(x | z) with z of the row under noise of several levels (Vincent et al. 2010).
        elbo, reconstruction and latent are those of `gensynth_vae.latent.LatentModel`.
        """
        if method == "denoising":
            noisy = [rows.network + s * c for s in NOISE_LEVELS for c in self.corruption]
            terms = [self.likelihood.cells(self.reconstruct(x), rows) for x in noisy]
            return without_rest(-torch.stack(terms).mean(0))
        features = self.encode(rows.network)
        draws = [self.draw(rows.network, features, noise) for noise in self.score_noise]
        divergence = torch.stack([d.divergence for d in draws])
        if method == "latent":
            mean = divergence.mean(0)
            return Energies(mean.new_zeros(*mean.shape, len(self.layout.columns)), mean)
        cells = torch.stack([self.likelihood.cells(d.parameters, rows) for d in draws])
        if method == "reconstruction":
            return without_rest(-cells.mean(0))
        if method == "elbo":
            # a weight above 1 keeps the latent from learning the anomalies; it has no place in the score
            return Energies(-cells.mean(0), self.beta.clamp(max=1.0) * divergence.mean(0))
        bound = (cells.sum(-1) - divergence).logsumexp(0) - math.log(len(draws))
        return Energies(-cells.mean(0), cells.mean(0).sum(-1) - bound)

    def reconstruct(self, network: Tensor) -> Tensor:
        """Return (members, n, width): the cells decoded from the middle of the posterior."""
        return self.draw(network, self.encode(network), torch.zeros_like(self.score_noise[0])).parameters

    def deviation(self) -> Tensor:
        """Return (members, 1, p): the likelihood's."""
        return self.likelihood.deviation()

    def _loss(self, batch: Batch, rng: Generator) -> Tensor:
        rows = self.scaling(batch)
        # the denoising criterion (Im et al. 2017, arXiv 1511.06406): encode the row under noise, decode the row
        x = rows.network + self.noise * standard_normal(rows.network.shape, rows.network, rng)
        levels, m, _, width = self.score_noise.shape[1:]
        drawn = self.draw(x, self.encode(x), standard_normal((levels, m, len(batch), width), x, rng))
        cells = self.likelihood.cells(drawn.parameters, rows)
        losses: Tensor = self.beta * drawn.divergence - cells.sum(-1)
        return losses / len(self.layout.columns)


def without_rest(cells: Tensor) -> Energies:
    """Return energies that belong to cells only."""
    return Energies(cells, cells.new_zeros(cells.shape[:-1]))


Turns = tuple[tuple[int, ...], tuple[float, ...], tuple[float, ...]]
"""Latent widths, weights of the divergence and noises on the input, in turns."""


@dataclass(eq=False)
class LatentScoringRecipe(ScoringRecipe):
    """What the recipes of ensembles with normal latents share.

    Parameters
    ----------
    latent_dims : tuple of int
        Latent widths, in turns; None chooses by ``contaminated``, as it does below.
    betas : tuple of float
        Weights of the divergence, in turns.
    noises : tuple of float
        Standard deviations of the noise on the input in training, in turns.
    """

    constraints: ClassVar[Mapping[str, Constraint]] = {
        "latent_dims": NONE | several(LATENT),
        "betas": NONE | several(WEIGHT),
        "noises": NONE | several(number(0, 1e3)),
    }
    latent_dims: tuple[int, ...] | None = None
    betas: tuple[float, ...] | None = None
    noises: tuple[float, ...] | None = None

    def options(self, clean: Turns, contaminated: Turns) -> list[MemberOptions]:
        """Return the options of each member; what is None is taken from one of the defaults."""
        self.check()
        default = contaminated if self.contaminated else clean
        dims, betas, noises = self.latent_dims or default[0], self.betas or default[1], self.noises or default[2]
        turns = zip(*(self.of_members(*c) for c in (dims, betas, noises)), strict=True)
        return [MemberOptions(int(z), beta, noise) for z, beta, noise in turns]
