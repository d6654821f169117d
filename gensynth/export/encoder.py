"""A table encoder as a function of tensors: raw columns to encoded rows, as `TableEncoder.encode` has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from gensynth.encoding.category import CategoryEncoder
from gensynth.encoding.links import NO, YES
from gensynth.encoding.number import NumberEncoder
from gensynth.encoding.related import HOLDS
from gensynth.encoding.table import TableEncoder
from gensynth.export.cells import LOST, NO_TEXT, CodedCells, category_cells, number_cells, table
from gensynth.export.columns import (
    MISSING_INT,
    TICKS_A_US,
    US_A_TICK,
    ColumnPort,
    is_moment,
    numeric_levels,
)
from gensynth.export.relations import TensorSheet, broken, distances
from gensynth.layout import UNKNOWN
from gensynth.model import Batch
from gensynth.schema.moments import unit

_LIMIT = float(2**62)
_GREATEST = torch.finfo(torch.float64).max


def encode_columns(encoder: TableEncoder, ports: Sequence[ColumnPort], inputs: Sequence[Tensor]) -> Batch:
    """Return encoded rows with their log-Jacobians, in float64.

    Parameters
    ----------
    encoder : TableEncoder
        Fitted.
    ports : sequence of ColumnPort
        What the inputs are.
    inputs : sequence of Tensor of shape (n,)
        Raw cells; of texts the level (`LOST` where missing, -1 where unknown), of special texts the place.
    """
    given = {(port.column, port.holds == "special"): (port, x) for port, x in zip(ports, inputs, strict=True)}
    sheet, special = TensorSheet({}, {}), {}
    for label, own in encoder.columns.items():
        port, x = given[label, False]
        if isinstance(own, NumberEncoder):
            special[label] = given[label, True][1] if (label, True) in given else None
            sheet.values[label], sheet.missing[label] = read_ticks(own, port, x, special[label])
        else:
            assert isinstance(own, CategoryEncoder)
            levels = read_levels(own, port, x)
            sheet.missing[label] = levels == LOST
            # unknown levels are none of the fitted ones, but not missing either
            sheet.values[label] = torch.where(levels < 0, torch.where(levels == LOST, 0, len(own.counts)), levels)
            special[label] = levels
    return _assembled(encoder, sheet, special)


def read_ticks(encoder: NumberEncoder, port: ColumnPort, x: Tensor, special: Tensor | None) -> tuple[Tensor, Tensor]:
    """Return the ticks (n,) of raw cells, 0 where missing, and where they are missing."""
    column = encoder.column
    if port.type == "int64":
        missing, ticks = x == MISSING_INT, x
        if port.unit == "us" and is_moment(column):
            own = unit(column)
            assert own is not None
            ticks = x * TICKS_A_US[own] if own in TICKS_A_US else torch.div(x, US_A_TICK[own], rounding_mode="floor")
    else:
        missing = x.isnan()
        ticks = torch.where(missing, 0.0, x).clamp(-_GREATEST, _GREATEST)
        if column.decimals is not None:
            ticks = (ticks * 10.0**column.decimals).round().clamp(-_LIMIT, _LIMIT).long()
    if special is not None:
        missing = missing | (special != NO_TEXT)
    return torch.where(missing, torch.zeros_like(ticks), ticks), missing


def read_levels(encoder: CategoryEncoder, port: ColumnPort, x: Tensor) -> Tensor:
    """Return the levels (n,) of raw cells, `LOST` where missing, -1 where they were never fitted."""
    if port.type == "string":
        return x  # looked up in front of the recorded part
    if port.holds == "truth":
        levels = encoder.labels.index.tolist()
        yes, no = (next((i for i, v in enumerate(levels) if v is truth or v == truth), -1) for truth in (True, False))
        if port.type == "bool":
            return torch.where(x, yes, no)
        found = torch.where(x == 1.0, yes, torch.where(x == 0.0, no, -1))
        return torch.where(x.isnan(), LOST, found)
    values = numeric_levels(encoder)
    assert values is not None
    missing = x == MISSING_INT if port.type == "int64" else x.isnan()
    x = torch.where(missing, torch.zeros_like(x), x)
    order = values.argsort(kind="stable")
    known = table(values[order])
    at = torch.searchsorted(known, x).clamp(max=len(values) - 1)
    return torch.where(missing, LOST, torch.where(known[at] == x, table(order)[at], -1))


def _assembled(encoder: TableEncoder, sheet: TensorSheet, special: Mapping[str | int, Tensor | None]) -> Batch:
    layout = encoder.layout
    cells: dict[int, CodedCells] = {}
    for i, link in encoder.links.items():
        equal = (sheet.values[link.earlier] == sheet.values[link.later]) & sheet.present((link.earlier, link.later))
        cells[i] = CodedCells(torch.where(equal, YES, NO))
    for i, rule in encoder.checks.items():
        cells[i] = CodedCells(torch.where(broken(rule, sheet), UNKNOWN, HOLDS))
    for label, own in encoder.columns.items():
        i, gap = encoder.position[label], encoder.gaps.get(label)
        if gap is not None:
            cells[i] = number_cells(gap.encoder, distances(gap, sheet), sheet.missing[label])
        elif isinstance(own, NumberEncoder):
            cells[i] = number_cells(own, sheet.values[label], sheet.missing[label], special[label])
        else:
            assert isinstance(own, CategoryEncoder)
            levels = special[label]
            assert levels is not None
            cells[i] = category_cells(own, levels)
    codes = torch.stack([cells[i].codes for i in range(len(layout.columns))], 1)
    slots = {c.numeric.index: i for i, c in enumerate(layout.columns) if c.numeric is not None}
    if not slots:
        none = codes[:, :0].double()
        return Batch(none, codes, none)
    numbers, jacobians = [], []
    for k in range(layout.n_numeric):
        own_cells = cells[slots[k]]
        assert own_cells.numbers is not None
        assert own_cells.log_jacobian is not None
        numbers.append(own_cells.numbers)
        jacobians.append(own_cells.log_jacobian)
    return Batch(torch.stack(numbers, 1), codes, torch.stack(jacobians, 1))
