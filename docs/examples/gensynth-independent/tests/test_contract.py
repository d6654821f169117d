"""The contract suite of gensynth over this plugin's recipe."""

import pytest
from gensynth_independent.recipes import Independent

from gensynth.testing import RecipeContract


class TestIndependent(RecipeContract):
    @pytest.fixture
    def recipe(self):
        return Independent()
