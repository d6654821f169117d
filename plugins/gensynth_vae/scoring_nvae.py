"""Scoring ensemble of the family ``nvae``: latents in levels, drawn top down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from gensynth.model import GenerativeModel, Layout
from gensynth.nn.ensemble import EnsembleLinear, EnsembleMLP
from gensynth.nn.tabular.feature_scaling import ScalingKind
from gensynth_vae.scoring_parts import Draw, DrawnEnsemble, LatentScoringRecipe, MemberOptions

LEVELS = 2


class MemberLevel(nn.Module):
    """One group of latents a member: prior given the levels above, residual posterior, flow, message to those below.

    Parameters
    ----------
    members : int
        Networks of the ensemble.
    width : int
        Width of the state, and of the row's features.
    dim : int
        Latents of the group.
    """

    strictly_lower: Tensor

    def __init__(self, members: int, width: int, dim: int) -> None:
        super().__init__()
        self.prior = EnsembleLinear(members, width, 2 * dim, 0.1)
        self.residual = EnsembleMLP(members, (width, width, 2 * dim + dim * dim))
        self.tell = EnsembleLinear(members, dim, width)
        self.register_buffer("strictly_lower", torch.ones(dim, dim).tril(-1), persistent=False)

    def infer(self, state: Tensor, features: Tensor, noise: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Return a posterior draw (members, n, dim), and log q - log p at it (members, n).

        Where the prior is N(mu, s), the posterior is N(mu + s d_mu, s d_s) (Vahdat & Kautz 2020, section 3.2; the
        shift is in units of s here), and after it comes a linear inverse autoregressive flow: z + L(x) z with L
        strictly lower triangular, whose determinant is 1 (Kingma et al. 2016, arXiv 1606.04934, appendix A).
        """
        dim = noise.shape[-1]
        mean, log_scale = self.prior(state).chunk(2, -1)
        log_scale = 2.0 * torch.tanh(log_scale / 2.0)
        shift, log_ratio, flow = self.residual(state + features).split([dim, dim, dim * dim], -1)
        log_ratio = 4.0 * torch.tanh(log_ratio / 4.0)
        standard = (shift + noise * log_ratio.exp()) * mask  # in units of the prior
        lower = torch.tanh(flow.unflatten(-1, (dim, dim))) * self.strictly_lower
        standard = (standard + (lower * standard.unsqueeze(-2)).sum(-1)) * mask
        divergence = 0.5 * (standard.square() - noise.square()) - log_ratio
        return mean + standard * log_scale.exp(), (divergence * mask).sum(-1)

    def next_state(self, state: Tensor, z: Tensor) -> Tensor:
        """Return what the levels below see (members, n, width)."""
        return state + F.leaky_relu(self.tell(z), 0.1)


class HierarchicalEnsemble(DrawnEnsemble):
    """Hierarchical variational autoencoders side by side (Vahdat & Kautz 2020, arXiv 2007.03898).

    Parameters
    ----------
    layout : Layout
        What a row looks like.
    views : sequence of str
        FeatureScaling of each member.
    options : sequence of MemberOptions
        One a member; ``latent_dim`` is that of each level.
    hidden : int
        Hidden width.
    trim : float
        Share of the worst rows that the loss leaves out.
    learning_rate : float
        Step size.
    """

    score_methods: ClassVar[tuple[str, ...]] = ("elbo", "iwae", "reconstruction", "denoising", "latent")

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
        super().__init__(layout, views, options, levels=LEVELS, trim=trim, learning_rate=learning_rate)
        m = len(options)
        self.encoder = EnsembleMLP(m, (self.scaling.width, hidden, hidden))
        self.top = nn.Parameter(torch.zeros(m, 1, hidden))
        self.levels = nn.ModuleList(MemberLevel(m, hidden, self.mask.shape[-1]) for _ in range(LEVELS))
        self.decoder = EnsembleMLP(m, (hidden, hidden, self.likelihood.width))

    def encode(self, x: Tensor) -> Tensor:
        """Return (members, n, hidden): features that the posteriors of all levels see."""
        return F.leaky_relu(self.encoder(x), 0.1)

    def draw(self, x: Tensor, features: Tensor, noise: Tensor) -> Draw:  # noqa: ARG002 - decoded from the latents alone
        """Draw the levels from the top down and decode what they told."""
        state, total = self.top.expand(-1, features.shape[1], -1), features.new_zeros(features.shape[:2])
        for level, own in zip(self.levels, noise, strict=True):
            assert isinstance(level, MemberLevel)
            z, divergence = level.infer(state, features, own, self.mask)
            state, total = level.next_state(state, z * self.mask), total + divergence
        return Draw(self.decoder(state), total)


@dataclass(eq=False)
class NVAEScorer(LatentScoringRecipe):
    """Ensemble of hierarchical variational autoencoders for scoring: what ``AnomalyDetector("nvae")`` trains.

    ``latent_dims`` are those of each of the two levels. Where the rows may hold anomalies, noise as wide as a column
    keeps the latents from telling single odd rows apart; that served better than a weight of the divergence of 4.
    """

    n_members: int = 4
    hidden: int = 64

    score_methods: ClassVar[tuple[str, ...]] = HierarchicalEnsemble.score_methods

    def build(self, layout: Layout) -> GenerativeModel:
        """Return an untrained ensemble for this layout."""
        options = self.options(((4, 8), (0.5, 0.1), (0.0, 0.3)), ((1, 4), (1.0,), (1.0,)))
        return HierarchicalEnsemble(
            layout, self.views(), options, hidden=self.hidden, trim=self.trim, learning_rate=self.learning_rate
        )
