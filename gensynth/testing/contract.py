"""Checks of the contract suite on a trained model; a violation is a `PluginError`."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from sklearn.base import clone
from torch import Generator

from gensynth.errors import CapabilityError, PluginError
from gensynth.hookspecs import CAPABILITIES
from gensynth.model import UNKNOWN, Fit, Recipe, Stage
from gensynth.nn.noise import Noise, noise_widths, rows_from_noise
from gensynth.nn.randomness import EveryDrawFrom
from gensynth.nn.trimming import trimmed_mean
from gensynth.testing.cases import make_cases
from gensynth.testing.exported import check_export
from gensynth.testing.observed import check_conditions, check_imputation
from gensynth.testing.searched import check_search_space
from gensynth.testing.trained import (
    SEED,
    Trained,
    build,
    can_learn,
    equal,
    generate,
    methods,
    require,
    require_valid,
    rows_to_score,
    train,
    untouched,
)

Check = Callable[[Trained], None]


def check_recipe(recipe: Recipe) -> None:
    """Run the whole contract suite over a recipe.

    Parameters
    ----------
    recipe : Recipe
        With settings that keep it small: its model is trained once for each of eight little tables, the last with
        images.

    Raises
    ------
    PluginError
        The family breaks the contract; the message names check and case.
    """
    for case in make_cases(recipe.encoding).values():
        if not can_learn(recipe, case):
            continue
        trained = train(recipe, case)
        for check in CHECKS:
            try:
                check(trained)
            except PluginError as error:
                raise PluginError(f"{type(recipe).__name__}, {check.__name__}, case {case.name!r}: {error}") from error


def check_hyperparameters(trained: Trained) -> None:
    """Hyperparameters survive ``clone`` and JSON, and building or training does not change them."""
    recipe = trained.recipe
    before = type(recipe)(**recipe.get_params(deep=False)).to_json()
    build(recipe, trained.case)
    require(recipe.to_json() == before, "building a model changes the recipe")
    require(clone(recipe).to_json() == before, "sklearn.base.clone changes the hyperparameters")
    again = type(recipe)(**json.loads(json.dumps(before, allow_nan=False)))
    require(again.to_json() == before, "to_json does not give the hyperparameters back")
    try:
        build(again, trained.case)
    except Exception as error:
        raise PluginError(f"a recipe rebuilt from its JSON does not build: {error!r}") from error


def check_stages(trained: Trained) -> None:
    """Stages have named phases, with parameters of the model and losses that depend on them, or are closed forms."""
    model = build(trained.recipe, trained.case).train()
    own = {id(p) for p in model.parameters()}
    rng = Generator().manual_seed(SEED)
    stages = model.stages()
    require(len(stages) > 0, "stages() is empty")
    require(len({s.name for s in stages}) == len(stages), "two of its stages() have one name")
    for stage in stages:
        if isinstance(stage, Fit):
            with torch.no_grad():
                stage.function(trained.case.rows, rng)
            continue
        require(len(stage.phases) > 0, f"stage {stage.name!r} has no phases; a closed form is a Fit")
        phases = {p.name for p in stage.phases}
        require(len(phases) == len(stage.phases), f"stage {stage.name!r} has two phases of one name")
        require(stage.budget_fraction > 0, f"stage {stage.name!r} has budget_fraction {stage.budget_fraction}")
        for phase in stage.phases:
            who = f"phase {phase.name!r} of stage {stage.name!r}"
            require(len(phase.parameters) > 0, f"{who} has no parameters")
            require(all(id(p) in own for p in phase.parameters), f"{who} trains parameters that are not the model's")
            with EveryDrawFrom(rng):
                losses = phase.loss(trained.case.rows, rng)
            rows = losses.ndim == 0 or (losses.ndim <= 2 and losses.shape[-1] == len(trained.case.rows))
            require(rows, f"the loss of {who} is neither one number a row nor a scalar: shape {tuple(losses.shape)}")
            require(bool(torch.isfinite(losses).all()), f"the loss of {who} is not finite: {losses}")
            loss = trimmed_mean(losses, stage.trim)
            require(loss.requires_grad, f"the loss of {who} does not depend on its parameters")
            gradients = torch.autograd.grad(loss, phase.parameters, allow_unused=True)
            reached = any(g is not None and bool(g.any()) for g in gradients)
            require(reached, f"the loss of {who} does not depend on its parameters")


def check_training(trained: Trained) -> None:
    """Two epochs leave a history, where there is something to train, and nothing that is not finite."""
    closed = not any(isinstance(stage, Stage) for stage in trained.model.stages())
    require(closed or len(trained.history) > 0, "training leaves no history")
    for name, value in trained.model.state_dict().items():
        if value.is_floating_point() and not name.endswith(("padding", "never")):
            require(bool(torch.isfinite(value).all()), f"{name} is not finite after two epochs")
    for row in trained.history:
        bad = [k for k, v in row.items() if isinstance(v, float) and not np.isfinite(v)]
        require(not bad, f"the history has {bad[0] if bad else ''} that is not finite: {row}")


def check_same_seed_same_weights(trained: Trained) -> None:
    """Training twice from one seed gives the same weights."""
    again = train(trained.recipe, trained.case).model.state_dict()
    for name, value in trained.model.state_dict().items():
        require(torch.equal(value, again[name]), f"{name} differs between two trainings with the same seed")


def check_generate(trained: Trained) -> None:
    """Generated rows are valid: codes within range, never unknown; numbers finite, 0 where they mean nothing.

    A recipe that is not able to "sample" refuses.
    """
    if "sample" not in trained.recipe.able:
        try:
            generate(trained.model, 1)
        except CapabilityError:
            return
        raise PluginError("generate draws rows, but the recipe is not able to 'sample'")
    for n in (1, 100):
        with untouched("generate"):
            batch = generate(trained.model, n)
        require_valid(trained, batch, n)


def check_seeds(trained: Trained) -> None:
    """One seed gives one sample, another seed another one."""
    if "sample" not in trained.recipe.able:
        return
    first, same, other = (generate(trained.model, 200, seed) for seed in (1, 1, 2))
    require(equal(first, same), "the same seed gives different rows: draw from the generator that is passed only")
    require(not equal(first, other), "different seeds give the same rows")


def check_noise(trained: Trained) -> None:
    """A sample is a function of a fixed number of draws per row (`gensynth.nn.noise`), each row of its own."""
    if "sample" not in trained.recipe.able:
        return
    widths = noise_widths(trained.model)
    noise = widths.draw(20, Generator().manual_seed(SEED))
    with torch.no_grad():
        rows = rows_from_noise(trained.model, noise)
        part = rows_from_noise(trained.model, Noise(noise.uniform[5:12], noise.normal[5:12]))
    require_valid(trained, rows, 20)
    same = torch.equal(part.codes, rows.codes[5:12]) and torch.allclose(part.numeric, rows.numeric[5:12], atol=1e-4)
    require(same, "a row of a sample depends on draws of other rows")


def check_capabilities(trained: Trained) -> None:
    """A recipe declares known capabilities, and the score methods of its models."""
    recipe = trained.recipe
    unknown = sorted(recipe.capabilities - set(CAPABILITIES))
    require(not unknown, f"capabilities has {unknown}; there are {sorted(CAPABILITIES)}")
    require(bool(recipe.capabilities & {"sample", "score"}), "capabilities has neither 'sample' nor 'score'")
    if "score" in recipe.capabilities:
        own, models = tuple(recipe.score_methods), tuple(trained.model.score_methods)
        require(len(own) > 0, "the recipe's score_methods is empty: name what its models score by")
        # a family may score in more ways for one task than for another
        same = own[:1] == models[:1] and set(models) <= set(own)
        require(same, f"score_methods of the recipe are {own}, of its models {models}")


def check_score(trained: Trained) -> None:
    """Scores are (n,), finite, deterministic, and a row's score does not depend on the other rows (float64, 1e-7).

    A recipe that is not able to "score" refuses.
    """
    model = copy.deepcopy(trained.model).double()
    rows = rows_to_score(trained.case)
    if "score" not in trained.recipe.able:
        try:
            model.score(rows)
        except CapabilityError:
            return
        raise PluginError("score scores rows, but the recipe is not able to 'score'")
    for method, score in methods(model):
        with untouched(f"score by {method}"):
            full = score(rows)
        require(full.shape == (len(rows),), f"score by {method}: shape {tuple(full.shape)}, expected ({len(rows)},)")
        require(full.is_floating_point() and bool(torch.isfinite(full).all()), f"score by {method}: not finite")
        require(torch.equal(full, score(rows)), f"score by {method} differs from call to call")
        order = torch.randperm(len(rows), generator=Generator().manual_seed(SEED))
        for name, index in {"permuted": order, "fewer": order[:7], "single": order[:1]}.items():
            near = torch.allclose(score(rows[index]), full[index], rtol=1e-7, atol=1e-9)
            require(near, f"score by {method}: a row's score depends on the other rows ({name} rows)")


def check_score_of_strange_rows(trained: Trained) -> None:
    """Rows with unknown codes, or numbers far outside the fitted range, have finite scores."""
    if "score" not in trained.recipe.able:
        return
    model = copy.deepcopy(trained.model).double()
    rows = rows_to_score(trained.case)[:20]
    unknown = replace(rows, numeric=torch.zeros_like(rows.numeric), codes=torch.full_like(rows.codes, UNKNOWN))
    far = replace(rows, numeric=rows.numeric * 50)
    for method, score in methods(model):
        for what, strange in {"unknown codes": unknown, "far numbers": far}.items():
            require(bool(torch.isfinite(score(strange)).all()), f"score by {method} of {what} is not finite")


def check_state(trained: Trained) -> None:
    """``state_dict`` carries the whole model: loaded into a fresh one it generates and scores the same."""
    fresh = build(trained.recipe, trained.case, seed=SEED + 1)
    state = {name: value.clone() for name, value in trained.model.state_dict().items()}
    try:
        fresh.load_state_dict(state)
        fresh.eval()
    except RuntimeError as error:
        raise PluginError(f"the state does not load into a fresh model of the same layout: {error}") from error
    same = "sample" not in trained.recipe.able or equal(generate(trained.model, 50), generate(fresh, 50))
    require(same, "a model with the same state_dict generates other rows: learn into parameters and buffers only")
    if "score" not in trained.recipe.able:
        return
    rows = rows_to_score(trained.case)
    scores = zip(methods(copy.deepcopy(trained.model).double()), methods(fresh.double()), strict=True)
    for (method, one), (_, other) in scores:
        same = torch.equal(one(rows), other(rows))
        require(same, f"a model with the same state_dict scores differently by {method}")


CHECKS: tuple[Check, ...] = (
    check_hyperparameters,
    check_search_space,
    check_capabilities,
    check_stages,
    check_training,
    check_same_seed_same_weights,
    check_generate,
    check_seeds,
    check_noise,
    check_conditions,
    check_imputation,
    check_score,
    check_score_of_strange_rows,
    check_state,
    check_export,
)
"""Every check, in the order of a model's life."""
