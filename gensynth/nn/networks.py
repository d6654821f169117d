"""Interface of the networks that a family requests for a layout; tensors have the ensemble axis first."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar, NamedTuple

from torch import Generator, Tensor, nn

from gensynth.errors import CapabilityError
from gensynth.layout import Layout
from gensynth.model import Batch, Fit, Loss, Observed, Optimizer, Phase, Report, Score, Stage
from gensynth.nn.latent_density import SCORES_ONLY, CodePrior, LatentPrior
from gensynth.nn.tabular.imputation import Propose


class RowDecoder(nn.Module, ABC):
    """A decoder p(row | z) of every member.

    Only networks for sampling generate rows; those of a detector raise `CapabilityError`.
    """

    @abstractmethod
    def log_likelihood(self, inputs: Any, z: Tensor) -> Tensor:
        """Return (members, n, k) log-densities of the cells; ``inputs`` is what `Networks.inputs` returns.

        ``z`` is (members, n, width).
        """

    def sample(self, z: Tensor, rng: Generator) -> Batch:  # noqa: ARG002
        """Draw one row for each latent (1, n, width)."""
        raise CapabilityError(SCORES_ONLY)

    def impute(self, propose: Propose, observed: Observed, rng: Generator) -> Batch:  # noqa: ARG002
        """Sample the unobserved cells; ``propose`` draws weighted latents (n * c, width)."""
        raise CapabilityError(SCORES_ONLY)

    def correct_marginals(self, rows: Batch, z: Tensor, rng: Generator) -> None:  # noqa: ARG002
        """Adjust the biases so that codes sampled at latents (1, n, width) have their frequencies in the rows."""
        raise CapabilityError(SCORES_ONLY)

    def first(self) -> RowDecoder | None:
        """Return p(columns) if columns are sampled before the latents; None if latents come first."""
        return None

    def rest_log_likelihood(self, rows: Batch, z: Tensor) -> Tensor:  # noqa: ARG002
        """Return (n,) the log-density of everything after the columns at latents (1, n, width), up to a constant."""
        raise TypeError(f"{type(self).__name__} draws latents first")

    def complete(self, columns: Batch, z: Tensor, rng: Generator) -> Batch:  # noqa: ARG002
        """Complete rows whose columns were sampled first, at latents (1, n, width)."""
        raise TypeError(f"{type(self).__name__} draws latents first")


class LevelNetworks(NamedTuple):
    """Networks of one level of a hierarchy of latents; all tensors are (members, n, ...)."""

    prior: nn.Module
    """From the state to means and log-scales."""
    residual: nn.Module
    """From state and features side by side to what the posterior adds to them."""
    flows: Sequence[nn.Module]
    """Of the posterior: from latents and features to moved latents, and the logarithm (members, n) of the volume."""
    update: nn.Module
    """From state and latents side by side to what is added to the state."""


class Networks(nn.Module, ABC):
    """The networks of one layout and one task.

    Parameters
    ----------
    layout : Layout
        Layout of the rows.
    members : int
        Number of networks in the ensemble; 1 for sampling.
    """

    for_sampling: ClassVar[bool]
    """Whether rows can be drawn; else they are scored only."""
    ema_decay: ClassVar[float]
    """Of the average of the weights that a stage evaluates and keeps; 0: none."""
    weight_decay: ClassVar[float]
    """Of the optimizer, decoupled."""
    decay_on_plateau: ClassVar[bool]
    """Whether the learning rate is halved where the monitor stalls."""
    max_steps: ClassVar[int | None] = None
    """Of a full run; None: as the family says."""
    trim: float = 0.0
    """Fraction of the worst rows of a batch that nothing is learned from."""
    loss_scale: float = 1.0
    """What losses are multiplied by, for gradients that are clipped at the same norm."""

    def __init__(self, layout: Layout, members: int) -> None:
        super().__init__()
        self.layout, self.members = layout, members

    @property
    def width(self) -> int:
        """Width of the input features; 0 if the networks read cells."""
        return 0

    @property
    def n_cells(self) -> int:
        """Number of costs of a row by a `RowDecoder`: one for each column."""
        return len(self.layout.columns)

    @property
    def n_codes_a_row(self) -> int | None:
        """Number of codes of a row in a model with discrete latents; None: set by the family."""
        return None

    def at_most(self, rows: int) -> int:
        """Return the number of rows, of ``n``, to process in one pass."""
        return rows

    def fits(self) -> tuple[Fit, ...]:
        """Return the statistics to fit before training."""
        return ()

    @abstractmethod
    def inputs(self, batch: Batch, *, differentiable: bool = False) -> Any:
        """Return the network inputs of rows; ``differentiable``: for attribution of scores to columns."""

    @abstractmethod
    def noisy(self, inputs: Any, deviation: Tensor, rng: Generator) -> Any:
        """Return the inputs with normal noise of deviation (members, 1, 1) on numbers."""

    @abstractmethod
    def corrupted(self, inputs: Any) -> Iterator[Any]:
        """Yield the inputs with fixed noise of several levels, for denoising scores."""

    @abstractmethod
    def encoder(self, hidden: Sequence[int], width_out: int) -> nn.Module:
        """Return a network from inputs to (members, n, width_out)."""

    @abstractmethod
    def mlp(self, width_in: int, hidden: Sequence[int], width_out: int) -> nn.Module:
        """Return a network from (members, n, width_in) to (members, n, width_out)."""

    @abstractmethod
    def decoder(self, width_in: int, hidden: Sequence[int], column_groups: int = 1) -> RowDecoder:
        """Return p(row | z) with cells that are independent given z.

        With ``column_groups`` above 1 the columns are sampled in that many groups, each given z and the groups before.
        """

    def auxiliary_decoder(self, width_in: int, hidden: Sequence[int]) -> RowDecoder:
        """Return a decoder of everything after the latents, given the latents alone."""
        return self.decoder(width_in, hidden)

    def code_encoder(self, hidden: Sequence[int], groups: int, dim: int) -> nn.Module:
        """Return a network from inputs to ``groups`` concatenated vectors (members, n, groups * dim)."""
        return self.encoder(hidden, groups * dim)

    def code_decoder(self, groups: int, dim: int, hidden: Sequence[int], column_groups: int) -> RowDecoder:
        """Return p(row | entries) for ``groups`` concatenated entries."""
        return self.decoder(groups * dim, hidden, column_groups)

    def state_width(self, width: int) -> int:
        """Return the size of a hierarchy's state of width ``width``."""
        return width

    def state_encoder(self, width: int) -> nn.Module:
        """Return a network from inputs to features as wide as a state."""
        return self.encoder((width, width), width)

    def state_decoder(self, width: int, column_groups: int) -> RowDecoder:
        """Return p(row | state)."""
        return self.decoder(width, (width,), column_groups)

    def level_dims(self, index: int, count: int, latent_dims: Sequence[int]) -> Sequence[int]:  # noqa: ARG002
        """Return each member's number of latents at a level, counted from the top."""
        return latent_dims

    def level(
        self,
        index: int,  # noqa: ARG002
        count: int,  # noqa: ARG002
        width: int,
        latent_dims: Sequence[int],
        dim: int,
        n_flows: int,
    ) -> LevelNetworks:
        """Return the networks of level ``index`` of ``count``, with ``dim`` latents."""
        return LevelNetworks(
            self.mlp(width, (width,), 2 * dim),
            self.mlp(2 * width, (width,), 2 * dim),
            [self.posterior_flow(latent_dims, width) for _ in range(n_flows)],
            self.mlp(width + dim, (width, width), width),
        )

    @abstractmethod
    def causal_decoder(self, width_in: int, width: int, hidden: int) -> RowDecoder:
        """Return p(row | z) = prod_i p(cell_i | cells before, z); ``width`` is the state's, ``hidden`` a column's."""

    def column_features(self, width: int) -> nn.Module | None:  # noqa: ARG002
        """Return a network from the columns that are sampled before the latents to features (1, n, width).

        None if latents come first.
        """
        return None

    @abstractmethod
    def flow_prior(self, latent_dims: Sequence[int], n_components: int = 1) -> LatentPrior:
        """Return an autoregressive prior over the latents of each member, to be trained jointly.

        Each conditional is a mixture of ``n_components`` normals, for sampling; one is an affine flow.
        """

    def named_prior(self, name: str, dim: int) -> LatentPrior | None:  # noqa: ARG002
        """Return the prior of that name over a latent vector; None for N(0, I), and for scoring networks."""
        return None

    @abstractmethod
    def posterior_flow(self, latent_dims: Sequence[int], context: int) -> nn.Module:
        """Return an inverse autoregressive flow of each member, conditioned on features (members, n, context).

        From latents (members, n, dim) and the context to moved latents, and the logarithm (members, n) of the volume.
        """

    @abstractmethod
    def code_prior(self, groups: int, dim: int, width: int, n_codes: int) -> CodePrior:
        """Return an autoregressive prior over the codes of ``groups`` books with entries of width ``dim``."""

    def stage(
        self,
        name: str,
        parameters: Sequence[nn.Parameter],
        loss: Loss,
        *,
        learning_rate: float,
        monitor: Loss | None = None,
        budget_fraction: float = 1.0,
        max_steps: int = 10_000,
        report: Report | None = None,
    ) -> Stage:
        """Return a stage of one phase with the task's schedule; ``max_steps`` applies to sampling."""

        def scaled(batch: Batch, rng: Generator) -> Tensor:
            return loss(batch, rng) * self.loss_scale

        optimizer = Optimizer(learning_rate, weight_decay=self.weight_decay)
        return Stage(
            name,
            (Phase(name, tuple(parameters), scaled, optimizer),),
            monitor,
            decay_on_plateau=self.decay_on_plateau,
            budget_fraction=budget_fraction,
            ema_decay=self.ema_decay,
            max_steps=self.max_steps or max_steps,
            report=report,
            trim=self.trim,
        )

    def by_column(self, entries: Tensor) -> Tensor:  # noqa: ARG002
        """Return (members, n, k): sums of (members, n, width) over the inputs of each column."""
        raise TypeError(f"{type(self).__name__} reads cells, not features")

    @abstractmethod
    def score(self, cells: Tensor, latent: Tensor, inputs: Any, *, attribute: bool) -> Score:
        """Return the score of rows with the costs ``cells`` (members, n, k) and ``latent`` (members, n).

        Costs in nats, lower = more normal; the score is minus their sum.
        """

    def conditional_interval(
        self,
        batch: Batch,  # noqa: ARG002
        position: int,  # noqa: ARG002
        latent_of: Callable[[Any], Tensor],  # noqa: ARG002
        decoder: RowDecoder,  # noqa: ARG002
    ) -> tuple[Tensor, Tensor] | None:
        """Return the interval expected in one column; see `GenerativeModel.conditional_interval`.

        ``latent_of`` maps inputs to decoder inputs (members, n, width).
        """
        return None
