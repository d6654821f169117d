"""A table encoder as a function of tensors: raw columns to encoded rows, as `TableEncoder.encode`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

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
    ColumnPort,
    from_microseconds,
    is_moment,
    numeric_levels,
)
from gensynth.export.pixels import ImagePort, pixels_of
from gensynth.export.ports import Port
from gensynth.export.relations import TensorSheet, broken, distances
from gensynth.layout import UNKNOWN
from gensynth.model import Batch

_LIMIT = float(2**62)
_GREATEST = torch.finfo(torch.float64).max


def encode_columns(encoder: TableEncoder, ports: Sequence[Port], inputs: Sequence[Tensor]) -> Batch:
    """Return encoded rows with their log-Jacobians, in float64, and pixels of images, in float32.

    Parameters
    ----------
    encoder : TableEncoder
        Fitted.
    ports : sequence of ColumnPort or ImagePort
        What the inputs are.
    inputs : sequence of Tensor of shape (n,)
        Raw cells; of texts the level (`LOST` where missing, -1 where unknown), of special texts the place. Images
        (n, *widths).
    """
    given = list(zip(ports, inputs, strict=True))
    cells = [(port, x) for port, x in given if isinstance(port, ColumnPort)]
    images = [(port, x) for port, x in given if isinstance(port, ImagePort)]
    pixels = None
    if encoder.image is not None:
        pixels = pixels_of(encoder.image.image, *images[0])
        if not encoder.layout.columns:
            none = pixels.new_zeros(len(pixels), 0, dtype=torch.float64)
            return Batch(none, none.long(), none, pixels)
    read = _read(encoder, [port for port, _ in cells], [x for _, x in cells], list(encoder.columns))
    return replace(_assembled(encoder, read), pixels=pixels)


@dataclass
class _Read:
    """Raw cells that were read: ticks or levels for relations, and levels and special texts as they came."""

    sheet: TensorSheet
    special: dict[str | int, Tensor | None]


def _read(
    encoder: TableEncoder, ports: Sequence[ColumnPort], inputs: Sequence[Tensor], labels: Sequence[str | int]
) -> _Read:
    given = {(port.column, port.holds == "special"): (port, x) for port, x in zip(ports, inputs, strict=True)}
    sheet, special = TensorSheet({}, {}), dict[str | int, Tensor | None]()
    for label in labels:
        own = encoder.columns[label]
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
    return _Read(sheet, special)


def _own_cells(encoder: TableEncoder, read: _Read, label: str | int) -> CodedCells:
    """Return the cells of a column that is encoded by itself."""
    own, special = encoder.columns[label], read.special[label]
    if isinstance(own, NumberEncoder):
        return number_cells(own, read.sheet.values[label], read.sheet.missing[label], special)
    assert isinstance(own, CategoryEncoder)
    assert special is not None
    return category_cells(own, special)


def encode_some(
    encoder: TableEncoder, ports: Sequence[ColumnPort], inputs: Sequence[Tensor]
) -> tuple[tuple[int, ...], Batch]:
    """Return positions of some columns in the layout, and rows that hold their cells, and zeros else.

    The columns are ones that are encoded by themselves, as those that sampling is conditioned on are.
    """
    read = _read(encoder, ports, inputs, [port.column for port in ports if port.holds != "special"])
    zero = torch.zeros_like(next(iter(read.sheet.values.values())), dtype=torch.int64)
    codes, numbers = [zero] * len(encoder.layout.columns), [zero.double()] * encoder.layout.n_numeric
    for label in read.sheet.values:
        i, cells = encoder.position[label], _own_cells(encoder, read, label)
        slot = encoder.layout.columns[i].numeric
        codes[i] = cells.codes
        if slot is not None and cells.numbers is not None:
            numbers[slot.index] = cells.numbers
    numeric = torch.stack(numbers, 1) if numbers else zero.double().unsqueeze(1)[:, :0]
    return tuple(encoder.position[label] for label in read.sheet.values), Batch(numeric, torch.stack(codes, 1))


def read_ticks(encoder: NumberEncoder, port: ColumnPort, x: Tensor, special: Tensor | None) -> tuple[Tensor, Tensor]:
    """Return the ticks (n,) of raw cells, 0 where missing, and where they are missing."""
    column = encoder.column
    if port.type == "int64":
        missing, ticks = x == MISSING_INT, x
        if port.unit == "us" and is_moment(column):
            ticks = from_microseconds(x, column)
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
    values = numeric_levels(encoder.labels.index)
    assert values is not None
    missing = x == MISSING_INT if port.type == "int64" else x.isnan()
    x = torch.where(missing, torch.zeros_like(x), x)
    order = values.argsort(kind="stable")
    known = table(values[order])
    at = torch.searchsorted(known, x).clamp(max=len(values) - 1)
    return torch.where(missing, LOST, torch.where(known[at] == x, table(order)[at], -1))


def _assembled(encoder: TableEncoder, read: _Read) -> Batch:
    layout, sheet = encoder.layout, read.sheet
    cells: dict[int, CodedCells] = {}
    for i, link in encoder.links.items():
        equal = (sheet.values[link.earlier] == sheet.values[link.later]) & sheet.present((link.earlier, link.later))
        cells[i] = CodedCells(torch.where(equal, YES, NO))
    for i, rule in encoder.checks.items():
        cells[i] = CodedCells(torch.where(broken(rule, sheet), UNKNOWN, HOLDS))
    for label, i in encoder.position.items():
        gap = encoder.gaps.get(label)
        if gap is not None:
            cells[i] = number_cells(gap.encoder, distances(gap, sheet), sheet.missing[label])
        else:
            cells[i] = _own_cells(encoder, read, label)
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
