"""The contract suite as a pytest class."""

from __future__ import annotations

from typing import ClassVar

import pytest

from gensynth.model import Encoding, Recipe
from gensynth.testing.cases import make_cases
from gensynth.testing.contract import CHECKS, Check
from gensynth.testing.trained import Trained, can_learn, train


class RecipeContract:
    """Runs every check of `gensynth.testing.CHECKS` on every case; a subclass gives the fixture ``recipe``."""

    _trained: ClassVar[dict[tuple[str, str], Trained]] = {}

    @pytest.fixture
    def recipe(self) -> Recipe:
        """Return the recipe under test, with settings that keep it small."""
        raise NotImplementedError(f"{type(self).__name__} needs a fixture `recipe` that returns the recipe under test")

    @pytest.fixture(params=list(make_cases(Encoding(), n_rows=8)))
    def trained(self, recipe: Recipe, request: pytest.FixtureRequest) -> Trained:
        """Return the recipe's model, trained for two epochs on one of the cases (once for all checks)."""
        if not can_learn(recipe, make_cases(recipe.encoding, n_rows=8)[str(request.param)]):
            pytest.skip("the recipe has no capability 'images'")
        key = (repr((type(recipe), recipe.to_json())), str(request.param))
        if key not in self._trained:
            self._trained[key] = train(recipe, make_cases(recipe.encoding)[key[1]])
        return self._trained[key]

    @pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__.removeprefix("check_"))
    def test_contract(self, trained: Trained, check: Check) -> None:
        """Run one check on one case."""
        check(trained)
