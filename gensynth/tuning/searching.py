"""`tune`: search for the hyperparameters of one family on a table, with Optuna."""

from __future__ import annotations

import math
import time
from collections.abc import Hashable, Mapping
from typing import Any

from gensynth.comparison.task import Progress, Task
from gensynth.constraints import Among, Between, number, whole
from gensynth.defaults import SAMPLING_MODEL
from gensynth.engine.parameters import make_recipe
from gensynth.errors import MissingPackageError, OptionError, TrainingError
from gensynth.evaluation import Evaluation
from gensynth.model import Recipe
from gensynth.registry import default_registry
from gensynth.training import Trainer
from gensynth.training.callbacks import EvaluationRound
from gensynth.tuning.result import Trial, Tuning
from gensynth.tuning.space import space_of

_TRAINED = 0.6  # share of the time that the fits of all trials have; judging them takes some of the rest
_LAST_START = 0.85  # share of the time after which no trial begins
_REPEATS = 1.0  # added to the distance of rows that repeat training rows: any others are better
# a trial is ended that is among the worst quarter of those before it, once there are some to tell by
_KEPT_PERCENT, _FIRST_TRIALS, _FIRST_ROUNDS = 75.0, 4, 2


def load_optuna() -> Any:
    """Return the package optuna; raise `MissingPackageError` if it is not installed."""
    try:
        import optuna
    except ImportError as error:
        raise MissingPackageError("tuning needs the package optuna: pip install 'gensynth[tune]'") from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna


def tune(
    data: Any,
    model: str | Recipe = SAMPLING_MODEL,
    *,
    target: Hashable | None = None,
    n_trials: int = 20,
    max_time: float = 600.0,
    trainer: Trainer | None = None,
    schema: Any = None,
    relations: Any = "auto",
    random_state: int = 0,
    progress: Progress | None = None,
) -> Tuning:
    """Search for the hyperparameters with the highest fidelity to a table.

    The first trial has the model's defaults, the others are proposed by a tree-structured Parzen estimator from the
    recipe's ``search_space`` (Bergstra et al. 2011, "Algorithms for Hyper-Parameter Optimization"). Each is fitted to
    70 % of the rows and evaluated on the rest, as in `gensynth.compare`. A trial whose monitor on the trainer's held-
    out rows is in the worst quarter so far is pruned. The distance of the best trial is slightly optimistic, as it was
    selected on the rows that it is measured on.

    Parameters
    ----------
    data : table of shape (n, d)
        pandas, polars or Arrow table or array, of at least 40 rows.
    model : str or Recipe
        Name of a registered model, or a recipe, whose changed hyperparameters keep their values.
    target : hashable, optional
        Column that models are trained to predict, to include TSTR in the distance.
    n_trials : int, default=20
        Maximal number of trials, including the defaults; fewer if the time is up.
    max_time : float, default=600
        Time limit for all trials, in seconds.
    trainer : Trainer, optional
        Training options; its time limit is set.
    schema : TableSchema or dict, optional
        Declared kinds of columns, as in `Synthesizer`.
    relations : "auto", False, or sequence of str or Relation, default="auto"
        Relations between columns that synthetic rows keep, as in `Synthesizer`.
    random_state : int, default=0
        Seed of split, fits and search. Trials that end by the time limit differ from run to run.
    progress : callable, optional
        Called with the next task and the fraction of the work done, in [0, 1].

    Returns
    -------
    Tuning
        Best settings, every trial and a verdict.

    Raises
    ------
    MissingPackageError
        Optuna is not installed.
    UnknownModelError
        No model has this name.
    OptionError
        A parameter has an invalid value, or the family has no search space.
    DataError
        The table has too few rows.
    TrainingError
        Every trial failed.
    """
    start = time.perf_counter()
    optuna = load_optuna()
    if not whole(1).allows(n_trials):
        raise OptionError(f"n_trials={n_trials!r}, expected an integer >= 1")
    if not number(0, open_low=True).allows(max_time):
        raise OptionError(f"max_time={max_time!r}, expected a number of seconds above 0")
    recipe = make_recipe(model)
    given = _given(recipe)
    space = {name: choices for name, choices in space_of(model).items() if name not in given}
    if not space:
        raise OptionError("every setting that could be searched has a value already; leave some to be searched")
    each = _TRAINED * max_time / n_trials
    task = Task.of(data, target, trainer=trainer, max_time=each, schema=schema, relations=relations, seed=random_state)
    study = optuna.create_study(
        sampler=optuna.samplers.TPESampler(seed=random_state, n_startup_trials=_FIRST_TRIALS),
        pruner=optuna.pruners.PercentilePruner(
            _KEPT_PERCENT, n_startup_trials=_FIRST_TRIALS, n_warmup_steps=_FIRST_ROUNDS
        ),
    )
    search = _Search(task, recipe, space)
    trials = [search.run({})]
    # a trial takes as long as the longest before it: judging takes time beside the fit
    while len(trials) < n_trials and (
        time.perf_counter() - start + max(each, *(t.seconds for t in trials)) <= _LAST_START * max_time
    ):
        if progress is not None:
            progress(f"trial {len(trials) + 1}", len(trials) / n_trials)
        asked = study.ask()
        trial = search.run({name: _suggested(asked, name, choices) for name, choices in space.items()}, asked)
        trials.append(trial)
        states = optuna.trial.TrialState
        if trial.state == "judged":
            study.tell(asked, trial.distance)
        else:
            study.tell(asked, state=states.PRUNED if trial.state == "pruned" else states.FAIL)
    judged = [trial for trial in trials if trial.state == "judged"]
    if not judged:
        raise TrainingError(f"every trial failed, the first one with: {trials[0].error}")
    best = min(judged, key=lambda trial: trial.distance)
    entry = default_registry().entry_of(recipe)
    name = type(recipe).__name__ if entry is None else entry.spec.name
    n_rows = len(task.train), len(task.held)
    seconds = time.perf_counter() - start
    return Tuning(name, tuple(trials), best, *n_rows, random_state, seconds, given)


def _given(recipe: Recipe) -> dict[str, Any]:
    """Return the hyperparameters that differ from the defaults: they keep their values."""
    default = type(recipe)().to_json()
    return {name: value for name, value in recipe.to_json().items() if value != default[name]}


class _Search:
    """Trials of one recipe on one task."""

    def __init__(self, task: Task, recipe: Recipe, space: Mapping[str, Among | Between]) -> None:
        self.task, self.recipe, self.space = task, recipe, space
        self.like: Evaluation | None = None
        # a monitor that the settings are part of says nothing of which ones are better
        self.prunes = recipe.in_monitor.isdisjoint(space)

    def run(self, settings: Mapping[str, Any], asked: Any = None) -> Trial:
        """Fit and evaluate the recipe with these settings; ``asked`` is Optuna's trial, None for the defaults."""
        start = time.perf_counter()
        pruning = Pruning(asked) if asked is not None and self.prunes else None
        recipe = make_recipe(self.recipe).set_params(**settings)
        result = self.task.judged("trial", recipe, self.like, callbacks=[] if pruning is None else [pruning])
        seconds = time.perf_counter() - start
        if pruning is not None and pruning.pruned:
            return Trial(settings, "pruned", seconds=seconds)
        if result.evaluation is None:
            return Trial(settings, "failed", seconds=seconds, error=result.error)
        self.like = self.like or result.evaluation
        return Trial(settings, "judged", result.distance + _REPEATS * result.repeats, seconds, repeats=result.repeats)


class PrunedError(Exception):
    """A trial was ended early."""


class Pruning:
    """Callback that reports the monitor of the first stage to Optuna, and prunes the run if told to.

    Parameters
    ----------
    trial : optuna.Trial
        The trial that the run is of.
    """

    def __init__(self, trial: Any) -> None:
        self.trial = trial
        self.pruned = False
        self._stage: str | None = None
        self._rounds = 0

    def __call__(self, info: EvaluationRound) -> None:
        """Take note of an evaluation round; raise `PrunedError` to end the run."""
        self._stage = self._stage or info.stage
        # later stages have monitors of their own; a round's best so far does not jump up and down
        if info.stage != self._stage or not math.isfinite(info.best):
            return
        self.trial.report(info.best, self._rounds)
        self._rounds += 1
        if self.trial.should_prune():
            self.pruned = True
            raise PrunedError("others had been better by then")


def _suggested(asked: Any, name: str, choices: Among | Between) -> Any:
    """Return the value that Optuna proposes."""
    if isinstance(choices, Among):  # by place: Optuna takes no tuples
        return choices.values[asked.suggest_categorical(name, list(range(len(choices.values))))]
    if choices.whole:
        return asked.suggest_int(name, int(choices.low), int(choices.high), log=choices.log)
    value = asked.suggest_float(name, choices.low, choices.high, log=choices.log)
    return min(max(float(f"{value:.4g}"), choices.low), choices.high)  # to be read by people
