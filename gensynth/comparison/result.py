"""Result of a comparison: a line for each model, the best first, then real rows and independent columns."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from gensynth.evaluation import Evaluation, MetricValue
from gensynth.evaluation.catalogue import METRICS
from gensynth.version import __version__

if TYPE_CHECKING:
    from gensynth.synthesizer import Synthesizer

REAL, INDEPENDENT = "real rows", "independent columns"
"""Names of the floor and the ceiling in tables."""
REPEATING = ("copies", "memorised")
"""Verdicts that put a model last, however realistic its rows: it repeats training rows."""
SHOWN = ("detection_auc", "frechet_distance", "tstr", "shape_error", "trend_error", "exact_copies", "dcr_share")
"""Metrics that models are compared by, as `gensynth.evaluation` names them."""
_WAYS = ("detection_auc", "frechet_distance", "trend_error", "tstr")
_LEAST_WAY = 0.02  # between floor and ceiling, for a value to be placed between them


@dataclass(frozen=True)
class ModelResult:
    """Result of one model.

    Parameters
    ----------
    name : str
        What it is called in the comparison.
    fit_seconds : float
        Time that fitting took; NaN if it failed.
    sample_seconds : float
        Time that drawing as many rows as there are training rows took; NaN if it failed.
    stopped : bool
        Whether the time limit, not the training itself, ended the fit: with more time it may do better.
    evaluation : Evaluation or None
        Of the drawn rows, beside training and held-out rows; None if the model failed.
    synthesizer : Synthesizer or None
        The fitted model, of the training rows alone; None if it failed.
    error : str or None
        Why it failed, in one line.
    """

    name: str
    fit_seconds: float = math.nan
    sample_seconds: float = math.nan
    stopped: bool = False
    evaluation: Evaluation | None = None
    synthesizer: Synthesizer | None = None
    error: str | None = None

    def __getitem__(self, metric: str) -> MetricValue:
        """Return a metric of the synthetic rows; raise `KeyError` if the model failed or it was not computed."""
        if self.evaluation is None:
            raise KeyError(metric)
        return self.evaluation[metric]

    def __contains__(self, metric: object) -> bool:
        return self.evaluation is not None and metric in self.evaluation

    @property
    def kind(self) -> str:
        """The kind of the verdict on the synthetic rows; "failed" if there is none."""
        return "failed" if self.evaluation is None else self.evaluation.verdict.kind

    @property
    def repeats(self) -> bool:
        """Whether the verdict is memorisation of training rows."""
        return self.kind in REPEATING

    @property
    def tstr_gap(self) -> float:
        """Score lost by training on the synthetic rows instead of real ones.

        NaN without a target.
        """
        if "tstr" not in self:
            return math.nan
        score = self["tstr"]
        return math.nan if score.floor is None else score.floor - score.value

    @property
    def distance(self) -> float:
        """Mean distance from real rows in [0, 1], the ranking criterion; NaN if the model failed.

        Of detection, the Frechet distance of images, pairs of columns and, with a target, TSTR: how far the value is on
        the way from that of real rows (0) to that of independent columns (1). Of single columns, which independent
        columns have right: the error beyond that of real rows.
        """
        if self.evaluation is None:
            return math.nan
        parts = [way_of(self[name]) for name in _WAYS if name in self]
        if "shape_error" in self:
            shape = self["shape_error"]
            parts.append(float(np.clip(shape.value - (shape.floor or 0.0), 0.0, 1.0)))
        return float(np.mean([part for part in parts if part is not None]))


@dataclass(frozen=True)
class Comparison:
    """Result of `compare`.

    Parameters
    ----------
    results : tuple of ModelResult
        The best first: by their distance from real rows, then those that repeat training rows, then those that failed.
    verdict : str
        Which to take, and why, in one line.
    target : column label or None
        What models were trained to predict.
    n_train, n_holdout : int
        Rows that models were fitted to, and rows that they were judged by.
    random_state : int
        Seed of the split, of fits, draws and evaluations.
    seconds : float
        Time that it took.
    """

    results: tuple[ModelResult, ...]
    verdict: str
    target: Any
    n_train: int
    n_holdout: int
    random_state: int
    seconds: float

    def __getitem__(self, name: str) -> ModelResult:
        """Return the result of a model by its name."""
        for result in self.results:
            if result.name == name:
                return result
        raise KeyError(name)

    @property
    def best(self) -> ModelResult | None:
        """The first of the results; None if every model failed."""
        return next((result for result in self.results if result.evaluation is not None), None)

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics of `SHOWN` that were computed."""
        return tuple(name for name in SHOWN if self.best is not None and name in self.best)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per model, the best first, then "real rows" and "independent columns".

        Columns: ``rank`` (1 is best), ``verdict`` (its kind), ``distance``, the metrics of `SHOWN` that were measured,
        ``tstr_gap`` with a target, ``fit_seconds``, ``sample_seconds``, ``error`` (why a model failed).
        """
        rows: dict[str, dict[str, Any]] = {}
        for place, result in enumerate(self.results, 1):
            failed = result.evaluation is None
            rows[result.name] = {
                "rank": math.nan if failed else place,
                "verdict": result.kind,
                "distance": result.distance,
                **{name: result[name].value if name in result else math.nan for name in self.metrics},
                "tstr_gap": result.tstr_gap,
                "fit_seconds": result.fit_seconds,
                "sample_seconds": result.sample_seconds,
                "error": result.error,
            }
        for name, end in ((REAL, "floor"), (INDEPENDENT, "ceiling")):
            rows[name] = self.ends(end)
        frame = pd.DataFrame.from_dict(rows, orient="index").rename_axis("model")
        frame["rank"] = frame["rank"].astype("Int64")
        return frame if self.target is not None else frame.drop(columns="tstr_gap")

    def ends(self, end: str) -> dict[str, Any]:
        """Return the values of real rows ("floor") or independent columns ("ceiling"), named as in `to_frame`."""
        values = {} if self.best is None else {name: getattr(self.best[name], end) for name in self.metrics}
        if self.best is not None and "tstr" in self.best:
            values["tstr_gap"] = (self.best["tstr"].floor or math.nan) - (values["tstr"] or math.nan)
        return values

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        best = self.best
        return {
            "gensynth": __version__,
            "verdict": self.verdict,
            "best": None if best is None else best.name,
            "target": None if self.target is None else str(self.target),
            "rows": {"train": self.n_train, "holdout": self.n_holdout},
            "random_state": self.random_state,
            "models": [_model_json(result) for result in self.results],
            "real_rows": _plain(self.ends("floor")),
            "independent_columns": _plain(self.ends("ceiling")),
            "seconds": round(self.seconds, 2),
        }


def ranked(results: Sequence[ModelResult]) -> tuple[ModelResult, ...]:
    """Return results in the order of `Comparison.results`."""
    return tuple(sorted(results, key=lambda r: (r.evaluation is None, r.repeats, r.kind == "suspicious", r.distance)))


def way_of(value: MetricValue) -> float | None:
    """Return the position of a value between its floor (0) and its ceiling (1).

    None where independent columns are no worse than real rows: of few rows they may be told apart less well.
    """
    if value.floor is None or value.ceiling is None:
        return None
    way = value.ceiling - value.floor
    if (-way if METRICS[value.name].best == "real" else way) < _LEAST_WAY:
        return None
    return float(np.clip((value.value - value.floor) / way, 0.0, 1.0))


def _model_json(result: ModelResult) -> dict[str, Any]:
    found = result.evaluation
    values = {"distance": result.distance, "tstr_gap": result.tstr_gap}
    times = {"fit_seconds": result.fit_seconds, "sample_seconds": result.sample_seconds}
    return {
        "model": result.name,
        "error": result.error,
        "verdict": None if found is None else {"kind": found.verdict.kind, "text": found.verdict.text},
        **_plain(values | times),
        "stopped": result.stopped,
        "metrics": {} if found is None else {value.name: value.to_json() for value in found.values},
    }


def _plain(values: dict[str, Any]) -> dict[str, float | None]:
    return {n: round(float(v), 6) if v is not None and math.isfinite(v) else None for n, v in values.items()}
