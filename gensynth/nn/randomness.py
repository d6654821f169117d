"""Random numbers from an explicit generator, within one thread, without torch's global state."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

import torch
from torch import Generator, Tensor
from torch.utils._python_dispatch import TorchDispatchMode, _pop_mode, _push_mode

_held: ContextVar[Generator | None] = ContextVar("generator", default=None)


@contextlib.contextmanager
def drawing_from(rng: Generator) -> Iterator[None]:
    """Let layers that draw random numbers (`gensynth.nn.layers.dropout`) use ``rng`` within the block."""
    token = _held.set(rng)
    try:
        yield
    finally:
        _held.reset(token)


def held_generator() -> Generator | None:
    """Return the generator of the innermost `drawing_from`; None for torch's global one."""
    return _held.get()


def _uniform_like(rng: Generator, like: Tensor, **options: Any) -> Tensor:
    return torch.empty_like(like, **options).uniform_(generator=rng)


def _normal_like(rng: Generator, like: Tensor, **options: Any) -> Tensor:
    return torch.empty_like(like, **options).normal_(generator=rng)


def _dropout(rng: Generator, x: Tensor, p: float, train: bool | None) -> tuple[Tensor, Tensor]:
    if train is False or p == 0.0:
        return x.clone(), torch.ones_like(x, dtype=torch.bool)
    kept = torch.empty_like(x, dtype=torch.bool).bernoulli_(1.0 - p, generator=rng)
    return (x * kept / (1.0 - p) if p < 1.0 else torch.zeros_like(x)), kept


_OWN: dict[Any, Callable[..., Any]] = {
    torch.ops.aten.rand_like: _uniform_like,
    torch.ops.aten.randn_like: _normal_like,
    torch.ops.aten.native_dropout: _dropout,
}
"""Operations that have no form with a generator, in every version of torch or in older ones."""
_SIBLINGS = {
    "default": "generator",
    "low": "low_generator",
    "out": "generator_out",
    "low_out": "low_generator_out",
    "Tensor": "Tensor_generator",
    "low_dtype": "low_generator_dtype",
}
"""Overloads of one operation: without and with a generator."""


class EveryDrawFrom(TorchDispatchMode):
    """Redirect draws from torch's global generators to ``rng`` within the block.

    It serves modules that take no generator: initialisation (`torch.nn.Linear`), `torch.nn.Dropout`, `torch.rand`.
    Only the thread that enters it is concerned. Every operation costs some microseconds more.

    Parameters
    ----------
    rng : Generator
        Source of the draws on its device; draws on another device have one of their own, of the same seed.

    Attributes
    ----------
    found : bool
        Whether there was such an operation.
    """

    def __init__(self, rng: Generator) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.rng = {rng.device.type: rng}
        self.found = False

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # to skip it torch would import its compiler, which takes seconds

    # torch's own methods also set flags that all threads share
    def __enter__(self) -> EveryDrawFrom:
        self.token = _held.set(next(iter(self.rng.values())))
        _push_mode(self)
        return self

    def __exit__(self, *_: object) -> None:
        _pop_mode()
        _held.reset(self.token)

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run an operation, with a generator if it lacks one."""
        kwargs = kwargs or {}
        if torch.Tag.nondeterministic_seeded not in func.tags:
            return func(*args, **kwargs)
        if any(isinstance(a, Generator) for a in (*args, *kwargs.values())):
            return func(*args, **kwargs)
        self.found = True
        rng = self._generator_for(args, kwargs)
        own = _OWN.get(func.overloadpacket)
        if own is not None and func._overloadname == "default":
            return own(rng, *args, **kwargs)
        if any(argument.name == "generator" for argument in func._schema.arguments):
            return func(*args, **{**kwargs, "generator": rng})
        sibling = getattr(func.overloadpacket, _SIBLINGS.get(func._overloadname, ""), None)
        # fused attention takes no generator on any device: its dropout draws from the global one
        return func(*args, **kwargs) if sibling is None else sibling(*args, **kwargs, generator=rng)

    def _generator_for(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Generator:
        tensor = next((a for a in (*args, *kwargs.values()) if isinstance(a, Tensor)), None)
        device = torch.device(kwargs.get("device") or ("cpu" if tensor is None else tensor.device))
        if device.type not in self.rng:
            seed = next(iter(self.rng.values())).initial_seed()
            self.rng[device.type] = Generator(device).manual_seed(seed)
        return self.rng[device.type]


def seeded(seed: int) -> EveryDrawFrom:
    """Return a context whose draws use a new CPU generator with this seed, for building a model."""
    return EveryDrawFrom(Generator().manual_seed(seed))
