"""The page of an evaluation: verdict, metrics, columns, pairs, a projection of rows, and relations."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from gensynth.errors import counted
from gensynth.evaluation import Evaluation, MetricValue, PairResult
from gensynth.evaluation.catalogue import CATALOGUE, MEMORISATION, METRICS, OF_PLUGINS, Metric, described
from gensynth.report.figures import overlay, plane
from gensynth.report.page import number_text, render, write_html
from gensynth.report.pictures import pictures_of

_MAX_OPEN = 12
_MAX_COLUMNS = 60
_MAX_PAIRS = 12
_MAX_MATRIX = 24
_LEAST_WAY = 0.01  # between floor and ceiling, for a value to be placed between them
_FULL_COLOUR = 0.15  # error of a pair that has the full colour
_GOOD, _BAD = ("real", "close"), ("copies", "independent", "memorised", "poor")


def write_evaluation(
    found: Evaluation, path: str | os.PathLike[str], *, title: str, facts: Sequence[tuple[str, str]] = ()
) -> None:
    """Write the page.

    Parameters
    ----------
    found : Evaluation
        From `gensynth.evaluation.evaluate`.
    path : path-like
        File to write, whole or not at all.
    title : str
        What the synthetic rows are called: the name of their file.
    facts : sequence of (str, str)
        What was compared, names and values.

    Raises
    ------
    OSError
        The file cannot be written.
    """
    write_html(render_evaluation(found, title=title, facts=facts), path)


def render_evaluation(found: Evaluation, *, title: str, facts: Sequence[tuple[str, str]] = ()) -> str:
    """Return the page; parameters are those of `write_evaluation`."""
    samples = found.samples
    kind = found.verdict.kind
    own = [(name, f"{counted(n, 'row')}") for name, n in samples.n_rows.items() if n]
    aside = [("left out", f"identifiers: {', '.join(map(str, found.left_out))}")] if found.left_out else []
    return render(
        "evaluation.html.j2",
        title=title,
        verdict=found.verdict,
        text=found.verdict.text.partition(": ")[2],
        mood="good" if kind in _GOOD else "bad" if kind in _BAD else "fair",
        facts=[*(facts or own), *aside],
        held_out=samples.holdout is not None,
        groups=_groups(found),
        columns=_columns(found),
        most_open=_MAX_OPEN,
        n_columns=len(found.columns),
        pairs=[_pair(pair) for pair in found.pairs[:_MAX_PAIRS]],
        matrix=_matrix(found),
        plane=plane(samples.real, samples.synthetic, samples.random_state),
        pictures=pictures_of(samples, found.target),
        has_columns=samples.has_scalars,
        relations=[{"text": r.relation, "kept": f"{100 * r.kept:.2f}", "broken": r.kept < 1} for r in found.relations],
        foot=f"seed {samples.random_state}, {found.seconds:.0f} s",
    )


def _groups(found: Evaluation) -> list[dict[str, Any]]:
    """Return the metrics under their headings; those of plugins last."""
    groups = [(name, [m for m in metrics if m.name in found]) for name, metrics in CATALOGUE.items()]
    groups.append((OF_PLUGINS, [described(value.name) for value in found.values if value.name not in METRICS]))
    return [
        {"name": name, "rows": [_row(metric, found[metric.name]) for metric in metrics]}
        for name, metrics in groups
        if metrics
    ]


def _row(metric: Metric, value: MetricValue) -> dict[str, Any]:
    interval = None if value.interval is None else " to ".join(f"{end:.3f}" for end in value.interval)
    return {
        "name": metric.name,
        "title": metric.title,
        "says": metric.says,
        "value": number_text(value.value),
        "floor": number_text(value.floor),
        "ceiling": number_text(value.ceiling),
        "interval": interval,
        "place": _place(metric, value),
    }


def _place(metric: Metric, value: MetricValue) -> float | None:
    """Return how far a value is from its floor on the way to its ceiling, in percent.

    None where there is no way between them, or where independent columns are not the worst that can be: they copy
    nothing, and each by itself is right.
    """
    if value.floor is None or value.ceiling is None or metric in CATALOGUE[MEMORISATION]:
        return None
    way = value.ceiling - value.floor
    if abs(way) < _LEAST_WAY or (metric.best == "low" and way < 0):
        return None
    if metric.best == "half" and value.value < min(value.floor, 0.5) - _LEAST_WAY:  # beyond chance: no better
        return None
    return round(100 * min(max((value.value - value.floor) / (value.ceiling - value.floor), 0.0), 1.0), 1)


def _columns(found: Evaluation) -> list[dict[str, Any]]:
    samples = found.samples
    return [
        {
            "name": str(column.name),
            "shape": number_text(column.shape_error),
            "shape_floor": number_text(column.shape_floor),
            "trend": number_text(column.trend_error),
            "trend_floor": number_text(column.trend_floor),
            **overlay(samples.real[column.name], samples.synthetic[column.name]),
        }
        for column in found.columns[:_MAX_COLUMNS]
    ]


def _pair(pair: PairResult) -> dict[str, str]:
    return {
        "first": str(pair.first),
        "second": str(pair.second),
        "error": number_text(pair.trend_error),
        "floor": number_text(pair.trend_floor),
    }


def _matrix(found: Evaluation) -> dict[str, Any] | None:
    """Return the errors of the pairs of the columns that differ most, in the order of the table."""
    if not found.pairs:
        return None
    chosen = {column.name for column in found.columns[:_MAX_MATRIX]}
    names = [name for name in found.samples.real.columns if name in chosen]
    errors = {frozenset((p.first, p.second)): p.trend_error for p in found.pairs}
    rows = []
    for i, first in enumerate(names):
        cells: list[dict[str, Any] | None] = []
        for second in names:
            error = errors.get(frozenset((first, second))) if first != second else None
            depth = 0.0 if error is None else round(min(error / _FULL_COLOUR, 1.0), 3)
            cells.append(None if error is None else {"text": number_text(error), "depth": depth, "with": str(second)})
        rows.append({"number": i + 1, "name": str(first), "cells": cells})
    return {"rows": rows, "n": len(names), "full": f"{_FULL_COLOUR:g}", "all": len(names) == len(found.columns)}
