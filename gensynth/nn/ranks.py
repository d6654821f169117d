"""Communication between data-parallel processes (torch.distributed); a no-op in a single process."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from gensynth.errors import GensynthError, TrainingError, hint

T = TypeVar("T")


def size() -> int:
    """Return how many processes there are: 1 without a process group."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def rank() -> int:
    """Return the number of this process, from 0."""
    return dist.get_rank() if size() > 1 else 0


def is_first() -> bool:
    """Return whether this process is the one that decides, writes files and shows progress."""
    return rank() == 0


@contextlib.contextmanager
def others_answering() -> Iterator[None]:
    """Convert torch's errors for a lost process into one that says so."""
    try:
        yield
    except RuntimeError as error:
        place_and_advice = r"^\[[^]]*\] *|\. .*|\n.*"  # in C++; that of the library
        why = re.sub(place_and_advice, "", str(error).strip(), flags=re.DOTALL)
        checkpoint = hint("Trainer(checkpoint=...) and resume=True", "--checkpoint FILE and --resume")
        raise TrainingError(
            f"another of the {dist.get_world_size()} processes was lost, or did not answer in time ({why}): see its "
            f"last messages. With {checkpoint} training can be continued"
        ) from error


def from_first(value: T, group: dist.ProcessGroup | None = None) -> T:
    """Return the first process's value, which is pickled; of a group, that of the group's first process."""
    if size() == 1:
        return value
    source = 0 if group is None else dist.get_global_rank(group, 0)
    values: list[Any] = [value if rank() == source else None]
    with others_answering():
        dist.broadcast_object_list(values, src=source, group=group)
    found: T = values[0]
    return found


def on_first(function: Callable[[], T]) -> T:
    """Call a function in the first process alone; return its result, or raise its `GensynthError`, in all."""
    if size() == 1:
        return function()
    result: T | None = None
    failure: GensynthError | None = None
    if is_first():
        try:
            result = function()
        except GensynthError as error:
            failure = error
    found, failure = from_first((result, failure))
    if failure is not None:
        raise failure
    return found  # type: ignore[return-value]


def gathered(value: T) -> list[T]:
    """Return the values of all processes, which are pickled, in their order."""
    if size() == 1:
        return [value]
    values: list[Any] = [None] * size()
    with others_answering():
        dist.all_gather_object(values, value)
    return values


def stacked(tensor: Tensor) -> Tensor:
    """Return (processes, ...): the tensors of all processes, which have one shape."""
    if size() == 1:
        return tensor.unsqueeze(0)
    parts = [torch.empty_like(tensor, memory_format=torch.contiguous_format) for _ in range(size())]
    with others_answering():
        dist.all_gather(parts, tensor.contiguous())
    return torch.stack(parts)


def total(tensor: Tensor) -> Tensor:
    """Return the sum of the tensors of all processes, the same bits in each; ``tensor`` may be overwritten."""
    if size() > 1:
        with others_answering():
            dist.all_reduce(tensor)
    return tensor


def mean(tensor: Tensor) -> Tensor:
    """Return the mean of the tensors of all processes, the same bits in each.

    A loss that changes the model itself, such as a running mean over batches, takes it of what the change follows
    from: the model stays the same in all processes. No gradient goes through it.
    """
    return tensor if size() == 1 else total(tensor.detach().clone()) / size()


@torch.no_grad()
def take_from_first(tensors: Sequence[Tensor]) -> None:
    """Overwrite tensors, of any types on one device, by those of the first process."""
    if size() == 1 or not tensors:
        return
    flat = torch.cat([_as_bytes(tensor) for tensor in tensors])
    with others_answering():
        dist.broadcast(flat, 0)
    if is_first():
        return
    parts = flat.split([tensor.numel() * tensor.element_size() for tensor in tensors])
    for tensor, part in zip(tensors, parts, strict=True):
        value = part.clone().view(tensor.dtype).view(tensor.shape)  # a clone begins where any type may
        if not torch.equal(tensor, value):  # a buffer that was expanded, and never changes, cannot be written
            tensor.copy_(value)


def _as_bytes(tensor: Tensor) -> Tensor:
    return tensor.detach().contiguous().reshape(-1).view(torch.uint8)
