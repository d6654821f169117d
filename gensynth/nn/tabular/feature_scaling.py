"""Feature scaling for ensembles: linear or tail-dependent for numbers, one-hot for codes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from gensynth.layout import FAR, Layout
from gensynth.model import Batch
from gensynth.nn.tabular.active_codes import ActiveCodes
from gensynth.nn.tabular.categorical_slots import CategoricalSlots

ScalingKind = Literal["standard", "robust", "adaptive", "asinh"]
CLIP = 5.0
"""Standard deviations beyond which distances grow logarithmically: extreme values cannot be reconstructed."""
N_KNOTS = 129
HEAVY = 3.0
"""Excess kurtosis (that of the Laplace distribution) above which only the ranks of a number are used."""
DENSEST = 0.2
"""Fraction of the distinct values of a column that its densest interval holds."""
BEND = 8.0
"""Widths of the densest interval beyond which "asinh" is logarithmic."""
LEAST_WIDTH = 1e-3
"""Minimal width of that interval, in standard deviations of the column."""
MAX_ROWS = 100_000
"""Rows that quantiles are taken of, at most."""


class MemberInputs(NamedTuple):
    """Network inputs of rows for every member.

    ``numbers`` (members, n, p), 0 where missing; ``codes`` (n, c), of the columns `FeatureScaling.coded`;
    ``network`` (members, n, p + slots), the network inputs: numbers, then standardised one-hot codes;
    ``present`` (n, p): mask of the numbers that are not missing; ``log_presence`` (n, p): its log-probability.
    """

    numbers: Tensor
    codes: Tensor
    network: Tensor
    present: Tensor
    log_presence: Tensor

    def repeated(self, times: int) -> MemberInputs:
        """Return the rows tiled ``times`` times: all rows, then all of them again."""
        return MemberInputs(
            self.numbers.repeat(1, times, 1),
            self.codes.repeat(times, 1),
            self.network.repeat(1, times, 1),
            self.present.repeat(times, 1),
            self.log_presence.repeat(times, 1),
        )


class FeatureScaling(nn.Module):
    """Feature scaling of rows, one kind for each member.

    "standard": centred by the mean, scaled by the standard deviation. "robust": median and quartiles instead, which are
    robust to a tenth of outliers. "adaptive": "standard" for light tails, normal scores (ranks) for `HEAVY` ones, and a
    mixture by excess kurtosis in between: ranks keep a few large values from dominating all distances, but would close
    the gaps between clusters, which have light tails. "asinh": the same with the inverse hyperbolic sine of the
    distance from the densest values in place of ranks, which keeps the gaps of columns with heavy tails, too. All are
    soft-clipped at `CLIP`.

    Parameters
    ----------
    layout : Layout
        Layout of the rows; "continuous" numbers are scaled, everything else is codes.
    kinds : sequence of {"standard", "robust", "adaptive", "asinh"}
        The scaling of each member.
    """

    columns: Tensor
    index: Tensor
    coded: Tensor
    center: Tensor
    scale: Tensor
    knots: Tensor
    scores: Tensor
    bent: Tensor
    spread: Tensor
    frequencies: Tensor

    def __init__(self, layout: Layout, kinds: Sequence[ScalingKind]) -> None:
        super().__init__()
        self.kinds = tuple(dict.fromkeys(kinds))
        self.scaling_of = [self.kinds.index(kind) for kind in kinds]
        numbers = {i: c.numeric for i, c in enumerate(layout.columns) if c.numeric and c.numeric.kind == "continuous"}
        values = list(numbers)
        single = {i for i in values if layout.columns[i].cardinality == 2}  # no code to learn
        coded = [i for i in range(len(layout.columns)) if i not in single]
        self.n_rows = layout.n_rows
        self.register_buffer("columns", torch.tensor(values, dtype=torch.long), persistent=False)
        index = torch.tensor([slot.index for slot in numbers.values()], dtype=torch.long)
        self.register_buffer("index", index, persistent=False)
        self.register_buffer("coded", torch.tensor(coded, dtype=torch.long), persistent=False)
        self.active = ActiveCodes(list(numbers.values()))
        self.register_buffer("alone", torch.tensor([i in single for i in values], dtype=torch.bool), persistent=False)
        part = Layout(tuple(layout.columns[i] for i in coded), layout.n_rows)
        self.code_slots = CategoricalSlots(part, padded=False)
        owners = torch.zeros(self.code_slots.n_slots, dtype=torch.long)
        for i, first in zip(coded, self.code_slots.offsets.tolist(), strict=True):
            owners[first : first + layout.columns[i].cardinality] = i
        self.register_buffer("owner", torch.cat([self.columns, owners]), persistent=False)
        self.n_columns = len(layout.columns)
        p, n_kinds, slots_n = len(values), len(self.kinds), self.code_slots.n_slots
        self.register_buffer("center", torch.zeros(n_kinds, p))
        self.register_buffer("scale", torch.ones(n_kinds, p))
        self.register_buffer("knots", torch.zeros(p, N_KNOTS))
        self.register_buffer("scores", torch.zeros(p, N_KNOTS))
        if "asinh" in self.kinds:
            self.register_buffer("bent", torch.zeros(p, N_KNOTS))
        self.register_buffer("spread", torch.ones(p))
        self.register_buffer("frequencies", torch.zeros(slots_n))
        self.register_buffer("marginals", self.code_slots.log_marginals.clamp(min=-30.0), persistent=False)

    alone: Tensor
    owner: Tensor
    marginals: Tensor

    @property
    def n_numbers(self) -> int:
        """Numbers of a row, p."""
        return self.columns.shape[0]

    @property
    def width(self) -> int:
        """Width of what a network reads."""
        return self.n_numbers + self.code_slots.n_slots

    def inputs_of(self, position: int) -> Tensor:
        """Return the entries of the network inputs that belong to one column of the layout."""
        return (self.owner == position).nonzero().flatten()

    def with_marginals(self, parameters: Tensor) -> Tensor:
        """Return (members, n, width) parameters of the cells with the columns' own log-frequencies in their logits."""
        return torch.cat([parameters[..., : self.n_numbers], parameters[..., self.n_numbers :] + self.marginals], -1)

    def as_read(self, parameters: Tensor) -> Tensor:
        """Return the network inputs of rows equal to the expectation under these parameters (members, n, width)."""
        if not self.code_slots.n_slots:
            return parameters
        probabilities = self.code_slots.softmax(self.with_marginals(parameters)[..., self.n_numbers :])
        return torch.cat([parameters[..., : self.n_numbers], self._standardised(probabilities)], -1)

    def by_column(self, entries: Tensor) -> Tensor:
        """Return (..., k): sums of (..., width) over the entries of each column of the layout."""
        out = entries.new_zeros(*entries.shape[:-1], self.n_columns)
        return out.index_add(-1, self.owner, entries)

    @torch.no_grad()
    def fit(self, batch: Batch, _rng: torch.Generator) -> None:
        """Fit the scaling to training rows."""
        present, raw = self._present(batch), batch.numeric.index_select(1, self.index).double()
        levels = torch.linspace(0.0, 1.0, N_KNOTS, dtype=torch.float64, device=raw.device)
        for j in range(self.n_numbers):
            values = raw[present[:, j], j].sort().values
            near = values[values.abs() <= FAR]  # an extreme cell would make all others look alike
            values = near if len(near) else values
            if len(values):
                self._fit_column(j, values, levels)
        one_hot = self._one_hot(batch.codes.index_select(1, self.coded), raw.dtype)
        self.frequencies.copy_(one_hot.mean(0))

    def _fit_column(self, j: int, values: Tensor, levels: Tensor) -> None:
        deviation = float(values.std(correction=0)) or 1.0
        quartiles = values.quantile(torch.tensor([0.25, 0.5, 0.75], dtype=values.dtype, device=values.device)).tolist()
        robust = (quartiles[2] - quartiles[0]) / 1.349
        if robust < 1e-6 * deviation:
            robust = deviation
        for view, kind in enumerate(self.kinds):
            if kind == "standard":
                self.center[view, j], self.scale[view, j] = float(values.mean()), deviation
            elif kind == "robust":
                self.center[view, j], self.scale[view, j] = quartiles[1], robust
        n = len(values)
        knots = values.quantile(levels)
        # equal values share the middle of their ranks
        low, high = torch.searchsorted(values, knots), torch.searchsorted(values, knots, right=True)
        share = ((low + high) / 2 + 0.5).clamp(0.5, n + 0.5) / (n + 1)
        mean = values.mean()
        heavy = ((((values - mean) / deviation).pow(4).mean() - 3.0) / HEAVY).clamp(0.0, 1.0)
        linear = (knots - mean) / deviation
        self.knots[j], self.spread[j] = knots, deviation
        self.scores[j] = torch.lerp(linear, torch.special.ndtri(share.to(knots)), heavy)
        if "asinh" in self.kinds:
            at, width = densest_interval(values.unique())
            unit = BEND * max(width, LEAST_WIDTH * deviation)
            bent = torch.asinh((values - at) / unit)
            own = (torch.asinh((knots - at) / unit) - bent.mean()) / (float(bent.std(correction=0)) or 1.0)
            self.bent[j] = torch.lerp(linear, own, heavy)

    def forward(self, batch: Batch) -> MemberInputs:
        """Return the rows as every member sees them."""
        present = self._present(batch)
        raw = batch.numeric.index_select(1, self.index)
        scaled = [self._scaled(i, kind, raw) for i, kind in enumerate(self.kinds)]
        numbers = torch.stack([torch.where(present, own, 0.0) for own in scaled])
        codes = batch.codes.index_select(1, self.coded)
        standardised = self._standardised(self._one_hot(codes, raw.dtype))
        network = torch.cat([numbers, standardised.expand(len(self.kinds), -1, -1)], -1)
        # a missing number where none was ever missing is as likely as half a row of the table
        missing = torch.full((), 0.5 / (self.n_rows + 1), dtype=raw.dtype, device=raw.device).log()
        log_presence = torch.where(present | ~self.alone, 0.0, missing)
        members = torch.tensor(self.scaling_of, device=raw.device)
        return MemberInputs(
            numbers.index_select(0, members), codes, network.index_select(0, members), present, log_presence
        )

    def encoded(self, number: int, values: Tensor) -> Tensor:
        """Return encoded numbers (members, n) of one of the p numbers, from every member's scaling of it."""
        size = values.abs()
        values = values.sign() * torch.where(size > CLIP, CLIP + torch.expm1((size - CLIP).clamp(max=30.0)), size)
        out = []
        for own, view in zip(values, self.scaling_of, strict=True):
            curves = self._curves(self.kinds[view])
            if curves is None:
                out.append(own * self.scale[view, number] + self.center[view, number])
                continue
            at = curves[number].to(own)
            beyond = (own - at[-1]).clamp(min=0.0) + (own - at[0]).clamp(max=0.0)
            out.append(interpolate(own, at, self.knots[number].to(own)) + beyond * self.spread[number].to(own))
        return torch.stack(out)

    def _curves(self, kind: ScalingKind) -> Tensor | None:
        """Return the scaled values (p, N_KNOTS) at the knots; None for linear scalings."""
        if kind == "asinh":
            return self.bent
        return self.scores if kind == "adaptive" else None

    def _scaled(self, view: int, kind: ScalingKind, raw: Tensor) -> Tensor:
        """Return numbers (n, p) in one scaling."""
        curves = self._curves(kind)
        if curves is not None:
            return _soft_clipped(self._interpolated(raw, curves))
        return _soft_clipped((raw - self.center[view].to(raw.dtype)) / self.scale[view].to(raw.dtype))

    def _interpolated(self, raw: Tensor, curves: Tensor) -> Tensor:
        knots, scores = self.knots.to(raw.dtype), curves.to(raw.dtype)
        right = torch.searchsorted(knots, raw.t().contiguous()).clamp(1, N_KNOTS - 1)
        low, high = knots.gather(1, right - 1), knots.gather(1, right)
        reach = high - low
        within = ((raw.t() - low) / torch.where(reach > 0, reach, 1.0)).clamp(0.0, 1.0)
        z = torch.lerp(scores.gather(1, right - 1), scores.gather(1, right), within).t()
        beyond = (raw - knots[:, -1]).clamp(min=0.0) + (raw - knots[:, 0]).clamp(max=0.0)
        return z + beyond / self.spread.to(raw.dtype)

    def _present(self, batch: Batch) -> Tensor:
        """Return (n, p): whether each number is there."""
        mask: Tensor = self.active(batch.codes.index_select(1, self.columns))
        return mask

    def _standardised(self, one_hot: Tensor) -> Tensor:
        share = self.frequencies.to(one_hot.dtype)
        return (one_hot - share) / (share * (1.0 - share) + 0.04).sqrt()

    def _one_hot(self, codes: Tensor, dtype: torch.dtype) -> Tensor:
        flat = torch.zeros(len(codes), self.code_slots.n_slots, dtype=dtype, device=codes.device)
        return flat.scatter_(1, codes + self.code_slots.offsets, 1.0)


def _soft_clipped(z: Tensor) -> Tensor:
    size = z.abs()
    return z.sign() * torch.where(size > CLIP, CLIP + torch.log1p((size - CLIP).clamp(min=0.0)), size)


def densest_interval(distinct: Tensor) -> tuple[float, float]:
    """Return the middle and the width of the narrowest interval with `DENSEST` of ascending values (n,)."""
    apart = max(round(DENSEST * len(distinct)), 1)
    if len(distinct) <= apart:
        return float(distinct[0]), 0.0
    low, high = distinct[:-apart], distinct[apart:]
    narrowest = int((high - low).argmin())
    return float(low[narrowest] + high[narrowest]) / 2.0, float(high[narrowest] - low[narrowest])


def interpolate(x: Tensor, at: Tensor, values: Tensor) -> Tensor:
    """Return piecewise linear ``values`` (knots,) over ascending ``at`` (knots,), constant beyond them."""
    right = torch.searchsorted(at, x.contiguous()).clamp(1, len(at) - 1)
    low, high = at[right - 1], at[right]
    within = ((x - low) / torch.where(high > low, high - low, 1.0)).clamp(0.0, 1.0)
    return torch.lerp(values[right - 1], values[right], within)
