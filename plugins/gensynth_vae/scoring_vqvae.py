"""Scoring ensemble of the family ``vq-vae``: rows as code-book entries, and an autoregressive density over them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Generator, Tensor

from gensynth.constraints import NONE, Constraint, number, several, whole
from gensynth.model import Batch, Fit, GenerativeModel, Layout, Stage
from gensynth.nn.ensemble import EnsembleMLP, fixed_normal, standard_normal
from gensynth.nn.scoring import Energies, ScoringEnsemble, ScoringRecipe, likelihood_stage
from gensynth.nn.tabular.ensemble_causal import EnsembleMADE
from gensynth.nn.tabular.feature_scaling import MemberInputs, ScalingKind
from gensynth.nn.tabular.row_likelihood import RowLikelihood
from gensynth.nn.trimming import kept_rows
from gensynth.nn.vector_quantizer import VectorQuantizer
from gensynth_vae.choices import LATENT, WEIGHT
from gensynth_vae.scoring_parts import NOISE_LEVELS, without_rest

MAX_MEASURED = 4096
"""Rows that the spread of the vectors about their entries is taken of, at most."""


class QuantisedEnsemble(ScoringEnsemble):
    """Vector-quantised autoencoders side by side (van den Oord et al. 2017, arXiv 1711.00937).

    Parameters
    ----------
    layout : Layout
        What a row looks like.
    views : sequence of str
        FeatureScaling of each member.
    noises : sequence of float
        Standard deviation of the noise on each member's input in training.
    groups : int
        Code-book entries a row.
    n_codes : int
        Entries of a code book.
    code_dim : int
        Width of an entry.
    commitment : float
        Weight of the squared distance of vectors to their entries (beta of equation 3).
    hidden : int
        Hidden width.
    trim : float
        Share of the worst rows that the loss and the code books leave out.
    learning_rate : float
        Step size.
    """

    score_methods: ClassVar[tuple[str, ...]] = ("likelihood", "reconstruction", "denoising", "prior")
    corruption: Tensor
    noise: Tensor
    variance: Tensor

    def __init__(
        self,
        layout: Layout,
        views: Sequence[ScalingKind],
        noises: Sequence[float],
        *,
        groups: int,
        n_codes: int,
        code_dim: int,
        commitment: float,
        hidden: int,
        trim: float,
        learning_rate: float,
    ) -> None:
        super().__init__(layout, views, trim)
        m = self.members
        self.groups, self.n_codes, self.code_dim = groups, n_codes, code_dim
        self.commitment, self.learning_rate = commitment, learning_rate
        self.likelihood = RowLikelihood(self.scaling, m)
        self.encoder = EnsembleMLP(m, (self.scaling.width, hidden, hidden, groups * code_dim))
        self.decoder = EnsembleMLP(m, (groups * code_dim, hidden, hidden, self.likelihood.width))
        self.quantizer = VectorQuantizer(m * groups, n_codes, code_dim)
        slots = torch.arange(groups).repeat_interleave(n_codes).expand(m, -1)
        self.prior = EnsembleMADE(slots, slots, hidden // 2, 0, gain=0.1)
        self.register_buffer("noise", torch.tensor([[[noise]] for noise in noises]), persistent=False)
        self.register_buffer("corruption", fixed_normal((2, m, 1, self.scaling.width), 1))
        self.register_buffer("variance", torch.ones(m, 1, groups))
        self._given: tuple[Tensor, Generator] | None = None

    def learning_stages(self) -> tuple[Stage | Fit, ...]:
        """Autoencoder and code books; then the density of the codes."""
        body = (*self.encoder.parameters(), *self.decoder.parameters(), *self.likelihood.parameters())
        rate = self.learning_rate
        books = likelihood_stage(
            "reconstruction", body, self._loss, learning_rate=rate, trim=self.trim, after_step=self._follow
        )
        spread = Fit("spread", self._measure, MAX_MEASURED)
        prior = tuple(self.prior.parameters())
        return (
            books,
            spread,
            likelihood_stage("prior", prior, self._prior_loss, learning_rate=rate, trim=self.trim, budget_fraction=0.5),
        )

    def energies(self, rows: MemberInputs, method: str) -> Energies:
        """Return minus the log-likelihood of the cells given the entries, and of the latent as ``method`` has it.

        likelihood: -log p(x | e) - log p(codes) - log N(v; e, s^2 I), v being the encoder's vectors and s^2 their mean
        squared distance from the entries e in training. Without the last term, all rows that share their codes would be
        alike to the latent, however far from the entries. reconstruction: the first term. prior: the second.
        denoising: -log p(x | e) with the entries of the row under noise of several levels.
        """
        if method == "denoising":
            noisy = [rows.network + s * c for s in NOISE_LEVELS for c in self.corruption]
            terms = [self.likelihood.cells(self.reconstruct(x), rows) for x in noisy]
            return without_rest(-torch.stack(terms).mean(0))
        vectors = self.vectors(rows.network)
        parameters, codes, distance = self.decode(vectors)
        if method == "prior":
            odd = self.code_energy(codes)
            return Energies(odd.new_zeros(*odd.shape, len(self.layout.columns)), odd)
        cells = -self.likelihood.cells(parameters, rows)
        if method == "reconstruction":
            return without_rest(cells)
        # constants of the normal density fall away when energies are put on their common scale
        return Energies(cells, self.code_energy(codes) + 0.5 * (self.code_dim * distance / self.variance).sum(-1))

    def reconstruct(self, network: Tensor) -> Tensor:
        """Return (members, n, width): the cells decoded from the row's entries."""
        parameters, _, _ = self.decode(self.vectors(network))
        return parameters

    def deviation(self) -> Tensor:
        """Return (members, 1, p): the likelihood's."""
        return self.likelihood.deviation()

    def vectors(self, x: Tensor) -> Tensor:
        """Return (n, members * groups, code_dim): what the encoders say."""
        vectors: Tensor = self.encoder(x).unflatten(-1, (self.groups, self.code_dim))
        return vectors.transpose(0, 1).flatten(1, 2)

    def decode(self, vectors: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Quantise and decode.

        Returns
        -------
        parameters : Tensor of shape (members, n, width)
            Those of the likelihood.
        codes : Tensor of shape (members, n, groups)
            Indices of the nearest entries.
        distance : Tensor of shape (members, n, groups)
            Mean squared distance to them.
        """
        entries, codes, _ = self.quantizer(vectors)
        distance = (vectors - entries.detach()).square().mean(-1)
        by_member = (self.members, self.groups)
        entries = entries.unflatten(1, by_member).transpose(0, 1).flatten(2)
        codes, distance = (t.unflatten(1, by_member).transpose(0, 1) for t in (codes, distance))
        return self.decoder(entries), codes, distance

    def code_energy(self, codes: Tensor) -> Tensor:
        """Return (members, n): minus the log-probability of codes (members, n, groups)."""
        one_hot = F.one_hot(codes, self.n_codes).to(self.variance.dtype).flatten(2)
        # in units of their spread, as other inputs
        logits: Tensor = self.prior(one_hot * math.sqrt(self.n_codes)).unflatten(-1, (self.groups, self.n_codes))
        return -logits.log_softmax(-1).gather(-1, codes.unsqueeze(-1)).squeeze(-1).sum(-1)

    def _loss(self, batch: Batch, rng: Generator) -> Tensor:
        rows = self.scaling(batch)
        x = rows.network + self.noise * standard_normal(rows.network.shape, rows.network, rng)
        vectors = self.vectors(x)
        parameters, _, distance = self.decode(vectors)
        losses = self.commitment * distance.sum(-1) - self.likelihood.cells(parameters, rows).sum(-1)
        if self.training:
            self._given = self._kept(vectors, losses), rng
        return losses / len(self.layout.columns)

    def _kept(self, vectors: Tensor, losses: Tensor) -> Tensor:
        """Return the vectors (kept, members * groups, code_dim) of each member's rows that are not trimmed."""
        best = kept_rows(losses, self.trim).t()
        chosen = best.repeat_interleave(self.groups, 1).unsqueeze(-1).expand(-1, -1, self.code_dim)
        return vectors.detach().gather(0, chosen)

    def _follow(self) -> None:
        if self._given is not None:
            self.quantizer.follow(*self._given)
            self._given = None

    def _measure(self, batch: Batch, _rng: Generator) -> None:
        _, _, distance = self.decode(self.vectors(self.scaling(batch).network))
        self.variance.copy_(distance.mean(1, keepdim=True).clamp(min=1e-6))

    def _prior_loss(self, batch: Batch, _rng: Generator) -> Tensor:
        with torch.no_grad():
            _, codes, _ = self.decode(self.vectors(self.scaling(batch).network))
        return self.code_energy(codes) / len(self.layout.columns)


@dataclass(eq=False)
class VQVAEScorer(ScoringRecipe):
    """Ensemble of vector-quantised autoencoders for scoring: what ``AnomalyDetector("vq-vae")`` trains.

    Parameters
    ----------
    groups : int or None, default=None
        Code-book entries a row; None for 4, and for one where rows may be anomalies: among many combinations of
        entries there are some for them too.
    n_codes : int or None, default=None
        Entries of a code book; None for one in 20 rows, 4 to 32, and to 8 where rows may be anomalies.
    code_dim : int, default=4
        Width of an entry.
    commitment : float, default=0.25
        Weight of the distance between vectors and entries.
    noises : tuple of float or None, default=None
        Standard deviations of the noise on the input in training, in turns; None for 0.1 and 0.3, and for 1 where
        rows may be anomalies: single odd rows then get no entry of their own.
    """

    constraints: ClassVar[Mapping[str, Constraint]] = {
        "groups": NONE | whole(1, 1024),
        "n_codes": NONE | whole(2, 65_536),
        "code_dim": LATENT,
        "commitment": WEIGHT,
        "noises": NONE | several(number(0, 1e3)),
    }
    n_members: int = 6
    hidden: int = 64
    groups: int | None = None
    n_codes: int | None = None
    code_dim: int = 4
    commitment: float = 0.25
    noises: tuple[float, ...] | None = None

    score_methods: ClassVar[tuple[str, ...]] = QuantisedEnsemble.score_methods

    def build(self, layout: Layout) -> GenerativeModel:
        """Return an untrained ensemble for this layout."""
        self.check()
        noises = self.noises or ((1.0,) if self.contaminated else (0.1, 0.3))
        return QuantisedEnsemble(
            layout,
            self.views(),
            self.of_members(*noises),
            groups=self.groups or (1 if self.contaminated else 4),
            n_codes=self.n_codes or max(4, min(8 if self.contaminated else 32, layout.n_rows // 20)),
            code_dim=self.code_dim,
            commitment=self.commitment,
            hidden=self.hidden,
            trim=self.trim,
            learning_rate=self.learning_rate,
        )
