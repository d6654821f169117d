"""Causal (NADE) network over the columns of a row, with a cost linear in their number.

A step sees the sum of what the steps before it contribute (NADE: Larochelle & Murray 2011, "The neural autoregressive
distribution estimator"), twice: once as a sum of linear contributions of the cells, and once as a sum of features of
the hidden vectors, so that it is deep. A masked network (MADE) of the same quality costs the square of the steps.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from gensynth.nn.layers import columnwise, dropout
from gensynth.nn.tabular.causal_training import CausalLayers, StepWeights

MAX_TRIANGLE = 128
"""Most steps whose running sums are a product with a triangle of ones: quadratic, but faster than a scan."""


@dataclass
class CausalState:
    """Running sums of the contributions of the previous steps (first axis: rows, or candidates).

    ``ranks`` holds what `RankHeads` know of them: log-odds of the ranks (n,) by the position of the column.
    """

    context: Tensor
    features: Tensor
    ranks: dict[int, Tensor] = field(default_factory=dict)

    @classmethod
    def start(cls, context: Tensor) -> CausalState:
        """Return the state before the first step; ``context`` (n, width) is seen by every step."""
        return cls(context, torch.zeros_like(context))

    def pick(self, rows: Tensor) -> CausalState:
        """Return the state of selected rows (an index tensor)."""
        ranks = {position: rank.index_select(0, rows) for position, rank in self.ranks.items()}
        return CausalState(self.context.index_select(0, rows), self.features.index_select(0, rows), ranks)


class CausalNetwork(nn.Module):
    """Network with a hidden vector for each step of a row, from the contributions of the steps before.

    Parameters
    ----------
    k : int
        Steps.
    n_groups : int
        Passes that they are taken in: step i in pass i % n_groups; steps of one pass do not see each other.
    dim : int
        Width of a cell.
    width : int
        Width of what the steps share.
    hidden : int
        Width of a step's own hidden vector.
    dropout : float
        Share of units dropped in training, where all steps are computed at once.
    """

    scale: Tensor
    before: Tensor
    group_of: Tensor

    def __init__(self, k: int, n_groups: int, dim: int, width: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.n_groups, self.dropout = n_groups, dropout
        self.contribute = columnwise(k, dim, width)
        self.gain = nn.Parameter(torch.ones(k, 1, width))
        self.shift = nn.Parameter(torch.randn(k, 1, width) * 0.3)
        self.inner = columnwise(k, width, hidden)
        self.inner_bias = nn.Parameter(torch.zeros(k, 1, hidden))
        self.feature = columnwise(k, hidden, width)
        self.feature_gain = nn.Parameter(torch.ones(k, 1, width))
        self.feature_shift = nn.Parameter(torch.zeros(k, 1, width))
        self.outer = columnwise(k, width, hidden)
        self.outer_bias = nn.Parameter(torch.zeros(k, 1, hidden))
        groups = torch.arange(k) % n_groups
        sizes = torch.bincount(groups)
        seen = sizes.cumsum(0) - sizes  # steps before each group
        # a sum of i contributions grows like sqrt(i); this keeps every step's context at one scale
        self.register_buffer("scale", (1 + seen[groups]).float().rsqrt()[:, None, None], persistent=False)
        self.register_buffer("group_of", groups, persistent=False)
        few = groups[: k if k <= MAX_TRIANGLE else 0]
        self.register_buffer("before", (few[:, None] > few).float(), persistent=False)

    def forward(self, cells: Tensor, context: Tensor) -> Tensor:
        """Return hidden vectors (k, n, hidden) of each step given the context (n, width) and the steps before.

        ``cells`` (k, n, dim) are those that the steps write.
        """
        weights = self.layers()
        if self.training and cells.device.type == "cpu":
            made: Tensor = CausalLayers.apply(cells, context, self.n_groups, self.dropout, *weights)  # type: ignore[no-untyped-call]
            return made
        contributions = torch.bmm(cells, self.contribute)
        seen = self._sums_before(contributions).add_(context)

        def add(h: Tensor) -> Tensor:
            own = torch.bmm(h, self.feature)
            return self._sums_before(own).add_(own)

        return self._hidden(weights, seen, add, self.dropout)

    def layers(self) -> StepWeights:
        """Return the weights of all steps."""
        return StepWeights(
            self.scale * self.gain,
            self.shift,
            self.inner,
            self.inner_bias,
            self.feature,
            self.scale * self.feature_gain,
            self.feature_shift,
            self.outer,
            self.outer_bias,
            self.contribute,
        )

    def group_weights(self) -> list[StepWeights]:
        """Return the weights of the steps of each pass, split once, as each part's gradient is a whole array."""
        whole, n = self.layers(), self.n_groups
        if n == len(self.group_of):
            return [StepWeights(*own) for own in zip(*(weights.split(1) for weights in whole), strict=True)]
        return [StepWeights(*(weights[i::n] for weights in whole)) for i in range(n)]

    def step(self, layers: StepWeights, state: CausalState) -> Tensor:
        """Return (steps, n, hidden) of one pass and add its features to the sums: `forward` for one pass."""

        def add(h: Tensor) -> Tensor:
            if len(h) == 1:
                seen = torch.baddbmm(state.features.unsqueeze(0), h, layers.feature)
                state.features = seen[0]
                return seen
            own = torch.bmm(h, layers.feature)
            before, state.features = state.features, state.features + own.sum(0)
            return own.add_(before)

        return self._hidden(layers, state.context, add, 0.0)

    def _hidden(self, layers: StepWeights, context: Tensor, add: Callable[[Tensor], Tensor], rate: float) -> Tensor:
        """Return hidden vectors; ``add`` maps those of the first layer to sums of the features of steps so far."""
        h = torch.addcmul(layers.shift, context, layers.gain).relu_()
        h = torch.baddbmm(layers.inner_bias, self._drop(h, rate), layers.inner).relu_()
        f = torch.addcmul(layers.feature_shift, add(h), layers.feature_gain).relu_()
        h = h + torch.baddbmm(layers.outer_bias, self._drop(f, rate), layers.outer).relu_()
        return self._drop(h, rate)

    def _sums_before(self, x: Tensor) -> Tensor:
        """Return (k, n, width): for each step the sum of ``x`` over the steps of the groups before it."""
        if len(self.before):
            return (self.before @ x.flatten(1)).view_as(x)
        if self.n_groups < len(x):
            x = x.new_zeros(self.n_groups, *x.shape[1:]).index_add(0, self.group_of, x)
            return (x.cumsum(0) - x).index_select(0, self.group_of)
        return x.cumsum(0) - x

    def _drop(self, h: Tensor, rate: float) -> Tensor:
        return dropout(h, rate, training=self.training)
