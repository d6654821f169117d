"""A recorded program: a list of ATen operations on values, and removal of unused ones."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Self

import torch
from torch import Tensor

from gensynth.errors import CapabilityError

LOOP = "loop"
"""Name of the loop operation; its arguments: the `Program` of a step, the count, the state, captured values."""


class GraphError(CapabilityError):
    """A function cannot be a graph; the message completes "it ...", as in "draws random numbers"."""


@contextlib.contextmanager
def reasons_of(model: str) -> Iterator[None]:
    """Within this block a `GraphError` becomes a `CapabilityError` that names the model."""
    try:
        yield
    except GraphError as error:
        raise CapabilityError(f"{model} cannot be exported: it {error}") from error


@dataclass(eq=False)
class Value:
    """A tensor that depends on the inputs or on the number of rows.

    Parameters
    ----------
    shape : tuple of int
        Its shape in the run; multiples of the run's number of rows grow with it.
    dtype : torch.dtype
        Its type.
    """

    shape: tuple[int, ...]
    dtype: torch.dtype


@dataclass(eq=False)
class Call:
    """One operation.

    Parameters
    ----------
    name : str
        Name of the ATen operation without its overload, in place or not.
    args, kwargs
        As it was called, `Value` in place of what depends on the inputs; other tensors are constants.
    outs : list of Value
        What it returns.
    """

    name: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    outs: list[Value]


@dataclass
class Program:
    """A recorded program.

    Parameters
    ----------
    rows : int
        Number of rows of the run, a prime.
    inputs : list of Value
        In the order of the function's arguments.
    outputs : list of Value or Tensor
        What the function returned; tensors that depend on nothing are constants.
    calls : list of Call
        In the order in which they were made; only those that the outputs need.
    """

    rows: int
    inputs: list[Value]
    outputs: list[Value | Tensor]
    calls: list[Call] = field(default_factory=list)

    def needed(self) -> Self:
        """Return the program without the calls that no output depends on."""
        wanted = {id(v) for v in self.outputs if isinstance(v, Value)}
        kept = []
        for call in reversed(self.calls):
            if any(id(out) in wanted for out in call.outs):
                kept.append(call)
                wanted.update(id(v) for v in values_in((call.args, call.kwargs)))
        return replace(self, calls=kept[::-1])

    def constant_sizes(self) -> Iterator[int]:
        """Yield sizes that do not grow with the rows: those of constants, and the widths of the inputs."""
        for value in self.inputs:
            yield from value.shape[1:]
        for call in self.calls:
            for tensor in leaves((call.args, call.kwargs))[0]:
                yield from tensor.shape
            if call.name == LOOP:
                yield from call.args[0].constant_sizes()

    def operations(self) -> set[str]:
        """Return the names of its operations, those within loops too."""
        inner = [call.args[0].operations() for call in self.calls if call.name == LOOP]
        return {call.name for call in self.calls}.union(*inner)

    def captured(self) -> list[Value]:
        """Return the values that are none of its own: of a loop's step those of what it stands in."""
        own = {id(value) for value in (*self.inputs, *(out for call in self.calls for out in call.outs))}
        read = values_in((*(call.args for call in self.calls), tuple(self.outputs)))
        return [value for value in read if id(value) not in own]


def leaves(part: Any) -> tuple[list[Tensor], list[int]]:
    """Return the tensors and the whole numbers among arguments."""
    tensors: list[Tensor] = []
    sizes: list[int] = []

    def visit(p: Any) -> None:
        if isinstance(p, Tensor):
            tensors.append(p)
        elif isinstance(p, int) and not isinstance(p, bool):
            sizes.append(p)
        elif isinstance(p, tuple | list):
            for one in p:
                visit(one)
        elif isinstance(p, dict):
            visit(tuple(p.values()))

    visit(part)
    return tensors, sizes


def values_in(part: Any) -> Iterator[Value]:
    """Yield the values among arguments."""
    if isinstance(part, Value):
        yield part
    elif isinstance(part, tuple | list):
        for one in part:
            yield from values_in(one)
    elif isinstance(part, dict):
        yield from values_in(tuple(part.values()))
