"""The contract suite: what every family of models must do, for plugin authors to run over their own.

With pytest one fixture is enough::

    class TestMine(RecipeContract):
        @pytest.fixture
        def recipe(self):
            return Mine(width=8)

Without pytest: ``check_recipe(Mine(width=8))``.
"""

from __future__ import annotations

from gensynth.testing.cases import Case, make_cases
from gensynth.testing.contract import CHECKS, Trained, check_recipe, train
from gensynth.testing.suite import RecipeContract

__all__ = ["CHECKS", "Case", "RecipeContract", "Trained", "check_recipe", "make_cases", "train"]
