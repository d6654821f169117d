"""Check of the contract suite that the search space of a recipe has valid values."""

from __future__ import annotations

from gensynth.constraints import Between, constraints_of, search_space_of
from gensynth.testing.trained import Trained, require


def check_search_space(trained: Trained) -> None:
    """The search space has hyperparameters with valid values."""
    kind = type(trained.recipe)
    known, allowed = trained.recipe.get_params(deep=False), constraints_of(kind)
    for name, choices in search_space_of(kind).items():
        where = f"search_space: {name}"
        require(name in known, f"{where} is no hyperparameter")
        require(len(choices.examples) > 0, f"{where} has no value")
        for value in choices.examples:
            if name in allowed:
                fits = allowed[name].allows(value)
                require(fits, f"{where}={value!r} is refused by the constraints: {allowed[name].words}")
        if isinstance(choices, Between):
            require(choices.low < choices.high, f"{where} goes from {choices.low} to {choices.high}")
            require(not choices.log or choices.low > 0, f"{where} is logarithmic and begins at {choices.low}")
