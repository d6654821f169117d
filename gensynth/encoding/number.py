"""Encoding of numbers and dates: codes for repeated values, and bins, normal scores or scaled values."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gensynth.encoding.columns import Cells, ColumnEncoder, Counts, State
from gensynth.encoding.far import WRECKED, warn_of_far_cells
from gensynth.encoding.quantiles import QuantileFunction
from gensynth.encoding.scaling import NumberScale
from gensynth.encoding.steps import choose_atoms, distinct_ticks, grid_of, location_of, steps_of, unit_of
from gensynth.layout import UNKNOWN, ColumnLayout, Encoding, NumericEncoding, NumericKind, NumericSlot
from gensynth.schema import Column
from gensynth.schema.calendar import count_days, uncount_days
from gensynth.schema.moments import impossible_dates, is_span
from gensynth.schema.ticks import Ticks, from_ticks, on_grid, specials_of, ticks_of, with_specials
from gensynth.schema.values import Bools, is_missing

_MIN_BINS = 8
_TOLD_APART = 2**50  # steps: the position in a bin has 53 bits, a few of which are lost
_LAST = np.nextafter(2.0**64, 0.0)
Floats = NDArray[np.float64]


class NumberEncoder(ColumnEncoder):
    """Codes: unknown, missing, special texts, atoms (repeated values), then bins or one code for any value.

    Values between the atoms of a column that has nothing but atoms are encoded as the nearest atom, values beyond
    them as unknown.

    Parameters
    ----------
    column : Column
        The column.
    counts : ndarray of shape (n_codes,)
        Fitted rows of each code, `UNKNOWN` included; fractions where rows have weights that are no whole numbers.
    atoms : ndarray of shape (n_atoms,)
        Ticks that are codes of their own, ascending.
    function : QuantileFunction or None
        Of the steps ``(tick - origin) / step`` (whole ticks) or of the ticks themselves; None if all is atoms.
    origin : int
        Least tick; 0 for ticks that are not whole.
    step : int or float
        Greatest common divisor of what lies above the least tick; the unit of ticks that are not whole.
    center, scale : float
        Robust location and scale, in steps.
    numeric : {"bins", "normal", "standard"}
        As in `Encoding`.
    """

    def __init__(
        self,
        column: Column,
        counts: Counts,
        atoms: Ticks,
        function: QuantileFunction | None,
        origin: int,
        step: float,
        center: float,
        scale: float,
        numeric: NumericEncoding,
    ) -> None:
        self.column = column
        self.counts = counts
        self.atoms = atoms
        self.function = function
        self.origin = origin
        self.step = step
        self.center = center
        self.scale = scale
        self.numeric = numeric
        bins = 0 if function is None else function.n_bins
        self.first = len(counts) - bins - len(atoms)
        self.n_specials = len(column.specials)
        self.undrawn = [UNKNOWN, *(self.first - self.n_specials + i for i in impossible_dates(column))]
        self.n_missing = counts[1].item() if self.first == 2 + self.n_specials else 0
        rows = max(int(counts[len(counts) - bins :].sum()), 2) if bins else 2
        self.low, self.high = column.minimum or 0, column.maximum or 0
        self.last = self.high if column.days is None else count_days(np.array([self.high]), column)[0].item()
        self.scaling = None if function is None else NumberScale(function, center, scale, 0.5 / rows, numeric)

    @classmethod
    def fit(cls, series: pd.Series[Any], column: Column, encoding: Encoding, weights: Counts | None = None) -> Self:
        """Choose atoms and fit the quantile function of the other values; ``weights`` (n,) are row weights."""
        ticks, missing = ticks_of(series, column)
        ticks, _ = count_days(ticks, column)
        specials = specials_of(series, column) if column.specials else np.full(len(ticks), -1)
        head = _head(missing & (specials < 0), specials, column, weights)
        present: Ticks = ticks[~missing] if missing.any() else ticks
        distinct, counts = distinct_ticks(present, None if weights is None else weights[~missing])
        atom = choose_atoms(counts, encoding.max_atoms, mixed=encoding.mixed)
        origin, step = grid_of(distinct) if column.discrete else (0, unit_of(distinct))
        steps = steps_of(distinct, origin, step)
        center, scale = location_of(steps, counts)
        if len(steps) and max(center - float(steps[0]), float(steps[-1]) - center) > WRECKED * scale:
            far = np.abs(steps_of(ticks, origin, step) - center) > WRECKED * scale
            warn_of_far_cells(series, column.name, far & ~missing)
        rest = ~atom
        function, bin_counts = None, np.zeros(0, dtype=counts.dtype)
        if rest.any():
            n = int(counts[rest].sum())
            n_bins = min(max(round(n**0.5), _MIN_BINS), encoding.max_bins, int(rest.sum()))
            n_bins = n_bins if encoding.numeric == "bins" else 1
            function = QuantileFunction.fit(steps[rest], counts[rest], n_bins, whole=column.discrete)
            bins = function.find_bin(steps[rest])
            bin_counts = np.bincount(bins, weights=counts[rest], minlength=function.n_bins).astype(counts.dtype)
        all_counts: Any = np.concatenate([head, counts[atom], bin_counts]).astype(counts.dtype)
        return cls(column, all_counts, distinct[atom], function, origin, step, center, scale, encoding.numeric)

    def set_code_counts(self, counts: NDArray[Any]) -> None:
        """Set the counts of the codes from another table."""
        self.counts = counts
        self.n_missing = counts[1].item() if self.first == 2 + self.n_specials else 0

    def layout(self, numeric: int) -> ColumnLayout:
        """Return the layout: unknown, missing, atoms, bins."""
        n_codes, total = len(self.counts), max(self.counts.sum().item(), 1)
        bins = 0 if self.function is None else self.function.n_bins
        kind: NumericKind = "within_bin" if self.numeric == "bins" else "continuous"
        return ColumnLayout(
            str(self.column.name),
            tuple((self.counts / total).tolist()),
            ordered=not self.n_specials and (not bins or not len(self.atoms)),
            missing=1 if self.n_missing else None,
            numeric=NumericSlot(numeric, range(n_codes - bins, n_codes), kind) if bins else None,
        )

    def encode(self, series: pd.Series[Any], *, jacobian: bool = False) -> Cells:
        """Return codes and numbers of aligned cells."""
        ticks, missing = ticks_of(series, self.column)
        ticks, off = count_days(ticks, self.column)
        codes, atom = self._atom_codes(ticks)
        codes[off] = UNKNOWN
        if self.function is None or self.scaling is None:
            codes[missing] = self._codes_without_ticks(series)[missing]
            return Cells(codes)
        steps = steps_of(ticks, self.origin, self.step)
        bins = self.function.find_bin(steps)
        numbers = self.scaling.encode(steps, bins)
        plain = ~(missing | atom | off)
        codes = np.where(atom, codes, (bins + self.first + len(self.atoms)).astype(np.int32))
        codes[off] = UNKNOWN
        codes[missing] = self._codes_without_ticks(series)[missing]
        numbers[~plain] = 0.0
        if not jacobian:
            return Cells(codes, numbers)
        return Cells(codes, numbers, np.where(plain, self.scaling.log_jacobian(steps, bins), 0.0))

    def decode(self, cells: Cells) -> pd.Series[Any]:
        """Return cells of the fitted dtype, within the fitted range."""
        ticks, missing = self.decode_ticks(cells)
        out = from_ticks(ticks, missing, self.column)
        return with_specials(out, self._specials_at(self._known_codes(cells)), self.column) if self.n_specials else out

    def decode_ticks(self, cells: Cells) -> tuple[Ticks, Bools]:
        """Return the ticks of encoded cells, and a mask of cells without any: missing ones and special texts."""
        ticks, missing = self._decode_counted(cells)
        return uncount_days(ticks, self.column), missing

    def _decode_counted(self, cells: Cells) -> tuple[Ticks, Bools]:
        codes = self._known_codes(cells)
        missing = codes < self.first
        place = np.clip(codes - self.first, 0, max(len(self.atoms) - 1, 0))
        if self.function is None or self.scaling is None:
            if not len(self.atoms):
                return np.zeros(len(codes), dtype=np.int64), missing
            return self.atoms[place], missing
        bins = np.clip(codes - self.first - len(self.atoms), 0, self.function.n_bins - 1)
        numbers = np.zeros(len(codes)) if cells.numbers is None else cells.numbers
        steps = self.function.decode(bins, self.scaling.positions(numbers))
        out: Ticks = steps * self.step
        if self.column.discrete:
            out = self._whole(steps)
        if not len(self.atoms):
            return out, missing
        return np.where(codes < self.first + len(self.atoms), self.atoms[place], out), missing

    def _known_codes(self, cells: Cells) -> NDArray[np.int64]:
        """Return valid codes: unknown ones and impossible dates become missing, or the most frequent code."""
        codes = cells.codes.astype(np.int64)
        fallback = 1 if self.n_missing else int(np.argmax(self.counts))
        return np.where(np.isin(codes, self.undrawn), fallback, codes)

    def _specials_at(self, codes: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return where codes stand among ``column.specials``; negative for those of numbers and of missing cells."""
        return np.where(codes < self.first, codes - (self.first - self.n_specials), -1)

    def _codes_without_ticks(self, series: pd.Series[Any]) -> NDArray[np.int32]:
        """Return the codes of cells that have no ticks: missing ones, and texts among the numbers."""
        if self.column.notation is None and not self.n_specials:
            return np.full(len(series), 1 if self.n_missing else UNKNOWN, dtype=np.int32)
        special = specials_of(series, self.column)
        codes = np.where(special >= 0, special + self.first - self.n_specials, 1 if self.n_missing else UNKNOWN)
        return np.where(special == -2, UNKNOWN, codes).astype(np.int32)

    def _whole(self, steps: Floats) -> NDArray[np.int64]:
        """Return the ticks of steps, rounded to whole numbers without overflow of int64."""
        last = np.uint64((int(self.last) - self.origin) // int(self.step))
        whole = np.minimum(np.minimum(np.rint(steps), _LAST).astype(np.uint64), last)
        return (whole * np.uint64(self.step)).view(np.int64) + self.origin  # modulo 2**64

    @property
    def is_wide(self) -> bool:
        """Whether numbers have more digits than floats tell apart, so that decoding may miss one by some units."""
        if self.function is None or self.column.days is not None:
            return False
        if not self.column.discrete:
            return self.column.places is not None
        return (int(self.high) - int(self.low)) // int(self.step) >= _TOLD_APART

    def unseen(self, series: pd.Series[Any]) -> Bools:
        """Return whether a value is outside the fitted range, or between atoms if there are no bins."""
        ticks, missing = ticks_of(series, self.column)
        cells = self.encode(series)
        back = self.decode_ticks(cells)[0]
        reach = 0.0 if self.column.discrete else 1e-9 * (float(self.high) - float(self.low))
        exact = np.abs(back - ticks) <= reach
        if self.is_wide and self.column.discrete:  # any on the grid: `wide.put_given` gives them back
            exact |= (ticks.view(np.uint64) - np.int64(self.origin).view(np.uint64)) % np.uint64(self.step) == 0
        inside = (ticks >= self.low) & (ticks <= self.high) & (cells.codes != UNKNOWN)
        if self.column.kind == "numeric" and self.column.decimals is not None and not is_span(self.column):
            exact &= on_grid(series, ticks, self.column)
        unread = missing & ~is_missing(series) & (cells.codes == UNKNOWN)
        return np.asarray(unread | (~missing & ~(exact & inside)))

    def known(self) -> str:
        """Name the atoms, or the range."""
        some = len(self.atoms) and self.function is None
        atoms = uncount_days(self.atoms, self.column)
        shown = atoms[:10] if some else np.array([self.low, self.high])
        texts = self._text(shown)
        if not some:
            return f"it held values from {texts[0]} to {texts[1]}"
        more = len(atoms) - len(texts)
        return f"it held {', '.join(texts)}" + (f" and {more} more up to {self._text(atoms[-1:])[0]}" if more else "")

    def _text(self, ticks: Ticks) -> list[str]:
        return [str(v) for v in from_ticks(ticks, np.zeros(len(ticks), bool), self.column).tolist()]

    def draw(self, chances: Floats) -> Ticks:
        """Return ticks (n,) by fitted frequency, none missing, for uniform numbers (n,) in [0, 1)."""
        counts = np.cumsum(np.where(np.arange(len(self.counts)) < self.first, 0, self.counts))
        goal = chances * counts[-1]
        codes = np.minimum(np.searchsorted(counts, goal, side="right"), len(counts) - 1).astype(np.int32)
        inside = (goal - (counts[codes] - self.counts[codes])) / np.maximum(self.counts[codes], 1)
        return self.decode_ticks(Cells(codes, self.numbers_at(codes, inside)))[0]

    def weights(self, cells: Cells) -> Floats:
        """Return the count of each cell's code."""
        return self.counts[cells.codes].astype(np.float64)

    def state(self) -> State:
        """Return the fitted state."""
        json = {"origin": self.origin, "step": self.step, "center": self.center, "scale": self.scale,
                "numeric": self.numeric, "function": self.function is not None}  # fmt: skip
        arrays = {"counts": self.counts, "atoms": self.atoms}
        return json, arrays if self.function is None else arrays | self.function.state()

    @classmethod
    def from_state(cls, column: Column, json: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> Self:
        """Rebuild from `state`."""
        function = None
        if json["function"]:
            function = QuantileFunction(arrays["positions"], arrays["values"], arrays["offsets"])
        numbers = (json["origin"], json["step"], json["center"], json["scale"])
        return cls(column, arrays["counts"], arrays["atoms"], function, *numbers, json["numeric"])

    def _atom_codes(self, ticks: Ticks) -> tuple[NDArray[np.int32], Bools]:
        """Return the code of the nearest atom (`UNKNOWN` beyond them), and where the value is that atom."""
        atoms = self.atoms
        if not len(atoms):
            return np.zeros(len(ticks), dtype=np.int32), np.zeros(len(ticks), dtype=bool)
        right = np.minimum(np.searchsorted(atoms, ticks), len(atoms) - 1)
        left = np.maximum(right - 1, 0)
        nearest = np.where(np.abs(atoms[right] - ticks) <= np.abs(ticks - atoms[left]), right, left)
        inside = (ticks >= atoms[0]) & (ticks <= atoms[-1])
        return np.where(inside, nearest + self.first, UNKNOWN).astype(np.int32), atoms[nearest] == ticks

    def numbers_at(self, codes: NDArray[np.int32], positions: Floats) -> Floats:
        """Return the numbers (n,) of cells at positions in [0, 1] of their codes; 0 for codes without a number."""
        if self.scaling is None:
            return np.zeros(len(codes))
        return np.where(codes >= self.first + len(self.atoms), self.scaling.numbers_at(positions), 0.0)


def _head(missing: Bools, specials: NDArray[np.int64], column: Column, weights: Counts | None) -> list[Any]:
    """Return the counts of the codes before the numbers: unknown, missing (if any is), and the texts among them."""
    own = np.ones(len(missing), dtype=np.int64) if weights is None else weights
    n_missing = own[missing].sum().item()
    counts = [own[specials == i].sum().item() for i in range(len(column.specials))]
    return [0, *([n_missing] if n_missing else []), *counts]
