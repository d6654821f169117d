"""Column encoders as functions of tensors: the codes and numbers of `gensynth.encoding` in a graph."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from gensynth.encoding.category import CategoryEncoder
from gensynth.encoding.number import NumberEncoder
from gensynth.encoding.quantiles import QuantileFunction
from gensynth.encoding.scaling import NumberScale
from gensynth.export.calendar import count_days
from gensynth.layout import FAR, UNKNOWN

UNREAD, NO_TEXT = -2, -1
"""Codes in place of the index of a special text: a text that is not special, and no text."""
LOST = -2
"""Code of a missing category; -1 is that of an unseen one."""
_BEYOND = 2.0**64


class CodedCells(NamedTuple):
    """Cells of one column: codes (n,) int64, and for columns with numbers these (n,) and their log-Jacobians (n,)."""

    codes: Tensor
    numbers: Tensor | None = None
    log_jacobian: Tensor | None = None


def table(array: Any) -> Tensor:
    """Return an array of fitted state as a tensor."""
    return torch.from_numpy(np.array(array))


def number_cells(encoder: NumberEncoder, ticks: Tensor, missing: Tensor, special: Tensor | None = None) -> CodedCells:
    """Return the cells of a column of numbers or dates, as `NumberEncoder.encode` does.

    Parameters
    ----------
    encoder : NumberEncoder
        Fitted.
    ticks : Tensor of shape (n,), int64 or float64
        Ticks; of no meaning where missing.
    missing : Tensor of shape (n,), bool
        Cells without ticks.
    special : Tensor of shape (n,), int64, or None
        Place of each cell's text among ``column.specials``; negative as `UNREAD` or `NO_TEXT`.
    """
    ticks, off = count_days(torch.where(missing, torch.zeros_like(ticks), ticks), encoder.column)
    codes, atom = _atom_codes(encoder, ticks)
    without = _codes_without_ticks(encoder, missing, special)
    if encoder.function is None or encoder.scaling is None:
        if off is not None:
            codes = torch.where(off, UNKNOWN, codes)
        return CodedCells(torch.where(missing, without, codes))
    steps = steps_of(ticks, encoder.origin, encoder.step)
    bins = find_bin(encoder.function, steps)
    inside = bins + (encoder.first + len(encoder.atoms))
    codes = inside if atom is None else torch.where(atom, codes, inside)
    plain = ~missing if atom is None else ~(missing | atom)
    if off is not None:
        codes, plain = torch.where(off, UNKNOWN, codes), plain & ~off
    codes = torch.where(missing, without, codes)
    numbers = torch.where(plain, _scaled(encoder.scaling, steps, bins), 0.0)
    return CodedCells(codes, numbers, torch.where(plain, _log_jacobian(encoder.scaling, steps, bins), 0.0))


def category_cells(encoder: CategoryEncoder, levels: Tensor) -> CodedCells:
    """Return the cells of a category (n,), as `CategoryEncoder.encode` does; ``levels`` (n,) are negative for none."""
    lost = 1 if encoder.n_missing else UNKNOWN
    codes = torch.where(levels < 0, UNKNOWN, levels.clamp(max=encoder.n_codes) + encoder.first)
    codes = torch.where(levels == LOST, lost, codes)
    if encoder.n_codes == len(encoder.counts):
        return CodedCells(codes)
    tail = table(encoder.tail)
    middles = (tail[:-1] + tail[1:]) / 2
    folded = levels >= encoder.n_codes
    place = (levels - encoder.n_codes).clamp(min=0)
    numbers = torch.where(folded, middles[place], 0.0)
    return CodedCells(codes, numbers, torch.zeros_like(numbers))


def steps_of(ticks: Tensor, origin: int, step: float) -> Tensor:
    """Return ticks (n,) as steps, float64."""
    if ticks.dtype == torch.float64:
        return (ticks - origin) / step
    up = ticks >= origin
    sizes = torch.where(up, ticks - origin, origin - ticks)
    # a distance may exceed int64: it is negative then
    floats = torch.where(sizes < 0, sizes.double() + _BEYOND, sizes.double()) / step
    return torch.where(up, floats, -floats)


def soft_clip(distance: Tensor, unit: Tensor | float) -> Tensor:
    """Return `gensynth.encoding.far.soft_clip` of tensors."""
    size = distance.abs()
    ratio = size / unit
    far = ratio > FAR
    log_unit = unit.log() if isinstance(unit, Tensor) else math.log(unit)
    beyond = (torch.where(far, size, 1.0).log() - log_unit - math.log(FAR)).clamp(min=0.0)
    return distance.sign() * torch.where(far, FAR * (1.0 + beyond), ratio)


def find_bin(function: QuantileFunction, values: Tensor) -> Tensor:
    """Return the bins (n,) of values."""
    if function.n_bins == 1:
        return torch.zeros_like(values, dtype=torch.int64)
    first = table(function.values[function.offsets[:-1]])
    return (torch.searchsorted(first, values, right=True) - 1).clamp(min=0)


def positions_of(function: QuantileFunction, values: Tensor, bins: Tensor) -> Tensor:
    """Return positions (n,) of values in their bins, as `QuantileFunction.encode` does."""
    offsets, knots, positions = table(function.offsets), table(function.values), table(function.positions)
    low, high = offsets[bins], offsets[bins + 1] - 1
    right = torch.minimum(torch.maximum(torch.searchsorted(knots, values, right=True) - 1, low), high)
    left = torch.minimum(torch.maximum(torch.searchsorted(knots, values), low), high)
    base = knots[right]
    reach = knots[left] - base
    share = torch.where(reach > 0, (values - base) / torch.where(reach > 0, reach, 1.0), 0.5)
    start = positions[right]
    out = start + share * (positions[left] - start)
    width = table(np.where(function.widths > 0, function.widths, 1.0))[bins]
    below, above = (values - knots[0]).clamp(max=0.0), (values - knots[-1]).clamp(min=0.0)
    out = torch.where(above > 0, 1.0 + soft_clip(above, width), out)
    return torch.where(below < 0, soft_clip(below, width), out)


def interp(x: Tensor, at: np.ndarray[Any, Any], values: np.ndarray[Any, Any]) -> Tensor:
    """Return `numpy.interp` of a tensor."""
    knots, heights = table(at), table(values)
    if len(at) == 1:
        return heights.expand(len(x))
    right = torch.searchsorted(knots, x, right=True).clamp(1, len(at) - 1)
    low, high = knots[right - 1], knots[right]
    start, end = heights[right - 1], heights[right]
    reach = high - low
    out = start + (end - start) / torch.where(reach > 0, reach, 1.0) * (x - low)
    out = torch.where(x <= knots[0], heights[0], out)
    return torch.where(x >= knots[-1], heights[-1], out)


def _scaled(scaling: NumberScale, steps: Tensor, bins: Tensor) -> Tensor:
    if scaling.numeric == "standard":
        return soft_clip(steps - scaling.center, scaling.scale)
    positions = positions_of(scaling.function, steps, bins)
    if scaling.slopes is None:
        return positions
    low, high = scaling.function.values[0].item(), scaling.function.values[-1].item()
    first, last = (scaling.scale / math.exp(scaling.slopes[1][i]) for i in (0, -1))
    beyond = soft_clip((steps - low).clamp(max=0.0), first) + soft_clip((steps - high).clamp(min=0.0), last)
    inside = scaling.margin + positions.clamp(0.0, 1.0) * (1.0 - 2.0 * scaling.margin)
    scores: Tensor = torch.special.ndtri(inside)
    return scores + beyond


def _log_jacobian(scaling: NumberScale, steps: Tensor, bins: Tensor) -> Tensor:
    if scaling.numeric == "standard":
        return torch.zeros_like(steps)
    if scaling.slopes is not None:
        return interp(steps, scaling.slopes[0], scaling.slopes[1])
    by_bin: Tensor = table(scaling.log_densities)[bins]
    return by_bin


def _atom_codes(encoder: NumberEncoder, ticks: Tensor) -> tuple[Tensor, Tensor | None]:
    """Return the code (n,) of the nearest atom, `UNKNOWN` beyond them, and where a tick is that atom; None: nowhere."""
    if not len(encoder.atoms):
        return torch.zeros_like(ticks, dtype=torch.int64), None
    atoms = table(encoder.atoms)
    right = torch.searchsorted(atoms, ticks).clamp(max=len(atoms) - 1)
    left = (right - 1).clamp(min=0)
    nearer = (atoms[right] - ticks).abs() <= (ticks - atoms[left]).abs()
    nearest = torch.where(nearer, right, left)
    inside = (ticks >= atoms[0]) & (ticks <= atoms[-1])
    return torch.where(inside, nearest + encoder.first, UNKNOWN), atoms[nearest] == ticks


def _codes_without_ticks(encoder: NumberEncoder, missing: Tensor, special: Tensor | None) -> Tensor | int:
    lost = 1 if encoder.n_missing else UNKNOWN
    if special is None:
        return torch.full_like(missing, lost, dtype=torch.int64)
    codes = torch.where(special >= 0, special + (encoder.first - encoder.n_specials), lost)
    return torch.where(special == UNREAD, UNKNOWN, codes)
