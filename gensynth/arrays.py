"""Prefixes for the names of arrays in files: an array of a component is named ``component.array``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

Arrays = Mapping[str, NDArray[Any]]


def named(part: str, arrays: Arrays) -> dict[str, NDArray[Any]]:
    """Return the arrays of a component with its name as a prefix."""
    return {f"{part}.{name}": array for name, array in arrays.items()}


def arrays_of(part: str, arrays: Arrays) -> dict[str, NDArray[Any]]:
    """Return the arrays of a component without its prefix; the inverse of `named`."""
    prefix = f"{part}."
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
