"""Checks of trained latent-variable models: samples follow the joint distribution, which passes by the latents."""

from __future__ import annotations

from typing import Any

import torch
from toy_layouts import mixed, mixed_rows

from gensynth.model import GenerativeModel, Recipe
from gensynth.training import Trainer


def built(recipe: Recipe) -> Any:
    """Return the recipe's untrained model of the mixed table, always the same one."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return recipe.build(mixed())


def trained(recipe: Recipe) -> tuple[Any, list[dict[str, Any]]]:
    """Return the model after 40 epochs, and its history."""
    model = built(recipe)
    return model, Trainer(max_epochs=40, progress=False).run(model, mixed_rows(2000), 0).history


@torch.no_grad()
def check_joint_distribution(model: GenerativeModel) -> None:
    """Samples have the frequencies of the table, and its columns go together."""
    drawn = model.generate(4000, torch.Generator().manual_seed(0))
    share = torch.bincount(drawn.codes[:, 0], minlength=4) / 4000
    torch.testing.assert_close(share, torch.tensor([0.0, 0.5, 0.3, 0.2]), atol=0.06, rtol=0)
    known = drawn.codes[:, 1] > 1
    agree = ((drawn.codes[known, 1] > 10) == (drawn.codes[known, 2] == 2)).double().mean()
    assert agree > 0.85  # independent columns: about 0.5


@torch.no_grad()
def check_rows_come_from_their_own_latents(model: Any) -> None:
    """A row decoded from its own latents is more like it than one decoded from another row's."""
    rows = mixed_rows(2000)
    latents = model.encode(rows)
    assert latents.shape == (2000, model.latent_dim)
    rng = torch.Generator().manual_seed(0)
    own = model.decode(latents, rng).codes[:, 2] == rows.codes[:, 2]
    other = model.decode(latents.roll(1, 0), rng).codes[:, 2] == rows.codes[:, 2]
    assert own.double().mean() > other.double().mean() + 0.2
