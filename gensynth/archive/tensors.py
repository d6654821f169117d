"""Weights of a network as safetensors."""

from __future__ import annotations

from collections.abc import Sequence

from safetensors import SafetensorError
from safetensors import torch as safetensors_torch
from torch import Tensor

from gensynth.errors import ModelFileError, PluginError
from gensynth.model import GenerativeModel


def weights_of(model: GenerativeModel) -> bytes:
    """Return the parameters and persistent buffers of a model, whatever device it is on.

    Raises
    ------
    PluginError
        The model keeps state that is not a tensor.
    """
    state = model.state_dict()
    for name, value in state.items():
        if not isinstance(value, Tensor):
            raise PluginError(f"{type(model).__name__}: state {name!r} is a {type(value).__name__}, not a tensor")
    # clone: safetensors refuses tensors that share memory (tied weights); both copies are written and read
    return safetensors_torch.save({name: value.detach().cpu().contiguous().clone() for name, value in state.items()})


def join_weights(parts: Sequence[bytes]) -> bytes:
    """Return the weights of several models as one; the names of the i-th begin with ``i.``."""
    joined = {
        f"{i}.{name}": value for i, part in enumerate(parts) for name, value in safetensors_torch.load(part).items()
    }
    return safetensors_torch.save(joined)


def split_weights(data: bytes, count: int) -> list[bytes]:
    """Return the parts of what `join_weights` made; raises `ModelFileError` if they cannot be read."""
    try:
        joined = safetensors_torch.load(data)
    except SafetensorError as error:
        raise ModelFileError(f"the weights in the file cannot be read: {error}") from error
    prefixes = [f"{i}." for i in range(count)]
    return [
        safetensors_torch.save({n.removeprefix(prefix): v for n, v in joined.items() if n.startswith(prefix)})
        for prefix in prefixes
    ]


def load_weights(model: GenerativeModel, data: bytes) -> None:
    """Put stored weights into a freshly built model.

    Raises
    ------
    ModelFileError
        The weights cannot be read, or have other names or shapes than the model's.
    """
    try:
        weights = safetensors_torch.load(data)
    except SafetensorError as error:
        raise ModelFileError(f"the weights in the file cannot be read: {error}") from error
    own = model.state_dict()
    wrong = sorted(
        name
        for name in own.keys() | weights.keys()
        if name not in own
        or name not in weights
        or own[name].shape != weights[name].shape
        or own[name].dtype != weights[name].dtype
    )
    if wrong:
        raise ModelFileError(
            f"the weights in the file do not fit {type(model).__name__} as the installed plugin builds it "
            f"({len(wrong)} differ: {', '.join(wrong[:5])}); install the version of the plugin that wrote the file"
        )
    model.load_state_dict(weights)
