"""What is trained for a detector of images."""

from __future__ import annotations

from toy_image_recipe import ToyImages

from gensynth.detector.options import recipe_of_images
from gensynth.engine.parameters import make_recipe


def test_a_recipe_says_how_often_and_how_long_a_detector_of_images_trains_it():
    recipe, n = recipe_of_images(ToyImages(), None)
    assert n == 1
    recipe, n = recipe_of_images("vq-vae", None)
    assert n == 3
    assert recipe.max_steps == 180
    given = make_recipe("vq-vae").set_params(max_steps=7)
    recipe, n = recipe_of_images(given, 2)
    assert n == 2
    assert recipe.max_steps == 7
