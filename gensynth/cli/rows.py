"""Tables with new columns or rows, in which every cell that was read stays written as it was."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from gensynth.errors import DataError
from gensynth.tables import CsvStyle, FileStyle, Table, write_table
from gensynth.tables.files import is_csv, write_arrow, write_text
from gensynth.tables.parquet import extended, fill, stacked, to_arrow

if TYPE_CHECKING:
    from gensynth.augmentation import AugmentResult


def write_augmented(table: Table, result: AugmentResult, path: Path, *, only_synthetic: bool) -> None:
    """Write real and synthetic rows; from CSV to CSV and from Parquet to Parquet the real cells stay what they were."""
    n_real = 0 if only_synthetic else len(table.frame)
    mask = np.repeat([False, True], [n_real, len(result.synthetic)])
    if isinstance(table.style, CsvStyle) and is_csv(path):
        new = table.render(result.synthetic)
        whole = new if only_synthetic else pd.concat([table.text, new], ignore_index=True)
        write_text(whole.assign(_synthetic=mask.astype(str)), path, table.style.dialect)
    elif table.arrow is not None and not is_csv(path):
        new = to_arrow(result.synthetic, table.arrow.schema)
        whole = new if only_synthetic else stacked(table.arrow, result.synthetic)
        write_arrow(extended(whole, {"_synthetic": mask}), path)
    else:
        write_table(result.frame, path)


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
    """Write the rows with new last columns; likewise."""
    added = pd.DataFrame(dict(columns))
    if isinstance(table.style, CsvStyle) and is_csv(path):
        # setting the columns one by one would warn where pandas holds the table in many blocks
        plain = CsvStyle().render(added)
        write_text(pd.concat([table.text, plain], axis=1), path, table.style.dialect)
    elif table.arrow is not None and not is_csv(path):
        write_arrow(extended(table.arrow, columns), path)
    else:
        write_table(pd.concat([table.frame, added.set_axis(table.frame.index)], axis=1), path)


def write_imputed(table: Table, filled: pd.DataFrame, path: Path, like: FileStyle | None = None) -> None:
    """Write the rows with their gaps filled; likewise.

    Columns that hold nothing in the table are written as in ``like``, the style of the rows that were learned.
    """
    gaps = table.frame.isna() & ~filled.isna()
    if isinstance(table.style, CsvStyle) and is_csv(path):
        styles = dict(table.style.columns)
        if isinstance(like, CsvStyle):
            styles |= {name: like.columns[name] for name in like.columns if name in gaps and gaps[name].all()}
        new, text = replace(table.style, columns=styles).render(filled), table.text
        assert text is not None
        columns = [text[name].where(~gaps[name], new[name]) for name in text.columns]
        write_text(pd.concat(columns, axis=1), path, table.style.dialect)
    elif table.arrow is not None and not is_csv(path):
        write_arrow(fill(table.arrow, filled, gaps), path)
    else:
        write_table(filled, path)
