"""Decoding of encoded rows on tensors, as `TableEncoder.decode`, without enforcing relations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from gensynth.encoding.category import CategoryEncoder
from gensynth.encoding.links import YES
from gensynth.encoding.number import NumberEncoder
from gensynth.encoding.quantiles import QuantileFunction
from gensynth.encoding.scaling import NumberScale
from gensynth.encoding.table import TableEncoder
from gensynth.errors import CapabilityError
from gensynth.export.calendar import uncount_days
from gensynth.export.cells import LOST, NO_TEXT, positions_of, table
from gensynth.export.columns import (
    MISSING_INT,
    ColumnPort,
    numeric_levels,
    to_microseconds,
)
from gensynth.export.relations import TensorSheet, above, gap_base
from gensynth.layout import FAR, UNKNOWN
from gensynth.model import Batch
from gensynth.relations.orders import OrderRule

_EXACT = 2**62
_GREATEST = torch.finfo(torch.float64).max


def decode_rows(encoder: TableEncoder, ports: Sequence[ColumnPort], rows: Batch) -> list[Tensor]:
    """Return raw cells (n,), one tensor per port: of texts the level, -1 where missing; of special texts the place.

    Parameters
    ----------
    encoder : TableEncoder
        Fitted.
    ports : sequence of ColumnPort
        What is asked for.
    rows : Batch
        Encoded rows.
    """
    sheet, special = TensorSheet({}, {}), {}
    gaps: dict[str | int, tuple[Tensor, Tensor]] = {}
    for label, own in encoder.columns.items():
        codes, numbers = _cells(encoder, rows, label)
        if label in encoder.gaps:
            gaps[label] = decode_ticks(encoder.gaps[label].encoder, codes, numbers)
        elif isinstance(own, NumberEncoder):
            sheet.values[label], sheet.missing[label] = decode_ticks(own, codes, numbers)
            place = known_codes(own, codes) - (own.first - own.n_specials)
            special[label] = torch.where(known_codes(own, codes) < own.first, place, NO_TEXT).clamp(min=NO_TEXT)
        else:
            assert isinstance(own, CategoryEncoder)
            levels = decode_levels(own, codes, numbers)
            sheet.values[label], sheet.missing[label] = levels, levels == LOST
    _put_distances(encoder, sheet, gaps)
    _copy_linked(encoder, sheet, rows.codes)
    return [special[port.column] if port.holds == "special" else _written(encoder, sheet, port) for port in ports]


def known_codes(encoder: NumberEncoder, codes: Tensor) -> Tensor:
    """Return the codes (n,); for unknown ones, and impossible dates, a missing cell's or the most frequent."""
    fallback = 1 if encoder.n_missing else int(np.argmax(encoder.counts))
    undrawn = codes == UNKNOWN
    for code in encoder.undrawn[1:]:
        undrawn = undrawn | (codes == code)
    return torch.where(undrawn, fallback, codes)


def decode_ticks(encoder: NumberEncoder, codes: Tensor, numbers: Tensor | None) -> tuple[Tensor, Tensor]:
    """Return the ticks (n,) of cells and where there are none, as `NumberEncoder.decode_ticks` does."""
    codes = known_codes(encoder, codes)
    missing = codes < encoder.first
    n_atoms = len(encoder.atoms)
    place = (codes - encoder.first).clamp(0, max(n_atoms - 1, 0))
    if encoder.function is None or encoder.scaling is None:
        ticks = table(encoder.atoms)[place] if n_atoms else torch.zeros_like(codes)
        return uncount_days(ticks, encoder.column), missing
    assert numbers is not None
    bins = (codes - encoder.first - n_atoms).clamp(0, encoder.function.n_bins - 1)
    steps = decode_steps(encoder.function, bins, _positions(encoder.scaling, numbers))
    ticks = _whole(encoder, steps) if encoder.column.discrete else steps * encoder.step
    if n_atoms:
        ticks = torch.where(codes < encoder.first + n_atoms, table(encoder.atoms)[place], ticks)
    return uncount_days(ticks, encoder.column), missing


def decode_steps(function: QuantileFunction, bins: Tensor, positions: Tensor) -> Tensor:
    """Return values (n,) at positions of bins, as `QuantileFunction.decode` does."""
    positions = positions.clamp(0.0, 1.0)
    owner = np.repeat(np.arange(function.n_bins), np.diff(function.offsets))
    offsets, at, values = table(function.offsets), table(function.positions), table(function.values)
    left = torch.searchsorted(table(owner + function.positions), bins + positions, right=True) - 1
    first, last = offsets[bins], offsets[bins + 1]
    left = torch.minimum(torch.maximum(left, first), torch.maximum(last - 2, first))
    right = torch.minimum(left + 1, last - 1)
    start = at[left]
    length = at[right] - start
    share = torch.where(length > 0, (positions - start) / torch.where(length > 0, length, 1.0), 0.0)
    low, high = values[left], values[right]
    return torch.minimum(torch.maximum(low + share.clamp(0.0, 1.0) * (high - low), low), high)


def decode_levels(encoder: CategoryEncoder, codes: Tensor, numbers: Tensor | None) -> Tensor:
    """Return the levels (n,), `LOST` where missing, as `CategoryEncoder.decode_levels` has them."""
    levels = codes - encoder.first
    if numbers is not None and encoder.n_codes < len(encoder.counts):
        tail = torch.searchsorted(table(encoder.tail[1:]), numbers.clamp(0.0, 1.0))
        tail = tail.clamp(max=len(encoder.counts) - encoder.n_codes - 1)
        levels = torch.where(levels == encoder.n_codes, encoder.n_codes + tail, levels)
    fallback = LOST if encoder.n_missing or not len(encoder.counts) else int(np.argmax(encoder.counts))
    levels = torch.where(codes == UNKNOWN, fallback, levels)
    return torch.where(levels < 0, LOST, levels)


def _cells(encoder: TableEncoder, rows: Batch, label: str | int) -> tuple[Tensor, Tensor | None]:
    i = encoder.position[label]
    slot = encoder.layout.columns[i].numeric
    return rows.codes[:, i], None if slot is None else rows.numeric[:, slot.index].double()


def _positions(scaling: NumberScale, numbers: Tensor) -> Tensor:
    """Return where in their bins numbers lie, in [0, 1]."""
    if scaling.numeric == "bins":
        return numbers
    if scaling.numeric == "standard":
        size = numbers.abs()
        ratio = torch.where(size > FAR, FAR * (size / FAR - 1.0).clamp(max=700.0).exp(), size).clamp(max=_GREATEST)
        steps = (scaling.center + scaling.scale * numbers.sign() * ratio).clamp(
            scaling.function.values[0].item(), scaling.function.values[-1].item()
        )
        return positions_of(scaling.function, steps, torch.zeros_like(steps, dtype=torch.int64))
    inside: Tensor = torch.special.ndtr(numbers)
    positions = (inside - scaling.margin) / (1.0 - 2.0 * scaling.margin)
    knots = table(scaling.function.positions)
    right = torch.searchsorted(knots, positions).clamp(max=len(knots) - 1)
    left = (right - 1).clamp(min=0)
    nearest = torch.where(knots[right] - positions < positions - knots[left], knots[right], knots[left])
    return torch.where((nearest - positions).abs() <= 2.0**-51, nearest, positions)


def _whole(encoder: NumberEncoder, steps: Tensor) -> Tensor:
    last = (int(encoder.last) - encoder.origin) // int(encoder.step)
    if last >= _EXACT:
        raise CapabilityError(
            f"column {encoder.column.name!r} has a range of more than 2^62 steps, which no sampler can write; "
            "declare it an identifier"
        )
    whole = steps.round().clamp(max=float(last)).long().clamp(max=last)
    return whole * int(encoder.step) + encoder.origin


def _put_distances(
    encoder: TableEncoder, sheet: TensorSheet, distances: Mapping[str | int, tuple[Tensor, Tensor]]
) -> None:
    """Turn distances into values, the lowest column of a chain first."""
    for rule in () if encoder.rules is None else encoder.rules.rules:
        gap = encoder.gaps.get(rule.target) if isinstance(rule, OrderRule) and rule.target is not None else None
        if gap is None or gap.rule is not rule:
            continue
        distance, sheet.missing[gap.rule.high] = distances[gap.rule.high]
        sheet.values[gap.rule.high] = above(gap.rule, gap_base(gap, sheet), distance)


def _copy_linked(encoder: TableEncoder, sheet: TensorSheet, codes: Tensor) -> None:
    """Make the later of two linked cells equal to the earlier one where the code says so."""
    columns = {column.name: column for column in encoder.schema.columns}
    for i, link in encoder.links.items():
        column, ticks = columns[link.later], sheet.values[link.earlier]
        assert column.minimum is not None
        assert column.maximum is not None
        fits = (codes[:, i] == YES) & ~sheet.missing[link.earlier]
        fits = fits & (ticks >= column.minimum) & (ticks <= column.maximum)
        sheet.values[link.later] = torch.where(fits, ticks, sheet.values[link.later])
        sheet.missing[link.later] = sheet.missing[link.later] & ~fits


def _written(encoder: TableEncoder, sheet: TensorSheet, port: ColumnPort) -> Tensor:
    """Return the cells (n,) of one column in the type of its port."""
    own, values, missing = encoder.columns[port.column], sheet.values[port.column], sheet.missing[port.column]
    if isinstance(own, NumberEncoder):
        return _written_number(own, values, missing, port)
    assert isinstance(own, CategoryEncoder)
    if port.type == "string":
        return values
    known = numeric_levels(own.labels.index)
    if port.holds == "truth" or known is None:
        known = np.array([bool(level) for level in own.labels.index.tolist()])
    cells = table(known)[values.clamp(min=0)]
    if port.type == "bool":
        return cells.bool()
    return (
        torch.where(missing, torch.nan, cells.double())
        if port.type == "double"
        else torch.where(missing, MISSING_INT, cells)
    )


def _written_number(own: NumberEncoder, ticks: Tensor, missing: Tensor, port: ColumnPort) -> Tensor:
    if port.type == "int64":
        if port.holds == "moment" and port.unit == "us":
            ticks = to_microseconds(ticks, own.column)
        return torch.where(missing, MISSING_INT, ticks)
    cells = ticks.double()
    if own.column.decimals:
        cells = cells / 10.0**own.column.decimals
    if own.column.dtype in ("float32", "Float32"):
        cells = cells.float().double()
    return torch.where(missing, torch.nan, cells)
