"""The contract of a search space."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from toy_models import Toy

from gensynth.constraints import Among, Between, whole
from gensynth.errors import PluginError
from gensynth.testing import make_cases, train
from gensynth.testing.searched import check_search_space


def recipe(space: Mapping[str, Among | Between]) -> Toy:
    kind: Any = dataclass(eq=False)(
        type("Searched", (Toy,), {"constraints": {"width": whole(1, 64)}, "search_space": space})
    )
    made: Toy = kind()
    return made


@pytest.mark.parametrize(
    ("space", "said"),
    [
        ({"size": Among((1,))}, "size is no hyperparameter"),
        ({"width": Among(())}, "width has no value"),
        ({"width": Among((8, 65))}, "width=65 is refused by the constraints: an integer from 1 to 64"),
        ({"width": Between(0, 8, whole=True)}, "width=0 is refused"),
        ({"dropout": Between(0.5, 0.1)}, "dropout goes from 0.5 to 0.1"),
        ({"dropout": Between(0.0, 0.1, log=True)}, "dropout is logarithmic and begins at 0.0"),
    ],
)
def test_what_is_refused(space, said) -> None:
    case = next(iter(make_cases(Toy().encoding, n_rows=30).values()))
    trained = train(recipe(space), case)
    with pytest.raises(PluginError, match=said):
        check_search_space(trained)


def test_what_is_sound_passes() -> None:
    case = next(iter(make_cases(Toy().encoding, n_rows=30).values()))
    check_search_space(train(recipe({"width": Between(1, 64, log=True, whole=True), "dropout": Among((0.1,))}), case))
    check_search_space(train(Toy(), case))
