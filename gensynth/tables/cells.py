"""Cells of a CSV file: parsing of values, and formatting in the file's own style."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

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
"""Fraction of decimals ending in 0 above which a column is taken as padded with zeros."""

MAX_ROWS = 10_000
"""Number of rows from which a column's style is inferred, and as many again with missing cells."""

_TRUE, _FALSE = ("True", "true", "TRUE"), ("False", "false", "FALSE")
_NUMBER = r"^-?((\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,4})?|[iI]nf|[iI]nfinity)$"
_INTEGER = r"^-?\d+$"
_LEADING_ZERO = re.compile(r"^(-?)0(?=\.)")
_CODE = r"^-?0\d"  # 02208 is a code, not a number


@dataclass(frozen=True)
class CellFacts:
    """What holds for all cells of a column of a CSV file, or of a part of it; parts are put together by ``&``.

    Parameters
    ----------
    empty : bool
        Every cell is missing.
    gaps : bool
        Some cell is.
    truths, numbers, whole, short : bool
        Those that are there are all true or false; numbers; whole numbers; whole numbers of 64 bits.
    """

    empty: bool = True
    gaps: bool = False
    truths: bool = True
    numbers: bool = True
    whole: bool = True
    short: bool = True

    def __and__(self, other: CellFacts) -> CellFacts:
        return CellFacts(
            self.empty and other.empty,
            self.gaps or other.gaps,
            self.truths and other.truths,
            self.numbers and other.numbers,
            self.whole and other.whole,
            self.short and other.short,
        )

    @classmethod
    def of(
        cls, cells: pa.ChunkedArray, tokens: Sequence[str] = MISSING_TOKENS, before: CellFacts | None = None
    ) -> CellFacts:
        """Look at cells; nothing is looked for that does not hold for those ``before`` them."""
        before = CellFacts() if before is None else before
        values, missing = _present(cells, tokens)
        if values.null_count == len(values):
            return before & CellFacts(gaps=bool(len(values)))
        truths = before.truths and _all(pc.is_in(values, value_set=pa.array(_TRUE + _FALSE)), missing)
        numbers = whole = short = False
        if before.numbers and not truths:
            numbers = _all(pc.match_substring_regex(values, _NUMBER), missing)
            numbers = numbers and not _any(pc.match_substring_regex(values, _CODE))
            whole = numbers and before.whole and _all(pc.match_substring_regex(values, _INTEGER), missing)
            short = whole and before.short and _fits_64_bits(values)
        return before & CellFacts(False, values.null_count > 0, truths, numbers, whole, short)

    @property
    def kind(self) -> Literal["empty", "boolean", "integer", "float", "text"]:
        """What the column is read as."""
        if self.empty:
            return "empty"
        if self.truths:
            return "boolean"
        if self.numbers and (self.short or not self.whole):
            return "integer" if self.whole else "float"
        return "text"


def parse_cells(cells: pa.ChunkedArray, tokens: Sequence[str] = MISSING_TOKENS) -> pd.Series[Any]:
    """Return a column of a CSV file with the type that all its cells have.

    Integers (``Int64`` where some are missing), floats, booleans (``boolean`` where some are missing), else text, just
    as it stands there. Numbers with a plus sign or leading zeros (phones, codes) are text; so are integers beyond 64
    bits. Cells that are one of ``tokens`` are missing.
    """
    return parse_as(CellFacts.of(cells, tokens), cells, tokens)


def parse_as(facts: CellFacts, cells: pa.ChunkedArray, tokens: Sequence[str] = MISSING_TOKENS) -> pd.Series[Any]:
    """Return cells with the type that the column has as a whole."""
    if facts.kind == "empty":
        return pd.Series(np.full(len(cells), np.nan))
    if facts.kind == "text":
        missing = pc.is_in(pc.utf8_trim_whitespace(cells), value_set=pa.array(tokens, pa.string()))
        texts = pa.table({"": pc.if_else(missing, pa.scalar(None, cells.type), cells)}).to_pandas()[""]
        return pd.Series(texts, name=None)
    values, missing = _present(cells, tokens)
    if facts.kind == "boolean":
        flags = pc.if_else(missing, pa.scalar(None, pa.bool_()), pc.is_in(values, value_set=pa.array(_TRUE)))
        truths = pd.Series(flags.to_pandas(types_mapper={pa.bool_(): pd.BooleanDtype()}.get))
        return truths.astype(pd.BooleanDtype() if facts.gaps else bool)
    if facts.kind == "float":
        return pd.Series(pc.cast(values, pa.float64()).to_numpy()).astype(np.float64)
    ints = pd.Series(pc.cast(values, pa.int64()).to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get))
    return ints.astype(pd.Int64Dtype() if facts.gaps else np.int64)


def _present(cells: pa.ChunkedArray, tokens: Sequence[str]) -> tuple[Any, Any]:
    """Return the cells without white space around them, null where they are missing, and where that is."""
    bare = pc.utf8_trim_whitespace(cells)
    missing = pc.is_in(bare, value_set=pa.array(tokens, pa.string()))
    return pc.if_else(missing, pa.scalar(None, bare.type), bare), missing


def _fits_64_bits(values: Any) -> bool:
    try:
        pc.cast(values, pa.int64())
    except pa.ArrowInvalid:
        return False
    return True


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


def evenly_spaced(n: int) -> NDArray[np.int64]:
    """Return the rows of a table of n, more than `MAX_ROWS`, that a column's style is learned from."""
    return np.linspace(0, n - 1, MAX_ROWS).astype(np.int64)


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
        if len(values) > MAX_ROWS:
            rows = np.union1d(evenly_spaced(len(values)), np.flatnonzero(gap)[:MAX_ROWS])
            texts, values = texts.iloc[rows], values.iloc[rows]
        return cls.of_some(texts, values)

    @classmethod
    def of_some(cls, texts: pd.Series[Any], values: pd.Series[Any]) -> CellStyle:
        """Look at the cells that stand for a column: those at `evenly_spaced`, and the first `MAX_ROWS` missing."""
        gap = values.isna().to_numpy(dtype=bool)
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
