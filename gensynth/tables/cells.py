"""Cells of a CSV file: from text to values, and values written the way the file writes its own."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pandas.api import types as pdt

MISSING_TOKENS = ("", "?", "NA", "N/A", "n/a", "NaN", "nan", "null", "NULL", "None", "<NA>")
"""Cells that are read as missing values."""

WORDS = ("NA", "N/A", "n/a", "null", "NULL", "None")
"""Those of them that could be a category as well: a country, a class."""

_PADDED = 0.02
"""Share of fractions that end in 0 from which on they are taken to be filled up with zeros."""

_MAX_ROWS = 10_000
"""Rows that a column's style is learned from, and as many with missing cells."""

_TRUE, _FALSE = ("True", "true", "TRUE"), ("False", "false", "FALSE")
_NUMBER = r"^-?((\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,4})?|[iI]nf|[iI]nfinity)$"
_INTEGER = r"^-?\d+$"
_LEADING_ZERO = re.compile(r"^(-?)0(?=\.)")
_CODE = r"^-?0\d"  # 02208 is a code, not a number


def parse_cells(cells: pa.ChunkedArray, tokens: Sequence[str] = MISSING_TOKENS) -> pd.Series[Any]:
    """Return a column of a CSV file with the type that all its cells have.

    Integers (``Int64`` where some are missing), floats, booleans (``boolean`` where some are missing), else text, just
    as it stands there. Numbers with a plus sign or leading zeros (phones, codes) are text; so are integers beyond 64
    bits. Cells that are one of ``tokens`` are missing.
    """
    bare = pc.utf8_trim_whitespace(cells)
    missing = pc.is_in(bare, value_set=pa.array(tokens, pa.string()))
    values = pc.if_else(missing, pa.scalar(None, bare.type), bare)
    if values.null_count == len(values):
        return pd.Series(np.full(len(values), np.nan))
    if _all(pc.is_in(values, value_set=pa.array(_TRUE + _FALSE)), missing):
        flags = pc.if_else(missing, pa.scalar(None, pa.bool_()), pc.is_in(values, value_set=pa.array(_TRUE)))
        kind = pd.BooleanDtype() if values.null_count else bool
        return pd.Series(flags.to_pandas(types_mapper={pa.bool_(): pd.BooleanDtype()}.get)).astype(kind)
    if _all(pc.match_substring_regex(values, _NUMBER), missing) and not _any(pc.match_substring_regex(values, _CODE)):
        numbers = _numbers(values, whole=_all(pc.match_substring_regex(values, _INTEGER), missing))
        if numbers is not None:
            return numbers
    texts = pa.table({"": pc.if_else(missing, pa.scalar(None, cells.type), cells)}).to_pandas()[""]
    return pd.Series(texts, name=None)


def _all(flags: Any, missing: Any) -> bool:
    return bool(pc.all(pc.or_(pc.fill_null(flags, False), missing)).as_py())


def _any(flags: Any) -> bool:
    return bool(pc.any(flags).as_py())


def taken_for_missing(cells: pa.ChunkedArray, values: pd.Series[Any]) -> list[str]:
    """Return the `WORDS` that were read as missing values in a column that holds categories otherwise.

    Such a column is text, repeats itself, and its texts have no digits.
    """
    if not pdt.is_string_dtype(values.dtype) or not values.isna().any():
        return []
    words = pc.unique(pc.utf8_trim_whitespace(cells.filter(pa.array(values.isna().to_numpy(dtype=bool))))).to_pylist()
    found = [word for word in WORDS if word in words]
    if not found:
        return []
    distinct = values.dropna().unique()
    digits = sum(any(c.isdigit() for c in text) for text in distinct)
    return found if 2 * len(distinct) <= values.notna().sum() and 2 * digits < len(distinct) else []


def _numbers(values: Any, *, whole: bool) -> pd.Series[Any] | None:
    if not whole:
        return pd.Series(pc.cast(values, pa.float64()).to_numpy()).astype(np.float64)
    try:
        ints = pc.cast(values, pa.int64())
    except pa.ArrowInvalid:  # beyond 64 bits
        return None
    return pd.Series(ints.to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get)).astype(
        pd.Int64Dtype() if values.null_count else np.int64
    )


def _space_before(texts: pd.Series[Any]) -> str:
    """Return the white space that all texts begin with."""
    if not len(texts) or not str(texts.iloc[0])[:1].isspace():
        return ""
    starts = texts.str.extract(r"^(\s*)", expand=False).unique()
    return str(starts[0]) if len(starts) == 1 else ""


@dataclass(frozen=True)
class CellStyle:
    """How a column of a CSV file writes its cells.

    Parameters
    ----------
    missing : str
        Its most frequent cell for a missing value.
    decimals : int or None
        Decimals of numbers with a fraction, if zeros fill them up to one count (``0.60``); None: as many as needed.
    whole : int
        Decimals of most whole numbers.
    true, false : str
        Its most frequent cells for booleans.
    before : str
        White space that all numbers or booleans begin with.
    exponent : {"", "e", "E"}
        Letter of the exponent where most numbers have one (``6.97E-06``), all with ``decimals`` at most; "" for none.
    bare_point : bool
        Fractions between -1 and 1 begin with their point: ``.59``.
    """

    missing: str = ""
    decimals: int | None = None
    whole: int = 1
    true: str = "True"
    false: str = "False"
    before: str = ""
    exponent: str = ""
    bare_point: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; what holds its default is left out."""
        plain = asdict(CellStyle())
        return {name: value for name, value in asdict(self).items() if value != plain[name]}

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> CellStyle:
        """Rebuild from `to_json`."""
        return cls(**state)

    @classmethod
    def of(cls, texts: pd.Series[Any], values: pd.Series[Any]) -> CellStyle:
        """Look at the cells of a column and at the values that they were read as."""
        gap = values.isna().to_numpy(dtype=bool)
        if len(values) > _MAX_ROWS:
            rows = np.union1d(np.linspace(0, len(values) - 1, _MAX_ROWS).astype(int), np.flatnonzero(gap)[:_MAX_ROWS])
            texts, values, gap = texts.iloc[rows], values.iloc[rows], gap[rows]
        missing = str(texts[gap].value_counts().index[0]) if gap.any() else ""
        before = _space_before(texts[~gap]) if not pdt.is_string_dtype(values.dtype) else ""
        if pdt.is_bool_dtype(values.dtype):
            tokens = texts[~gap].str.strip().value_counts().index.tolist()
            true = next((t for t in tokens if t in _TRUE), None)
            false = next((t for t in tokens if t in _FALSE), None)
            twin = dict(zip(_TRUE + _FALSE, _FALSE + _TRUE, strict=True))  # a token never seen follows its opposite
            true, false = true or twin[false or "False"], false or twin[true or "True"]
            return cls(missing, true=true, false=false, before=before)
        if not pdt.is_float_dtype(values.dtype) or gap.all():
            return cls(missing, before=before)
        bare = texts[~gap].str.strip()
        powers = bare[bare.str.contains("[eE][+-]?[0-9]")]
        if 2 * len(powers) > len(bare):
            digits = powers.str.extract(r"\.(\d*)", expand=False).fillna("").str.len().max()
            return cls(missing, int(digits), before=before, exponent="E" if powers.iloc[0].isupper() else "e")
        bare_point = bool(bare.str.contains(r"^-?\.").any() and not bare.str.contains(r"^-?0\.\d*[1-9]").any())
        places = bare.str.len() - bare.str.find(".") - 1
        places = places.where(bare.str.contains(".", regex=False), 0).where(~bare.str.contains("[eEn]"), 0)
        whole = (values[~gap] % 1 == 0).to_numpy()
        common = int(places[whole].mode().iloc[0]) if whole.any() else 1
        padded = bare[~whole].str.endswith("0").mean() > _PADDED if not whole.all() else False
        filled = int(places[~whole].mode().iloc[0]) if padded else None
        return cls(missing, filled, common, before=before, bare_point=bare_point)

    def write(self, values: pd.Series[Any]) -> pd.Series[Any]:
        """Return the values as cells."""
        gap = values.isna().to_numpy(dtype=bool)
        out = np.full(len(values), self.missing, dtype=object)
        present = values[~gap]
        if pdt.is_bool_dtype(values.dtype):
            out[~gap] = np.where(present.to_numpy(dtype=bool), self.true, self.false)
        elif pdt.is_float_dtype(values.dtype):
            out[~gap] = self._floats(present.to_numpy(dtype=np.float64))
        else:
            out[~gap] = present.astype(str).to_numpy(dtype=object)
        if self.before:
            out[~gap] = self.before + out[~gap]
        return pd.Series(out, dtype=pd.StringDtype("pyarrow"))

    def _floats(self, values: NDArray[np.float64]) -> list[str]:
        if self.exponent:
            return [f"{value:.{self.decimals}{self.exponent}}" for value in values.tolist()]
        texts = []
        for value in values.tolist():
            if value.is_integer():
                texts.append(f"{value:.{self.whole}f}")
            else:
                filled = repr(value) if self.decimals is None else f"{value:.{self.decimals}f}"
                texts.append(filled if float(filled) == value else repr(value))  # never fewer than are needed
        return [_LEADING_ZERO.sub(r"\1", text) for text in texts] if self.bare_point else texts
