"""``--where sex=F --where "age>=20"``: parse conditions to values and ranges of the fitted columns."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from gensynth.cli.options.declarations import check_utf8
from gensynth.errors import OptionError

if TYPE_CHECKING:
    from gensynth.synthesizer import Synthesizer

_OPERATOR = re.compile(r"\s*(>=|<=|!=|=|>|<)")


def conditions(texts: Sequence[str], synthesizer: Synthesizer) -> dict[Any, Any] | None:
    """Parse ``COL=VALUE`` texts, and bounds such as ``COL>=VALUE``; several bounds on a column all hold.

    An empty value asks for a missing one (``COL!=``: for one that is not).

    Raises
    ------
    OptionError
        None of these, or a column that is named twice. Unknown columns and values are left to the encoder.
    """
    from gensynth.encoding.ranges import Range

    columns = {str(name): name for name in synthesizer.schema_.names}
    values: dict[Any, Any] = {}
    bounds: dict[Any, list[tuple[str, Any]]] = {}
    for text in texts:
        check_utf8("--where", text)
        written, operator, value = _split(text, columns)
        name = columns.get(written, written)
        if name in values or (operator == "=" and name in bounds):
            raise OptionError(f"--where names the column {written!r} twice; a cell has one value")
        if operator == "=":
            values[name] = _value(synthesizer, name, value)
        elif value or operator == "!=":
            bounds.setdefault(name, []).append((operator, _value(synthesizer, name, value)))
        else:
            raise OptionError(f"--where {text!r}: a value is missing after {operator}")
    return values | {name: Range(tuple(own)) for name, own in bounds.items()} or None


def _split(text: str, columns: Iterable[str]) -> tuple[str, str, str]:
    """Return column, operator and value; a column's name may hold operators itself: the longest name that fits."""
    rests = {name: _OPERATOR.match(text, len(name)) for name in columns if text.startswith(name)}
    written = max((name for name, found in rests.items() if found), key=len, default=None)
    if written is None:
        found = re.search(_OPERATOR, text)
        written = "" if found is None else text[: found.start()]
    else:
        found = rests[written]
    if not written or found is None:
        raise OptionError(
            f'--where {text!r}: expected COL=VALUE, for example --where sex=F, or a bound as in --where "age>=20"'
        )
    value = text[found.end() :]
    spaced = found.group(0) != found.group(1) or found.group(1) != "="
    return written, found.group(1), value.strip() if spaced else value


def _value(synthesizer: Synthesizer, name: Any, text: str) -> Any:
    """Return the label that is written like the text; numbers and dates are read by the encoder."""
    labels = getattr(synthesizer.encoder_.columns.get(name), "labels", None)
    if labels is not None:
        exact = [label for label in labels.index if str(label) == text]
        near = [label for label in labels.index if str(label).lower() == text.lower()]
        if len(exact or near) == 1:
            return (exact or near)[0]
    return text if text else None
