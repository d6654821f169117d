"""One table, split once: fits models to its training rows and evaluates them on its held-out rows."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
from sklearn.base import clone

from gensynth.comparison.result import ModelResult
from gensynth.comparison.split import split_table
from gensynth.constraints import number, whole
from gensynth.engine.capabilities import require
from gensynth.engine.parameters import make_recipe
from gensynth.errors import OptionError, listed
from gensynth.evaluation import Evaluation, evaluate
from gensynth.evaluation.samples import Samples
from gensynth.model import Recipe
from gensynth.schema.relation import Relation
from gensynth.synthesizer import Synthesizer
from gensynth.tables import to_frame
from gensynth.tables.imagearrays import check_target
from gensynth.training import Callback, Trainer
from gensynth.training.callbacks import RoundWatcher
from gensynth.training.schedule import STOPPED

_FIT = 0.7  # share of the work of a model that fitting is counted as, for the progress that is told
_SEED = whole(0, 2**32 - 3)

Progress = Callable[[str, float], None]
"""Callback with a description of the current work and the fraction that is done."""


@dataclass(frozen=True)
class Task:
    """Training rows, held-out rows and settings of a comparison.

    Parameters
    ----------
    train, held : DataFrame
        Training and held-out rows.
    target : hashable or None
        Column that models are trained to predict.
    trainer : Trainer
        How every model is trained.
    schema, relations
        As in `Synthesizer`.
    seed : int
        Seed of fits, draws and evaluations.
    found : dict
        The relations that the first fit found, for the next ones: by how numbers are encoded, where that matters.
    """

    train: pd.DataFrame
    held: pd.DataFrame
    target: Hashable | None
    trainer: Trainer
    schema: Any
    relations: Any
    seed: int
    found: dict[bool, tuple[Relation, ...]] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        data: Any,
        target: Hashable | None,
        *,
        holdout: Any = None,
        test_size: float = 0.3,
        trainer: Trainer | None = None,
        max_time: float | None = None,
        schema: Any = None,
        relations: Any = "auto",
        seed: int = 0,
    ) -> Task:
        """Split a table and validate the options; parameters are those of `gensynth.compare`.

        Raises
        ------
        DataError
            The table has too few rows, or the held-out rows are not of the same columns.
        OptionError
            A parameter has an invalid value, or the target is no column.
        """
        if max_time is not None and not number(0, open_low=True).allows(max_time):
            raise OptionError(f"max_time={max_time!r}, expected a number of seconds above 0")
        if not _SEED.allows(seed):
            raise OptionError(f"random_state={seed!r}, expected {_SEED.words}")
        frame = to_frame(data)[0]
        if target is not None and target not in frame.columns:
            raise OptionError(f"target {target!r} is not a column; there are {listed(list(frame.columns))}")
        check_target(frame, target)
        if holdout is None:
            train, held = split_table(frame, target, test_size, seed)
        else:
            train, held = frame, to_frame(holdout)[0]
        Samples.of(train, train, held, target=target, schema=schema, random_state=seed)
        own: Trainer = Trainer() if trainer is None else clone(trainer)
        if max_time is not None:
            own.set_params(max_time=max_time)
        return cls(train, held, target, own, schema, relations, seed)

    def judged(
        self,
        name: str,
        model: str | Recipe,
        like: Evaluation | None = None,
        progress: Progress | None = None,
        callbacks: Sequence[Callback | RoundWatcher] = (),
    ) -> ModelResult:
        """Fit a model and evaluate its rows; the result records any error.

        Parameters
        ----------
        name : str
            What it is called.
        model : str or Recipe
            What is fitted.
        like : Evaluation or None
            Of another model by the same task: floors and ceilings are taken from it.
        progress : callable or None
            Told what is being done, and the share of the work that is.
        callbacks : sequence
            What watches the training, beside the trainer's own.
        """
        progress = progress or _silent
        progress("training", 0.0)
        try:
            recipe = make_recipe(model)
            require(recipe, "sample")
            synthesizer = Synthesizer(
                recipe, trainer=self._watched(callbacks), schema=self.schema, random_state=self.seed
            )
            start = time.perf_counter()
            self._fit(synthesizer, recipe)
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

    def _fit(self, synthesizer: Synthesizer, recipe: Recipe) -> None:
        """Fit a model to the training rows, with the relations that an earlier fit found."""
        exact = recipe.encoding.numeric == "standard"  # other relations are kept then
        synthesizer.set_params(relations=self.found.get(exact, self.relations)).fit(self.train)
        synthesizer.set_params(relations=self.relations)  # as it was asked for
        rules = synthesizer.fitted_.encoder.rules
        self.found.setdefault(exact, () if rules is None else rules.relations)

    def _watched(self, callbacks: Sequence[Callback | RoundWatcher]) -> Trainer:
        """Return the trainer with additional callbacks."""
        own = self.trainer.get_params(deep=False)
        return Trainer(**{**own, "callbacks": [*(own["callbacks"] or ()), *callbacks]})


def _silent(title: str, done: float) -> None:
    """Report no progress."""
