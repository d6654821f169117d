"""Convolutional networks between images of any size and their coarsest maps."""

from __future__ import annotations

import pytest
import torch

from gensynth.nn.image.convolutions import ConvDecoder, ConvEncoder, halvings

SIZES = [(4, 4), (7, 9), (8, 8), (12, 20), (28, 28), (33, 64)]


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_maps_go_down_and_up_again(height: int, width: int) -> None:
    sizes = halvings(height, width)
    encoder, decoder = ConvEncoder(3, sizes, 8), ConvDecoder(sizes, 8)
    maps = encoder(torch.rand(2, 3, height, width))
    assert maps.shape == (2, encoder.channels, *sizes[-1])
    assert decoder(maps).shape == (2, 8, height, width)


def test_the_coarsest_map_of_a_larger_image_has_four_to_seven_places_a_side() -> None:
    for side in range(7, 129):
        assert 4 <= halvings(side, side)[-1][0] <= 7, side
