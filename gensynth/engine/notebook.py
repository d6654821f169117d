"""Notebook display of fitted estimators: scikit-learn's diagram, columns, training, a few rows."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from gensynth.engine.capabilities import able
from gensynth.engine.fitted_model import FittedModel
from gensynth.engine.model_summary import family_facts, history_facts, kinds_told, left_out, n_weights, training_facts
from gensynth.engine.scoring.reasons import format_value
from gensynth.errors import counted
from gensynth.html import Section, fragment
from gensynth.html.fragment import shortened
from gensynth.schema import Column, TableSchema

N_ROWS = 5
"""Rows, and evaluations during training, that a notebook shows."""
_OPEN_COLUMNS = 12  # columns of a schema that are shown unfolded
_MAX_COLUMNS = 100
_MAX_CELLS = 20  # of a row that are shown
_MAX_DRAWN = 200  # maximal number of columns for showing sampled rows, because of the time
_DRAW = 2  # with the seed: shown rows are not part of the sequence of samples


@dataclass(frozen=True)
class NotebookContent:
    """Notebook display of a fitted estimator: a heading, lines of text, tables."""

    heading: str
    lines: Sequence[str]
    sections: Sequence[Section]


class NotebookView:
    """Mixin of estimators: notebook display of the fitted state, below scikit-learn's diagram."""

    def _shown(self) -> NotebookContent | None:
        """Return the display; None for an estimator that is not fitted."""
        raise NotImplementedError

    def _repr_html_inner(self) -> str:
        first: str = super()._repr_html_inner()  # type: ignore[misc]
        return self._with_fitted(first)

    def _repr_mimebundle_(self, **options: Any) -> dict[str, str]:
        bundle: dict[str, str] = super()._repr_mimebundle_(**options)  # type: ignore[misc]
        if "text/html" in bundle:
            bundle["text/html"] = self._with_fitted(bundle["text/html"])
        return bundle

    def _with_fitted(self, first: str) -> str:
        """Return the diagram and the display of the fitted state, without ever raising."""
        try:
            shown = self._shown()
            if shown is None:
                return first
            return fragment(shown.heading, shown.lines, shown.sections, first=first)
        except Exception as error:
            told = f"what was fitted cannot be shown: {type(error).__name__}: {error}"
            return fragment(type(self).__name__, [told], first=first)


def shown_models(name: str, models: Sequence[FittedModel], lines: Sequence[str] = ()) -> NotebookContent:
    """Return the display of an estimator's fitted models; of several equal ones the first.

    Parameters
    ----------
    name : str
        Of the estimator's class.
    models : sequence of FittedModel
        At least one.
    lines : sequence of str
        What else there is to say.
    """
    first = models[0]
    family = family_facts(first)
    called = type(first.recipe).__name__ if family["model"] is None else f"{family['model']} ({family['plugin']})"
    networks = "" if len(models) == 1 else f" in {len(models)} networks"
    weights = f"{sum(map(n_weights, models)):,} weights{networks}"
    training = training_facts(first)
    seconds = "" if training["seconds"] is None else f" in {training['seconds']:.1f} s"
    trained = f"Trained on {counted(first.encoder.layout.n_rows, 'row')}, {counted(first.n_epochs, 'epoch')}{seconds}; "
    relations = [f"Relations that are kept: {'; '.join(map(str, first.schema.relations))}."]
    sections = [*columns_sections(first.schema.columns), *history_sections(first.history), *_drawn_sections(first)]
    return NotebookContent(
        f"{name}: {called}, {weights}",
        [f"{trained}seed {first.seed}.", *(relations if first.schema.relations else []), *lines],
        sections,
    )


def columns_sections(columns: Sequence[Column]) -> list[Section]:
    """Return the columns with their kinds, and why some are not learned."""
    if not columns:
        return []
    why = left_out(TableSchema(tuple(columns)))
    rows = [
        (
            shortened(str(c.name)),
            c.kind,
            shortened(c.dtype),
            "some" if c.missing else "",
            f"not learned: {why[str(c.name)]}" if str(c.name) in why else "",
        )
        for c in columns[:_MAX_COLUMNS]
    ]
    return [
        Section(
            f"{counted(len(columns), 'column')}: {kinds_told(columns)}",
            ("column", "kind", "dtype", "missing", ""),
            rows,
            texts=range(5),
            folded=len(columns) > _OPEN_COLUMNS,
            note=f"and {len(columns) - len(rows):,} more" if len(columns) > len(rows) else "",
        )
    ]


def history_sections(history: pd.DataFrame) -> list[Section]:
    """Return the end of the training: its last evaluations."""
    if not len(history):
        return []
    last = history.tail(N_ROWS)
    names = [name for name in last.columns if last[name].notna().any()]
    rows = [
        [shortened(_number(row[str(name)])) if str(name) in row else "" for name in names]
        for row in history_facts(last)
    ]
    heading = f"end of the training: the last {len(last)} of {counted(len(history), 'evaluation')}"
    return [Section(heading, [str(name) for name in names], rows, note="monitor: the loss on held-out rows")]


def rows_section(heading: str, rows: pd.DataFrame) -> Section:
    """Return rows of a table, those columns of it that a notebook has room for."""
    shown = rows.iloc[:N_ROWS, :_MAX_CELLS]
    texts = [i for i, dtype in enumerate(shown.dtypes) if not pd.api.types.is_numeric_dtype(dtype)]
    more = rows.shape[1] - shown.shape[1]
    return Section(
        heading,
        [shortened(str(name)) for name in shown.columns],
        [[_cell(shown.iloc[i, j]) for j in range(shown.shape[1])] for i in range(len(shown))],
        texts=texts,
        note=f"and {more:,} more columns" if more else "",
    )


def _drawn_sections(fitted: FittedModel) -> list[Section]:
    """Return rows that the model draws, the same whenever they are looked at; none where it cannot, or not at once."""
    if not able(fitted.recipe, "sample") or len(fitted.schema.columns) > _MAX_DRAWN:
        return []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of rows that nobody asked for
        rows = fitted.sample(N_ROWS, None, [fitted.seed, _DRAW])
    return [rows_section(f"{N_ROWS} drawn rows", rows)]


def _number(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _cell(value: Any) -> str:
    missing = pd.isna(value)
    if isinstance(missing, bool | np.bool_) and missing:
        return ""
    return shortened(value if isinstance(value, str) else format_value(value))
