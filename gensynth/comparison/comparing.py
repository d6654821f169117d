"""`compare`: models fitted to a part of a table, each judged on the rows that none of them saw."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from sklearn.base import clone

from gensynth.comparison.result import Comparison, ModelResult, ranked
from gensynth.comparison.split import split_table
from gensynth.comparison.verdict import verdict_of
from gensynth.constraints import number, whole
from gensynth.engine.capabilities import require
from gensynth.engine.parameters import make_recipe
from gensynth.errors import OptionError, hint, listed
from gensynth.evaluation import Evaluation, evaluate
from gensynth.evaluation.samples import Samples
from gensynth.model import Recipe
from gensynth.registry import default_registry
from gensynth.synthesizer import Synthesizer
from gensynth.tables import to_frame
from gensynth.training import Trainer

STOPPED = 0.9
"""Share of its time limit after which a trainer ends: a fit that took so long was stopped by it."""
_FIT = 0.7  # share of the work of a model that fitting is counted as, for the progress that is told
_SEED = whole(0, 2**32 - 3)

Progress = Callable[[str, float], None]
"""Told what is being computed, and the share of the work that is done."""


def compare(
    data: Any,
    models: Sequence[str | Recipe] | Mapping[str, str | Recipe] | None = None,
    *,
    target: Hashable | None = None,
    max_time: float | None = None,
    holdout: Any = None,
    test_size: float = 0.3,
    trainer: Trainer | None = None,
    schema: Any = None,
    relations: Any = "auto",
    random_state: int = 0,
    progress: Progress | None = None,
) -> Comparison:
    """Fit several models to a part of a table, and say which draws rows most like those that it never saw.

    Each is fitted to the training rows and asked for as many new ones, which `gensynth.evaluation.evaluate` judges
    beside training and held-out rows. A model that fails does not end the others.

    Parameters
    ----------
    data : table of shape (n, d)
        pandas, polars or Arrow table or array, of at least 40 rows.
    models : sequence of str or Recipe, mapping of str to these, or None
        Names of registered models, or recipes; a mapping says what they are called. None: every registered model that
        can draw rows.
    target : hashable, optional
        Column that models are trained to predict from the others (TSTR); without it that is not measured.
    max_time : float, optional
        Most seconds for the training of each model; None for no limit but the trainer's own.
    holdout : table, optional
        Real rows to judge by; all of ``data`` is then trained on. Default: ``test_size`` of ``data``.
    test_size : float, default=0.3
        Share of the rows that is held out, in (0, 1); at least 20 rows.
    trainer : Trainer, optional
        How to train, the default otherwise.
    schema : TableSchema or dict, optional
        Declared kinds of columns, as in `Synthesizer`.
    relations : "auto", False, or sequence of str or Relation, default="auto"
        Relations between columns that drawn rows keep, as in `Synthesizer`.
    random_state : int, default=0
        Seed of split, fits, draws and evaluations, in [0, 2**32 - 3].
    progress : callable, optional
        Called with what comes next and the share of the work that is done, in [0, 1].

    Returns
    -------
    Comparison
        A result for each model, the best first, and a verdict; ``to_frame()`` is the table of them.

    Raises
    ------
    DataError
        The table has too few rows, or the held-out rows are not of the same columns.
    OptionError
        A parameter has a value that it cannot have, or the target is no column.
    UnknownModelError
        No model has one of the names.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from gensynth import Trainer, compare
    >>> wine = load_wine(as_frame=True).frame
    >>> found = compare(wine, ["vae", "wgan"], target="target", trainer=Trainer(max_epochs=1, progress=False))
    >>> found.to_frame().index.tolist()[-2:]
    ['real rows', 'independent columns']
    """
    start = time.perf_counter()
    if max_time is not None and not number(0, open_low=True).allows(max_time):
        raise OptionError(f"max_time={max_time!r}, expected a number of seconds above 0")
    if not _SEED.allows(random_state):
        raise OptionError(f"random_state={random_state!r}, expected {_SEED.words}")
    named = _named(models)
    frame = to_frame(data)[0]
    if target is not None and target not in frame.columns:
        raise OptionError(f"target {target!r} is not a column; there are {listed(list(frame.columns))}")
    if holdout is None:
        train, held = split_table(frame, target, test_size, random_state)
    else:
        train, held = frame, to_frame(holdout)[0]
    # held-out rows that do not fit the others, and tables of keys alone, are no fault of a model
    Samples.of(train, train, held, target=target, schema=schema, random_state=random_state)
    task = _Task(train, held, target, _trainer(trainer, max_time), schema, relations, random_state)
    tell = progress or _silent
    results: list[ModelResult] = []
    like: Evaluation | None = None
    for place, (name, model) in enumerate(named.items()):

        def part(title: str, done: float, name: str = name, place: int = place) -> None:
            tell(f"{name}: {title}", (place + done) / len(named))

        result = task.judged(name, model, like, part)
        like = like or result.evaluation
        results.append(result)
    tell("done", 1.0)
    order = ranked(results)
    seconds = time.perf_counter() - start
    return Comparison(order, verdict_of(order), target, len(train), len(held), random_state, seconds)


@dataclass(frozen=True)
class _Task:
    """What every model is fitted to, and judged by."""

    train: pd.DataFrame
    held: pd.DataFrame
    target: Hashable | None
    trainer: Trainer
    schema: Any
    relations: Any
    seed: int

    def judged(self, name: str, model: str | Recipe, like: Evaluation | None, progress: Progress) -> ModelResult:
        """Fit a model and judge its rows; of whatever goes wrong with it the result tells."""
        progress("training", 0.0)
        try:
            recipe = make_recipe(model)
            require(recipe, "sample")
            synthesizer = Synthesizer(
                recipe,
                trainer=clone(self.trainer),
                schema=self.schema,
                relations=self.relations,
                random_state=self.seed,
            )
            start = time.perf_counter()
            synthesizer.fit(self.train)
            fitted = time.perf_counter()
            progress("drawing", _FIT)
            rows = synthesizer.sample(len(self.train), random_state=self.seed)
            drawn = time.perf_counter()
            found = evaluate(
                self.train,
                rows,
                self.held,
                target=self.target,
                schema=self.schema,
                random_state=self.seed,
                progress=lambda title, done: progress(title, _FIT + (1 - _FIT) * done),
                like=like,
            )
        except Exception as error:  # noqa: BLE001 - a plugin's model may raise what it likes
            return ModelResult(name, error=" ".join(str(error).split()) or type(error).__name__)
        limit = self.trainer.max_time
        stopped = limit is not None and fitted - start >= STOPPED * limit
        return ModelResult(name, fitted - start, drawn - fitted, stopped, found, synthesizer)


def _named(models: Sequence[str | Recipe] | Mapping[str, str | Recipe] | None) -> dict[str, str | Recipe]:
    """Return the models by what they are called; raise `UnknownModelError` for a name that no model has."""
    registry = default_registry()
    if models is None:
        models = registry.able("sample")
    if isinstance(models, str | Recipe):
        models = [models]
    if not isinstance(models, Mapping):
        found: dict[str, str | Recipe] = {}
        for model in models:
            if isinstance(model, str) and model in found:
                raise OptionError(f"{hint('models', '--models')} names {model!r} twice; leave one out")
            entry = None if isinstance(model, str) else registry.entry_of(model)
            own = model if isinstance(model, str) else type(model).__name__ if entry is None else entry.spec.name
            found[_free(own, found)] = model
        models = found
    if not models:
        raise OptionError(f"{hint('models', '--models')} names no model; gensynth models lists them")
    for model in models.values():
        if isinstance(model, str):
            registry.entry(model)
        else:
            make_recipe(model)  # says what is none
    return {str(name): model for name, model in models.items()}


def _free(name: str, taken: Mapping[str, Any]) -> str:
    """Return a name that is not taken: ``vae``, ``vae 2``."""
    number, own = 1, name
    while own in taken:
        number += 1
        own = f"{name} {number}"
    return own


def _trainer(trainer: Trainer | None, max_time: float | None) -> Trainer:
    out: Trainer = Trainer() if trainer is None else clone(trainer)
    return out if max_time is None else out.set_params(max_time=max_time)


def _silent(title: str, done: float) -> None:
    """Tell nobody."""
