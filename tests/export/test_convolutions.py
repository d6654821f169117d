"""Convolutions, normalisations and resized maps on graphs are those of torch, in float32 and in float64."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from graphs import run_graph
from torch import nn

from gensynth.export.program import GraphError
from gensynth.nn.image.convolutions import ConvDecoder, ConvEncoder, Upsample, halvings, pooled

LAYERS = {
    "same": nn.Conv2d(3, 8, 3, padding=1),
    "1 x 1": nn.Conv2d(3, 8, 1),
    "stride": nn.Conv2d(3, 8, 4, stride=2, padding=1),
    "uneven": nn.Conv2d(3, 8, (2, 3), stride=(2, 1), padding=(0, 2), dilation=(1, 2), bias=False),
    "transposed": nn.ConvTranspose2d(3, 8, 4, stride=2, padding=1),
    "transposed and longer": nn.ConvTranspose2d(3, 8, 3, stride=2, padding=1, output_padding=1, dilation=2),
    "cut": Upsample(3, 8, (13, 9)),
    "group norm": nn.GroupNorm(3, 3),
    "layer norm": nn.LayerNorm((7, 5)),
    "layer norm without weights": nn.LayerNorm(5, elementwise_affine=False),
    "batch norm": nn.BatchNorm2d(3),
    "batch norm without weights": nn.BatchNorm2d(3, affine=False),
}


def maps(n=5, channels=3, size=(7, 5), dtype=torch.float32):
    return torch.randn(n, channels, *size, generator=torch.Generator().manual_seed(0)).to(dtype)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", LAYERS)
@torch.no_grad()
def test_layers(name, dtype):
    layer, near = LAYERS[name].eval().to(dtype), 1e-5 if dtype == torch.float32 else 1e-12
    for module in (m for m in layer.modules() if isinstance(m, nn.BatchNorm2d)):
        module.load_state_dict(
            {"running_mean": torch.full((3,), 0.3), "running_var": torch.full((3,), 2.0)}, strict=False
        )
    x = maps(dtype=dtype)
    (found,) = run_graph(lambda x: [layer(x)], x)
    np.testing.assert_allclose(found, layer(x).numpy(), rtol=near, atol=near)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("size", [(14, 10), (13, 7), (3, 2), (1, 1)])
def test_sizes(size, dtype):
    x = maps(dtype=dtype)
    near = 1e-5 if dtype == torch.float32 else 1e-12
    for resize in (lambda x: F.interpolate(x, size, mode="nearest"), lambda x: F.adaptive_avg_pool2d(x, size)):
        (found,) = run_graph(lambda x, resize=resize: [resize(x)], x)
        np.testing.assert_allclose(found, resize(x).numpy(), rtol=near, atol=near)


@pytest.mark.parametrize("runtime", ["reference", "onnxruntime"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@torch.no_grad()
def test_networks_of_images(runtime, dtype):
    pytest.importorskip("onnxruntime") if runtime == "onnxruntime" else None
    sizes = halvings(9, 15)
    encoder, decoder = ConvEncoder(2, sizes, 4).to(dtype), ConvDecoder(sizes, 4).to(dtype)
    x = maps(3, 2, (9, 15), dtype)

    def function(x):
        coarse = encoder(x)
        return coarse, decoder(coarse), pooled(coarse, (2, 2))

    near = 1e-4 if dtype == torch.float32 else 1e-11
    for found, wanted in zip(run_graph(function, x, runtime=runtime), function(x), strict=True):
        np.testing.assert_allclose(found, wanted.numpy(), rtol=near, atol=near)


def test_what_no_graph_has_is_refused():
    with pytest.raises(GraphError, match="normalises by the other rows of a batch"):
        run_graph(lambda x: [F.batch_norm(x, None, None, training=True)], maps())
    with pytest.raises(GraphError, match="other than two axes"):
        run_graph(lambda x: [F.conv1d(x[..., 0], torch.ones(2, 3, 2))], maps())
    with pytest.raises(GraphError, match="convolves in groups"):
        run_graph(lambda x: [F.conv2d(x, x.new_ones(3, 1, 2, 2), groups=3)], maps(dtype=torch.float64))
