"""f-AnoGAN for tables: an ensemble of GANs that scores rows, with an encoder for each generator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Generator, Tensor

from gensynth.errors import CapabilityError
from gensynth.model import Batch, Fit, Observed, Optimizer, Phase, Score, Stage
from gensynth.nn.ensemble import EnsembleMLP, member_mask, standard_normal
from gensynth.nn.latent_density import SCORES_ONLY
from gensynth.nn.tabular.ensemble_networks import EnsembleNetworks
from gensynth.nn.tabular.feature_scaling import FeatureScaling, MemberInputs
from gensynth.nn.tabular.row_likelihood import NormalLikelihood
from gensynth.nn.trimming import kept_rows

from .feature_space import FeatureSpace
from .game import AdversarialGame, AdversarialObjective, frozen

GAME_STEPS, ENCODER_STEPS = 800, 600
"""Steps of the GAN and of the encoder in a full run."""
MAX_MONITORED, MAX_MEASURED = 500, 10_000
"""Maximal number of rows for the distance on held-out rows, and for the statistics of the features."""


class AnomalyGAN(AdversarialGame):
    """f-AnoGAN for tables: an ensemble of GANs, then an encoder for each generator.

    Schlegl et al. 2019, "f-AnoGAN", Medical Image Analysis 54, https://doi.org/10.1016/j.media.2019.01.010. The GAN is
    trained first; then, with both networks frozen, an encoder z = E(x) (``izi_f``, eqs. 3 and 4 there). Departs from
    the paper by column deviations that are learned with the encoder instead of the plain squared error, so that columns
    that cannot be reconstructed have a low weight; by -log p(z) in the encoder's loss; by a metric for the features
    (`FeatureSpace`); and by the best moving average of the weights on held-out rows.

    In a conditional GAN each member is conditioned on a different third of the columns: its generator generates the
    other cells, its critic sees the whole row, and its score is that of the other cells given the third.

    Parameters
    ----------
    networks : EnsembleNetworks
        Scaling of each member, and the fraction of trimmed rows: those farthest from the centre for the critic, those
        with the worst reconstruction for the encoder.
    objective : AdversarialObjective
        Loss, penalty, condition, learning rates.
    noise_dims : sequence of int
        Latent dimension of each member.
    width : int
        Width of the hidden layers.
    kappa, ridge : float
        Weight of the feature residual; see `FeatureSpace`.
    """

    score_methods: ClassVar[tuple[str, ...]] = ("feature", "critic", "reconstruction")
    penalised: ClassVar[float] = 0.25
    critic_rate: ClassVar[float] = 1.0
    generator: EnsembleMLP
    critic: EnsembleMLP
    mask: Tensor
    given: Tensor
    given_slots: Tensor
    level: Tensor

    def __init__(
        self,
        networks: EnsembleNetworks,
        objective: AdversarialObjective,
        noise_dims: Sequence[int],
        *,
        width: int,
        kappa: float,
        ridge: float,
    ) -> None:
        super().__init__(networks.layout, objective)
        self.networks, self.members, self.kappa = networks, networks.members, kappa
        m, widest, width_in = self.members, max(noise_dims), networks.width
        self.likelihood = NormalLikelihood(self.scaling, m)
        width_drawn = widest + width_in if objective.conditional else widest
        self.generator = EnsembleMLP(m, (width_drawn, width, width, self.likelihood.width))
        self.critic = EnsembleMLP(m, (width_in, width, width, 1))
        self.clip_critic()
        self.encoder = EnsembleMLP(m, (width_in, width, width, widest))
        self.space = FeatureSpace(m, width, ridge)
        self.register_buffer("mask", member_mask(noise_dims), persistent=False)
        given = _thirds(m, len(self.layout.columns)) & objective.conditional
        self.register_buffer("given", given)
        self.register_buffer("given_slots", given[..., self.scaling.owner])
        self.register_buffer("level", torch.zeros(m, 1))

    @property
    def scaling(self) -> FeatureScaling:
        """The feature scaling of the members."""
        return self.networks.scaling

    def stages(self) -> tuple[Stage | Fit, ...]:
        """Stages: the scaling, the GAN, the statistics of the critic, and the encoder."""
        steps = GAME_STEPS + ENCODER_STEPS
        encoders = (*self.encoder.parameters(), *self.likelihood.parameters())
        optimizer = Optimizer(self.objective.learning_rate, weight_decay=1e-4)
        encode = Stage(
            "encoder",
            (Phase("encoder", encoders, self.encoder_loss, optimizer),),
            budget_fraction=ENCODER_STEPS / steps,
            max_steps=steps,
            trim=self.networks.trim,
        )
        game = self.game(steps, GAME_STEPS / steps)
        return *self.networks.fits(), *game, Fit("features", self._measure, MAX_MEASURED), encode

    def real(self, batch: Batch, rng: Generator) -> tuple[Tensor, MemberInputs]:  # noqa: ARG002 - the interface has it
        """Return the network inputs of the rows (members, n, width), and the rows themselves as context."""
        rows = self.networks.inputs(batch)
        return rows.network, rows

    def fake(self, given: MemberInputs, rng: Generator) -> Tensor:
        """Return generated rows (members, n, width), one for each given row."""
        shape = (self.members, given.network.shape[1], self.mask.shape[-1])
        return self.generate_rows(standard_normal(shape, given.network, rng), given)[1]

    def kept(self, real: Tensor) -> Tensor:
        """Return the rows without those farthest from the centre of the table, if rows may be anomalies."""
        trim, n = self.networks.trim, real.shape[1]
        if not trim or n < 2:
            return real
        near = kept_rows(real.square().sum(-1), trim)
        return real.gather(1, near.unsqueeze(-1).expand(-1, -1, real.shape[-1]))

    def values(self, points: Tensor) -> Tensor:
        """Return the critics' values (members, n)."""
        values: Tensor = self.critic(points)
        return values.squeeze(-1)

    def generate(self, n: int, rng: Generator, observed: Observed | None = None) -> Batch:  # noqa: ARG002
        """Raise `CapabilityError`: these networks are trained to score."""
        raise CapabilityError(SCORES_ONLY)

    def encoder_loss(self, batch: Batch, rng: Generator) -> Tensor:  # noqa: ARG002 - the interface has it
        """Return (members, n) per column: -log p(x | G(z)) + kappa / 2 |f(x) - f(G(z))|^2 - log p(z), z = E(x)."""
        with frozen(self.generator), frozen(self.critic):
            cells, rest = self.costs(self.networks.inputs(batch), "reconstruction")
        return (cells.sum(-1) + rest) / len(self.layout.columns)

    @torch.no_grad()
    def distance(self, batch: Batch, rng: Generator) -> Tensor:
        """Return each member's energy distance between these rows and generated ones (Székely & Rizzo 2013)."""
        rows = self.networks.inputs(batch[:MAX_MONITORED])
        real, fake = rows.network, self.fake(rows, rng)
        n = real.shape[1]
        pairs = self.members * n * max(n - 1, 1)
        within: Tensor = (torch.cdist(real, real).sum() + torch.cdist(fake, fake).sum()) / pairs
        across = torch.cdist(real, fake).mean()
        return 2.0 * across - within

    def score(self, batch: Batch, method: str | None = None, *, attribute: bool = False) -> Score:
        """Score rows (members, n), higher = more normal: minus the costs by ``method``.

        reconstruction: -log p(x | G(z)) + kappa / 2 |f(x) - f(G(z))|^2 + |z|^2 / 2 with z = E(x), normal numbers and
        categorical codes, without the member's condition cells (Schlegl et al. 2019, eqs. 4 and 5, with the changes
        that `AnomalyGAN` lists). feature: |f(x) - E f|^2, E over the training rows, in the metric of `FeatureSpace`.
        critic: |D(x) - median D|, as D itself extrapolates arbitrarily far from training data and generated rows.
        """
        method = self.score_method(method)
        with torch.set_grad_enabled(attribute):
            rows = self.networks.inputs(batch, differentiable=attribute)
            return self.networks.score(*self.costs(rows, method), rows, attribute=attribute)

    def costs(self, rows: MemberInputs, method: str) -> tuple[Tensor, Tensor]:
        """Return the costs of cells (members, n, k), and of the row as a whole (members, n)."""
        if method == "reconstruction":
            z = self.encode(rows.network)
            parameters, written = self.generate_rows(z, rows)
            cells = torch.where(self.given, 0.0, -self.likelihood.cells(parameters, rows))
            seen, remade = self.critic.features(torch.cat([rows.network, written], 1)).chunk(2, 1)
            return cells, 0.5 * (self.kappa * self.space.distance(seen, remade) + z.square().sum(-1))
        features = self.critic.features(rows.network)
        if method == "feature":
            rest = self.space.distance(features)
        else:
            rest = (self.critic.out(features).squeeze(-1) - self.level).abs()
        return rest.new_zeros(*rest.shape, len(self.layout.columns)), rest

    def conditional_interval(self, batch: Batch, position: int) -> tuple[Tensor, Tensor] | None:
        """Return the reconstruction of E(x) plus and minus two deviations; for given cells, by another member."""
        who, deviation = self._generating_members(), self.likelihood.deviation()

        def written(rows: MemberInputs) -> Tensor:
            parameters = self._row_parameters(self.encode(rows.network), rows.network)
            return parameters.gather(0, who.expand_as(parameters))

        return self.networks.interval(batch, position, written, deviation.gather(0, who[..., : deviation.shape[-1]]))

    def encode(self, network: Tensor) -> Tensor:
        """Return the latents (members, n, noise_dim) of network inputs."""
        return self.encoder(network) * self.mask  # type: ignore[no-any-return]

    def generate_rows(self, z: Tensor, rows: MemberInputs) -> tuple[Tensor, Tensor]:
        """Return the parameters of rows generated from latents, and the rows as network inputs.

        ``rows`` provide the condition cells, and the mask of missing numbers.
        """
        parameters = self._row_parameters(z, rows.network)
        expected, p = self.scaling.as_read(parameters), self.scaling.n_numbers
        written = torch.cat([torch.where(rows.present, expected[..., :p], 0.0), expected[..., p:]], -1)
        return parameters, torch.where(self.given_slots, rows.network, written)

    def _row_parameters(self, z: Tensor, network: Tensor) -> Tensor:
        x = z * self.mask
        if self.objective.conditional:
            x = torch.cat([x, torch.where(self.given_slots, network, 0.0)], -1)
        return self.generator(x)  # type: ignore[no-any-return]

    def _generating_members(self) -> Tensor:
        """Return (members, 1, width): the member that generates each entry: itself, or one with the same scaling."""
        views = torch.tensor(self.scaling.scaling_of, device=self.given.device)
        alike = (views.unsqueeze(1) == views).unsqueeze(2) & ~self.given_slots.squeeze(1)  # (for whom, who, width)
        rank = 2 * alike.int() + torch.eye(self.members, dtype=torch.int, device=views.device).unsqueeze(2)
        return rank.argmax(1, keepdim=True)

    def _measure(self, batch: Batch, _rng: Generator) -> None:
        """Fit the statistics of the critics on the training rows."""
        features = self.critic.features(self.networks.inputs(batch).network)
        self.space.fit(features, self.networks.trim)
        self.level.copy_(self.critic.out(features).squeeze(-1).median(1, keepdim=True).values)


def _thirds(members: int, columns: int) -> Tensor:
    """Return (members, 1, columns): masks of random thirds of the columns, assigned to the members in turns."""
    size = columns // 3
    order = torch.randperm(columns)
    out = torch.zeros(members, 1, columns, dtype=torch.bool)
    for i in range(members):
        out[i, 0, order[i % 3 * size : (i % 3 + 1) * size]] = True
    return out
