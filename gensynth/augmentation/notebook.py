"""Notebook display of an `Augmenter`: rows added to each class, copies, columns, training, a few new rows."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gensynth.augmentation.drawn import Copies
from gensynth.engine.capabilities import name_of
from gensynth.engine.notebook import NotebookContent, columns_sections, history_sections, rows_section
from gensynth.engine.parameters import make_recipe
from gensynth.errors import counted
from gensynth.html import Section
from gensynth.html.fragment import shortened
from gensynth.schema import Column

_MAX_CLASSES = 20

NOTHING_ADDED = "there was nothing to add, so nothing was trained"
"""Text of the summary if no rows were added."""


class Resampler(Protocol):
    """Fitted attributes of an `Augmenter`; all but the model may be missing."""

    model: Any
    sampling_strategy_: dict[Any, int]
    synthetic_mask_: NDArray[np.bool_]
    copies_: Copies
    columns_: tuple[Column, ...]
    history_: pd.DataFrame
    first_rows_: pd.DataFrame


def shown_augmenter(augmenter: Resampler) -> NotebookContent | None:
    """Return the notebook display; None if nothing was fitted."""
    wanted = getattr(augmenter, "sampling_strategy_", None)
    mask = getattr(augmenter, "synthetic_mask_", None)
    if wanted is None and mask is None:
        return None
    sections = []
    if wanted:
        classes = [(shortened(str(name)), f"{n:,}") for name, n in list(wanted.items())[:_MAX_CLASSES]]
        more = f"and {len(wanted) - len(classes):,} more classes" if len(wanted) > len(classes) else ""
        sections.append(Section("rows added to each class", ("class", "rows"), classes, note=more))
    name = f"Augmenter by {name_of(make_recipe(augmenter.model))}"
    if mask is None:
        return NotebookContent(name, ["Classes were counted; fit_resample draws the rows."], sections)
    n_new = int(mask.sum())
    lines = rows_told(len(mask) - n_new, n_new, augmenter.copies_.n, augmenter.copies_.real_share)
    sections += [*columns_sections(augmenter.columns_), *history_sections(augmenter.history_)]
    if n_new:
        first = augmenter.first_rows_
        sections.append(rows_section(f"the first {counted(len(first), 'synthetic row')}", first))
    return NotebookContent(name, lines, sections)


def rows_told(n_real: int, n_synthetic: int, n_copies: int, real_copy_share: float) -> list[str]:
    """Return a sentence with the number of rows and copies, against the usual number among real rows."""
    lines = [f"{counted(n_real, 'real row')}, {counted(n_synthetic, 'synthetic row')}."]
    if n_synthetic == 0:
        lines.append(f"{NOTHING_ADDED[0].upper()}{NOTHING_ADDED[1:]}.")
    if n_synthetic and real_copy_share == real_copy_share:
        lines.append(
            f"{n_copies:,} synthetic rows ({n_copies / n_synthetic:.1%}) equal a real row; of the real rows "
            f"{real_copy_share:.1%} equal another one."
        )
    return lines
