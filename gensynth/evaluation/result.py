"""Result of an evaluation: values with floors and ceilings, columns, pairs, relations, verdict."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from gensynth.errors import counted
from gensynth.evaluation.relations import RelationChecks
from gensynth.evaluation.samples import Samples
from gensynth.html import Section, fragment
from gensynth.version import __version__

Kind = Literal["copies", "independent", "memorised", "suspicious", "real", "close", "different", "poor"]

HEADINGS: dict[Kind, str] = {
    "copies": "Copies of real rows",
    "independent": "Independent columns",
    "memorised": "Real rows repeated",
    "suspicious": "May repeat real rows",
    "real": "Like a second sample of real rows",
    "close": "Close to the real rows",
    "different": "Different from the real rows",
    "poor": "Easily told from real rows",
}
"""Headings of the tables by kind."""


def heading(kind: Kind, what: str = "rows") -> str:
    """Return what a kind of table of rows or "images" is called."""
    return HEADINGS[kind].replace("rows", what)


_MAX_SHOWN = 12  # columns and relations in a notebook


@dataclass(frozen=True)
class Verdict:
    """Kind of the synthetic table, with the reason.

    Parameters
    ----------
    kind : str
        One of `HEADINGS`.
    text : str
        One line.
    what : {"rows", "images"}
        What it is of.
    """

    kind: Kind
    text: str
    what: str = "rows"

    @property
    def heading(self) -> str:
        """The kind in words."""
        return heading(self.kind, self.what)


@dataclass(frozen=True)
class MetricValue:
    """One number of a synthetic table.

    Parameters
    ----------
    name : str
        Name of the metric, as `gensynth.evaluation.catalogue` or a plugin has it.
    value : float
        The number; NaN where the tables have nothing that it could be of.
    floor : float or None
        The same number of real rows in place of the synthetic ones: as good as it gets. None if not known.
    ceiling : float or None
        The same number of the real table with each column shuffled: what independent columns have. None if not known.
    interval : tuple of float or None
        95 % confidence interval, or mean less and plus the standard deviation over seeds.
    """

    name: str
    value: float
    floor: float | None = None
    ceiling: float | None = None
    interval: tuple[float, float] | None = None

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; None for what is not a number."""
        return {
            "value": _rounded(self.value),
            "floor": _rounded(self.floor),
            "ceiling": _rounded(self.ceiling),
            "interval": None if self.interval is None else [_rounded(end) for end in self.interval],
        }


@dataclass(frozen=True)
class ColumnResult:
    """Errors of one column, each in [0, 1] with 0 best, and the same of real rows; NaN where there is no pair."""

    name: Any
    kind: str
    shape_error: float
    shape_floor: float
    trend_error: float
    trend_floor: float


@dataclass(frozen=True)
class PairResult:
    """Error of a pair of columns, in [0, 1] with 0 best, and the same of real rows."""

    first: Any
    second: Any
    trend_error: float
    trend_floor: float


@dataclass(frozen=True)
class RelationResult:
    """A relation that holds in every real row, and the share of the synthetic rows that keep it."""

    relation: str
    kept: float


@dataclass(frozen=True)
class Evaluation:
    """Result of `evaluate`.

    Parameters
    ----------
    verdict : Verdict
        In one line of plain words.
    values : tuple of MetricValue
        In the order of the catalogue, those of plugins last.
    columns : tuple of ColumnResult
        Those that differ most from the real ones first.
    pairs : tuple of PairResult
        The pairs of columns that differ most, likewise.
    relations : tuple of RelationResult
        Those that synthetic rows break most often first.
    left_out : tuple
        Identifiers: made up anew, and not compared.
    target : column label or None
        What models were trained to predict.
    samples : Samples
        The compared tables.
    seconds : float
        Time that it took.
    checks : RelationChecks
        The relations of the real rows, which an evaluation ``like`` this one takes over.
    """

    verdict: Verdict
    values: tuple[MetricValue, ...]
    columns: tuple[ColumnResult, ...]
    pairs: tuple[PairResult, ...]
    relations: tuple[RelationResult, ...]
    left_out: tuple[Any, ...]
    target: Any
    samples: Samples
    seconds: float
    checks: RelationChecks

    def __getitem__(self, name: str) -> MetricValue:
        """Return the value of a metric by its name."""
        for value in self.values:
            if value.name == name:
                return value
        raise KeyError(name)

    def __contains__(self, name: object) -> bool:
        return any(value.name == name for value in self.values)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per metric: ``value``, ``floor``, ``ceiling``, ``low`` and ``high`` of the interval."""
        rows = [
            {
                "value": v.value,
                "floor": v.floor,
                "ceiling": v.ceiling,
                "low": v.interval[0] if v.interval else None,
                "high": v.interval[1] if v.interval else None,
            }
            for v in self.values
        ]
        index = pd.Index([v.name for v in self.values], name="metric", dtype=object)
        return pd.DataFrame(rows, index=index, columns=["value", "floor", "ceiling", "low", "high"], dtype=float)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "gensynth": __version__,
            "verdict": {"kind": self.verdict.kind, "text": self.verdict.text},
            "rows": self.samples.n_rows,
            "target": None if self.target is None else str(self.target),
            "random_state": self.samples.random_state,
            "metrics": {value.name: value.to_json() for value in self.values},
            "columns": [
                {
                    "name": str(c.name),
                    "kind": c.kind,
                    "shape_error": _rounded(c.shape_error),
                    "shape_floor": _rounded(c.shape_floor),
                    "trend_error": _rounded(c.trend_error),
                    "trend_floor": _rounded(c.trend_floor),
                }
                for c in self.columns
            ],
            "pairs": [
                {
                    "columns": [str(p.first), str(p.second)],
                    "error": _rounded(p.trend_error),
                    "floor": _rounded(p.trend_floor),
                }
                for p in self.pairs
            ],
            "relations": [{"relation": r.relation, "kept": _rounded(r.kept)} for r in self.relations],
            "left_out": [str(name) for name in self.left_out],
            "seconds": round(self.seconds, 2),
        }

    def _repr_html_(self) -> str:
        """Return what a notebook shows: the verdict, and the metrics between their floors and ceilings."""
        n_rows = self.samples.n_rows
        held = f" and {counted(n_rows['holdout'], 'held-out row')}" if n_rows["holdout"] else ""
        lines = [
            self.verdict.text,
            f"{counted(n_rows['synthetic'], 'synthetic row')} beside {counted(n_rows['real'], 'real row')}{held}.",
        ]
        if self.left_out:
            lines.append(f"Identifiers are left out: {', '.join(map(str, self.left_out))}.")
        metrics = [(v.name, *map(_shown, (v.value, v.floor, v.ceiling))) for v in self.values]
        columns = [
            (str(c.name), c.kind, *map(_shown, (c.shape_error, c.shape_floor, c.trend_error, c.trend_floor)))
            for c in self.columns[:_MAX_SHOWN]
        ]
        errors = ("column", "kind", "error", "of real rows", "error in pairs", "of real rows")
        found = [
            Section("metrics", ("metric", "synthetic rows", "real rows", "independent columns"), metrics),
            Section("the columns that differ most", errors, columns, texts=(0, 1), folded=True),
        ]
        kept = [(r.relation, f"{100 * r.kept:.2f} %") for r in self.relations[:_MAX_SHOWN]]
        if kept:
            found.append(Section("relations of the real rows", ("relation", "kept by"), kept, folded=True))
        return fragment("Evaluation", lines, found)


def _shown(value: float | None) -> str:
    return "" if value is None or not math.isfinite(value) else f"{value:.4f}" if abs(value) < 100 else f"{value:.4g}"


def _rounded(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else round(float(value), 6)
