"""``model="auto"``: model selection by a comparison of several models and a cross-validation of the best."""

from __future__ import annotations

import time
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import pandas as pd
from sklearn.base import clone

from gensynth.augmentation.adding import checked, limited
from gensynth.augmentation.augmenter import Augmenter
from gensynth.augmentation.check import N_SPLITS, CheckFolds, UncheckedError
from gensynth.augmentation.checked import SIMPLE, AugmentCheck
from gensynth.comparison import Comparison, compare
from gensynth.defaults import AUTO_MODELS, AUTO_SECONDS
from gensynth.engine.capabilities import CONDITIONAL
from gensynth.errors import CapabilityError, DataError, TrainingError, counted, hint
from gensynth.evaluation.samples import MIN_ROWS
from gensynth.registry import default_registry
from gensynth.tables.imagearrays import declared_images

_MAX_MODELS = 3
_MAX_CHECKED = 2
_COMPARED = 0.3  # share of the budget that the comparison's fits have
_FINAL = 0.4  # share of what is then left for the model of the new rows, and at least _LEAST of the budget
_LEAST = 0.1


@dataclass(frozen=True)
class ModelChoice:
    """Result of the model selection.

    Parameters
    ----------
    model : str
        The model that was chosen.
    comparison : Comparison
        The candidates, fitted to a part of the real rows and judged on the rest.
    checks : dict of str to AugmentCheck
        What the rows of the best of them did to a classifier, by model.
    unchecked : dict of str to str
        Why those that were to be checked could not be.
    seconds : float
        Time that is left of the budget for the model of the new rows.
    """

    model: str
    comparison: Comparison
    checks: dict[str, AugmentCheck]
    unchecked: dict[str, str]
    seconds: float

    @property
    def check(self) -> AugmentCheck | None:
        """The check of the chosen model; None if it was not made."""
        return self.checks.get(self.model)

    @property
    def helps(self) -> bool | None:
        """Whether the new rows help a classifier significantly more than every baseline; None if not checked."""
        return None if self.check is None else self.check.best == "synthetic"

    def __str__(self) -> str:
        names = [result.name for result in self.comparison.results]
        told = f"{self.model} was chosen of {', '.join(names)}"
        if self.check is None:
            return f"{told} by how like real rows theirs are: {self.comparison.verdict}"
        scores = ", ".join(f"{name} {check.mean('synthetic'):.3f}" for name, check in self.checks.items())
        told += f" (average precision with their rows: {scores})"
        if self.helps:
            return f"{told}; augmentation helps here"
        return f"{told}; augmentation does not help here: use {SIMPLE[self.check.best][1]}"


def candidates(*, balance: bool, images: bool = False) -> list[str]:
    """Return the candidate models; to balance classes, those that can be conditioned on a class.

    ``images``: and that can learn images.

    Raises
    ------
    CapabilityError
        No installed model can.
    """
    registry = default_registry()
    able = set(registry.able("sample"))
    if balance:
        able &= set(registry.able(*CONDITIONAL))
    if images:
        able &= set(registry.able("images"))
    found = [name for name in AUTO_MODELS if name in able] or sorted(able)
    if not found:
        raise CapabilityError("no installed model can draw such rows; gensynth plugins shows what was found")
    return found[:_MAX_MODELS]


def choose(
    frame: pd.DataFrame, target: Hashable | None, augmenter: Augmenter, n: int | None, *, check: bool, seed: int
) -> ModelChoice:
    """Select a model for an augmenter within its trainer's time limit; the remaining time is for the new rows.

    Parameters
    ----------
    frame : DataFrame of shape (n, d)
        Real rows.
    target : hashable or None
        Column of classes or numbers.
    augmenter : Augmenter
        With all settings but the model. Its trainer's ``max_time`` is the whole budget; None for `AUTO_SECONDS`.
    n : int or None
        Rows to add; None: the classes are filled up.
    check : bool
        Whether the best candidates are cross-validated; else the one whose rows are most like real ones is chosen.
    seed : int
        Seed of comparison and folds.

    Raises
    ------
    DataError
        The table has too few rows to compare models on.
    TrainingError
        Every candidate failed.
    """
    if len(frame) < 2 * MIN_ROWS:
        raise DataError(
            f"{counted(len(frame), 'row')} are too few to select a model with (at least {2 * MIN_ROWS}); name one: "
            f"{hint('model=...', '--model NAME')}"
        )
    start = time.perf_counter()
    budget = float(getattr(augmenter.trainer, "max_time", None) or AUTO_SECONDS)
    names = candidates(balance=n is None, images=bool(declared_images(frame, augmenter.schema)))
    common = {"schema": augmenter.schema, "relations": augmenter.relations}
    each = _COMPARED * budget / len(names)
    trainer = limited(augmenter.trainer, each)
    found = compare(frame, names, target=target, trainer=trainer, random_state=seed, **common)
    if found.best is None or found.best.synthesizer is None:
        raise TrainingError(found.verdict)
    checks: dict[str, AugmentCheck] = {}
    unchecked: dict[str, str] = {}
    if check and target is not None:
        fitted = [r for r in found.results if r.synthesizer is not None]
        finalists = [r.name for r in [r for r in fitted if not r.repeats] or fitted][:_MAX_CHECKED]
        try:
            folds = CheckFolds(frame, target, found.best.synthesizer.schema_.columns, seed)
            judging = folds.prepare() * len(finalists)
        except UncheckedError as reason:
            unchecked, finalists, judging = dict.fromkeys(finalists, str(reason)), [], 0.0
        left = max(budget - (time.perf_counter() - start) - judging, _LEAST * budget)
        each = (1 - _FINAL) * left / (N_SPLITS * max(len(finalists), 1))
        for name in finalists:
            other: Any = clone(augmenter).set_params(model=name)
            try:
                checks[name] = checked(folds, other, n, len(frame), each, _FINAL * left / each)
            except UncheckedError as reason:
                unchecked[name] = str(reason)
    left = max(budget - (time.perf_counter() - start), _LEAST * budget)
    chosen = max(checks, key=lambda name: checks[name].mean("synthetic"), default=found.best.name)
    return ModelChoice(chosen, found, checks, unchecked, left)
