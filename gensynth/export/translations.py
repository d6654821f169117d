"""Registry of the translations of ATen operations to ONNX nodes, and parsing of their arguments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from gensynth.export.graph import GraphBuilder
from gensynth.export.program import Call, Value

Translation = Callable[[GraphBuilder, Call], Sequence[str] | str]
TRANSLATIONS: dict[str, Translation] = {}
"""Functions by ATen operation (without overload) that add its ONNX nodes and return the names of the outputs."""


def translates(*names: str) -> Callable[[Translation], Translation]:
    """Register a translation of operations."""

    def register(function: Translation) -> Translation:
        TRANSLATIONS.update(dict.fromkeys(names, function))
        return function

    return register


def argument(call: Call, place: int, name: str, default: Any = None) -> Any:
    """Return an argument by place or name."""
    return call.args[place] if len(call.args) > place else call.kwargs.get(name, default)


def type_of(part: Any) -> torch.dtype | None:
    """Return the type of a tensor or of a value; None for a number."""
    return part.dtype if isinstance(part, Value | Tensor) else None


def shape_of(part: Any) -> tuple[int, ...]:
    """Return the shape of a tensor, of a value or of a number."""
    return tuple(part.shape) if isinstance(part, Value | Tensor) else ()


def common_type(x: Any, y: Any) -> torch.dtype:
    """Return the type in which two operands are compared."""
    one, other = (
        torch.empty((1,) * min(len(shape_of(p)), 1), dtype=p.dtype) if isinstance(p, Value | Tensor) else p
        for p in (x, y)
    )
    return torch.result_type(one, other)


def positive(dim: int, n_axes: int) -> int:
    """Return an axis counted from the first one."""
    return dim + n_axes if dim < 0 else dim


def axes_of(dim: Any, n_axes: int) -> list[int]:
    """Return the axes that an argument names, counted from the first one; all for None."""
    if dim is None or (isinstance(dim, list | tuple) and not dim):
        return list(range(n_axes))
    return [positive(d, n_axes) for d in (dim if isinstance(dim, list | tuple) else [dim])]
