"""Number of rows to add to each class: imbalanced-learn's ``sampling_strategy`` for over-sampling."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gensynth.errors import DataError, OptionError, hint, shown

FULL, PARTIAL = "not majority", "partial"
NAMES = ("auto", "minority", "not minority", FULL, "all", PARTIAL)
TIMES = 4
"""Maximal number of rows that "partial" adds per existing row of a class."""


def filled(*, balance: bool) -> str:
    """Return the sampling strategy of `gensynth.augment`: full balance, or partial for ratio "auto"."""
    return FULL if balance else PARTIAL


def classes_of(y: pd.Series[Any]) -> tuple[list[Any], NDArray[np.int64]]:
    """Return the classes of a target (sorted where they can be) and the position of each row's class.

    Raises
    ------
    DataError
        If a row has no class, or all rows are of one class.
    """
    missing = int(y.isna().sum())
    if missing:
        raise DataError(
            f"the target {_named(y)}is missing in {missing} of {len(y)} rows; drop these rows"
            f"{hint(' (`frame.dropna(subset=[target])`)')} or fill them, then augment"
        )
    classes, codes = factorized(y)
    if len(classes) < 2:
        what = f"1 class only, {shown(classes[0])}" if classes else "no row"
        raise DataError(f"the target {_named(y)}holds {what}; at least 2 classes are needed to balance them")
    return classes, codes


def factorized(y: pd.Series[Any]) -> tuple[list[Any], NDArray[np.int64]]:
    """Return the different values (sorted where they can be), and the position of each row's; -1 if it is missing."""
    if isinstance(y.dtype, pd.ArrowDtype):
        y = y.astype(object)  # pandas sorts no dictionaries of Arrow, and lists entries of them that no row has
    try:
        codes, values = pd.factorize(y, sort=True)
    except TypeError:  # values of mixed types have no order: first come, first served
        codes, values = pd.factorize(y)
    return list(values.tolist()), codes.astype(np.int64)


def _named(y: pd.Series[Any]) -> str:
    return "" if y.name is None else f"{shown(y.name)} "


def rows_to_add(strategy: Any, counts: Mapping[Any, int], y: NDArray[Any]) -> dict[Any, int]:
    """Return the number of rows to add to each targeted class.

    Parameters
    ----------
    strategy : float, str, dict or callable
        float in (0, 1]: rows of the minority over rows of the majority afterwards (binary targets only).
        "minority": only the smallest class; "not minority", "not majority" (= "auto"): all but that one; "all".
        A targeted class is filled up to the largest one. "partial": all but the largest get at most `TIMES` new
        rows for each they have, and no more rows than the largest has. dict: class to the number of rows it has
        afterwards. callable: from ``y`` to such a dict.
    counts : mapping
        Rows of each class, in the order of the classes; the first of equals is the minority, or the majority.
    y : ndarray of shape (n_samples,)
        Handed to a callable.

    Returns
    -------
    dict
        Class to number of rows, in the order of ``counts``.

    Raises
    ------
    OptionError
        If the strategy is none of these, or asks for fewer rows than there are.
    DataError
        If it names a class that no row has, or is a float and there are more than two classes.
    """
    largest = max(counts.values())
    minority = min(counts, key=lambda c: counts[c])
    majority = max(counts, key=lambda c: counts[c])
    if callable(strategy):
        strategy = strategy(y)
        if not isinstance(strategy, Mapping):
            raise OptionError(
                f"sampling_strategy: the callable has to return a dict of class to rows, it gave {shown(strategy)}"
            )
    if isinstance(strategy, str):
        targeted = {
            "minority": {minority},
            "not minority": set(counts) - {minority},
            FULL: set(counts) - {majority},
            "auto": set(counts) - {majority},
            "all": set(counts),
            PARTIAL: set(counts) - {majority},
        }
        if strategy not in targeted:
            advice = " ('majority' is for under-sampling)" if strategy == "majority" else ""
            raise OptionError(
                f"sampling_strategy={strategy!r}{advice}: as a string it is one of {', '.join(map(repr, NAMES))}"
            )
        most = TIMES if strategy == PARTIAL else largest
        return {c: min(largest - n, most * n) for c, n in counts.items() if c in targeted[strategy]}
    if isinstance(strategy, Mapping):
        return _from_mapping(strategy, counts)
    if isinstance(strategy, int | float | np.number) and not isinstance(strategy, bool):
        return _from_ratio(float(strategy), counts, minority, majority)
    raise OptionError(
        f"sampling_strategy={strategy!r}: expected a number in (0, 1], one of {', '.join(map(repr, NAMES))}, "
        "a dict of class to rows, or a callable that returns one"
    )


def _from_mapping(wanted: Mapping[Any, Any], counts: Mapping[Any, int]) -> dict[Any, int]:
    absent = [c for c in wanted if c not in counts]
    if absent:
        raise DataError(
            f"sampling_strategy names the class(es) {', '.join(map(repr, absent))}, which no row has; the target's "
            f"classes are {', '.join(map(repr, list(counts)[:20]))}"
        )
    for c, n in wanted.items():
        if not isinstance(n, Integral) or n < 0:
            raise OptionError(
                f"sampling_strategy: class {shown(c)} is to have {n!r} rows; expected a whole number >= 0"
            )
        if n < counts[c]:
            raise OptionError(
                f"sampling_strategy: class {shown(c)} has {counts[c]} rows and is to have {n}; over-sampling only adds "
                f"rows, so ask for at least {counts[c]}"
            )
    return {c: int(wanted[c]) - n for c, n in counts.items() if c in wanted}


def _from_ratio(ratio: float, counts: Mapping[Any, int], minority: Any, majority: Any) -> dict[Any, int]:
    if not 0 < ratio <= 1:
        raise OptionError(f"sampling_strategy={ratio}: as a number it is in (0, 1], rows of the minority per majority")
    if len(counts) != 2:
        raise DataError(
            f"sampling_strategy={ratio} is a number, but the target has {len(counts)} classes (a number is for binary "
            "targets); give a dict of class to rows"
        )
    other = minority if minority != majority else next(c for c in counts if c != majority)
    wanted = int(counts[majority] * ratio - counts[other])
    if wanted <= 0:
        raise OptionError(
            f"sampling_strategy={ratio}: class {shown(other)} already has {counts[other]} rows for "
            f"{counts[majority]} of {shown(majority)}; give a number above {counts[other] / counts[majority]:.4g} "
            "(over-sampling only adds rows)"
        )
    return {other: wanted}
