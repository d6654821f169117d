"""Encoded rows as tensors: the device and type of a model, and how many rows fit into memory."""

from __future__ import annotations

import torch

from gensynth.encoding.rows import Rows
from gensynth.layout import Layout
from gensynth.model import Batch, GenerativeModel


def to_batch(rows: Rows, dtype: torch.dtype) -> Batch:
    """Return encoded rows as tensors, numbers in ``dtype``."""
    jacobian = None if rows.log_jacobian is None else torch.tensor(rows.log_jacobian, dtype=dtype)
    pixels = None if rows.pixels is None else torch.tensor(rows.pixels, dtype=dtype)
    return Batch(torch.tensor(rows.numeric, dtype=dtype), torch.tensor(rows.codes, dtype=torch.int64), jacobian, pixels)


def place_of(model: GenerativeModel) -> tuple[torch.device, torch.dtype]:
    """Return device and floating type of a model's parameters."""
    parameter = next((p for p in model.parameters() if p.is_floating_point()), torch.zeros(()))
    return parameter.device, parameter.dtype


def block_size(layout: Layout, most: int) -> int:
    """Return the number of rows whose logits, or image features, take at most 128 MB in float32."""
    if layout.image is not None:
        return min(max(2**25 // layout.image.n_features, 16), most)
    return min(max(2**25 // max(sum(layout.cardinalities), 1), 256), most)
