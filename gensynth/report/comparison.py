"""The page of a comparison of models: verdict, a line for each model, and its samples."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from gensynth.comparison import Comparison, ModelResult
from gensynth.evaluation.catalogue import described
from gensynth.report.page import number_text, render, write_html

_HEADINGS = {
    "detection_auc": "Detection",
    "frechet_distance": "Frechet distance",
    "tstr": "TSTR",
    "shape_error": "Single columns",
    "trend_error": "Pairs of columns",
    "exact_copies": "Exact copies",
    "dcr_share": "DCR share",
}
_MAX_COLUMNS = 5
_TELLING = 0.01  # error of a column, beyond that of real rows, that is worth a line


def write_comparison(
    found: Comparison, path: str | os.PathLike[str], *, title: str, facts: Sequence[tuple[str, str]] = ()
) -> None:
    """Write the page.

    Parameters
    ----------
    found : Comparison
        From `gensynth.comparison.compare`.
    path : path-like
        File to write, whole or not at all.
    title : str
        What the table is called.
    facts : sequence of (str, str)
        What was compared, names and values.

    Raises
    ------
    OSError
        The file cannot be written.
    """
    write_html(render_comparison(found, title=title, facts=facts), path)


def render_comparison(found: Comparison, *, title: str, facts: Sequence[tuple[str, str]] = ()) -> str:
    """Return the page; parameters are those of `write_comparison`."""
    own = [("training rows", f"{found.n_train:,}"), ("held-out rows", f"{found.n_holdout:,}")]
    floor, ceiling = found.ends("floor"), found.ends("ceiling")
    best = found.best
    return render(
        "comparison.html.j2",
        title=title,
        verdict=found.verdict,
        mood="fair" if best is None else _mood(best),
        facts=facts or own,
        metrics=[{"name": name, "title": _HEADINGS[name], "says": described(name).says} for name in found.metrics],
        models=[_model(found, place, result) for place, result in enumerate(found.results, 1)],
        ends=[
            {"name": name, "values": [number_text(values[metric]) for metric in found.metrics]}
            for name, values in (("real rows", floor), ("independent columns", ceiling))
        ],
        foot=f"seed {found.random_state}, {found.seconds:.0f} s",
    )


def _model(found: Comparison, place: int, result: ModelResult) -> dict[str, Any]:
    """Return what the page says of a model."""
    shown: dict[str, Any] = {"name": result.name, "place": place, "error": result.error, "mood": _mood(result)}
    evaluation = result.evaluation
    if evaluation is None:
        return shown
    off = [c for c in evaluation.columns if c.shape_error - c.shape_floor >= _TELLING]
    return shown | {
        "heading": evaluation.verdict.heading,
        "text": evaluation.verdict.text.partition(": ")[2],
        "distance": f"{result.distance:.3f}",
        "width": round(100 * result.distance, 1),
        "values": [number_text(result[metric].value) for metric in found.metrics],
        "intervals": [_interval(result[metric].interval) for metric in found.metrics],
        "fit": f"{result.fit_seconds:.1f}",
        "sample": f"{result.sample_seconds:.2f}",
        "stopped": result.stopped,
        "columns": [
            {"name": str(c.name), "error": number_text(c.shape_error), "floor": number_text(c.shape_floor)}
            for c in sorted(off, key=lambda c: c.shape_floor - c.shape_error)[:_MAX_COLUMNS]
        ],
        "all": [
            {
                "title": described(value.name).title,
                "value": number_text(value.value),
                "floor": number_text(value.floor),
                "ceiling": number_text(value.ceiling),
            }
            for value in evaluation.values
        ],
    }


def _mood(result: ModelResult) -> str:
    if result.kind in ("real", "close"):
        return "good"
    return "fair" if result.kind in ("different", "suspicious") else "bad"


def _interval(ends: tuple[float, float] | None) -> str | None:
    return None if ends is None else "–".join(f"{end:.3f}" for end in ends)
