"""The verdict of an evaluation, in one line: copies, independent columns, or how close to real rows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from gensynth.evaluation.result import ColumnResult, Kind, MetricValue, PairResult, Verdict, heading

MOSTLY_COPIES = 0.5
"""Share of copies from which a table is called a copy."""
MORE_COPIES, TIMES_COPIES = 0.005, 1.5
"""Copies are too many if their fraction exceeds that of real rows by this difference and by this factor."""
LEANS = 0.525
"""Training rows are memorised if the whole interval of ``dcr_share`` is above this."""
BELOW_CHANCE = 0.49
"""Detection is below chance if its whole interval is below this."""
INDEPENDENT = 0.8
"""Columns are called independent if the pair error is beyond this position between floor (0) and ceiling (1)."""
LIKE_REAL, CLOSE, DIFFERENT = 0.53, 0.65, 0.85
"""Detection up to which a table is like a real one (or with 0.5 in its interval), close to it, different."""
_TIMES_FLOOR, _BEYOND_FLOOR = 1.5, 0.005  # errors that are like those of real rows
_AS_NEAR = 0.5  # share of synthetic rows nearer to a real one than real rows are to each other, where none repeat
_TELLING = 0.02  # error of a column or pair, beyond the floor, that is worth a word

Values = Mapping[str, MetricValue]


def verdict_of(
    values: Values,
    columns: Sequence[ColumnResult],
    pairs: Sequence[PairResult],
    n_rows: Mapping[str, int],
    what: str = "rows",
) -> Verdict:
    """Return the verdict on a table of rows or "images", from its values and its worst columns and pairs.

    Copies are tested before fidelity, because copies of real rows have the best fidelity.
    """
    kind = _kind(values, n_rows)
    detection = values["detection_auc"]
    told = f"a classifier separates it from real {what} with an AUC of {detection.value:.2f} (0.50 is chance)"
    if kind == "copies":
        share = values["exact_copies"]
        usual = f"where {_percent(share.floor)} of real {what} do"
        parts = [f"{_percent(share.value)} of the {what} equal a real {what[:-1]}, {usual}"]
    elif kind == "independent":
        parts = [
            "single columns may be right, but most dependence between columns is lost: the error of pairs is "
            f"{_number(values['trend_error'].value)}, against {_number(values['trend_error'].ceiling)} with shuffled "
            "columns"
        ]
    elif kind == "memorised":
        parts = [*_memorised(values, n_rows, what)]
        if detection.interval is not None and detection.interval[1] < 0.5:
            parts.append(f"a detection below chance ({detection.value:.2f}) is a sign of copies, not of quality")
    elif kind == "suspicious":
        parts = [
            f"detection ({detection.value:.2f}) is below chance, which copies of real {what} can cause{_along(what)}"
        ]
        nearest = values.get("nearest_share")
        if nearest is not None and nearest.value <= _AS_NEAR:
            parts.append(f"its {what} are no nearer to real {what} than these to each other")
        parts.append(
            f"held-out {what} would show it" if "dcr_share" not in values else f"held-out {what} do not confirm it"
        )
    else:
        parts = [told, *_of_images(values, kind), *_telling(columns, pairs, kind)]
    parts += _broken(values)
    if kind not in ("copies", "memorised", "suspicious"):
        parts += _useful(values)
        parts.append(
            f"no sign of memorised {what}"
            if "dcr_share" in values
            else f"memorisation of training {what} was not tested, for lack of held-out {what}"
        )
    return Verdict(kind, f"{heading(kind, what)}: {'; '.join(parts)}.", what)


def _kind(values: Values, n_rows: Mapping[str, int]) -> Kind:
    detection, trend = values["detection_auc"], values.get("trend_error")
    if _too_many_copies(values, n_rows) and values["exact_copies"].value >= MOSTLY_COPIES:
        return "copies"
    if trend is not None and detection.value > LIKE_REAL:
        # columns that are wrong by themselves are wrong in pairs too
        off = values["shape_error"].value > trend.value / 2
        if _way(trend) > INDEPENDENT and not off:
            return "independent"
    if _too_many_copies(values, n_rows) or _leans(values):
        return "memorised"
    if detection.interval is not None and detection.interval[1] < BELOW_CHANCE:
        return "suspicious"
    chance = detection.interval is not None and detection.interval[0] <= 0.5  # few rows may be separated by luck
    errors = [values[name] for name in ("shape_error", "trend_error", "frechet_distance") if name in values]
    if (chance or detection.value <= LIKE_REAL) and all(map(_like_real, errors)):
        return "real"
    if detection.value <= CLOSE:
        return "close"
    return "different" if detection.value <= DIFFERENT else "poor"


def _too_many_copies(values: Values, n_rows: Mapping[str, int]) -> bool:
    copies = values["exact_copies"]
    # if columns form a grid (a counter, a few levels), independent columns equal real rows by chance
    floor = max(copies.floor or 0.0, copies.ceiling or 0.0)
    n_floor = n_rows["holdout"] or n_rows["real"]
    mean = (copies.value * n_rows["synthetic"] + floor * n_floor) / (n_rows["synthetic"] + n_floor)
    error = math.sqrt(mean * (1 - mean) * (1 / n_rows["synthetic"] + 1 / n_floor))
    more = copies.value - floor
    return more > max(MORE_COPIES, 3 * error) and copies.value > TIMES_COPIES * floor


def _along(what: str) -> str:
    """Return another explanation of a low detection AUC: cells spaced more evenly than at random."""
    return ", as can rows that one column determines (a date, a running total)" if what == "rows" else ""


def _leans(values: Values) -> bool:
    share = values.get("dcr_share")
    return share is not None and share.interval is not None and share.interval[0] > LEANS


def _memorised(values: Values, n_rows: Mapping[str, int], what: str) -> list[str]:
    parts = []
    if _leans(values):
        share = f"{_percent(values['dcr_share'].value)} of the {what}"
        parts.append(f"{share} are nearer to a training {what[:-1]} than to a held-out one (50 % is chance)")
    if _too_many_copies(values, n_rows):
        copies = values["exact_copies"]
        parts.append(
            f"{_percent(copies.value)} equal a real {what[:-1]}, where {_percent(copies.floor)} of real {what} do"
        )
    return parts


def _way(value: MetricValue) -> float:
    """Return the position of a value between floor (0) and ceiling (1); 0 if they are equal."""
    if value.floor is None or value.ceiling is None or value.ceiling - value.floor < _TELLING:
        return 0.0
    return (value.value - value.floor) / (value.ceiling - value.floor)


def _like_real(value: MetricValue) -> bool:
    return value.value <= _TIMES_FLOOR * (value.floor or 0.0) + _BEYOND_FLOOR


def _telling(columns: Sequence[ColumnResult], pairs: Sequence[PairResult], kind: Kind) -> list[str]:
    """Return the column or pair that differs most, if the difference is clear."""
    shapes = sorted(columns, key=lambda column: column.shape_floor - column.shape_error)
    shape = shapes[0].shape_error - shapes[0].shape_floor if shapes else 0.0
    trend = pairs[0].trend_error - pairs[0].trend_floor if pairs else 0.0
    if kind == "real" or max(shape, trend) < _TELLING:
        return []
    if shape >= trend:
        return [f"the column {shapes[0].name!s} differs most (error {_number(shapes[0].shape_error)})"]
    first, second = pairs[0].first, pairs[0].second
    return [f"the dependence between {first!s} and {second!s} differs most ({_number(pairs[0].trend_error)})"]


def _of_images(values: Values, kind: Kind) -> list[str]:
    """Return the distance of the images from real ones, if larger than among real ones."""
    distance = values.get("frechet_distance")
    if distance is None or kind == "real" or _like_real(distance):
        return []
    return [
        f"the Frechet distance of its images is {_number(distance.value)} (real images {_number(distance.floor)}, "
        f"independent pixels {_number(distance.ceiling)})"
    ]


def _broken(values: Values) -> list[str]:
    kept = values.get("relation_validity")
    if kept is None or kept.value >= min(kept.floor or 1.0, 1.0) - 0.001:
        return []
    return [f"{_percent(1 - kept.value)} of the rows break a relation that holds in every real row"]


def _useful(values: Values) -> list[str]:
    score = values.get("tstr")
    if score is None or score.floor is None:
        return []
    lost = score.floor - score.value
    if lost <= 0.0005:
        return [f"a model trained on it is as good on real rows as one trained on real rows ({_number(score.value)})"]
    return [f"a model trained on it loses {_number(lost)} of {_number(score.floor)} on real rows"]


def _number(value: float | None) -> str:
    return "?" if value is None else f"{value:.3f}"


def _percent(value: float | None) -> str:
    if value is None:
        return "?"
    return "none" if value == 0 else f"{100 * value:.{3 if value >= 0.1 else 2}g} %"
