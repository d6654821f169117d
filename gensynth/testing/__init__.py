"""The contract suite for authors of plugins: checks that every family of models must pass.

With pytest one fixture is enough (nothing else here needs pytest)::

    class TestMine(RecipeContract):
        @pytest.fixture
        def recipe(self):
            return Mine(width=8)

Without pytest: ``check_recipe(Mine(width=8))``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gensynth.testing.cases import Case, make_cases
from gensynth.testing.contract import CHECKS, check_recipe
from gensynth.testing.trained import Trained, train

if TYPE_CHECKING:
    from gensynth.testing.suite import RecipeContract

__all__ = ["CHECKS", "Case", "RecipeContract", "Trained", "check_recipe", "make_cases", "train"]


def __getattr__(name: str) -> Any:
    if name != "RecipeContract":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        from gensynth.testing.suite import RecipeContract
    except ModuleNotFoundError as error:
        if error.name != "pytest":
            raise
        raise ImportError("RecipeContract needs pytest: pip install pytest; check_recipe(...) does without") from error
    return RecipeContract
