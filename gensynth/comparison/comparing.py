"""`compare`: fit several models to the training rows of a table, and evaluate each on the held-out rows."""

from __future__ import annotations

import time
from collections.abc import Container, Hashable, Mapping, Sequence
from typing import Any

from gensynth.comparison.result import Comparison, ModelResult, ranked
from gensynth.comparison.task import Progress, Task
from gensynth.comparison.verdict import verdict_of
from gensynth.engine.parameters import make_recipe
from gensynth.errors import OptionError, hint
from gensynth.evaluation import Evaluation
from gensynth.model import Recipe
from gensynth.registry import default_registry
from gensynth.training import Trainer


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
    """Fit several models to the training rows of a table, and rank them by their fidelity to the held-out rows.

    Each is fitted to the training rows and samples as many synthetic ones, which `gensynth.evaluation.evaluate`
    compares with training and held-out rows. A model that fails does not stop the others.

    Parameters
    ----------
    data : table of shape (n, d)
        pandas, polars or Arrow table or array, of at least 40 rows.
    models : sequence of str or Recipe, mapping of str to these, or None
        Names of registered models, or recipes; the keys of a mapping are display names. None: every registered model
        that can sample rows.
    target : hashable, optional
        Column that models are trained to predict from the others (TSTR); without it TSTR is not computed.
    max_time : float, optional
        Time limit in seconds for the training of each model; None for the trainer's own limit.
    holdout : table, optional
        Held-out real rows; all of ``data`` is then used for training. Default: ``test_size`` of ``data``.
    test_size : float, default=0.3
        Fraction of held-out rows, in (0, 1); at least 20 rows.
    trainer : Trainer, optional
        Training options; the defaults otherwise.
    schema : TableSchema or dict, optional
        Declared kinds of columns, as in `Synthesizer`.
    relations : "auto", False, or sequence of str or Relation, default="auto"
        Relations between columns that synthetic rows keep, as in `Synthesizer`.
    random_state : int, default=0
        Seed of split, fits, samples and evaluations, in [0, 2**32 - 3].
    progress : callable, optional
        Called with the next task and the fraction of the work done, in [0, 1].

    Returns
    -------
    Comparison
        A result for each model, the best first, and a verdict; ``to_frame()`` returns them as a table.

    Raises
    ------
    DataError
        The table has too few rows, or the held-out rows have other columns.
    OptionError
        A parameter has an invalid value, or the target is not a column.
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
    named = _named(models)
    task = Task.of(
        data,
        target,
        holdout=holdout,
        test_size=test_size,
        trainer=trainer,
        max_time=max_time,
        schema=schema,
        relations=relations,
        seed=random_state,
    )
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
    return Comparison(order, verdict_of(order), target, len(task.train), len(task.held), random_state, seconds)


def _named(models: Sequence[str | Recipe] | Mapping[str, str | Recipe] | None) -> dict[str, str | Recipe]:
    """Return the models by display name; raise `UnknownModelError` for an unknown name."""
    registry = default_registry()
    if models is None:
        models = registry.able("sample")
    if isinstance(models, str | Recipe):
        models = [models]
    if not isinstance(models, Mapping):
        names = [model for model in models if isinstance(model, str)]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise OptionError(f"{hint('models', '--models')} names {twice!r} twice; leave one out")
        found: dict[str, str | Recipe] = {}
        for model in models:
            if isinstance(model, str):
                found[model] = model
                continue
            entry = registry.entry_of(model)
            own = type(model).__name__ if entry is None else entry.spec.name
            found[_free(own, {*found, *names})] = model  # a name that was given stays, wherever it stands
        models = found
    if not models:
        raise OptionError(f"{hint('models', '--models')} names no model; gensynth models lists them")
    for model in models.values():
        if isinstance(model, str):
            registry.entry(model)
        else:
            make_recipe(model)  # says what is none
    return {str(name): model for name, model in models.items()}


def _free(name: str, taken: Container[str]) -> str:
    """Return an unused name: ``vae``, ``vae 2``."""
    number, own = 1, name
    while own in taken:
        number += 1
        own = f"{name} {number}"
    return own


def _silent(title: str, done: float) -> None:
    """Report no progress."""
