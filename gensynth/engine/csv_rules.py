"""Which cells of a CSV file are missing values for a fitted model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from gensynth.engine.fitted_model import FittedModel
from gensynth.tables import CsvStyle
from gensynth.tables.cells import MISSING_TOKENS

_LOOKED_AT = 10_000


@dataclass(frozen=True)
class ReadingRules:
    """Missing-value rules of a fitted model for CSV files.

    Parameters
    ----------
    missing : tuple of str or None
        Cells that were said to be missing values; None for the usual ones.
    categories : tuple of str
        Columns that have one of the usual words for a missing value, such as NA, among their categories: it is none
        there.
    """

    missing: tuple[str, ...] | None
    categories: tuple[str, ...]

    @classmethod
    def of(cls, fitted: FittedModel) -> Self:
        """Return the rules of the file that a model was fitted to."""
        style = fitted.container.style
        missing = style.missing if isinstance(style, CsvStyle) else None
        labels = {str(name): getattr(own, "labels", None) for name, own in fitted.encoder.columns.items()}
        words = set(MISSING_TOKENS)
        return cls(
            missing,
            tuple(n for n, own in labels.items() if own is not None and words & set(map(str, own.index[:_LOOKED_AT]))),
        )

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; "usual" are the cells that are missing values where nothing else was said."""
        return {
            "missing": None if self.missing is None else list(self.missing),
            "usual": list(MISSING_TOKENS),
            "categories": list(self.categories),
        }

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> Self:
        """Rebuild from `to_json`."""
        missing = state["missing"]
        return cls(None if missing is None else tuple(missing), tuple(state["categories"]))
