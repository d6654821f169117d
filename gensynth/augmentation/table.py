"""`augment`: a whole table in, the same table with synthetic rows out."""

from __future__ import annotations

import time
from collections.abc import Hashable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone

from gensynth.augmentation.augmenter import Augmenter
from gensynth.augmentation.check import N_SPLITS, AugmentCheck, UncheckedError, cannot_check, check_rows
from gensynth.augmentation.containers import cast_like, dense, plain, stack, take, with_column
from gensynth.augmentation.oversampling import without
from gensynth.augmentation.report import AugmentReport, compare, count_classes
from gensynth.augmentation.strategy import classes_of
from gensynth.augmentation.target import MAX_CLASSES, is_continuous
from gensynth.constraints import number, whole
from gensynth.defaults import SAMPLING_MODEL
from gensynth.errors import DataError, OptionError, hint, shown
from gensynth.tables import to_frame
from gensynth.tables.imagearrays import refuse_images
from gensynth.training import Trainer

PROVENANCE = "_synthetic"
"""Name of the column that says which rows are synthetic."""
_STOPPED = 0.9  # share of its time limit that a trainer uses


@dataclass(frozen=True)
class AugmentResult:
    """What `augment` returns.

    Parameters
    ----------
    frame : table
        Real rows, unchanged, then synthetic rows, and a boolean column ``_synthetic``; only synthetic rows if so
        asked. The same kind of table as came in; a pandas DataFrame for an array or a list.
    real : table
        What came in.
    synthetic : table
        The synthetic rows alone, without that column, in the container and with the dtypes of ``real``.
    report : AugmentReport
        Classes before and after, fidelity, copies, seconds, and the check if it was asked for.
    """

    frame: Any
    real: Any
    synthetic: Any
    report: AugmentReport


def augment(
    data: Any,
    target: Hashable | None = None,
    *,
    balance: bool = False,
    n_rows: int | None = None,
    ratio: float | None = None,
    only_synthetic: bool = False,
    model: Any = SAMPLING_MODEL,
    trainer: Any = None,
    schema: Any = None,
    relations: Any = "auto",
    drop_copies: bool = False,
    check: bool = False,
    random_state: Any = None,
) -> AugmentResult:
    """Add synthetic rows to a table.

    Give exactly one of ``balance``, ``n_rows`` and ``ratio``.

    Parameters
    ----------
    data : table of shape (n, d)
        pandas, polars or Arrow table, array or list of rows.
    target : hashable, optional
        Column of classes; needed to balance. The column of an array is named ``x0``, ``x1``, ...
    balance : bool, default=False
        Fill up each class to the rows of the largest.
    n_rows : int, optional
        Synthetic rows to add, like the table as a whole.
    ratio : float, optional
        Synthetic rows to add per real row, like the table as a whole.
    only_synthetic : bool, default=False
        Leave the real rows out of ``frame``.
    model : str or Recipe
        Model family, as in `Synthesizer`.
    trainer : Trainer, optional
        How to train; the default otherwise.
    schema : TableSchema or dict, optional
        Declared kinds of columns, as in `Synthesizer`.
    relations : "auto", False, or sequence of str or Relation, default="auto"
        Relations between columns that new rows keep, as in `Synthesizer`.
    drop_copies : bool, default=False
        Draw other rows in place of those that equal a real row (identifiers aside). The rows that are left do not
        follow the model's distribution: combinations that are common among the real rows become rare, and where
        columns hold few values that can turn associations round. Copies are counted in the report either way.
    check : bool, default=False
        Say by cross-validation on real rows what the new ones do to a gradient boosting classifier, beside nothing and
        class weights (`AugmentCheck`). Three models are trained again for it, each on two thirds of the rows. A time
        budget of the trainer is for both, one half each, where there is something to check.
    random_state : int, numpy.random.Generator, numpy.random.RandomState or None, default=None
        Seed of training and drawing; global random state is neither read nor changed.

    Returns
    -------
    AugmentResult
        The table, its parts and a report.

    Raises
    ------
    OptionError
        If not exactly one of the three is given, a number is out of range, or a continuous target is to be balanced.
    DataError
        If the target is no column, or missing in some rows when balancing, or the table has a column ``_synthetic``.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from gensynth import Trainer, augment
    >>> table = load_breast_cancer(as_frame=True).frame
    >>> result = augment(
    ...     table, "target", balance=True, trainer=Trainer(max_epochs=2, progress=False), random_state=0
    ... )
    >>> result.report.classes_after
    {0: 357, 1: 357}
    >>> int(result.frame["_synthetic"].sum())
    145
    """
    start = time.perf_counter()
    data = plain(data)
    frame, container = to_frame(data)
    refuse_images(frame, "augmentation", schema)
    frame = dense(frame)
    if isinstance(data, pd.DataFrame) and data.columns.nlevels > 1 and target in data.columns:
        labels: list[Any] = data.columns.tolist()
        target = frame.columns[labels.index(target)]
    _check_table(frame, target)
    n = _rows_asked(len(frame), balance=balance, n_rows=n_rows, ratio=ratio)
    budget = getattr(trainer, "max_time", None)
    unchecked = cannot_check(frame, target) if check else None
    checked = check and unchecked is None
    augmenter = Augmenter(
        model,
        sampling_strategy="not majority",
        trainer=_limited(trainer, budget / 2) if checked and budget is not None else trainer,
        schema=schema,
        relations=relations,
        drop_copies=drop_copies,
        random_state=random_state,
    )
    if n is None and target is None:
        raise OptionError("balance needs a target: name the column of classes, or give n_rows or ratio instead")
    rows, weight = _added(frame, target, augmenter, n)
    found = None
    if checked and len(rows):
        each = None if budget is None else budget / 2 / N_SPLITS
        try:
            found = _checked(frame, target, augmenter, n, each)
        except UncheckedError as reason:  # the rows are there, whatever becomes of the check
            unchecked = str(reason)
    elif checked:
        unchecked = "no rows were added"
    keys = {column.name for column in augmenter.columns_ if column.kind == "identifier"}
    empty = len(rows) == 0
    synthetic = take(data, np.zeros(0, dtype=np.int64)) if empty else container.restore(rows)
    if isinstance(data, pd.DataFrame):
        synthetic = cast_like(data, synthetic)  # sparse columns were made dense
    before, after = count_classes(frame, rows, target)
    compared = [name for name in frame.columns if name not in keys]
    report = AugmentReport(
        n_real=len(frame),
        n_synthetic=len(rows),
        n_copies=augmenter.copies_.n,
        n_copies_dropped=augmenter.copies_.n_dropped,
        real_copy_share=augmenter.copies_.real_share,
        identifiers=tuple(name for name in frame.columns if name in keys),
        classes_before=before,
        classes_after=after,
        fidelity=None if empty or not compared else compare(frame[compared], rows, augmenter.columns_, weight),
        seconds=time.perf_counter() - start,
        check=found,
        unchecked=unchecked,
    )
    named = hasattr(data, "columns")
    upper, lower = (data, synthetic) if named else (frame, rows)
    whole = lower if only_synthetic else stack(upper, lower)
    mask = np.repeat([False, True], [0 if only_synthetic else len(frame), len(rows)])
    return AugmentResult(with_column(whole, PROVENANCE, mask), data, synthetic, report)


def _checked(
    frame: pd.DataFrame, target: Hashable | None, augmenter: Augmenter, n: int | None, each: float | None
) -> AugmentCheck:
    """Check the rows; ``each`` is the time of a model of a fold, in seconds."""
    stopped = False

    def draw(train: pd.DataFrame) -> pd.DataFrame:
        nonlocal stopped
        other = clone(augmenter)
        if each is not None:
            other.set_params(trainer=_limited(augmenter.trainer, each))
        start = time.perf_counter()
        rows = _added(train, target, other, None if n is None else max(round(n * len(train) / len(frame)), 1))[0]
        stopped |= each is not None and time.perf_counter() - start >= _STOPPED * each
        return rows

    found = check_rows(frame, target, draw, augmenter.columns_)
    if not stopped:
        return found
    told = f"the models of the check were stopped by the time limit after {each:.3g} s, where the new rows' had "
    told += f"{N_SPLITS} times as long: with more time the new rows may do better"
    return replace(found, note=told)


def _limited(trainer: Any, seconds: float) -> Trainer:
    """Return a trainer with a time budget."""
    limited: Trainer = (Trainer() if trainer is None else clone(trainer)).set_params(max_time=seconds)
    return limited


def _added(
    frame: pd.DataFrame, target: Hashable | None, augmenter: Augmenter, n: int | None
) -> tuple[pd.DataFrame, NDArray[np.float64] | None]:
    """Return ``n`` new rows, or those that fill up the classes with the weights of `_balanced`."""
    if n is None:
        return _balanced(frame, target, augmenter)
    return augmenter.fit_extend(frame, None, n)[0].iloc[len(frame) :].reset_index(drop=True), None


def _check_table(frame: pd.DataFrame, target: Hashable | None) -> None:
    if PROVENANCE in frame.columns:
        raise DataError(
            f"the table already has a column {PROVENANCE!r}, which is where synthetic rows are marked; rename "
            "it, or drop it (and the rows it marks) if the table was augmented before"
        )
    if target is not None and target not in frame.columns:
        raise DataError(
            f"target {shown(target)} is not a column of the table; there are: {', '.join(map(str, frame.columns[:30]))}"
        )


def _rows_asked(n_real: int, *, balance: bool, n_rows: int | None, ratio: float | None) -> int | None:
    """Return how many rows to add, or None to balance."""
    if (balance, n_rows is not None, ratio is not None).count(True) != 1:
        raise OptionError("give exactly one of balance=True, n_rows=... and ratio=..., to say what to add")
    if n_rows is not None:
        if not whole(0).allows(n_rows):
            raise OptionError(f"n_rows={n_rows!r}: expected a whole number >= 0")
        return int(n_rows)
    if ratio is not None:
        if not number(0).allows(ratio):
            raise OptionError(f"ratio={ratio!r}: expected synthetic rows per real row, a number >= 0")
        return round(float(ratio) * n_real)
    return None


def _balanced(frame: pd.DataFrame, target: Hashable, augmenter: Augmenter) -> tuple[pd.DataFrame, NDArray[np.float64]]:
    """Return what fills up the classes, and weights that give real rows the share of classes of these."""
    column = frame[target].rename(str(target))
    n_values = column.nunique()
    if is_continuous(column) or (n_values > MAX_CLASSES and n_values > len(frame) / 10):
        raise OptionError(
            f"target {shown(target)} has {n_values} different values in {len(frame)} rows: numbers or names rather "
            "than classes, so it cannot be balanced; add rows with "
            f"{hint('n_rows=... or ratio=...', '--rows N or --ratio R')} instead"
        )
    if frame.shape[1] < 2:
        raise DataError(f"the table holds nothing but the target {shown(target)}; at least one more column is needed")
    augmenter.set_params(schema=without(augmenter.schema, {target}))  # the class has a column of its own there
    X, y = augmenter.fit_resample(frame.drop(columns=[target]), column)
    rows = with_column(X, target, y)[list(frame.columns)].iloc[len(frame) :].reset_index(drop=True)
    classes, codes = classes_of(column)
    added = np.array([augmenter.sampling_strategy_.get(c, 0) for c in classes])
    return rows, (added / np.bincount(codes))[codes]
