"""Heads for columns that follow an earlier column closely: logistic components over ranks, beside the softmax.

A softmax over a hundred bins smooths over curves narrower than a few of them. Here the log-odds z = log(u / (1 - u)) of
a cell's rank u, in (0, 1), have a mixture of logistic densities whose means move with the log-odds of the column's
predictor, as the pixels of PixelCNN++ have (Salimans et al. 2017, arXiv 1701.05517); the softmax is one more component.
Log-odds, because a small error of a rank near 0 or 1 is a large one of the value.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Generator, Tensor, nn

from gensynth.layout import Layout, Predictor
from gensynth.model import Batch
from gensynth.nn.categorical import draw
from gensynth.nn.tabular.categorical_slots import CategoricalSlots

N_LOGISTICS = 2
"""Logistic components of each column."""
SCALES = (1.0, 0.2)
"""Their scales at the start of training, in units of the predictor's spread."""
START = (0.0, -0.7, -0.7)
"""Log-weights of the softmax and of the components at the start."""
MIN_SCALE = 1 / 1024
"""Smallest scale of a component: a 32nd of a bin of 128, in the middle."""
FAR = 30.0
"""Log-odds that stand for those of the ranks 0 and 1."""


@dataclass(frozen=True)
class RankMasses:
    """What the components of one column's mixture give its codes.

    Parameters
    ----------
    weights : Tensor of shape (n, 1 + components)
        Weights of the softmax and of the components.
    mass : Tensor of shape (n, components, codes)
        Probability of each code in order.
    mean, scale : Tensor of shape (n, components)
        Of the log-odds.
    codes : range
        The codes in order.
    """

    weights: Tensor
    mass: Tensor
    mean: Tensor
    scale: Tensor
    codes: range

    def shares(self, n_codes: int) -> tuple[Tensor, Tensor]:
        """Return the weight of the softmax (n, 1), and what the components give each of all codes (n, n_codes)."""
        rest = (self.weights[:, 1:].unsqueeze(-1) * self.mass).sum(1)
        return self.weights[:, :1], F.pad(rest, (self.codes.start, n_codes - self.codes.stop))

    def joint_with(self, codes: Tensor) -> Tensor:
        """Return the probabilities (n, components) of each component together with these codes (n,)."""
        place = (codes - self.codes.start).clamp(0, len(self.codes) - 1).view(-1, 1, 1)
        mass = self.mass.gather(2, place.expand(-1, self.mass.shape[1], 1)).squeeze(-1)
        return self.weights[:, 1:] * mass


class RankHeads(nn.Module):
    """Mixture of a softmax over codes and logistic densities of the rank, for columns with a predictor.

    Parameters
    ----------
    layout, code_slots
        Layout of the rows, and the slots of its codes.
    width : int
        Width of each column's hidden vector.
    pairs : mapping of int to Predictor
        The predictors to use, at least one, by the position of the column: see `usable_predictors`.
    """

    low: Tensor
    size: Tensor
    below: Tensor
    above: Tensor
    nearest: Tensor
    targets: Tensor
    sources: Tensor
    numbered: Tensor
    target_numbers: Tensor
    source_numbers: Tensor
    target_slots: Tensor
    source_slots: Tensor

    def __init__(
        self, layout: Layout, code_slots: CategoricalSlots, width: int, pairs: Mapping[int, Predictor]
    ) -> None:
        super().__init__()
        self.where = {position: j for j, position in enumerate(pairs)}
        self.source_of = {position: pair.column for position, pair in pairs.items()}
        self.predictors = frozenset(self.source_of.values())
        self.codes = {position: layout.columns[position].codes_in_order for position in pairs}
        self.first = code_slots.offsets.tolist()
        low, size, below, above = torch.zeros(4, code_slots.n_slots, dtype=torch.float64)
        for position in {*pairs, *self.source_of.values()}:
            column = layout.columns[position]
            edges = torch.tensor(column.rank_edges, dtype=torch.float64)
            inside = column.codes_in_order
            own = slice(self.first[position] + inside.start, self.first[position] + inside.stop)
            low[own], size[own] = edges[:-1], edges.diff()
            odds = torch.logit(edges, eps=0.0).clamp(-FAR, FAR)
            below[own], above[own] = odds[:-1], odds[1:]
        for name, values in (("low", low), ("size", size), ("below", below), ("above", above)):
            # stored with the weights: the shares of the layout may be those of other rows later
            self.register_buffer(name, values.float())
        self.register_buffer("nearest", torch.tensor(0.5 / layout.n_rows))
        numbered = torch.zeros(code_slots.n_slots, dtype=torch.bool)
        for position, column in enumerate(layout.columns):
            if column.numeric is not None:
                beside = column.numeric.codes
                numbered[self.first[position] + beside.start : self.first[position] + beside.stop] = True
        self.register_buffer("numbered", numbered, persistent=False)
        for name, positions in (("target", list(pairs)), ("source", list(self.source_of.values()))):
            numbers = [layout.columns[i].numeric for i in positions]
            at = [layout.n_numeric if number is None else number.index for number in numbers]
            self.register_buffer(f"{name}s", torch.tensor(positions, dtype=torch.long), persistent=False)
            self.register_buffer(f"{name}_numbers", torch.tensor(at, dtype=torch.long), persistent=False)
            self.register_buffer(f"{name}_slots", code_slots.offsets[positions].clone(), persistent=False)
        self.n_numeric = layout.n_numeric
        self.weight = nn.Parameter(torch.zeros(len(pairs), width, 1 + 3 * N_LOGISTICS))
        bias, slope = torch.empty(len(pairs), 1, 1 + 3 * N_LOGISTICS), torch.empty(len(pairs), 1, N_LOGISTICS)
        for j, pair in enumerate(pairs.values()):
            scales = [math.log(max(scale * pair.spread, 2 * MIN_SCALE)) for scale in SCALES]
            bias[j, 0] = torch.tensor([*START, *[0.0] * N_LOGISTICS, *scales])
            slope[j] = 1.0 if pair.increasing else -1.0
        self.bias, self.slope = nn.Parameter(bias), nn.Parameter(slope)

    def mix(self, cells: Tensor, hidden: Tensor, batch: Batch) -> Tensor:
        """Return log-densities of cells (n, k), given those of the softmax and of positions, and hidden vectors."""
        at = batch.codes.index_select(1, self.targets) + self.target_slots
        source = batch.codes.index_select(1, self.sources) + self.source_slots
        numbers = F.pad(batch.numeric, (0, 1))
        own_numbers, source_numbers = numbers[:, self.target_numbers], numbers[:, self.source_numbers]
        out = torch.baddbmm(self.bias, hidden.index_select(0, self.targets), self.weight)
        place = self._place(source, source_numbers).t().unsqueeze(-1)
        components = self._components(out, self.slope, place)
        own = cells.index_select(1, self.targets)
        mixed = self._mixed(own.t(), components, at.t(), own_numbers.t())
        return cells.index_copy(1, self.targets, mixed.t())

    def joint(
        self, position: int, hidden: Tensor, source: Tensor, cells: Tensor, codes: Tensor, number: Tensor | None
    ) -> Tensor:
        """Return `mix` (n,) of one column, given its predictor's log-odds (n,) and hidden vectors (n, width)."""
        number = torch.zeros_like(source) if number is None else number
        components = self._components_of(position, hidden, source)
        return self._mixed(cells, components, codes + self.first[position], number)

    def masses(self, position: int, hidden: Tensor, source: Tensor) -> RankMasses:
        """Return what the components of one column give each of its codes; arguments as in `joint`."""
        log_weight, mean, log_scale = self._components_of(position, hidden, source)
        inside = self.codes[position]
        first, last = self.first[position] + inside.start, self.first[position] + inside.stop
        edges = torch.cat([self.below[first:last], self.above[last - 1 : last]])
        cdf = torch.sigmoid((edges - mean.unsqueeze(-1)) * torch.exp(-log_scale).unsqueeze(-1))
        return RankMasses(log_weight.exp(), cdf[..., 1:] - cdf[..., :-1], mean, log_scale.exp(), inside)

    def number(self, position: int, masses: RankMasses, drawn: tuple[Tensor, Tensor, Tensor], rng: Generator) -> Tensor:
        """Return the numbers (n,) beside codes, from the component that each code was drawn from.

        Parameters
        ----------
        position : int
            Position of the column.
        masses : RankMasses
            Those that the codes were drawn with.
        drawn : tuple of Tensor
            Codes (n,), numbers (n,) of the softmax's component, and its logits (n, cardinality).
        rng : Generator
            Draws component and rank.
        """
        codes, number, logits = drawn
        own = masses.weights[:, :1] * logits.softmax(-1).gather(1, codes.unsqueeze(1))
        component = draw(torch.cat([own, masses.joint_with(codes)], 1).clamp(min=1e-30).log(), rng)
        which = (component - 1).clamp(min=0).unsqueeze(1)
        mean, scale = masses.mean.gather(1, which).squeeze(1), masses.scale.gather(1, which).squeeze(1)
        at = codes + self.first[position]
        below, above = torch.sigmoid((self.below[at] - mean) / scale), torch.sigmoid((self.above[at] - mean) / scale)
        uniform = torch.rand(codes.shape, generator=rng, device=codes.device, dtype=mean.dtype)
        share = (below + (above - below) * uniform).clamp(1e-6, 1.0 - 1e-6)
        rank = torch.sigmoid(mean + scale * _log_odds(share))
        within = ((rank - self.low[at]) / self.size[at].clamp(min=1e-9)).clamp(0.0, 1.0)
        return torch.where((component > 0) & (self.size[at] > 0), within, number)

    def place_of(self, position: int, codes: Tensor, number: Tensor | None) -> Tensor:
        """Return log-odds (n,) of the ranks of a predictor's cells, 0 for cells without one."""
        at = codes + self.first[position]
        return self._place(at, torch.zeros_like(at, dtype=self.low.dtype) if number is None else number)

    def _rank(self, at: Tensor, number: Tensor) -> Tensor:
        """Return the ranks of cells at these slots; the middle of the code's where there is no number beside it."""
        within = torch.where(self.numbered[at], number.clamp(0.0, 1.0), 0.5)
        return (self.low[at] + within * self.size[at]).clamp(min=self.nearest, max=1.0 - self.nearest)

    def _place(self, at: Tensor, number: Tensor) -> Tensor:
        """Return the log-odds of the ranks of cells at these slots, 0 for cells without one."""
        return torch.where(self.size[at] > 0, _log_odds(self._rank(at, number)), 0.0)

    def _mixed(self, cells: Tensor, components: tuple[Tensor, Tensor, Tensor], at: Tensor, number: Tensor) -> Tensor:
        """Return the log-density of cells at these slots under the mixture; ``cells`` is that of the softmax.

        A number beside the code has a density in [0, 1], over the code's share of the ranks, and an exponential decay
        beyond, as in `WithinBinHeads`; without one the code has the probability of that share.
        """
        log_weight, mean, log_scale = components
        size, inverse = self.size[at], torch.exp(-log_scale)
        rank = self._rank(at, number)
        slope = size.clamp(min=1e-12).log() - rank.log() - (1.0 - rank).log()  # d log-odds / d number
        beyond = (number - number.clamp(0.0, 1.0)).abs()
        x = (_log_odds(rank).unsqueeze(-1) - mean) * inverse
        density = -x - 2.0 * F.softplus(-x) - log_scale + (slope - beyond).unsqueeze(-1)
        below, above = (edge[at].unsqueeze(-1) for edge in (self.below, self.above))
        mass = _log_mass((below - mean) * inverse, (above - mean) * inverse)
        inside = torch.where(self.numbered[at].unsqueeze(-1), density, mass)
        own = log_weight[..., 0] + cells
        logistic = (log_weight[..., 1:] + inside).logsumexp(-1)
        return torch.where(size > 0, torch.logaddexp(own, logistic), own)

    def _components_of(self, position: int, hidden: Tensor, source: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        j = self.where[position]
        return self._components(torch.addmm(self.bias[j], hidden, self.weight[j]), self.slope[j], source.unsqueeze(-1))

    def _components(self, out: Tensor, slope: Tensor, source: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return log-weights (..., 1 + components) of softmax and components, their means and log-scales."""
        weight, mean, scale = out.split([1 + N_LOGISTICS, N_LOGISTICS, N_LOGISTICS], -1)
        lowest = math.log(MIN_SCALE)
        return weight.log_softmax(-1), mean + slope * source, lowest + F.softplus(scale - lowest)


def usable_predictors(layout: Layout, n_groups: int) -> dict[int, Predictor]:
    """Return the predictors that are drawn in an earlier one of ``n_groups`` groups of columns than their column."""
    return {i: pair for i, pair in layout.predictors.items() if pair.column % n_groups < i % n_groups}


def _log_odds(share: Tensor) -> Tensor:
    """Return log(share / (1 - share)); torch.logit has no translation to ONNX."""
    return share.log() - (1.0 - share).log()


def _log_mass(a: Tensor, b: Tensor) -> Tensor:
    """Return log(sigmoid(b) - sigmoid(a)) for a <= b."""
    return b + (-torch.expm1((a - b).clamp(max=-1e-6))).log() - F.softplus(a) - F.softplus(b)
