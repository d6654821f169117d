"""Scoring ensembles of the adversarial families: a game, then an encoder into the latent of its generator."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Generator, Tensor, nn

from gensynth.encoding.layout import Layout
from gensynth.model import Batch, Fit, Optimizer, Phase, Stage
from gensynth.nn.ensemble import EnsembleMLP, standard_normal
from gensynth.nn.scoring import Energies, ScoringEnsemble
from gensynth.nn.tabular.feature_scaling import MemberInputs, ScalingKind
from gensynth.nn.tabular.row_likelihood import RowLikelihood

from .objective import AdversarialObjective, frozen

GAME_STEPS, ENCODER_STEPS = 800, 600
"""Of a full run."""
AVERAGE = 0.98
"""Decay of the moving average of both networks in the game, which is what is kept."""
PENALISED = 0.25
"""Share of the rows of a batch that the penalty looks at: it is most of a step's cost otherwise."""
MAX_MONITORED, MAX_MEASURED = 500, 10_000
"""Rows that the held-out distance, and the features' statistics, are taken of, at most."""


class FeatureSpace(nn.Module):
    """Last hidden layer of every member's critic, as it lies over the training rows: a metric for it.

    The squared Mahalanobis distance of a critic's features (Lee et al. 2018, arXiv 1807.03888, eq. 2, with one class),
    with ``ridge`` times the mean variance added to every variance: features are many and nearly dependent.

    Parameters
    ----------
    members, width : int
        Critics, and features of each.
    ridge : float
        Above 0; small: directions that hardly vary count, large: the distance is nearly Euclidean.
    """

    center: Tensor
    whitening: Tensor

    def __init__(self, members: int, width: int, ridge: float) -> None:
        super().__init__()
        self.ridge = ridge
        self.register_buffer("center", torch.zeros(members, 1, width))
        self.register_buffer("whitening", torch.eye(width).repeat(members, 1, 1))

    def fit(self, features: Tensor, trim: float) -> None:
        """Measure features (members, n, width) of training rows; then again without the share ``trim`` farthest off.

        The second look is the concentration step of FAST-MCD (Rousseeuw & Van Driessen 1999).
        """
        self._measure(list(features))
        if trim:
            kept = math.ceil(features.shape[1] * (1.0 - trim))
            near = self.distance(features).topk(kept, dim=1, largest=False).indices
            self._measure([f[rows] for f, rows in zip(features, near, strict=True)])

    def distance(self, a: Tensor, b: Tensor | None = None) -> Tensor:
        """Return (members, n): squared distance of features (members, n, width) from others, or from the mean."""
        return torch.bmm(a - (self.center if b is None else b), self.whitening).square().sum(-1)

    def _measure(self, features: Sequence[Tensor]) -> None:
        for member, rows in enumerate(features):
            rows = rows.cpu().double()  # not every accelerator has a decomposition in double precision
            center = rows.mean(0)
            variances, axes = torch.linalg.eigh((rows - center).T @ (rows - center) / len(rows))
            variances = variances.clamp(min=0.0) + self.ridge * variances.mean() + 1e-12
            self.center[member] = center.to(self.center)
            self.whitening[member] = (axes / variances.sqrt()).to(self.center)


class AdversarialEnsemble(ScoringEnsemble):
    """Generators against critics side by side, then an encoder for each: f-AnoGAN for tables.

    Schlegl et al. 2019, "f-AnoGAN", Medical Image Analysis 54, https://doi.org/10.1016/j.media.2019.01.010. The game
    is trained first; then, with both networks frozen, an encoder learns z = E(x) (``izi_f``, eqs. 3 and 4 there).
    Departs from the paper by deviations of the columns that are learned with the encoder in place of the plain squared
    error, so that a column counts as far as it can be reconstructed, by -log p(z) in the encoder's loss, by a metric
    for the features (`FeatureSpace`), and by a moving average of the game that held-out rows choose the best of.

    In a conditional game each member is given a third of the columns, another third the next member: its generator
    writes the rest of the row, its critic sees all of it, and it scores how odd the rest is given the third.

    Parameters
    ----------
    layout : Layout
        What a row looks like.
    views : sequence of str
        FeatureScaling of each member.
    game : AdversarialObjective
        Loss, penalty, condition, steps of the critic for each of the generator, learning rate.
    noise_dims : sequence of int
        Width of each member's latent.
    hidden : int
        Hidden width.
    trim : float
        Share of rows in [0, 1) that nothing is learned from: those farthest out for the critic, those worst
        reconstructed for the encoder.
    kappa, ridge : float
        Weight of the feature residual; see `FeatureSpace`.
    """

    score_methods: ClassVar[tuple[str, ...]] = ("reconstruction", "feature", "critic")
    mask: Tensor
    given: Tensor
    given_slots: Tensor
    level: Tensor

    def __init__(
        self,
        layout: Layout,
        views: Sequence[ScalingKind],
        game: AdversarialObjective,
        noise_dims: Sequence[int],
        *,
        hidden: int,
        trim: float,
        kappa: float,
        ridge: float,
    ) -> None:
        super().__init__(layout, views, trim)
        m, widest, width = self.members, max(noise_dims), self.scaling.width
        self.game, self.kappa = game, kappa
        self.likelihood = RowLikelihood(self.scaling, m)
        n_in = widest + width if game.conditional else widest
        self.generator = EnsembleMLP(m, (n_in, hidden, hidden, self.likelihood.width))
        self.critic = EnsembleMLP(m, (width, hidden, hidden, 1))
        self.encoder = EnsembleMLP(m, (width, hidden, hidden, widest))
        self.features = FeatureSpace(m, hidden, ridge)
        mask = torch.tensor([[float(i < d) for i in range(widest)] for d in noise_dims])
        self.register_buffer("mask", mask.unsqueeze(1), persistent=False)
        given = _thirds(m, len(layout.columns)) & game.conditional
        self.register_buffer("given", given)
        self.register_buffer("given_slots", given[..., self.scaling.owner])
        self.register_buffer("level", torch.zeros(m, 1))

    def learning_stages(self) -> tuple[Stage | Fit, ...]:
        """The game, what is measured of the critic, and the encoder."""
        every, rate, betas = self.game.n_critic, self.game.learning_rate, (0.5, 0.9)
        critics, generators = tuple(self.critic.parameters()), tuple(self.generator.parameters())
        encoders = (*self.encoder.parameters(), *self.likelihood.parameters())
        critic = Phase("critic", critics, self.critic_loss, Optimizer(rate, betas))
        generator = Phase("generator", generators, self.generator_loss, Optimizer(rate, betas), every)
        encoder = Phase("encoder", encoders, self.encoder_loss, Optimizer(rate, weight_decay=1e-4))
        steps = GAME_STEPS + ENCODER_STEPS
        game: dict[str, Any] = {"budget_fraction": GAME_STEPS / steps, "max_steps": steps, "ema_decay": AVERAGE}
        play = Stage("game", (critic, generator), self.distance, decay_on_plateau=False, **game)
        encode = Stage("encoder", (encoder,), budget_fraction=ENCODER_STEPS / steps, max_steps=steps, trim=self.trim)
        return play, Fit("features", self._measure, MAX_MEASURED), encode

    def critic_loss(self, batch: Batch, rng: Generator) -> Tensor:
        """Return what the critics minimise: the game's loss, plus the penalty."""
        rows = self.scaling(batch)
        with torch.no_grad():
            real = self._inner(rows.network)
            fake = self._drawn(rows, rng)[:, : real.shape[1]]
        values = self.critic(torch.cat([real, fake], 1)).squeeze(-1)
        loss = self.game.loss.critic(*(v.flatten() for v in values.chunk(2, 1)))
        if self.game.penalty is None:
            return loss
        few = math.ceil(real.shape[1] * PENALISED)
        return loss + self.game.penalty(self._values, real[:, :few].flatten(0, 1), fake[:, :few].flatten(0, 1), rng)

    def generator_loss(self, batch: Batch, rng: Generator) -> Tensor:
        """Return what the generators minimise; leaves no gradient in the critics."""
        with frozen(self.critic):
            values: Tensor = self.critic(self._drawn(self.scaling(batch), rng))
            return self.game.loss.generator(values.flatten(), values.flatten())

    def encoder_loss(self, batch: Batch, rng: Generator) -> Tensor:  # noqa: ARG002 - the interface has it
        """Return -log p(x | G(z)) + kappa / 2 |f(x) - f(G(z))|^2 - log p(z) at z = E(x), a column; (members, n)."""
        with frozen(self.generator), frozen(self.critic):
            energies = self.energies(self.scaling(batch), "reconstruction")
        return energies.total / len(self.layout.columns)

    @torch.no_grad()
    def distance(self, batch: Batch, rng: Generator) -> Tensor:
        """Return the energy distance between these rows and generated ones (Székely & Rizzo 2013), a member."""
        rows = self.scaling(batch[:MAX_MONITORED])
        real, fake = rows.network, self._drawn(rows, rng)
        n = real.shape[1]
        pairs = self.members * n * max(n - 1, 1)
        within: Tensor = (torch.cdist(real, real).sum() + torch.cdist(fake, fake).sum()) / pairs
        across = torch.cdist(real, fake).mean()
        return 2.0 * across - within

    def energies(self, rows: MemberInputs, method: str) -> Energies:
        """Return the energies by ``method``.

        reconstruction: -log p(x | G(z)) + kappa / 2 |f(x) - f(G(z))|^2 + |z|^2 / 2 with z = E(x), normal numbers and
        categorical codes, without the cells that the member is given (Schlegl et al. 2019, eqs. 4 and 5, with the
        changes that `AdversarialEnsemble` lists). feature: |f(x) - E f|^2, E over the training rows, in the metric of
        `FeatureSpace`. critic: |D(x) - median D|. D itself says little of rows that neither the data nor the generator
        ever showed it: it runs off either way there.
        """
        if method == "reconstruction":
            return self._reconstruction(rows)
        features = self.critic.features(rows.network)
        if method == "feature":
            rest = self.features.distance(features)
        else:
            rest = (self.critic.out(features).squeeze(-1) - self.level).abs()
        return Energies(rest.new_zeros(*rest.shape, len(self.layout.columns)), rest)

    def reconstruct(self, network: Tensor) -> Tensor:
        """Return (members, n, width): what is written of E(x); for given cells, what another member writes."""
        parameters = self._written(self.encode(network), network)
        return parameters.gather(0, self._witnesses().expand_as(parameters))

    def deviation(self) -> Tensor:
        """Return (members, 1, p): standard deviations of the numbers."""
        deviation = self.likelihood.deviation()
        return deviation.gather(0, self._witnesses()[..., : deviation.shape[-1]])

    def encode(self, network: Tensor) -> Tensor:
        """Return (members, n, noise_dim): the latents of rows as networks read them."""
        return self.encoder(network) * self.mask  # type: ignore[no-any-return]

    def write(self, z: Tensor, rows: MemberInputs) -> tuple[Tensor, Tensor]:
        """Return the parameters of rows written from latents, and these rows as networks read them.

        Of ``rows`` come the given cells, and where a number is missing: the codes tell that.
        """
        parameters = self._written(z, rows.network)
        p, code_slots = self.scaling.n_numbers, self.scaling.code_slots
        written = torch.where(rows.present, parameters[..., :p], 0.0)
        if code_slots.n_slots:  # probabilities, standardised as `FeatureScaling` does one-hots
            share = self.scaling.frequencies
            codes = code_slots.softmax(parameters[..., p:] + self.likelihood.marginals) - share
            written = torch.cat([written, codes / (share * (1.0 - share) + 0.04).sqrt()], -1)
        return parameters, torch.where(self.given_slots, rows.network, written)

    def _written(self, z: Tensor, network: Tensor) -> Tensor:
        x = z * self.mask
        if self.game.conditional:
            x = torch.cat([x, torch.where(self.given_slots, network, 0.0)], -1)
        return self.generator(x)  # type: ignore[no-any-return]

    def _witnesses(self) -> Tensor:
        """Return (members, 1, width): who writes an entry for each member: itself, or one of its view where given."""
        views = torch.tensor(self.scaling.scaling_of, device=self.given.device)
        alike = (views.unsqueeze(1) == views).unsqueeze(2) & ~self.given_slots.squeeze(1)  # (for whom, who, width)
        rank = 2 * alike.int() + torch.eye(self.members, dtype=torch.int, device=views.device).unsqueeze(2)
        return rank.argmax(1, keepdim=True)

    def _reconstruction(self, rows: MemberInputs) -> Energies:
        z = self.encode(rows.network)
        parameters, written = self.write(z, rows)
        cells = torch.where(self.given, 0.0, -self.likelihood.cells(parameters, rows))
        seen, remade = self.critic.features(torch.cat([rows.network, written], 1)).chunk(2, 1)
        return Energies(cells, 0.5 * (self.kappa * self.features.distance(seen, remade) + z.square().sum(-1)))

    def _drawn(self, rows: MemberInputs, rng: Generator) -> Tensor:
        shape = (self.members, rows.network.shape[1], self.mask.shape[-1])
        return self.write(standard_normal(shape, rows.network, rng), rows)[1]

    def _inner(self, network: Tensor) -> Tensor:
        """Return the rows (members, kept, width) of a batch that are not the farthest from the middle of the table."""
        if not self.trim or network.shape[1] < 2:
            return network
        kept = math.ceil(network.shape[1] * (1.0 - self.trim))
        near = network.square().sum(-1).topk(kept, dim=1, largest=False).indices
        return network.gather(1, near.unsqueeze(-1).expand(-1, -1, network.shape[-1]))

    def _values(self, points: Tensor) -> Tensor:
        """Map points (members * n, width) to the critics' values (members * n,)."""
        return self.critic(points.unflatten(0, (self.members, -1))).flatten()  # type: ignore[no-any-return]

    def _measure(self, batch: Batch, _rng: Generator) -> None:
        """Take statistics of the critics over the training rows."""
        features = self.critic.features(self.scaling(batch).network)
        self.features.fit(features, self.trim)
        self.level.copy_(self.critic.out(features).squeeze(-1).median(1, keepdim=True).values)


def _thirds(members: int, columns: int) -> Tensor:
    """Return (members, 1, columns): the columns in random thirds, which the members have in turns."""
    size = columns // 3
    order = torch.randperm(columns)
    out = torch.zeros(members, 1, columns, dtype=torch.bool)
    for i in range(members):
        out[i, 0, order[i % 3 * size : (i % 3 + 1) * size]] = True
    return out
