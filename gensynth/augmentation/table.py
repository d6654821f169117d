"""`augment`: add synthetic rows to a whole table."""

from __future__ import annotations

import time
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from gensynth.augmentation.adding import added, checked, limited, stand_ins
from gensynth.augmentation.augmenter import Augmenter
from gensynth.augmentation.auto import ModelChoice, candidates, choose
from gensynth.augmentation.check import N_SPLITS, CheckFolds, UncheckedError, cannot_check
from gensynth.augmentation.containers import cast_like, dense, plain, stack, take, with_column
from gensynth.augmentation.report import AugmentReport, compare, count_classes
from gensynth.augmentation.selection import CANDIDATES
from gensynth.augmentation.strategy import filled
from gensynth.constraints import number, whole
from gensynth.defaults import AUTO_MODEL, AUTO_RATIO, SAMPLING_MODEL
from gensynth.engine.inputs.images import image_table
from gensynth.engine.parameters import seed_of
from gensynth.errors import DataError, OptionError, shown
from gensynth.tables import to_frame
from gensynth.tables.imagearrays import are_images, declared_images

PROVENANCE = "_synthetic"
"""Name of the column that says which rows are synthetic."""


@dataclass(frozen=True)
class AugmentResult:
    """Result of `augment`.

    Parameters
    ----------
    frame : table
        Real rows, unchanged, then synthetic rows, with a boolean column ``_synthetic``; with ``only_synthetic`` without
        the real rows. The same kind of table as the input; a pandas DataFrame for an array or a list.
    real : table
        The input table.
    synthetic : table
        The synthetic rows alone, without that column, in the container and with the dtypes of ``real``.
    report : AugmentReport
        Classes before and after, fidelity, copies, seconds, and the check if requested.
    """

    frame: Any
    real: Any
    synthetic: Any
    report: AugmentReport


def augment(
    data: Any,
    target: Any = None,
    *,
    balance: bool = False,
    n_rows: int | None = None,
    ratio: float | str | None = None,
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
        pandas, polars or Arrow table, array or list of rows; or images, an array of three or four axes.
    target : hashable or array-like of shape (n,), optional
        Column of classes; needed to balance, and for ``ratio="auto"``. The column of an array is named ``x0``, ``x1``,
        ... For an array of images the label of each, (n,): they are augmented as a DataFrame with the columns "image"
        and "label" (or the name of the labels).
    balance : bool, default=False
        Add rows until each class has as many as the largest.
    n_rows : int, optional
        Number of synthetic rows to add, with the distribution of the whole table.
    ratio : float or "auto", optional
        Synthetic rows to add per real row, with the distribution of the whole table. "auto": few but typical rows, for
        training a classifier. Each class but the largest gets at most four new rows for each real one, up to the size
        of the largest. Of twice as many candidates, those are kept of which a classifier trained on the real rows is
        most confident: trees, or a linear model for images.
    only_synthetic : bool, default=False
        Leave the real rows out of ``frame``.
    model : str or Recipe
        Model family, as in `Synthesizer`; "auto" selects one: several are compared (`gensynth.compare`), and the two
        best are cross-validated if possible (`ModelChoice`). The trainer's time limit (600 seconds by default) then
        covers all of it, including the final model.
    trainer : Trainer, optional
        Training options; the defaults otherwise.
    schema : TableSchema or dict, optional
        Declared kinds of columns, as in `Synthesizer`.
    relations : "auto", False, or sequence of str or Relation, default="auto"
        Relations between columns that new rows keep, as in `Synthesizer`.
    drop_copies : bool, default=False
        Replace rows that equal a real row (identifiers left out) by others. The result no longer follows the model's
        distribution: common combinations of the real rows become rare, which can reverse associations between columns
        of few values. Copies are counted in the report either way.
    check : bool, default=False
        Cross-validate on real rows the effect of the new ones on a gradient boosting classifier, against baselines such
        as class weights (`AugmentCheck`). Three more models are trained for this, each on two thirds of the rows. It
        takes half of the trainer's time limit, if there is one.
    random_state : int, numpy.random.Generator, numpy.random.RandomState or None, default=None
        Seed of training and sampling; global random state is neither read nor changed.

    Returns
    -------
    AugmentResult
        The table, its parts and a report.

    Raises
    ------
    OptionError
        Not exactly one of the three is given, a number is out of range, or a continuous target is to be balanced.
    DataError
        The target is not a column, or is missing in some rows when balancing, or the table has a column ``_synthetic``.

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
    if are_images(data) and target is not None and not isinstance(target, str | int):
        data = image_table(data, target)[0]
        target = data.columns[1]
    frame, container = to_frame(data)
    frame = dense(frame)
    if isinstance(data, pd.DataFrame) and data.columns.nlevels > 1 and target in data.columns:
        labels: list[Any] = data.columns.tolist()
        target = frame.columns[labels.index(target)]
    _check_table(frame, target)
    n = _rows_asked(frame, target, balance=balance, n_rows=n_rows, ratio=ratio)
    strategy = filled(balance=balance)
    n_new = len(stand_ins(frame, target, n, strategy))
    budget = getattr(trainer, "max_time", None)
    unchecked = cannot_check(frame, target) if check else None
    to_check = check and unchecked is None
    augmenter = Augmenter(
        model,
        sampling_strategy=strategy,
        candidates=1 if balance else CANDIDATES,
        trainer=trainer,
        schema=schema,
        relations=relations,
        drop_copies=drop_copies,
        random_state=random_state,
    )
    choice = None
    if isinstance(model, str) and model == AUTO_MODEL:
        choice = _chosen(frame, target, augmenter, n, n_new, check=to_check)
    elif to_check and budget is not None:
        augmenter.set_params(trainer=limited(trainer, budget / 2))
    rows, weight = added(frame, target, augmenter, n)
    found = None
    if choice is not None:
        found, unchecked = choice.check, choice.unchecked.get(choice.model, unchecked)
    elif to_check and n_new:
        each = None if budget is None else budget / 2 / N_SPLITS
        try:
            found = checked(CheckFolds(frame, target, augmenter.columns_), augmenter, n, len(frame), each)
        except UncheckedError as reason:  # the rows are there, whatever becomes of the check
            unchecked = str(reason)
    elif to_check:
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
        choice=choice,
    )
    named = hasattr(data, "columns")
    upper, lower = (data, synthetic) if named else (frame, rows)
    whole = lower if only_synthetic else stack(upper, lower)
    mask = np.repeat([False, True], [0 if only_synthetic else len(frame), len(rows)])
    return AugmentResult(with_column(whole, PROVENANCE, mask), data, synthetic, report)


def _chosen(
    frame: pd.DataFrame, target: Hashable | None, augmenter: Augmenter, n: int | None, n_new: int, *, check: bool
) -> ModelChoice | None:
    """Select a model, and give it to the augmenter with the remaining time.

    None where there are no new rows to draw: nothing is trained then, whatever the model.
    """
    if not n_new:
        images = bool(declared_images(frame, augmenter.schema))
        augmenter.set_params(model=candidates(balance=n is None, images=images)[0])
        return None
    seed = seed_of(augmenter.random_state) % 2**31
    augmenter.set_params(random_state=seed)
    choice = choose(frame, target, augmenter, n, check=check, seed=seed)
    augmenter.set_params(model=choice.model, trainer=limited(augmenter.trainer, choice.seconds))
    return choice


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


def _rows_asked(
    frame: pd.DataFrame, target: Any, *, balance: bool, n_rows: int | None, ratio: float | str | None
) -> int | None:
    """Return the number of rows to add, or None to balance classes."""
    if (balance, n_rows is not None, ratio is not None).count(True) != 1:
        raise OptionError("give exactly one of balance=True, n_rows=... and ratio=..., to say what to add")
    if n_rows is not None:
        if not whole(0).allows(n_rows):
            raise OptionError(f"n_rows={n_rows!r}: expected a whole number >= 0")
        return int(n_rows)
    if ratio is not None and ratio != AUTO_RATIO:
        if not number(0).allows(ratio):
            raise OptionError(f"ratio={ratio!r}: expected synthetic rows per real row, a number >= 0, or 'auto'")
        return round(float(ratio) * len(frame))
    if target is None:
        asked = "balance" if balance else "ratio='auto'"
        raise OptionError(f"{asked} needs a target: name the column of classes, or give n_rows or a number as ratio")
    return None
