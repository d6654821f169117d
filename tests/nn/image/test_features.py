"""The two-sample statistic of images tells samples apart that differ, and is small where they do not."""

from __future__ import annotations

import torch
from toy_images import bars, bars_layout

from gensynth.nn.image.features import RandomFeatures, frechet_distance


def distance(a: torch.Tensor, b: torch.Tensor, features: RandomFeatures) -> float:
    return float(frechet_distance(features(a), features(b)))


def test_the_distance_grows_with_noise_and_with_copies() -> None:
    layout = bars_layout(n_rows=1000)
    pixels = bars(layout).pixels
    assert pixels is not None
    assert layout.image is not None
    features = RandomFeatures(layout.image)
    features.fit(pixels)
    a, b = pixels.chunk(2)
    noise = torch.randn(b.shape, generator=torch.Generator().manual_seed(0))
    same, little, much = (distance(a, (b + s * noise).clamp(0, 1), features) for s in (0.0, 0.1, 0.3))
    assert same < little < much
    assert distance(a, b[:1].expand(500, -1, -1, -1), features) > 3 * same


def test_the_distance_of_two_normals_is_the_closed_form() -> None:
    rng = torch.Generator().manual_seed(0)
    a = torch.randn(200_000, 2, generator=rng)
    b = 2.0 * torch.randn(200_000, 2, generator=rng) + torch.tensor([3.0, 0.0])
    assert abs(float(frechet_distance(a, b)) - (9.0 + 2.0)) < 0.1  # |m|^2 + sum (s_a - s_b)^2
