"""Differentiable rows for GANs: normal scores of ordered columns, one-hot codes of the others."""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor, nn

from gensynth.layout import UNKNOWN, ColumnLayout, Layout, NumericSlot
from gensynth.model import Batch
from gensynth.nn.tabular.active_codes import ActiveCodes
from gensynth.nn.tabular.categorical_slots import CategoricalSlots
from gensynth.nn.tabular.straight_through import straight_through

MAX_ONE_HOT = 16
"""Ordered codes up to which a column is one-hot; one of more codes is a number."""
N_KNOTS = 512
"""Points at which distribution functions are kept."""


class RelaxedRows(nn.Module):
    """Conversion between batches and differentiable vectors of ``width = n_scores + n_slots`` entries.

    An ordered column of many codes is one number: the normal score of its value, N(0, 1) over the training rows for any
    column, with repeated values spread over their range of scores (jitter), so that all distributions to be learned
    are smooth. If it has missing cells, a binary code marks them, and the score is 0. All other columns are one-hot
    codes, the slots of `CategoricalSlots`.

    Parameters
    ----------
    layout : Layout
        Shape of the rows, encoded in bins.
    """

    scored: Tensor
    one_hot: Tensor
    gaps: Tensor
    gap_codes: Tensor
    gap_slots: Tensor
    numeric: Tensor
    first: Tensor
    last: Tensor
    owner: Tensor
    cumulative: Tensor
    quantiles: Tensor
    drawn: Tensor

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        if any(c.holds("continuous") for c in layout.columns):
            raise ValueError("numbers must be encoded in bins: Encoding(numeric='bins')")
        self.layout = layout
        scored = [i for i, c in enumerate(layout.columns) if c.ordered and c.cardinality - 1 > MAX_ONE_HOT]
        one_hot = [(i, c) for i, c in enumerate(layout.columns) if i not in set(scored)]
        gaps = [(i, layout.columns[i]) for i in scored if layout.columns[i].missing is not None]
        slots = [*(c for _, c in one_hot), *(_gap(c) for _, c in gaps)]
        self.code_slots = CategoricalSlots(Layout(tuple(slots), layout.n_rows), padded=False)
        self.n_scores, self.n_slots = len(scored), self.code_slots.n_slots
        self.width = self.n_scores + self.n_slots
        widest = max((layout.columns[i].cardinality for i in scored), default=0)
        cumulative = torch.ones(len(scored), widest + 1)
        for k, i in enumerate(scored):
            column = layout.columns[i]
            shares = torch.tensor(column.frequencies, dtype=torch.float64)
            if column.missing is not None:
                shares[column.missing] = 0.0
            sums = torch.cat([shares.new_zeros(1), shares.cumsum(0)]) / shares.sum().clamp(min=1e-12)
            cumulative[k, : len(sums)] = sums.clamp(max=1.0)
        numbers = [layout.columns[i] for i in scored]
        owners = sorted(((c.numeric, i) for i, c in enumerate(layout.columns) if c.numeric), key=lambda o: o[0].index)
        none = NumericSlot(-1, range(0), "within_bin")
        slots_of = [c.numeric or none for c in numbers]
        for name, entries in (
            ("scored", scored),
            ("one_hot", [i for i, _ in one_hot]),
            ("gaps", [scored.index(i) for i, _ in gaps]),
            ("gap_codes", [c.missing for _, c in gaps]),
            ("gap_slots", [self.n_scores + int(o) for o in self.code_slots.offsets[len(one_hot) :]]),
            ("numeric", [slot.index for slot in slots_of]),
            ("first", [_outermost(c)[0] for c in numbers]),
            ("last", [_outermost(c)[1] for c in numbers]),
            ("owner", [i for _, i in owners]),
        ):
            self.register_buffer(name, torch.tensor(entries, dtype=torch.long), persistent=False)
        self.active_scored, self.active_owners = ActiveCodes(slots_of), ActiveCodes([slot for slot, _ in owners])
        even = torch.linspace(0.0, 1.0, N_KNOTS).repeat(len(scored), 1)
        self.register_buffer("cumulative", cumulative, persistent=False)
        self.register_buffer("quantiles", even.clone())
        self.register_buffer("drawn", torch.special.ndtri(even.clamp(1e-4, 1.0 - 1e-4)))

    def fit(self, rows: Batch) -> None:
        """Fit the distribution of every scored column on the training rows, including repeated values."""
        ranks = self._ranks(rows)[0]
        for k, here in enumerate(self._present(rows).unbind(1)):
            self.quantiles[k] = _knots(ranks[here, k])

    def fit_drawn(self, outputs: Tensor) -> None:
        """Fit the distribution of generated scores, which `decode` maps to that of the training rows.

        ``outputs`` (n, width) are those of a generator; only the scores are used.
        """
        for k in range(self.n_scores):
            self.drawn[k] = _knots(outputs[:, k])

    def encode(self, rows: Batch, rng: Generator | None = None) -> Tensor:
        """Return vectors (n, width) of rows; with ``rng`` repeated values are spread, else they lie in their middle."""
        vectors = rows.numeric.new_zeros(len(rows), self.width)
        if self.n_scores:
            ranks, beyond = self._ranks(rows)
            at = ranks.t().contiguous()
            left, right = (torch.searchsorted(self.quantiles, at, side=side) for side in ("left", "right"))
            low, high = (left - 1).clamp(min=0), left.clamp(max=N_KNOTS - 1)
            a, b = self.quantiles.gather(1, low), self.quantiles.gather(1, high)
            between = low + (at - a) / (b - a).clamp(min=1e-12)
            share = torch.full_like(at, 0.5)
            if rng is not None:
                share = torch.rand(at.shape, generator=rng, device=at.device, dtype=at.dtype)
            place = torch.where(right > left, left - 0.5 + share * (right - left), between).clamp(0.0, N_KNOTS - 1.0)
            scores = torch.special.ndtri((place / (N_KNOTS - 1)).clamp(1e-4, 1.0 - 1e-4)).t() + beyond
            vectors[:, : self.n_scores] = torch.where(self._present(rows), scores, 0.0)
        return vectors.scatter_(1, self.codes(rows) + (self.code_slots.offsets + self.n_scores), 1.0)

    def codes(self, rows: Batch) -> Tensor:
        """Return (n, columns of slots) codes: those of one-hot columns, then 1 for present and 2 for missing scores."""
        codes = rows.codes.index_select(1, self.one_hot)
        if not len(self.gaps):
            return codes
        of_gaps = rows.codes.index_select(1, self.scored.index_select(0, self.gaps))
        return torch.cat([codes, 1 + (of_gaps == self.gap_codes)], 1)

    def outlyingness(self, rows: Batch, vectors: Tensor) -> Tensor:
        """Return the outlyingness (n, k) of each cell of rows and their encoding; 0 within the usual range.

        Half the squared normal score of a number, extrapolated beyond the fitted ones; the logarithm of the number of
        rows for an unseen value.
        """
        codes = rows.codes
        out = rows.numeric.new_zeros(codes.shape)
        if len(self.owner):
            own = codes.index_select(1, self.owner)
            beyond = (rows.numeric - rows.numeric.clamp(0.0, 1.0)).abs().log1p() * self.active_owners(own)
            out = out.index_copy(1, self.owner, 0.5 * beyond.square())
        if self.n_scores:
            out = out.index_copy(1, self.scored, 0.5 * vectors[:, : self.n_scores].square())
        return out + (codes == UNKNOWN) * math.log(self.layout.n_rows + 1.0)

    def sample_relaxed(self, outputs: Tensor, rng: Generator) -> Tensor:
        """Return vectors (n, width) from outputs (n, width) of a generator, scores and logits of the slots.

        The codes are one-hot, as a critic sees them in real rows, with the gradient of `straight_through`.
        """
        scores, logits = outputs[:, : self.n_scores], outputs[:, self.n_scores :]
        if not self.n_slots:
            return scores
        vectors = torch.cat([scores, straight_through(self.code_slots, logits, rng)], 1)
        if not len(self.gaps):
            return vectors
        missing = vectors.index_select(1, self.gap_slots + 2)
        return vectors.mul(torch.ones_like(vectors).index_copy(1, self.gaps, 1.0 - missing))

    def decode(self, vectors: Tensor, rng: Generator) -> Batch:
        """Return the rows of vectors (n, width); numbers beside one-hot codes are drawn uniformly."""
        n = len(vectors)
        codes = torch.zeros(n, len(self.layout.columns), dtype=torch.long, device=vectors.device)
        numeric = torch.rand((n, len(self.owner)), generator=rng, device=vectors.device, dtype=vectors.dtype)
        columns = self.one_hot.tolist()
        of_slots = torch.zeros(n, len(self.code_slots.offsets), dtype=torch.long, device=vectors.device)
        for group in self.code_slots.groups:
            of_slots[:, list(group.columns)] = group.view(vectors[:, self.n_scores :]).argmax(-1)
        codes[:, columns] = of_slots[:, : len(columns)]
        if self.n_scores:
            at = vectors[:, : self.n_scores].t().contiguous()
            ranks = _interpolate(_interpolate(at, self.drawn, None), None, self.quantiles)
            code = torch.searchsorted(self.cumulative, ranks, side="right") - 1
            code = torch.minimum(torch.maximum(code, self.first.unsqueeze(1)), self.last.unsqueeze(1))
            low, high = self.cumulative.gather(1, code), self.cumulative.gather(1, code + 1)
            position = ((ranks - low) / (high - low).clamp(min=1e-12)).clamp(0.0, 1.0)
            has = self.numeric >= 0
            numeric[:, self.numeric[has]] = position[has].t()
            codes[:, self.scored] = code.t()
        if len(self.gaps):
            missing = of_slots[:, len(columns) :] == 2
            where = self.scored.index_select(0, self.gaps)
            codes[:, where] = torch.where(missing, self.gap_codes, codes[:, where])
        own = codes.index_select(1, self.owner)
        return Batch(numeric * self.active_owners(own), codes)

    def entries_of(self, columns: tuple[int, ...]) -> Tensor:
        """Return (width,) bool: which entries of a vector belong to these columns."""
        mask = torch.zeros(self.width, dtype=torch.bool)
        wanted, one_hot, scored = set(columns), self.one_hot.tolist(), self.scored.tolist()
        for k, i in enumerate(scored):
            mask[k] = i in wanted
        owners = [*one_hot, *(scored[k] for k in self.gaps.tolist())]
        for i, offset, size in zip(owners, self.code_slots.offsets.tolist(), self.code_slots.sizes, strict=True):
            mask[self.n_scores + offset : self.n_scores + offset + size] = i in wanted
        return mask

    def _present(self, rows: Batch) -> Tensor:
        """Return (n, n_scores) bool: whether there is a value."""
        here = torch.ones(len(rows), self.n_scores, dtype=torch.bool, device=rows.codes.device)
        if len(self.gaps):
            of_gaps = rows.codes.index_select(1, self.scored.index_select(0, self.gaps))
            here[:, self.gaps] = of_gaps != self.gap_codes
        return here

    def _ranks(self, rows: Batch) -> tuple[Tensor, Tensor]:
        """Return (n, n_scores): the rank in [0, 1] of each value by code and position, and how far it lies beyond."""
        codes = rows.codes.index_select(1, self.scored)
        place = torch.cat([rows.numeric, rows.numeric.new_full((len(rows), 1), 0.5)], 1)
        place = place.index_select(1, self.numeric % place.shape[1])
        place = torch.where(self.active_scored(codes), place, 0.5)
        inside = place.clamp(0.0, 1.0)
        far = place - inside
        low, high = (self.cumulative.gather(1, (codes + i).t()).t() for i in (0, 1))
        return torch.lerp(low, high, inside), far.sign() * far.abs().log1p()


def _gap(column: ColumnLayout) -> ColumnLayout:
    """Return the column that says whether a cell of ``column`` is missing."""
    missing = column.frequencies[column.missing or 0]
    return ColumnLayout(column.name, (0.0, 1.0 - missing, missing))


def _outermost(column: ColumnLayout) -> tuple[int, int]:
    """Return the first and last code that stands in fitted rows for a value."""
    here = [code for code, share in enumerate(column.frequencies) if share > 0 and code != column.missing]
    return (here[0], here[-1]) if here else (1, column.cardinality - 1)


def _knots(values: Tensor) -> Tensor:
    """Return (N_KNOTS,) evenly spaced quantiles of values (n,)."""
    if not len(values):
        return torch.linspace(0.0, 1.0, N_KNOTS, dtype=values.dtype, device=values.device)
    at = torch.linspace(0, len(values) - 1, N_KNOTS, device=values.device).round().long()
    return values.sort().values[at]


def _interpolate(x: Tensor, knots: Tensor | None, values: Tensor | None) -> Tensor:
    """Return piecewise linear functions, a row each, at x (k, n), between knots and values (k, N_KNOTS).

    Evenly spaced ones on [0, 1] for None.
    """
    if knots is None:
        at = x.clamp(0.0, 1.0) * (N_KNOTS - 1)
        left = at.long().clamp(max=N_KNOTS - 2)
        share = at - left
    else:
        left = (torch.searchsorted(knots, x) - 1).clamp(0, N_KNOTS - 2)
        a, b = knots.gather(1, left), knots.gather(1, left + 1)
        share = ((x - a) / (b - a).clamp(min=1e-12)).clamp(0.0, 1.0)
    if values is None:
        return (left + share) / (N_KNOTS - 1)
    return torch.lerp(values.gather(1, left), values.gather(1, left + 1), share)
