"""Recording of a function of tensors as ATen operations, for any number of rows."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.weak import WeakIdKeyDictionary

from gensynth.export.program import LOOP, Call, GraphError, Program, Value, leaves
from gensynth.layout import Layout
from gensynth.nn.categorical import without_branches
from gensynth.nn.loops import Step, loops_by

Function = Callable[..., Sequence[Tensor]]
"""From tensors whose first axis is the rows to such tensors, each row of which depends on its own row alone."""

PRIMES = (211, 337, 461)
"""Row counts of the traced runs: a size that they divide is one that grows with the rows."""
FEW = (67, 71, 73, 79)
"""The same for large images: more rows would take gigabytes."""
_LARGE = 2**17
"""Features of an image that is large: of more than 2,048 pixels."""


@dataclass
class _View:
    """A tensor that shares its memory with ``base``, and which of the base's contents it was made of."""

    base: Tensor
    func: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    place: int
    version: int


class _Recorder(TorchDispatchMode):
    """Record operations on values that depend on the inputs within the block; all operations are executed.

    What changes a tensor in place is recorded as an operation that returns a new one.
    """

    def __init__(self, rows: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.rows = rows
        self.calls: list[Call] = []
        # of tensors that still live: those of images would not all fit the memory
        self.values: MutableMapping[Tensor, Value] = WeakIdKeyDictionary()
        self.views: MutableMapping[Tensor, _View] = WeakIdKeyDictionary()
        self.versions: MutableMapping[Tensor, int] = WeakIdKeyDictionary()
        self.kept: list[Tensor] = []  # the place of a constant is its own for as long as it lives
        self.copies: dict[tuple[Any, ...], Tensor] = {}

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # see `gensynth.nn.randomness.EveryDrawFrom`

    def bind(self, tensor: Tensor, value: Value | None = None) -> Value:
        """Let a tensor stand for a value, of its own if none is given."""
        value = Value(tuple(tensor.shape), tensor.dtype) if value is None else value
        self.values[tensor] = value
        return value

    def read(self, tensor: Tensor) -> Value | Tensor:
        """Return what a tensor stands for: a value, or itself where it is a constant."""
        view = self.views.get(tensor)
        if view is not None and view.version != self._version(view.base):
            view.version = self._version(view.base)
            outs = self._record(view.func, view.args, view.kwargs, self._results(tensor, view))
            self.bind(tensor, outs[view.place])
        found = self.values.get(tensor)
        return self._copy(tensor) if found is None else found

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        with self:  # what a mode within this one calls may still be made of simpler operations
            made = func.decompose(*args, **kwargs)
        if made is not NotImplemented:
            return made
        tensors, sizes = leaves((args, kwargs))
        depends = any(t in self.values for t in tensors)
        if not depends and not any(size and size % self.rows == 0 for size in sizes):
            return func(*args, **kwargs)
        name = _name_of(func)
        if torch.Tag.nondeterministic_seeded in func.tags:
            raise GraphError(f"draws random numbers for each row ({name}); a graph has none of its own")
        if depends and self._decides(func, name, args):
            raise GraphError(f"looks at values to decide what to compute ({name}), which no graph does")
        if func._schema.is_mutable:
            return self._mutate(func, name, args, kwargs)
        out = func(*args, **kwargs)
        results = [t for t in (out if isinstance(out, tuple | list) else (out,)) if isinstance(t, Tensor)]
        outs = self._record(func, args, kwargs, results)
        for place, (tensor, value) in enumerate(zip(results, outs, strict=True)):
            self.bind(tensor, value)
            if args and isinstance(args[0], Tensor) and tensor is not args[0] and _is_view(func):
                self.views[tensor] = _View(args[0], func, args, kwargs, place, self._version(args[0]))
        return out

    def loop(self, step: Step, state: Tensor, n: int) -> Tensor:
        """Record `gensynth.nn.loops.repeat` as one operation; carry out the first step only."""
        start = self.read(state)
        calls, self.calls = self.calls, []
        try:
            at, inner = torch.zeros(1, dtype=torch.int64), state.detach().clone()
            inputs = [self.bind(at), self.bind(inner)]
            made = step(at, inner)
            body = Program(self.rows, inputs, [self.read(made)], self.calls).needed()
        finally:
            self.calls = calls
        out, value = made.clone(), Value(tuple(made.shape), made.dtype)
        self.calls.append(Call(LOOP, (body, n, start, tuple(body.captured())), {}, [value]))
        self.bind(out, value)
        return out

    def _decides(self, func: Any, name: str, args: tuple[Any, ...]) -> bool:
        """Return whether what is computed, or its shape, depends on values."""
        if name.startswith("index"):  # by a mask of values
            return any(t.dtype == torch.bool and t in self.values for t in _indices(args))
        return torch.Tag.data_dependent_output in func.tags or torch.Tag.dynamic_output_shape in func.tags

    def _record(self, func: Any, args: Any, kwargs: Any, results: Sequence[Tensor]) -> list[Value]:
        outs = [Value(tuple(t.shape), t.dtype) for t in results]
        self.calls.append(Call(_name_of(func), self._plain(args), self._plain(kwargs), outs))
        return outs

    def _mutate(self, func: Any, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        marks = [argument.alias_info for argument in func._schema.arguments]
        written = [i for i, mark in enumerate(marks) if mark is not None and mark.is_write]
        if written != [0] or not name.endswith("_"):
            raise GraphError(f"writes into given tensors ({name}), which is not translated")
        target = args[0]
        before = self._plain(args), self._plain(kwargs)
        func(*args, **kwargs)
        out = Value(tuple(target.shape), target.dtype)
        self.calls.append(Call(name[:-1], *before, [out]))
        self._write(target, out)
        return target

    def _write(self, target: Tensor, value: Value) -> None:
        """Let a tensor, and those that it is a part of, stand for new contents."""
        self.bind(target, value)
        self.versions[target] = self.versions.get(target, 0) + 1
        view = self.views.get(target)
        if view is None:
            return
        base = self.read(view.base)
        out = Value(tuple(view.base.shape), view.base.dtype)
        args = (base, value, view.place, *self._plain(view.args[1:]))
        self.calls.append(Call(f"write_{_name_of(view.func)}", args, self._plain(view.kwargs), [out]))
        self._write(view.base, out)
        view.version = self._version(view.base)

    def _results(self, tensor: Tensor, view: _View) -> list[Tensor]:
        out = view.func(*view.args, **view.kwargs)
        return list(out) if isinstance(out, tuple | list) else [tensor]

    def _version(self, tensor: Tensor) -> int:
        """Return a number that differs after each change in place of a tensor or of what it is a part of."""
        view = self.views.get(tensor)
        outer = 0 if view is None else self._version(view.base)
        return self.versions.get(tensor, 0) + outer  # neither ever falls

    def _plain(self, part: Any) -> Any:
        """Return arguments with what depends on the inputs as values."""
        if isinstance(part, Tensor):
            return self.read(part)
        if isinstance(part, tuple | list):
            return type(part)(self._plain(p) for p in part)
        if isinstance(part, dict):
            return {key: self._plain(p) for key, p in part.items()}
        return part

    def _copy(self, constant: Tensor) -> Tensor:
        """Return a constant as it is now, whatever is written into it later."""
        key = (constant.data_ptr(), constant.dtype, tuple(constant.shape), constant.stride(), constant._version)
        if key not in self.copies:
            self.kept.append(constant)
            self.copies[key] = constant.detach().clone()
        return self.copies[key]


def _name_of(func: Any) -> str:
    """Return the name of an ATen operation without its namespace and overload."""
    return str(func.overloadpacket).removeprefix("aten.")


def _indices(args: tuple[Any, ...]) -> list[Tensor]:
    """Return the index tensors of ``aten.index`` and ``aten.index_put``."""
    return [t for t in args[1] if t is not None] if len(args) > 1 and isinstance(args[1], tuple | list) else []


def _is_view(func: Any) -> bool:
    return any(r.alias_info is not None and not r.alias_info.is_write for r in func._schema.returns)


@contextlib.contextmanager
def _recording(rows: int) -> Iterator[_Recorder]:
    recorder = _Recorder(rows)
    with torch.no_grad(), without_branches(), loops_by(recorder.loop), recorder:
        yield recorder


def primes_for(layout: Layout) -> Sequence[int]:
    """Return the numbers of rows that functions of encoded rows are run with."""
    return FEW if layout.image is not None and layout.image.n_features > _LARGE else PRIMES


def record(function: Function, example: Callable[[int], Sequence[Tensor]], primes: Sequence[int] = PRIMES) -> Program:
    """Record a function of rows from one run of it.

    Parameters
    ----------
    function : callable
        A `Function`.
    example : callable
        From a number of rows to arguments of ``function`` for them.
    primes : sequence of int
        Numbers of rows, tried one after the other: none of the function's own sizes may be divisible by it.

    Raises
    ------
    GraphError
        The function decides by values, or draws random numbers: it is no graph.
    """
    for rows in primes:
        inputs = list(example(rows))
        with _recording(rows) as recorder:
            values = [recorder.bind(tensor) for tensor in inputs]
            outputs = [recorder.read(tensor) for tensor in function(*inputs)]
            program = Program(rows, values, outputs, recorder.calls).needed()
        if not any(size and size % rows == 0 for size in program.constant_sizes()):
            return program
    raise GraphError("has tensors of sizes that cannot be told from the number of rows")
