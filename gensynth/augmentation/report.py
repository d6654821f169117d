"""Report of `augment`: class counts before and after, copies, and the fidelity of the synthetic rows."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gensynth.augmentation.auto import ModelChoice
from gensynth.augmentation.checked import AugmentCheck
from gensynth.augmentation.notebook import rows_told
from gensynth.augmentation.strategy import factorized
from gensynth.augmentation.target import MAX_CLASSES, is_continuous
from gensynth.html import Section, fragment
from gensynth.metrics.similarity import Fidelity, fidelity
from gensynth.metrics.vectors import vector_columns
from gensynth.schema import Column
from gensynth.schema.ticks import ticks_of


@dataclass(frozen=True)
class AugmentReport:
    """Report of `augment`.

    Parameters
    ----------
    n_real, n_synthetic : int
        Rows that came, and rows that were drawn.
    n_copies : int
        Synthetic rows that equal a real row (when balancing: of their class) in every column but the identifiers.
    n_copies_dropped : int
        Rows that did and were drawn anew, because ``drop_copies`` asked for it.
    real_copy_share : float
        Share of the real rows, in [0, 1], that equal another real one, weighted like the fidelity: what a held-out real
        row would have in common with the others. NaN if there is nothing to compare.
    identifiers : tuple
        Columns that were taken for identifiers: made up anew, not learned, and not compared.
    classes_before, classes_after : dict or None
        Class to number of rows, without and with the synthetic ones, whichever of them are returned; None for a
        continuous target or no target.
    fidelity : Fidelity or None
        Synthetic rows against real ones, these weighted to the same share of classes when balancing; without
        identifiers, whose values are made up, and images. None if no row was drawn, or there are no other columns.
    seconds : float
        Time that fitting, drawing, comparing and checking took.
    check : AugmentCheck or None
        What the rows did to a classifier; None if that was not asked for, or could not be made.
    unchecked : str or None
        Why a check that was asked for was not made.
    choice : ModelChoice or None
        How the model was chosen; None where one was named.
    """

    n_real: int
    n_synthetic: int
    n_copies: int
    n_copies_dropped: int
    real_copy_share: float
    identifiers: tuple[Any, ...]
    classes_before: dict[Any, int] | None
    classes_after: dict[Any, int] | None
    fidelity: Fidelity | None
    seconds: float
    check: AugmentCheck | None = None
    unchecked: str | None = None
    choice: ModelChoice | None = None

    def to_frame(self) -> pd.DataFrame:
        """Return one row per class: rows ``before`` and ``after``; no rows where there are no classes."""
        before, after = self.classes_before or {}, self.classes_after or {}
        index = pd.Index(list(after), name="class", dtype=object)
        return pd.DataFrame({"before": [before.get(c, 0) for c in after], "after": list(after.values())}, index=index)

    def _repr_html_(self) -> str:
        """Return what a notebook shows: classes before and after, copies, fidelity and the check."""
        lines = rows_told(self.n_real, self.n_synthetic, self.n_copies, self.real_copy_share)
        if self.fidelity is not None:
            single, pairs = 1 - self.fidelity.shape_error, 1 - self.fidelity.trend_error
            lines.append(f"Fidelity {single:.3f} of single columns, {pairs:.3f} of pairs (1 is best).")
        if self.check is not None:
            lines.append(f"{str(self.check)[:1].upper()}{str(self.check)[1:]}.")
        elif self.unchecked is not None:
            lines.append(f"Not checked whether the new rows help a classifier: {self.unchecked}.")
        classes = [(str(name), f"{before:,}", f"{after:,}") for name, before, after in self.to_frame().itertuples()]
        tables = [Section("rows of each class", ("class", "before", "after"), classes)] if classes else []
        return fragment("Augmentation", lines, tables)


def compare(
    frame: pd.DataFrame, rows: pd.DataFrame, columns: tuple[Column, ...], weight: NDArray[np.float64] | None
) -> Fidelity | None:
    """Compare rows without images; numbers and dates written as text are compared as values.

    None where there is nothing but images.
    """
    frame = frame.drop(columns=vector_columns(frame))
    if not len(frame.columns):
        return None
    written = {c.name: c for c in columns if c.name in frame.columns and (c.notation or c.format)}
    both = []
    for table in (frame, rows):
        read = {name: _ticks(table[name], written[name]) if name in written else table[name] for name in frame}
        both.append(pd.DataFrame(read))
    return fidelity(*both, weight=weight)


def _ticks(series: pd.Series[Any], column: Column) -> pd.Series[Any]:
    ticks, missing = ticks_of(series, column)
    return pd.Series(np.where(missing, np.nan, ticks), index=series.index)


def count_classes(
    frame: pd.DataFrame, rows: pd.DataFrame, target: Hashable | None
) -> tuple[dict[Any, int] | None, dict[Any, int] | None]:
    """Return rows of each class without and with the synthetic ones; None where there are no classes."""
    if target is None or is_continuous(frame[target]) or frame[target].nunique() > MAX_CLASSES:
        return None, None
    both = pd.concat([frame[target], rows[target]], ignore_index=True)
    classes, codes = factorized(both)
    before = np.bincount(codes[: len(frame)] + 1, minlength=len(classes) + 1)[1:]  # without the missing ones
    after = np.bincount(codes + 1, minlength=len(classes) + 1)[1:]
    return dict(zip(classes, before.tolist(), strict=True)), dict(zip(classes, after.tolist(), strict=True))
