"""The recipes ``vae`` and ``beta-vae``, which differ in their divergence only."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from gensynth.constraints import NONE, Constraint
from gensynth.model import GenerativeModel, Layout
from gensynth_vae.choices import LATENT, PRIOR, STEPS_OF_WARMUP, WEIGHT, WIDTHS, named_prior
from gensynth_vae.latent import Divergence, LatentModel
from gensynth_vae.parts import Encoder, row_decoder
from gensynth_vae.variational import InColumnGroups


@dataclass(eq=False)
class OneLatent(InColumnGroups):
    """One latent vector a row, and a density that a second stage fits to the latents.

    Parameters
    ----------
    latent_dim : int, default=16
        Width of the latent.
    hidden : tuple of int, default=(128, 128)
        Hidden widths of encoder and decoder.
    prior : {"blockwise", "autoregressive", "mixture", "flow", "normal"}, default="blockwise"
        Density of the latents that sampling draws from.
    """

    constraints: ClassVar[Mapping[str, Constraint]] = {"latent_dim": LATENT, "hidden": WIDTHS, "prior": PRIOR}
    latent_dim: int = 16
    hidden: tuple[int, ...] = (128, 128)
    prior: str = "blockwise"

    @abstractmethod
    def divergence(self) -> Divergence:
        """Return how the divergence enters the loss."""

    def build(self, layout: Layout) -> GenerativeModel:
        """Return an untrained model for this layout."""
        cells = self._cells(layout)
        hidden = tuple(self.hidden)
        return LatentModel(
            layout,
            Encoder(layout, cells.embedding, hidden, 2 * self.latent_dim, cells.dropout),
            row_decoder(layout, cells, column_groups=self.column_groups, hidden=hidden, latent_dim=self.latent_dim),
            latent_dim=self.latent_dim,
            late_prior=named_prior(self.prior, self.latent_dim, layout),
            divergence=self.divergence(),
            learning_rate=self.learning_rate,
        )


@dataclass(eq=False)
class VAE(OneLatent):
    """Variational autoencoder over codes.

    Departs from the paper in two measured points: columns are drawn in groups, not all at once, and sampling uses a
    density fitted to the latents in a second stage instead of N(0, I). ``column_groups=1, prior="normal"`` is the
    paper's; with ``column_groups=1`` a ``beta`` below 1 keeps more of what ties the columns.

    Parameters
    ----------
    beta : float, default=1.0
        Weight of the divergence.
    warmup : int, default=1000
        Steps over which that weight grows from 0.

    References
    ----------
    Kingma & Welling 2014, "Auto-encoding variational Bayes" (arXiv 1312.6114), equation 10.
    Dai & Wipf 2019, "Diagnosing and enhancing VAE models" (arXiv 1903.05789): the second stage.
    """

    constraints: ClassVar[Mapping[str, Constraint]] = {"beta": WEIGHT, "warmup": STEPS_OF_WARMUP}
    beta: float = 1.0
    warmup: int = 1000

    def divergence(self) -> Divergence:
        """Return a weight that grows to ``beta``."""
        return Divergence(self.beta, self.warmup)


@dataclass(eq=False)
class BetaVAE(OneLatent):
    """beta-VAE: the divergence weighted by ``beta``, or steered to a growing ``capacity``. Else as `VAE`.

    Parameters
    ----------
    beta : float, default=4.0
        Weight of the distance between divergence and capacity (of the divergence itself without a capacity).
    capacity : float or None, default=4.0
        Nats of divergence to aim for, reached linearly over ``warmup`` steps; None for a plain weight.
    warmup : int, default=2000
        Steps over which weight or capacity grow.

    References
    ----------
    Higgins et al. 2017, "beta-VAE", equation 4. Burgess et al. 2018 (arXiv 1804.03599), equation 8.
    """

    constraints: ClassVar[Mapping[str, Constraint]] = {
        "beta": WEIGHT,
        "capacity": NONE | WEIGHT,
        "warmup": STEPS_OF_WARMUP,
    }
    beta: float = 4.0
    capacity: float | None = 4.0
    warmup: int = 2000

    def divergence(self) -> Divergence:
        """Return a weight on the distance from the capacity, or a plain one."""
        return Divergence(self.beta, self.warmup, capacity=self.capacity)
