"""Options of ``gensynth detect`` that define anomalies, checked before any table is read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from gensynth.errors import OptionError


def share_of(contamination: str) -> float | Literal["auto"]:
    """Return the value of ``--contamination``; raise `OptionError` if it is neither a share nor "auto"."""
    if contamination == "auto":
        return "auto"
    try:
        share = float(contamination)
    except ValueError:
        share = -1.0
    if not 0 < share <= 0.5:
        raise OptionError(f"--contamination must be auto or a number above 0 and at most 0.5, not {contamination}")
    return share


def check_labelling(fdr: float | None, contamination: str, train_on: str | None) -> None:
    """Raise `OptionError` if ``--fdr`` is out of range, or has nothing to work with."""
    if fdr is None:
        return
    if not 0 < fdr < 1:
        raise OptionError(f"--fdr must be above 0 and below 1, not {fdr:g}")
    if contamination != "auto":
        raise OptionError("--fdr and --contamination exclude each other; keep one")
    if train_on is None:
        raise OptionError(
            "--fdr needs --train-on NORMAL, a table of normal rows: without it p-values are ranks among the training "
            "rows, which cannot control the false discovery rate"
        )


def check_settings(settings: Sequence[str]) -> None:
    """Raise `OptionError` for a setting that another option decides."""
    for text in settings:
        name = text.partition("=")[0].strip()
        if name == "model.task":
            raise OptionError(f"--set {name} follows from --train-on (without it rows may be anomalies); leave it out")
