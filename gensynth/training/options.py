"""Which values the trainer's parameters can have."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gensynth.errors import OptionError, hint


def _is_real(value: Any) -> bool:
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)


def _is_count(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool) and bool(value >= 1)


def _is_positive(value: Any) -> bool:
    return _is_real(value) and math.isfinite(value) and bool(value > 0)


def _is_fraction(value: Any) -> bool:
    return _is_real(value) and bool(0 <= value < 1)


def _is_auto(value: Any) -> bool:
    return isinstance(value, str) and value == "auto"


def _are_callbacks(value: Any) -> bool:
    return isinstance(value, Sequence) and all(callable(c) or hasattr(c, "on_round") for c in value)


RULES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "max_epochs": (lambda v: _is_auto(v) or _is_count(v), "'auto' or an integer >= 1"),
    "max_time": (lambda v: v is None or _is_positive(v), "None or seconds > 0"),
    "batch_size": (lambda v: _is_auto(v) or _is_count(v), "'auto' or an integer >= 1"),
    "validation_fraction": (_is_fraction, "a number in [0, 1)"),
    "patience": (_is_count, "an integer >= 1"),
    "clip_norm": (lambda v: v is None or _is_positive(v), "None or a number > 0"),
    "progress": (lambda v: _is_auto(v) or isinstance(v, bool), "'auto', True or False"),
    "callbacks": (lambda v: v is None or _are_callbacks(v), "None or a list of callables"),
    "checkpoint": (lambda v: v is None or isinstance(v, str | os.PathLike), "None or a path"),
}


def check_options(values: dict[str, Any]) -> None:
    """Raise `OptionError` for the first of ``values`` that its parameter cannot have."""
    for name, (is_right, expected) in RULES.items():
        if not is_right(values[name]):
            raise OptionError(f"{hint('Trainer: ', 'trainer.')}{name}={values[name]!r}, expected {expected}")
