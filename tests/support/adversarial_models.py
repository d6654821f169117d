"""Small adversarial models on the mixed toy layout, built and trained by a short loop."""

from __future__ import annotations

from typing import Any

import torch
from torch import Generator, Tensor
from toy_layouts import mixed

from gensynth.model import Batch, Fit, GenerativeModel, Layout, Observed, Recipe, Stage

SIZES: dict[str, Any] = {"noise_dim": 8, "width": 32, "pac": 2}


def rng_of(seed: int = 0) -> Generator:
    """Return a generator of this seed."""
    return Generator().manual_seed(seed)


def built(recipe: Recipe, layout: Layout | None = None) -> Any:
    """Return the recipe's untrained model, always the same; by default with one condition column."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return recipe.build(layout or mixed(n_conditions=1))


def trained(model: Any, rows: Batch, steps: int, seed: int = 1) -> Any:
    """Train by the trainer's loop in short; return the model, in eval mode."""
    rng = rng_of(seed)
    with torch.random.fork_rng(), torch.enable_grad():
        torch.manual_seed(0)
        for stage in model.stages():
            if isinstance(stage, Fit):
                with torch.no_grad():
                    stage.function(rows, rng)
                continue
            optimisers = [
                torch.optim.AdamW(p.parameters, lr=p.optimizer.learning_rate, betas=p.optimizer.betas)
                for p in stage.phases
            ]
            for step in range(1, steps + 1):
                batch = rows[torch.randint(0, len(rows), (128,), generator=rng)]
                for phase, optimiser in zip(stage.phases, optimisers, strict=True):
                    if step % phase.every == 0:
                        loss = phase.loss(batch, rng)
                        optimiser.zero_grad(set_to_none=True)
                        loss.backward()
                        optimiser.step()
                        if phase.after_step is not None:
                            phase.after_step()
    return model.eval()


def game_of(model: GenerativeModel) -> Stage:
    """Return the stage that is the game, whatever stands before it."""
    return next(stage for stage in model.stages() if isinstance(stage, Stage) and stage.name == "game")


def shares_of(codes: Tensor, cardinality: int) -> Tensor:
    """Return how often each code stands among codes (n,)."""
    return torch.bincount(codes, minlength=cardinality).double() / len(codes)


def given_class(n: int, code: int) -> Observed:
    """Return n rows whose first cell is given."""
    rows = Batch(torch.zeros(n, 1), torch.zeros(n, 3, dtype=torch.long))
    rows.codes[:, 0] = code
    return Observed.of_columns((0,), rows)
