"""A recipe trained on a case, with the operations that the contract suite checks."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Generator, Tensor

from gensynth.errors import PluginError
from gensynth.layout import Layout
from gensynth.model import UNKNOWN, Batch, GenerativeModel, Observed, Recipe
from gensynth.nn.randomness import seeded
from gensynth.testing.cases import Case
from gensynth.training import Trainer

SEED = 7


@dataclass(frozen=True)
class Trained:
    """A recipe, a case, the model trained on it for two epochs, and the history of that training."""

    recipe: Recipe
    case: Case
    model: GenerativeModel
    history: list[dict[str, object]]


def train(recipe: Recipe, case: Case, seed: int = SEED) -> Trained:
    """Build a recipe's model for a case and train it for two epochs on the CPU."""
    model = build(recipe, case, seed)
    trainer = Trainer(max_epochs=2, device="cpu", progress=False)
    with untouched("training"):
        history = trainer.run(model, case.rows, seed).history
    return Trained(recipe, case, model.eval(), history)


def can_learn(recipe: Recipe, case: Case) -> bool:
    """Return whether a recipe supports a case: images need the capability "images"."""
    return case.layout.image is None or "images" in recipe.able


def require(condition: bool, message: str) -> None:  # noqa: FBT001 - as of an assert statement
    """Raise a `PluginError` with this message unless the condition holds."""
    if not condition:
        raise PluginError(message)


def build(recipe: Recipe, case: Case, seed: int = SEED) -> GenerativeModel:
    """Return the recipe's untrained model for a case."""
    with seeded(seed):
        return recipe.build(case.layout)


@torch.no_grad()
def generate(model: GenerativeModel, n: int, seed: int = SEED, observed: Observed | None = None) -> Batch:
    """Return n generated rows."""
    return model.generate(n, Generator().manual_seed(seed), observed)


def methods(model: GenerativeModel) -> Iterator[tuple[str, Callable[[Batch], Tensor]]]:
    """Yield each way to score by name, as a function from rows to (n,) scores."""
    require(len(model.score_methods) > 0, "score_methods is empty")
    for method in (None, *model.score_methods):

        def score(batch: Batch, method: str | None = method) -> Tensor:
            with torch.no_grad():
                rows = model.score(batch, method).rows
            return rows if rows.dim() == 1 else rows.mean(0)

        yield str(method or "default"), score


def rows_to_score(case: Case) -> Batch:
    """Return a case's rows as they come to `GenerativeModel.score`: float64, with a Jacobian."""
    return replace(case.rows, log_jacobian=torch.zeros_like(case.rows.numeric)).to("cpu", torch.float64)


def equal(one: Batch, other: Batch) -> bool:
    """Return whether two batches have the same cells."""
    same_image = one.pixels is other.pixels is None or (
        one.pixels is not None and other.pixels is not None and torch.equal(one.pixels, other.pixels)
    )
    return torch.equal(one.codes, other.codes) and torch.equal(one.numeric, other.numeric) and same_image


def require_valid(trained: Trained, batch: Batch, n: int) -> None:
    """Require that a batch holds n rows of the layout: no unknown code, no number where there is none."""
    layout = trained.model.layout
    codes, numeric = batch.codes, batch.numeric
    require(codes.shape == (n, len(layout.columns)), f"codes are {tuple(codes.shape)}, not {(n, len(layout.columns))}")
    require(numeric.shape == (n, layout.n_numeric), f"numeric is {tuple(numeric.shape)}, not {(n, layout.n_numeric)}")
    require(codes.dtype == torch.int64, f"codes are {codes.dtype}, not int64")
    require(bool(torch.isfinite(numeric).all()), "numeric is not finite")
    if layout.image is not None:
        require(batch.pixels is not None, "there are no pixels")
        assert batch.pixels is not None
        shape = (n, *layout.image.shape)
        require(batch.pixels.shape == shape, f"pixels are {tuple(batch.pixels.shape)}, not {shape}")
        inside = bool(((batch.pixels >= 0) & (batch.pixels <= 1)).all())
        require(inside, "pixels are not all in [0, 1]")
    for j, column in enumerate(layout.columns):
        own = codes[:, j]
        low, high = int(own.min()), int(own.max())
        require(low > UNKNOWN and high < column.cardinality, f"codes of column {j} are in [{low}, {high}]")
        if column.numeric is not None:
            idle = numeric[~column.numeric.beside(own), column.numeric.index]
            require(not bool(idle.any()), f"column {j} has numbers other than 0 beside codes that have none")


def require_observed(layout: Layout, batch: Batch, rows: Batch, mask: Tensor) -> None:
    """Require that the observed cells of rows (mask (n, k)) come back exactly."""
    for j, column in enumerate(layout.columns):
        here = mask[:, j]
        same = torch.equal(batch.codes[here, j], rows.codes[here, j])
        require(same, f"the codes observed in column {j} come back changed")
        if column.numeric is not None:
            at = column.numeric.index
            same = torch.equal(batch.numeric[here, at], rows.numeric[here, at])
            require(same, f"the numbers observed in column {j} come back changed")


@contextmanager
def untouched(what: str) -> Iterator[None]:
    """Require that the block leaves every global random state alone."""
    before = (torch.get_rng_state(), random.getstate(), np.random.get_state())  # noqa: NPY002 - the one under test
    yield
    after = (torch.get_rng_state(), random.getstate(), np.random.get_state())  # noqa: NPY002
    same = torch.equal(before[0], after[0]) and before[1] == after[1] and repr(before[2]) == repr(after[2])
    require(same, f"{what} draws from a global random state: draw from the generator that is passed")
