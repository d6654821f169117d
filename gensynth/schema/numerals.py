"""Inference of the notation of a text column's numbers."""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Sequence

import numpy as np

from gensynth.schema.notation import BLANKS, Cell, Notation, split_cell

_CURRENCIES = (
    "USD|EUR|GBP|JPY|CNY|INR|CHF|CAD|AUD|NZD|SEK|NOK|DKK|PLN|CZK|HUF|RON|BGN|TRY|RUB|UAH|BRL|MXN|ARS|CLP|COP|PEN|ZAR|"
    "NGN|KES|EGP|ILS|AED|SAR|QAR|KWD|SGD|HKD|TWD|KRW|THB|IDR|MYR|PHP|VND|PKR|BDT|LKR"
)
_SYMBOLS = "$\u20ac\u00a3\u00a5\u20b9\u20bd\u20a9\u20ba\u20b4\u20ab\u0e3f\u00a2\u20aa\u20a6\u20b1"
_PREFIX = re.compile(rf"[~\u2248]?(?:|[A-Z]{{0,3}}[{_SYMBOLS}]|Rs\.?|INR\.?|kr\.?|Fr\.?|z\u0142|K\u010d|{_CURRENCIES})")
_SUFFIX = re.compile(rf"[^\W\d_{{}}]?[^\d_{{}}:;@#|\\()\[\]=]{{0,14}}[23]?|[{_SYMBOLS}%\u2030+]+")
_IPV4 = re.compile(r"(?:[0-9]{1,3}\.){3}[0-9]{1,3}")
_PADDED = 0.02
_MIN_RESTORED = 0.5
_PHONE, _CODE = 7, 5
"""Digits from which on numbers with a plus sign are telephone numbers, and numbers of equal length are codes."""


def find_notation(texts: Sequence[str], *, declared: bool = False) -> tuple[Notation, list[str]] | None:
    """Return the notation of the numbers among distinct texts, and the other texts; None if they are codes.

    Most of the texts must be numbers with the same currency or unit. Digits and nothing else are numbers only if their
    count varies, and leading zeros make codes of all of them; ``declared`` numbers may be of any look.
    """
    cells = [cell for text in texts if (cell := split_cell(text)) is not None]
    if 2 * len(cells) <= len(texts):
        return None
    affixes = Counter(cell.affix for cell in cells if not (_is_zero(cell) and cell.affix == ("", "")))
    affix, n = affixes.most_common(1)[0] if affixes else (("", ""), len(cells))
    if 2 * n <= len(texts) or not (_PREFIX.fullmatch(affix[0]) and _SUFFIX.fullmatch(affix[1])):
        return None
    cells = [cell for cell in cells if cell.affix == affix or (cell.affix == ("", "") and _is_zero(cell))]
    decimal, thousands, group = _marks([cell.core for cell in cells])
    marks = Notation(positive=cells[0].template, decimal=decimal, thousands=thousands, group=group)
    cells = [cell for cell in cells if marks.fits(cell.core)]
    notation = _styled(marks, [cell for cell in cells if cell.affix == affix], cells)
    if notation is None:
        return None
    values = notation.read(texts, strict=True)
    others = [text for text, value in zip(texts, values.tolist(), strict=True) if np.isnan(value)]
    numbers = [text for text, value in zip(texts, values.tolist(), strict=True) if not np.isnan(value)]
    if not numbers or not (declared or _are_quantities(numbers, cells, notation, alone=not others)):
        return None
    return notation, others


def _is_zero(cell: Cell) -> bool:
    return not cell.core.strip("0.,")


def _are_quantities(texts: list[str], cells: list[Cell], notation: Notation, *, alone: bool) -> bool:
    """Whether numbers in text are quantities, not codes, versions or telephone numbers.

    ``alone``: there are no other texts in the column.
    """
    values = notation.read(texts)
    if np.abs(values).max() >= 2.0**53:
        return False
    if any(cell.core[0] == "0" and cell.core[1:2].isdigit() for cell in cells):  # 02208 is a code
        return False
    if all(_IPV4.fullmatch(text) for text in texts):
        return False
    written = notation.write(values, None)
    if sum(one == text.strip() for one, text in zip(written, texts, strict=True)) < _MIN_RESTORED * len(texts):
        return False
    lengths = {len(cell.core) for cell in cells}
    if any(cell.affix != ("", "") or cell.exponent or not cell.core.isdigit() for cell in cells):
        return True
    if any(cell.sign for cell in cells):
        return min(lengths) < _PHONE or not all(cell.sign == "+" for cell in cells)  # +31612345678
    if alone:
        return len(lengths) >= 3  # classes are 1 to 20
    return len(lengths) >= 2 or max(lengths) < _CODE  # ages beside "unknown", but no ZIP codes


def _marks(cores: Sequence[str]) -> tuple[str, str, int]:
    """Return the decimal mark, what stands between thousands, and the size of the groups."""
    marked = [core for core in cores if not core.isdigit()]
    used = {c for core in marked for c in core if not c.isdigit()}
    if not used:
        return ".", "", 3
    candidates = [(".", "", 3), (",", "", 3)]
    for mark in sorted(used - {".", ","}):
        candidates += [(".", mark, 3), (",", mark, 3)]
    bare = [core for core in cores if core.isdigit()]
    for mark, other in (",.", ".,"):
        if mark not in used:
            continue
        grouped = re.compile(rf"[1-9][0-9]{{0,2}}(?:{re.escape(mark)}[0-9]{{3}})+(?:{re.escape(other)}.*)?")
        # every mark has three digits behind it, and numbers without one are small: no chance, but for a point alone
        likely = all(len(core) <= 3 for core in bare) and all(grouped.fullmatch(c) for c in marked if mark in c)
        first = likely and (mark == "," or bool(bare))
        candidates.insert(0 if first else len(candidates), (other, mark, 3))
    if "," in used:
        candidates.append((".", ",", 2))
    notations = [Notation(decimal=d, thousands=t, group=g) for d, t, g in candidates]
    fits = [sum(notation.fits(core) for core in marked) for notation in notations]
    return candidates[int(np.argmax(fits))]


def _styled(marks: Notation, own: Sequence[Cell], cells: Sequence[Cell]) -> Notation | None:
    """Return the notation with decimals and templates that most cells have."""
    if not own:
        return None
    fractions = [cell.core.partition(marks.decimal)[2] for cell in own]
    broken = [f for f in fractions if f.strip("0")]
    lengths = Counter(map(len, broken))
    whole = Counter(len(f) for f in fractions if not f.strip("0")).most_common(1)
    at_whole = whole[0][0] if whole else max(lengths, default=0) if len(lengths) == 1 else 0
    padded = sum(f.endswith("0") for f in broken) > _PADDED * len(broken)
    fixed = bool(broken) and (padded or (len(lengths) == 1 and at_whole == next(iter(lengths))))
    present = [cell for cell in own if cell.core.strip("0.,")]
    positive = _usual([cell.template for cell in present if cell.sign != "-"])
    negative = _usual([cell.template for cell in present if cell.sign == "-"])
    if positive is None:
        positive = next((cell.template for cell in own if not cell.sign), None)
    if positive is None:
        inner = own[0].template.translate(dict.fromkeys(map(ord, "+-\u2212\u2013()"))).strip(BLANKS)
        positive = inner
    if negative is None:
        negative = positive.replace("+", "-", 1) if positive.lstrip(BLANKS).startswith("+") else f"-{positive}"
    exponents = [cell.exponent[0] for cell in own if cell.exponent]
    zeros = [
        cell.template.replace("{}", cell.core) for cell in cells if not cell.core.strip("0.,") and not cell.exponent
    ]
    found = dataclasses.replace(
        marks,
        positive=positive,
        negative=negative,
        places=lengths.most_common(1)[0][0] if fixed else None,
        whole=at_whole,
        leading_zero=not any(cell.core.startswith(marks.decimal) for cell in own),
        exponent=exponents[0] if len(exponents) * 2 > len(own) else "",
    )
    zero = zeros[0].strip(BLANKS) if len(set(zeros)) == 1 else None  # 0 beside $0.00: one of them is no number
    if zero is None and positive.lstrip(BLANKS).startswith("+"):
        zero = found.write(np.zeros(1), None)[0].replace("+", "", 1)
    return found if zero in (None, found.write(np.zeros(1), None)[0]) else dataclasses.replace(found, zero=zero)


def _usual(templates: Sequence[str]) -> str | None:
    most = Counter(templates).most_common(1)
    return most[0][0].strip(BLANKS) if most else None
