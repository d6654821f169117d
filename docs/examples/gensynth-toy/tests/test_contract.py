import pytest
from gensynth_toy.recipes import LatentClasses

from gensynth.testing import RecipeContract


class TestLatentClasses(RecipeContract):
    @pytest.fixture
    def recipe(self):
        return LatentClasses(n_classes=2)
