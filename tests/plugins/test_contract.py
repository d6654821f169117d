"""The shipped contract suite over every registered model."""

from __future__ import annotations

import pytest

from gensynth.registry import default_registry
from gensynth.testing import RecipeContract

MODELS = [entry.qualified_name for entry in default_registry().models() if entry.distribution == "gensynth"]


def test_all_built_in_models_are_registered() -> None:
    names = {name.removeprefix("gensynth/") for name in MODELS}
    assert {"vae", "beta-vae", "vlae", "gan", "wgan", "cgan"} <= names


class TestRegistered(RecipeContract):
    @pytest.fixture(params=MODELS)
    def recipe(self, request):
        return default_registry().recipe(request.param)()


class TestDetectors(RecipeContract):
    @pytest.fixture(params=MODELS)
    def recipe(self, request):
        return default_registry().recipe(request.param)().for_detection(contaminated=True, members=2)
