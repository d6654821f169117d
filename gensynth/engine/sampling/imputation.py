"""Imputation of the missing cells of a table; other cells stay unchanged."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api import types as pdt

from gensynth.encoding.related_gaps import fill_related
from gensynth.encoding.related_rows import resolve
from gensynth.encoding.table import TableEncoder
from gensynth.engine.sampling.blocks import impute_rows
from gensynth.errors import DataError
from gensynth.layout import UNKNOWN
from gensynth.model import GenerativeModel
from gensynth.schema import Column, TableSchema, check_labels
from gensynth.schema.values import is_missing


def missing_cells(frame: pd.DataFrame, encoder: TableEncoder) -> dict[str | int, NDArray[np.bool_]]:
    """Return masks (n,) of the missing cells of each column that has any.

    Identifiers are left alone, and columns that held nothing but missing values: nothing is known of theirs.
    """
    found = {}
    for column in encoder.schema.columns:
        known = column.value is not None if column.kind == "constant" else column.name in encoder.columns
        if known:
            gap = is_missing(frame[column.name])
            if gap.any():
                found[column.name] = gap
    return found


def fill_cells(
    aligned: pd.DataFrame,
    gaps: dict[str | int, NDArray[np.bool_]],
    encoder: TableEncoder,
    model: GenerativeModel,
    seed: int,
    rng: np.random.Generator,
) -> dict[str | int, pd.Series[Any]]:
    """Return sampled values for the missing cells of each column in ``gaps``, in row order.

    Parameters
    ----------
    aligned : DataFrame
        The table as `TableSchema.align` returns it.
    gaps : dict of label to ndarray of shape (n,), bool
        From `missing_cells`.
    encoder : TableEncoder
        Table to rows and back.
    model : GenerativeModel
        Trained on such rows.
    seed : int
        Seed of the draws, in [0, 2**63).
    rng : numpy.random.Generator
        For what the encoder draws.
    """
    rows = np.flatnonzero(np.logical_or.reduce(list(gaps.values())))
    some = aligned.iloc[rows].reset_index(drop=True)
    left = {name: gap[rows] for name, gap in gaps.items()}
    known = None
    if encoder.rules is not None:
        some, known = fill_related(some, left, encoder, rng.spawn(1)[0])
        left = {name: gap & ~known[1].get(name, np.zeros(len(gap), dtype=bool)) for name, gap in left.items()}
    encoded = encoder.encode(some)
    fillable = np.array([any(c.frequencies[2 if c.missing else 1 :]) for c in encoder.layout.columns])
    missing = np.zeros(encoded.codes.shape, dtype=bool)
    for name, gap in left.items():
        if name in encoder.position:
            missing[:, encoder.position[name]] = gap
    for i, link in encoder.links.items():
        missing[:, i] = missing[:, [encoder.position[link.earlier], encoder.position[link.later]]].any(1)
    # an unseen value carries no information: it is imputed too, so as not to mislead, and discarded
    hidden = (missing | (encoded.codes == UNKNOWN)) & fillable
    filled = impute_rows(model, encoded, seed, hidden) if hidden.any() else encoded
    drawn = replace(filled, log_jacobian=None)
    related = resolve(encoder, drawn, rng.spawn(1)[0], ~hidden, known)[0] if known is not None else None
    decoded = encoder.decode(drawn, rng, ~hidden, related)
    return {name: decoded[name][gap[rows]] for name, gap in gaps.items()}


def put_columns(
    frame: pd.DataFrame,
    gaps: Mapping[str | int, NDArray[np.bool_]],
    parts: Mapping[str | int, Sequence[pd.Series[Any]]],
    schema: TableSchema,
    held: Collection[str | int] = (),
) -> pd.DataFrame:
    """Return a copy of a table with sampled values in its missing cells.

    Parameters
    ----------
    frame : DataFrame
        The table.
    gaps : mapping of label to ndarray of shape (n,), bool
        From `missing_cells`.
    parts : mapping of label to sequence of Series
        What was drawn for each column's gaps, part after part.
    schema : TableSchema
        What the columns hold.
    held : collection of column labels
        Columns that hold something in another part of a larger table.
    """
    if not gaps:
        return frame.copy()
    position = {name: i for i, name in enumerate(check_labels(frame))}
    columns = [frame.iloc[:, i] for i in range(frame.shape[1])]
    for name, found in parts.items():
        i = position[name]
        drawn = found[0] if len(found) == 1 else pd.concat(found, ignore_index=True)
        columns[i] = put_cells(columns[i], gaps[name], drawn, schema[name], whole=name not in held)
    return pd.concat(columns, axis=1).set_axis(frame.columns, axis=1)


def put_cells(
    series: pd.Series[Any], gap: NDArray[np.bool_], values: pd.Series[Any], column: Column, *, whole: bool = True
) -> pd.Series[Any]:
    """Return a copy of a column with ``values`` in its missing cells and everything else unchanged.

    A float column that holds nothing gets the dtype of the values, unless it is not the ``whole`` column.

    Raises
    ------
    DataError
        The column's dtype cannot hold such values.
    """
    dtype = series.dtype
    if whole and gap.all() and pdt.is_float_dtype(dtype) and not pdt.is_float_dtype(values.dtype):
        return pd.Series(values.array, index=series.index, name=series.name)  # NaN alone does not determine the type
    if isinstance(dtype, pd.SparseDtype):  # single cells cannot be assigned
        dense = series.astype(dtype.subtype)
        return put_cells(dense, gap, values.astype(dtype.subtype), column, whole=whole).astype(dtype)
    out = series.copy()
    if isinstance(dtype, pd.CategoricalDtype):
        new = [v for v in pd.unique(values.astype(object)) if v not in dtype.categories]
        if new:
            out = out.cat.add_categories(new)
        out.iloc[np.flatnonzero(gap)] = values.astype(object).to_numpy()
        return out
    try:
        if pdt.is_object_dtype(dtype):
            filled = out.to_numpy(dtype=object, copy=True)
            filled[gap] = values.astype(object).to_numpy()
            return pd.Series(filled, index=series.index, name=series.name, dtype=object)
        if pdt.is_float_dtype(dtype) and not pdt.is_float_dtype(values.dtype):
            values = values.astype(object).map(float)
        own = pd.Series(values.array, dtype=dtype) if values.dtype == dtype else values.astype(dtype)
        out.iloc[np.flatnonzero(gap)] = own.array
    except (TypeError, ValueError) as error:
        raise DataError(
            f"column {column.name!r} holds {dtype}, which cannot take values like those that were fitted "
            f"({column.dtype}): {error}"
        ) from error
    return out
