"""Weights of networks as safetensors."""

from __future__ import annotations

from collections.abc import Sequence

from safetensors import SafetensorError
from safetensors import torch as safetensors_torch
from torch import Tensor

from gensynth.errors import ModelFileError, PluginError
from gensynth.model import GenerativeModel


def weights_of(models: Sequence[GenerativeModel]) -> bytes:
    """Return the parameters and persistent buffers of models, whatever device they are on.

    The names of the i-th model begin with ``i.``.

    Raises
    ------
    PluginError
        A model keeps state that is not a tensor.
    """
    weights = {}
    for i, model in enumerate(models):
        for name, value in model.state_dict().items():
            if not isinstance(value, Tensor):
                raise PluginError(f"{type(model).__name__}: state {name!r} is a {type(value).__name__}, not a tensor")
            # clone: safetensors refuses tensors that share memory (tied weights); both copies are written and read
            weights[f"{i}.{name}"] = value.detach().cpu().contiguous().clone()
    return safetensors_torch.save(weights)


def load_weights(models: Sequence[GenerativeModel], data: bytes) -> None:
    """Put stored weights into freshly built models.

    Raises
    ------
    ModelFileError
        The weights cannot be read, or have other names or shapes than the models'.
    """
    try:
        weights = safetensors_torch.load(data)
    except SafetensorError as error:
        raise ModelFileError(f"the weights in the file cannot be read: {error}") from error
    own = {f"{i}.{name}": value for i, model in enumerate(models) for name, value in model.state_dict().items()}
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
            f"the weights in the file do not fit {type(models[0]).__name__} as the installed plugin builds it "
            f"({len(wrong)} differ: {', '.join(wrong[:5])}); install the version of the plugin that wrote the file"
        )
    for i, model in enumerate(models):
        model.load_state_dict({name: weights[f"{i}.{name}"] for name in model.state_dict()})
