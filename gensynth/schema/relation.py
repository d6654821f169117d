"""A relation between columns, as text and as JSON."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from gensynth.errors import SchemaError

RelationKind = Literal["sum", "product", "ratio", "factor", "order", "dependency", "missing"]
Rounding = Literal["", "half_up", "down"]

_PLAIN = re.compile(r"[^\W\d]\w*")


@dataclass(frozen=True)
class Relation:
    """A relation that held in every row in which none of its columns was missing.

    Values are counted in the units that people write: numbers as they are, dates and durations in days.

    Parameters
    ----------
    kind : {"sum", "product", "ratio", "factor", "order", "dependency", "missing"}
        sum: the first column is ``numbers[0]`` plus the others times ``numbers[1:]``. product: the first column is the
        second times the third. ratio: the first is the second over the third. factor: the first is ``numbers[0]``
        times the second plus ``numbers[1]``. order: no value of the first is above the second's. dependency: the
        first column's value says the second's. missing: the columns are missing in the same rows.
    columns : tuple of column labels
        The columns, the one that follows from the others first where there is one.
    numbers : tuple of float
        Factors of a sum and of a factor.
    rounding : {"", "half_up", "down"}
        How products, ratios and factors are brought to the decimals of their column: as numpy.round does, halves
        always up, or cut off.

    Examples
    --------
    >>> str(Relation("sum", ("total", "net", "vat"), (0, 1, 1)))
    'total = net + vat'
    >>> str(Relation("order", ("start", "end of stay")))
    "start <= 'end of stay'"
    """

    kind: RelationKind
    columns: tuple[str | int, ...]
    numbers: tuple[float, ...] = ()
    rounding: Rounding = ""

    def __post_init__(self) -> None:
        if self.kind not in get_args(RelationKind):
            raise SchemaError(f"relation kind {self.kind!r} is unknown; use one of {', '.join(get_args(RelationKind))}")

    def __str__(self) -> str:
        names = [quoted(name) for name in self.columns]
        if self.kind == "order":
            return f"{names[0]} <= {names[1]}"
        if self.kind == "dependency":
            return f"{names[0]} -> {names[1]}"
        if self.kind == "missing":
            return f"{', '.join(names)} missing together"
        if self.kind == "product":
            return f"{names[0]} = {names[1]} * {names[2]}"
        if self.kind == "ratio":
            return f"{names[0]} = {names[1]} / {names[2]}"
        if self.kind == "factor":
            return f"{names[0]} = {_signed([(self.numbers[0], names[1])], self.numbers[1])}"
        constant, *factors = self.numbers
        if all(factor == -1 for factor in factors):
            return f"{' + '.join(names)} = {_number(constant)}"
        terms = sorted(zip(factors, names[1:], strict=True), key=lambda term: term[0] < 0)
        return f"{names[0]} = {_signed(terms, constant)}"

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; entries that hold their default are left out."""
        state: dict[str, Any] = {"kind": self.kind, "columns": list(self.columns)}
        if self.numbers:
            state["numbers"] = list(self.numbers)
        if self.rounding:
            state["rounding"] = self.rounding
        return state

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> Relation:
        """Rebuild a relation from `to_json`."""
        numbers = tuple(state.get("numbers", ()))
        return cls(state["kind"], tuple(state["columns"]), numbers, state.get("rounding", ""))


def quoted(name: str | int) -> str:
    """Return a column's name as written in relations: quoted unless it is one plain word."""
    text = str(name)
    return text if _PLAIN.fullmatch(text) else repr(text)


def _signed(terms: list[tuple[float, str]], constant: float) -> str:
    out = ""
    for factor, name in terms:
        size = name if abs(factor) == 1 else f"{_number(abs(factor))} * {name}"
        out += (f" {'-' if factor < 0 else '+'} " if out else "-" * (factor < 0)) + size
    if constant:
        out += f" {'-' if constant < 0 else '+'} {_number(abs(constant))}"
    return out


def _number(value: float) -> str:
    return f"{value:.12g}"
