"""``--where sex=F --where age=39``: texts to values of the fitted columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from gensynth.errors import OptionError

if TYPE_CHECKING:
    from gensynth.synthesizer import Synthesizer


def conditions(texts: Sequence[str], synthesizer: Synthesizer) -> dict[Any, Any] | None:
    """Parse ``COL=VALUE`` texts; an empty value asks for a missing one.

    Raises
    ------
    OptionError
        Not ``COL=VALUE``, or a column that is named twice. Unknown columns and values are left to the encoder.
    """
    columns = {str(name): name for name in synthesizer.schema_.names}
    found: dict[Any, Any] = {}
    for text in texts:
        if "=" not in text:
            raise OptionError(f"--where {text!r}: expected COL=VALUE, for example --where sex=F")
        # a column's name may hold "=" itself: the longest name that fits
        fitting = [name for name in columns if text.startswith(f"{name}=")]
        written = max(fitting, key=len, default=text.partition("=")[0])
        name, value = columns.get(written, written), text[len(written) + 1 :]
        if name in found:
            raise OptionError(f"--where names the column {written!r} twice; a cell has one value")
        found[name] = _value(synthesizer, name, value)
    return found or None


def _value(synthesizer: Synthesizer, name: Any, text: str) -> Any:
    """Return the label that is written like the text; numbers and dates are read by the encoder."""
    labels = getattr(synthesizer.encoder_.columns.get(name), "labels", None)
    if labels is not None:
        exact = [label for label in labels.index if str(label) == text]
        near = [label for label in labels.index if str(label).lower() == text.lower()]
        if len(exact or near) == 1:
            return (exact or near)[0]
    return text if text else None
