"""Inputs and outputs of a graph: column, type, and the representation of a missing value."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types as pdt
from torch import Tensor

from gensynth.encoding.category import CategoryEncoder, is_text_index, spelling
from gensynth.encoding.number import NumberEncoder
from gensynth.encoding.table import TableEncoder
from gensynth.errors import CapabilityError
from gensynth.schema import Column, Labels
from gensynth.schema.dtypes import dtype_from_text
from gensynth.schema.moments import day_ticks, is_span, unit, zone_of

InputType = Literal["double", "int64", "bool", "string"]
Holds = Literal["number", "ticks", "moment", "truth", "level", "text", "special"]

MISSING_INT = int(np.iinfo(np.int64).min)
"""Value that represents a missing integer, date or duration."""
SCORES = ("score", "p_value", "label")
"""Names of a scorer's outputs."""
MAP = "map"
"""Name of the additional output of scorers of images."""
NOISE = ("uniform", "normal")
"""Names of a sampler's noise inputs."""
_US_A_TICK = {"us": 1, "ms": 1000, "s": 10**6, "D": 86_400 * 10**6}
_NS_A_US = 1000
_EXACT = 2**53
Ints = TypeVar("Ints", NDArray[np.int64], Tensor)


@dataclass(frozen=True)
class ColumnPort:
    """One input, or one output of a sampler, (rows, 1).

    Parameters
    ----------
    name : str
        Its name in the graph.
    column : str or int
        Label of the column of the table.
    type : {"double", "int64", "bool", "string"}
        Its type.
    holds : {"number", "ticks", "moment", "truth", "level", "text", "special"}
        number: a number as it is. ticks: ``value * 10**decimals``, of numbers with more digits than a double has.
        moment: a date, time of day or duration, counted in ``unit``. truth: true or false, 1 or 0 in a double. level: a
        category that is a number. text: a category, as text. special: the text of a cell of a column of numbers or
        dates that holds none of these; ``missing`` for the other cells.
    missing : str, int or None
        What stands for a missing value: "NaN", the least int64 or a reserved text; None where there is no such.
    unit : str or None
        Of moments: "us", microseconds since 1970 (in UTC where there is a time zone, since midnight for times of day),
        "ns", nanoseconds, or "periods" of pandas. Of ticks: the number of decimals.
    levels : Labels or None
        Of categories: those that were fitted.
    """

    name: str
    column: str | int
    type: InputType
    holds: Holds
    missing: str | int | None
    unit: str | None = None
    levels: Labels | None = None

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return vars(self) | {"levels": None if self.levels is None else self.levels.to_json()}

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> Self:
        """Rebuild from `to_json`."""
        levels = state["levels"]
        return cls(**{**state, "levels": None if levels is None else Labels.from_json(levels)})


def ports_of(
    encoder: TableEncoder,
    names: Sequence[str | int],
    reserved: str,
    taken: Collection[str] = (*SCORES, *NOISE),
    prefix: str = "",
) -> list[ColumnPort]:
    """Return the inputs for some of the learned columns.

    Parameters
    ----------
    encoder : TableEncoder
        Fitted.
    names : sequence of column labels
        The columns.
    reserved : str
        What stands for a missing text (`reserved_text`).
    taken : collection of str
        Names that ports cannot have: an underscore is put behind them. Those of scores and noise when not given, so
        that a column has one name in scorers and samplers.
    prefix : str
        What names begin with.

    Raises
    ------
    CapabilityError
        A column is of a kind that no graph can read; names it.
    """
    ports: list[ColumnPort] = []
    used = set(taken)

    def add(column: str | int, ending: str, *rest: Any) -> None:
        name = f"{prefix}{column}{ending}"
        while name in used or name == prefix:
            name += "_"
        used.add(name)
        ports.append(ColumnPort(name, column, *rest))

    for label in names:
        own = encoder.columns[label]
        if isinstance(own, NumberEncoder):
            add(label, "", *_number_port(own))
            if own.column.specials or own.column.notation is not None:  # texts, known or not, may stand among numbers
                add(label, ":text", "string", "special", reserved)
        else:
            assert isinstance(own, CategoryEncoder)
            add(label, "", *_category_port(own, reserved))
    return ports


def reserved_text(encoder: TableEncoder) -> str:
    """Return a text that no category and no special text of a table is."""
    texts: set[str] = set()
    for own in encoder.columns.values():
        if isinstance(own, CategoryEncoder):
            texts.update(level_texts(own.labels.index))
        elif isinstance(own, NumberEncoder):
            texts.update(own.column.specials)
    return free_text("<missing>", texts)


def free_text(text: str, taken: Collection[str]) -> str:
    """Return a text that is none of those ``taken``: itself, or in brackets."""
    while text in taken:
        text = f"<{text}>"
    return text


def level_names(index: pd.Index[Any]) -> list[str]:
    """Return a text for each level, no two the same."""
    names: dict[str, None] = {}
    for level in index.tolist():
        names[free_text(str(level), names)] = None  # 1 and "1" may both be levels
    return list(names)


def level_texts(index: pd.Index[Any]) -> dict[str, int]:
    """Return the texts that stand for levels: the names, and how `CategoryEncoder.find` takes them for equal."""
    found = {name: i for i, name in enumerate(level_names(index))}
    for i, level in enumerate(index.tolist()):
        text = spelling(level)
        found.setdefault(text, i)
        if text.removeprefix("-").isdigit():
            found.setdefault(f"{text}.0", i)
    return found


def numeric_levels(index: pd.Index[Any]) -> NDArray[Any] | None:
    """Return levels as int64 or float64; None where they are no numbers."""
    if is_text_index(index) or not len(index) or pdt.is_bool_dtype(index.dtype):
        return None
    if not pdt.is_numeric_dtype(index.dtype):
        return None
    values = index.to_numpy()
    return values.astype(np.int64 if values.dtype.kind in "iu" else np.float64)


def is_moment(column: Column) -> bool:
    """Whether a column's cells are dates, times or durations."""
    return column.kind == "datetime" or is_span(column)


def moment_unit(encoder: NumberEncoder) -> str:
    """Return what dates of a column are counted in in a graph: "us", or "ns" or "periods" where that is not exact."""
    own = unit(encoder.column)
    if own is None:
        return "periods"
    exact = own != "ns" or (int(encoder.step) % 1000 == 0 and int(encoder.origin) % 1000 == 0)
    return "us" if exact else "ns"


def to_microseconds(ticks: Ints, column: Column) -> Ints:
    """Return ticks (n,) of dates or durations in microseconds, rounded down."""
    own = unit(column)
    if own == "ns":
        return ticks // _NS_A_US
    assert own is not None
    return ticks * _US_A_TICK[own]


def from_microseconds(moments: Ints, column: Column) -> Ints:
    """Return microseconds (n,) in the ticks of a column of dates or durations, rounded down."""
    own = unit(column)
    if own == "ns":
        return moments * _NS_A_US
    assert own is not None
    return moments // _US_A_TICK[own]


def is_whole(column: Column) -> bool:
    """Whether a column holds whole numbers, and not as floats."""
    if column.decimals != 0 or column.notation is not None or column.element in ("floating", "mixed-integer-float"):
        return False
    return column.element == "integer" or pdt.is_integer_dtype(dtype_from_text(column.dtype))


def _number_port(encoder: NumberEncoder) -> tuple[Any, ...]:
    column = encoder.column
    if is_moment(column):
        if column.days is not None and (zone_of(column) is not None or day_ticks(column) is None):
            raise CapabilityError(
                f"column {column.name!r} holds dates in a time zone that fall on some days only, which no graph can "
                "tell; give the column without its time zone"
            )
        return "int64", "moment", MISSING_INT, moment_unit(encoder)
    if is_whole(column):
        return "int64", "number", MISSING_INT
    if column.discrete and max(abs(int(column.minimum or 0)), abs(int(column.maximum or 0))) >= _EXACT:
        return "int64", "ticks", MISSING_INT, str(column.decimals)
    return "double", "number", "NaN"


def _category_port(encoder: CategoryEncoder, reserved: str) -> tuple[Any, ...]:
    if encoder.column.kind == "boolean":
        if encoder.n_missing or not pdt.is_bool_dtype(_plain_dtype(encoder.column)):
            return "double", "truth", "NaN"
        return "bool", "truth", None
    levels = numeric_levels(encoder.labels.index)
    if levels is None:
        return "string", "text", reserved, None, encoder.labels
    kind, missing = ("int64", MISSING_INT) if levels.dtype.kind == "i" else ("double", "NaN")
    return kind, "level", missing, None, encoder.labels


def _plain_dtype(column: Column) -> Any:
    dtype = dtype_from_text(column.dtype)
    return dtype if not isinstance(dtype, pd.SparseDtype) else dtype.subtype
