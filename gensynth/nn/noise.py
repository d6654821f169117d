"""A sampler as a function of noise: random draws in `GenerativeModel.generate` read given tensors."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Generator, Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from gensynth.errors import PluginError
from gensynth.model import Batch, GenerativeModel, Observed


class Noise(NamedTuple):
    """Noise of a sample, one row for each of its rows."""

    uniform: Tensor
    """(n, u), in [0, 1)."""
    normal: Tensor
    """(n, v), N(0, 1)."""


class NoiseWidths(NamedTuple):
    """Number of random numbers of each kind per row of a sample."""

    uniform: int
    normal: int

    def draw(self, n: int, rng: Generator) -> Noise:
        """Draw noise for n rows."""
        return Noise(
            torch.rand(n, self.uniform, generator=rng, device=rng.device),
            torch.randn(n, self.normal, generator=rng, device=rng.device),
        )


class _DrawFromNoise(TorchDispatchMode):
    """Replace random draws within the block by the next columns of the noise; ``used`` counts them.

    A draw of some shape takes the rows of the noise along the first axis that has as many entries as there are rows.
    """

    def __init__(self, noise: Noise) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.noise, self.used = noise, [0, 0]

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # see `gensynth.nn.randomness.EveryDrawFrom`

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = dict(kwargs or {})
        if torch.Tag.nondeterministic_seeded not in func.tags:
            return func(*args, **kwargs)
        operation = _OPERATIONS.get(func.overloadpacket)
        if operation is None:
            raise PluginError(f"generate draws by {func}, which is not known as a function of noise")
        kwargs.pop("generator", None)
        return operation(self, *(a for a in args if not isinstance(a, Generator)), **kwargs)

    def take(self, kind: int, shape: Any, like: Tensor | None = None) -> Tensor:
        """Return the next noise of a kind (0: uniform, 1: normal) in a shape."""
        source, shape = self.noise[kind], tuple(shape)
        n = source.shape[0]
        if n not in shape:
            raise PluginError(f"generate draws numbers of shape {shape} for {n} rows: draw the same of every row")
        axis = shape.index(n)
        width = math.prod(shape[:axis] + shape[axis + 1 :])
        start = self.used[kind]
        self.used[kind] += width
        part = source[:, start : start + width]
        if part.shape[1] < width:
            raise PluginError(f"generate draws more than the {source.shape[1]} numbers per row that it drew before")
        part = part.reshape(n, *shape[:axis], *shape[axis + 1 :]).movedim(0, axis)
        return part.clone() if like is None else part.to(like, copy=True)  # what is drawn may be changed in place


def _in_type(values: Tensor, options: dict[str, Any]) -> Tensor:
    return values.to(options.get("device") or values.device, options.get("dtype") or torch.get_default_dtype())


def _rand(mode: _DrawFromNoise, shape: Any, **options: Any) -> Tensor:
    return _in_type(mode.take(0, shape), options)


def _randn(mode: _DrawFromNoise, shape: Any, **options: Any) -> Tensor:
    return _in_type(mode.take(1, shape), options)


def _uniform(mode: _DrawFromNoise, into: Tensor, low: float = 0.0, high: float = 1.0) -> Tensor:
    return into.copy_(low + (high - low) * mode.take(0, into.shape, into))


def _normal(mode: _DrawFromNoise, into: Tensor, mean: float = 0.0, std: float = 1.0) -> Tensor:
    return into.copy_(mean + std * mode.take(1, into.shape, into))


def _multinomial(mode: _DrawFromNoise, weights: Tensor, num: int, replacement: bool = False) -> Tensor:  # noqa: FBT001, FBT002 - torch's signature
    """Sample by inversion: ``num`` from one row of weights, or one from each row."""
    if num > 1 and not replacement:
        raise PluginError("generate draws without replacement, which is not known as a function of noise")
    total = weights.cumsum(-1)
    shape = (*weights.shape[:-1], num)
    uniform = mode.take(0, shape, weights)
    target = (1.0 - uniform) * total[..., -1:]  # in (0, total]: never a weight of 0
    return torch.searchsorted(total.contiguous(), target.contiguous())


_ATEN = torch.ops.aten
_OPERATIONS: dict[Any, Callable[..., Tensor]] = {
    _ATEN.rand: _rand,
    _ATEN.randn: _randn,
    _ATEN.uniform_: _uniform,
    _ATEN.normal_: _normal,
    _ATEN.multinomial: _multinomial,
}


def noise_widths(model: GenerativeModel, observed: Observed | None = None) -> NoiseWidths:
    """Return the random numbers per row of a sample; ``observed`` as for `rows_from_noise`, at least one row."""
    device = next((p.device for p in model.parameters()), torch.device("cpu"))
    wide = torch.zeros(1, 1, device=device).expand(1, 2**40)
    with torch.no_grad(), _DrawFromNoise(Noise(wide, wide)) as mode:
        model.generate(1, Generator(device), None if observed is None else observed[torch.zeros(1, dtype=torch.long)])
    return NoiseWidths(*mode.used)


def rows_from_noise(model: GenerativeModel, noise: Noise, observed: Observed | None = None) -> Batch:
    """Return the rows from noise: `GenerativeModel.generate` as a deterministic function.

    Parameters
    ----------
    model : GenerativeModel
        In eval mode.
    noise : Noise
        Of n rows, as wide as `noise_widths` says.
    observed : Observed or None
        n rows whose cells are given, to families that are given cells without a search for latents.

    Returns
    -------
    Batch
        n rows, each a function of its row of noise alone.

    Raises
    ------
    PluginError
        The family draws in a way that is no function of a fixed number of draws per row.
    """
    with _DrawFromNoise(noise):
        return model.generate(len(noise.uniform), Generator(noise.uniform.device), observed)
