"""Rows with added columns, imputed cells or synthetic rows, in which cells that were read are written unchanged."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
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
    """Write real and synthetic rows; in the same file format the real cells stay unchanged."""
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


def check_free(columns: Collection[Any], source: object, names: Iterable[str]) -> None:
    """Raise `DataError` if a table already has one of the columns to be added."""
    taken = [repr(name) for name in names if name in columns]
    if taken:
        several = len(taken) > 1
        raise DataError(
            f"{source} has {'columns' if several else 'a column'} {', '.join(taken)} already; "
            f"rename {'them' if several else 'it'} first"
        )


def scored(table: Table, columns: Mapping[str, Any], *, csv: bool) -> Table:
    """Return the rows with appended columns, formatted for a CSV file or another one."""
    added = pd.DataFrame(dict(columns), index=table.frame.index)
    # setting the columns one by one would warn where pandas holds the table in many blocks
    frame = pd.concat([table.frame, added], axis=1)
    if csv and isinstance(table.style, CsvStyle):
        plain = CsvStyle().render(added).set_axis(added.index, axis=0)
        return Table(frame, pd.concat([table.text, plain], axis=1), style=table.style)
    if not csv and table.arrow is not None:
        return Table(frame, arrow=extended(table.arrow, columns), style=table.style)
    return Table(frame)


def imputed(
    table: Table, filled: pd.DataFrame, held: Collection[Any], *, like: FileStyle | None = None, csv: bool
) -> Table:
    """Return the rows with imputed cells, likewise.

    Columns that hold nothing in the whole table are not in ``held``; they are written as in ``like``, the style of the
    rows that were learned.
    """
    gaps = table.frame.isna() & ~filled.isna()
    if csv and isinstance(table.style, CsvStyle):
        styles = dict(table.style.columns)
        if isinstance(like, CsvStyle):
            styles |= {name: like.columns[name] for name in like.columns if name in gaps and name not in held}
        new, text = replace(table.style, columns=styles).render(filled).set_axis(filled.index, axis=0), table.text
        assert text is not None
        columns = [text[name].where(~gaps[name], new[name]) for name in text.columns]
        return Table(filled, pd.concat(columns, axis=1), style=table.style)
    if not csv and table.arrow is not None:
        return Table(filled, arrow=fill(table.arrow, filled, gaps), style=table.style)
    return Table(filled)
