"""`evaluate`: metrics of a synthetic table against the real one, each with its floor and ceiling."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from gensynth.errors import CapabilityError, ColumnWarning, FewRowsError, FewRowsWarning, OptionError, listed
from gensynth.evaluation.measures import Measure, chosen, measures
from gensynth.evaluation.relations import RelationChecks
from gensynth.evaluation.result import ColumnResult, Evaluation, MetricValue, PairResult, RelationResult
from gensynth.evaluation.samples import Role, Samples
from gensynth.evaluation.verdict import verdict_of
from gensynth.metrics.columns import kind_of

Progress = Callable[[str, float], None]
"""Callback with a description of the current work and the fraction that is done."""


def evaluate(
    real: Any,
    synthetic: Any,
    holdout: Any = None,
    *,
    target: Any = None,
    schema: Any = None,
    metrics: Mapping[str, Callable[..., Any]] | None = None,
    random_state: int = 0,
    progress: Progress | None = None,
    like: Evaluation | None = None,
) -> Evaluation:
    """Evaluate a synthetic table: fidelity, memorisation and utility.

    Images are compared by random convolutional features (`gensynth.nn.image.features`), and copies are searched for
    pixel by pixel; other columns are evaluated as in any table.

    Every metric is computed three times: for the synthetic rows, for real ones in their place (the floor: the held-out
    rows, or one random half of the real rows against the other), and for the real table with each column, and each
    pixel of images, shuffled by itself (the ceiling: independent columns).

    Parameters
    ----------
    real : table
        The rows that the model was trained on.
    synthetic : table
        The rows to evaluate, with the same columns.
    holdout : table, optional
        Held-out real rows that the model never saw: they make the floors more accurate, and only with them can
        memorisation of the training rows be tested.
    target : hashable, optional
        Column that models are trained to predict from the others.
    schema : TableSchema or dict, optional
        Declared kinds of columns, as in `Synthesizer`.
    metrics : mapping of str to callable, optional
        Further metrics ``function(real, synthetic) -> float``. Default: those that plugins register.
    random_state : int, default=0
        Seed of all samples, folds and models.
    progress : callable, optional
        Called with the next task and the fraction of the work done, in [0, 1].
    like : Evaluation, optional
        Evaluation of other synthetic rows with the same real and held-out ones, target, kinds and seed: its floors and
        ceilings, which take most of the time, and its relations are reused.

    Returns
    -------
    Evaluation
        Values with floors and ceilings, the columns, pairs and relations that differ most, and a verdict.

    Raises
    ------
    DataError
        A table has fewer than 20 rows, other columns, or cells of another kind than the real ones.
    OptionError
        The target is not a column, or ``like`` has other tables, another target or another seed.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from gensynth.evaluation import evaluate
    >>> iris = load_iris(as_frame=True).frame
    >>> found = evaluate(iris, iris, target="target")
    >>> found["exact_copies"].value
    1.0
    >>> found.verdict.kind
    'copies'
    """
    start = time.perf_counter()
    samples, relations, available = _prepared(real, synthetic, holdout, target, schema, metrics, random_state, like)
    known = {} if like is None else {value.name: value for value in like.values}
    values = _computed(available, samples, progress or _silent, known)
    columns, pairs = _details(samples)
    found = {value.name: value for value in values}
    return Evaluation(
        verdict_of(found, columns, pairs, samples.n_rows, what="rows" if samples.image is None else "images"),
        values,
        columns,
        pairs,
        _relations(relations),
        samples.left_out,
        target,
        samples,
        time.perf_counter() - start,
        relations,
    )


def evaluate_metric(
    name: str,
    real: Any,
    synthetic: Any,
    holdout: Any = None,
    *,
    target: Any = None,
    schema: Any = None,
    metrics: Mapping[str, Callable[..., Any]] | None = None,
    random_state: int = 0,
) -> float:
    """Compute one metric of a synthetic table alone, without floor and ceiling; parameters are those of `evaluate`.

    Raises
    ------
    OptionError
        There is no such metric, or it needs held-out rows or a target.
    DataError
        As `evaluate`.
    """
    samples, _, available = _prepared(real, synthetic, holdout, target, schema, metrics, random_state)
    return chosen(available, name).compute(samples, "value")[name][0]


def _prepared(
    real: Any,
    synthetic: Any,
    holdout: Any,
    target: Any,
    schema: Any,
    metrics: Mapping[str, Callable[..., Any]] | None,
    random_state: int,
    like: Evaluation | None = None,
) -> tuple[Samples, RelationChecks, list[Measure]]:
    """Return aligned tables, the relations of the real one, and the applicable measures.

    What needs no synthetic rows is taken from an evaluation ``like`` this one.
    """
    samples = Samples.of(real, synthetic, holdout, target=target, schema=schema, random_state=random_state)
    if metrics is None:
        from gensynth.registry import default_registry

        metrics = default_registry().metrics()
    if target is not None and target not in samples.real.columns:
        raise OptionError(f"target {target!r} is not a column; there are {listed(list(samples.real.columns))}")
    relations = RelationChecks(samples)
    if like is not None:
        _share_ends(samples, target, like)
        relations.share(like.checks)
    return samples, relations, measures(samples, target, relations, metrics)


def _share_ends(samples: Samples, target: Any, like: Evaluation) -> None:
    """Reuse the results for real rows and independent columns of an evaluation with the same real rows."""
    same = samples.n_rows == like.samples.n_rows and samples.random_state == like.samples.random_state
    same = same and samples.schema == like.samples.schema and _equal(samples.holdout, like.samples.holdout)
    if not (same and target == like.target and samples.real.equals(like.samples.real)):
        raise OptionError(
            "like= is an evaluation of other real rows, another number of synthetic ones, another target or another "
            "seed; leave it out"
        )
    samples.share_ends(like.samples)


def _equal(one: pd.DataFrame | None, other: pd.DataFrame | None) -> bool:
    return one is other if one is None or other is None else one.equals(other)


def _silent(title: str, done: float) -> None:
    """Report no progress."""


def _computed(
    available: list[Measure], samples: Samples, progress: Progress, known: Mapping[str, MetricValue]
) -> tuple[MetricValue, ...]:
    """Compute every metric; floors and ceilings of those that are ``known`` already are taken from there."""
    wanted = [("value",) if known.keys() >= set(measure.names) else measure.roles for measure in available]
    n_steps = sum(map(len, wanted))
    step = 0
    out = []
    for measure, roles in zip(available, wanted, strict=True):
        found: dict[Role, dict[str, tuple[float, tuple[float, float] | None]]] = {}
        try:
            for role in roles:
                progress(measure.title, step / n_steps)
                found[role] = measure.compute(samples, role)
                step += 1
        except (FewRowsError, CapabilityError) as error:
            kind = FewRowsWarning if isinstance(error, FewRowsError) else ColumnWarning
            warnings.warn(f"{measure.title} not measured: {error}", kind, stacklevel=3)
            step += len(roles) - len(found)
            continue
        for name in measure.names:
            value, interval = found["value"][name]
            if name in known:
                out.append(replace(known[name], value=value, interval=interval))
                continue
            floor, ceiling = (found[role][name][0] if role in found else None for role in ("floor", "ceiling"))
            out.append(MetricValue(name, value, floor, ceiling, interval))
    progress("done", 1.0)
    by_name = {value.name: value for value in out}
    both, ends = by_name.get("real_and_synthetic"), by_name.get("tstr")
    if both is not None and ends is not None:  # models of independent columns are the same for both
        by_name[both.name] = replace(both, ceiling=ends.ceiling)
    return _in_order(by_name)


def _in_order(found: dict[str, MetricValue]) -> tuple[MetricValue, ...]:
    """Return the values in catalogue order, without inapplicable ones."""
    from gensynth.evaluation.catalogue import METRICS

    order = [name for name in METRICS if name in found] + [name for name in found if name not in METRICS]
    return tuple(found[name] for name in order if not np.isnan(found[name].value))


def _details(samples: Samples) -> tuple[tuple[ColumnResult, ...], tuple[PairResult, ...]]:
    """Return columns and pairs, those with the largest errors beyond their floors first."""
    if not samples.has_scalars:
        return (), ()
    own, floor = samples.fidelity("value"), samples.fidelity("floor")
    columns = [
        ColumnResult(a.name, kind_of(samples.real[a.name]), a.shape_error, b.shape_error, a.trend_error, b.trend_error)
        for a, b in zip(own.columns, floor.columns, strict=True)
    ]
    usual = {(p.first, p.second): p.trend_error for p in floor.pairs}
    pairs = [PairResult(p.first, p.second, p.trend_error, usual[p.first, p.second]) for p in own.pairs]

    def beyond(column: ColumnResult) -> float:
        return max(
            column.shape_error - column.shape_floor, float(np.nan_to_num(column.trend_error - column.trend_floor))
        )

    columns.sort(key=lambda column: -beyond(column))
    pairs.sort(key=lambda pair: pair.trend_floor - pair.trend_error)
    return tuple(columns), tuple(pairs)


def _relations(checks: RelationChecks) -> tuple[RelationResult, ...]:
    kept = checks.kept("value").each
    return tuple(sorted((RelationResult(name, share) for name, share in kept.items()), key=lambda r: r.kept))
