"""Scoring ensemble of the family ``vlae``: latents with a learned prior, and an autoregressive decoder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from gensynth.model import GenerativeModel, Layout
from gensynth.nn.ensemble import EnsembleMLP
from gensynth.nn.tabular.feature_scaling import ScalingKind
from gensynth_vae.scoring_parts import Draw, DrawnEnsemble, LatentScoringRecipe, MaskedMLP, MemberOptions


class LossyEnsemble(DrawnEnsemble):
    """Variational lossy autoencoders side by side (Chen et al. 2017, arXiv 1611.02731).

    Each cell is decoded from the latent and from the cells before it, in an order of columns that is another one for
    each member. The prior is an affine autoregressive flow (section 3.2).

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

    score_methods: ClassVar[tuple[str, ...]] = ("log_likelihood", "elbo", "reconstruction", "denoising", "latent")
    order: Tensor

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
        super().__init__(layout, views, options, levels=1, trim=trim, learning_rate=learning_rate)
        m, z = len(options), self.mask.shape[-1]
        self.register_buffer("order", column_orders(m, len(layout.columns)), persistent=False)
        position = self.order[:, self.scaling.owner]
        self.encoder = EnsembleMLP(m, (self.scaling.width, hidden, hidden, 2 * z))
        self.decoder = MaskedMLP(position, position, hidden, z)
        latent = torch.arange(z).expand(m, -1)
        self.prior = MaskedMLP(latent, latent.repeat(1, 2), 8 * z, 0, gain=0.1)

    def encode(self, x: Tensor) -> Tensor:
        """Return (members, n, 2 * latent_dim): mean and log-variance of the posterior."""
        features: Tensor = self.encoder(x)
        return features

    def draw(self, x: Tensor, features: Tensor, noise: Tensor) -> Draw:
        """Draw the latent and decode it, each cell knowing those before it."""
        mean, log_variance = features.chunk(2, -1)
        log_scale = 4.0 * torch.tanh(log_variance / 8.0)
        z = (mean + noise[0] * log_scale.exp()) * self.mask
        shift, log_stretch = self.prior(z).chunk(2, -1)
        log_stretch = 2.0 * torch.tanh(log_stretch / 2.0)
        standard = (z - shift) * torch.exp(-log_stretch)
        # log N(noise) - log_scale less log N(standard) - log_stretch: the constants cancel
        divergence = 0.5 * (standard.square() - noise[0].square()) + log_stretch - log_scale
        return Draw(self.decoder(x, z), (divergence * self.mask).sum(-1))


def column_orders(members: int, n_columns: int) -> Tensor:
    """Return (members, columns): at which position each column is decoded, always the same at random.

    Every second member has the order before it backwards: a column that sees little in one sees much in the other.
    """
    rng = torch.Generator().manual_seed(2)
    forward = torch.stack([torch.randperm(n_columns, generator=rng) for _ in range((members + 1) // 2)])
    return torch.stack([forward, n_columns - 1 - forward], 1).flatten(0, 1)[:members]


@dataclass(eq=False)
class VLAEScorer(LatentScoringRecipe):
    """Ensemble of variational lossy autoencoders for scoring: what ``AnomalyDetector("vlae")`` trains.

    Where the rows may hold anomalies, noise as wide as a column keeps the decoder from learning them from the cells
    before: the divergence, whatever its weight, has no hold on those.
    """

    n_members: int = 6
    hidden: int = 64

    def build(self, layout: Layout) -> GenerativeModel:
        """Return an untrained ensemble for this layout."""
        options = self.options(((8, 4), (0.5, 0.1), (0.0, 0.3)), ((2, 8), (1.0,), (1.0,)))
        return LossyEnsemble(
            layout, self.views(), options, hidden=self.hidden, trim=self.trim, learning_rate=self.learning_rate
        )
