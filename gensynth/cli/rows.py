"""Tables with new columns or rows, in which every cell that was read stays written as it was."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from gensynth.errors import DataError
from gensynth.tables import Table, write_table

if TYPE_CHECKING:
    from gensynth.augmentation import AugmentResult


def write_augmented(table: Table, result: AugmentResult, path: Path, only_synthetic: bool) -> None:
    """Write real and synthetic rows; from CSV to CSV the real cells keep their very text."""
    if table.text is None or not _is_csv(path):
        write_table(result.frame, path)
        return
    new = table.render(result.synthetic)
    parts = [new] if only_synthetic else [table.text, new]
    mask = np.repeat([False, True], [0 if only_synthetic else len(table.text), len(new)])
    whole = pd.concat(parts, ignore_index=True)
    write_table(whole.assign(_synthetic=mask), path)


def check_free(table: Table, source: object, names: Iterable[str]) -> None:
    """Raise `DataError` if the table has one of the columns that are to be added."""
    taken = [repr(name) for name in names if name in table.frame.columns]
    if taken:
        several = len(taken) > 1
        raise DataError(
            f"{source} has {'columns' if several else 'a column'} {', '.join(taken)} already; "
            f"rename {'them' if several else 'it'} first"
        )


def write_scored(table: Table, columns: Mapping[str, Any], path: Path) -> None:
    """Write the rows with new last columns; from CSV to CSV their cells keep their very text."""
    rows: Any = table.frame if table.text is None or not _is_csv(path) else table.text
    # setting the columns one by one would warn where pandas holds the table in many blocks
    write_table(pd.concat([rows, pd.DataFrame(dict(columns), index=rows.index)], axis=1), path)


def write_imputed(table: Table, filled: pd.DataFrame, path: Path) -> None:
    """Write the rows with their gaps filled; from CSV to CSV all other cells keep their very text."""
    if table.text is None or not _is_csv(path):
        write_table(filled, path)
        return
    new, text = table.render(filled), table.text
    gaps = table.frame.isna() & ~filled.isna()
    columns = [text[name].where(~gaps[name], new[name]) for name in text.columns]
    write_table(pd.concat(columns, axis=1), path)


def _is_csv(path: Path) -> bool:
    return path.name.lower().endswith((".csv", ".csv.gz"))
