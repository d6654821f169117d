"""The schema of one column: its kind and its format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

from gensynth.errors import SchemaError
from gensynth.schema.image import ImageSchema
from gensynth.schema.labels import Labels
from gensynth.schema.notation import Notation

Kind = Literal["numeric", "categorical", "boolean", "datetime", "identifier", "constant", "image"]
KINDS: tuple[str, ...] = get_args(Kind)


@dataclass(frozen=True)
class Column:
    """Schema of a column.

    Numbers and dates are counted in *ticks*: ``value * 10**decimals`` for numbers with a fixed count of decimals
    (integers have 0), the unit of the dtype (of objects and text: microseconds) since
    1970 for dates, since midnight for times of day; a number without a fixed count is its own tick.

    Parameters
    ----------
    name : str or int
        Label of the column.
    kind : {"numeric", "categorical", "boolean", "datetime", "identifier", "constant", "image"}
        How it is modelled. Identifiers and constants are not learned.
    dtype : str
        pandas dtype; for ``object`` columns with the type of their elements and what marks a missing one,
        as in ``object[date,None]``.
    missing : bool
        Whether values were missing.
    decimals : int or None
        Decimals of a numeric column; None if they are not fixed.
    minimum, maximum : int, float or None
        Range in ticks, of numeric and datetime columns and of integer identifiers.
    format : str or None
        Format of dates that are written as text, or as whole numbers (`gensynth.schema.dates`).
    variants : tuple of (str, float)
        Further formats of some of the dates, and their shares.
    days : str or None
        The only days that the dates fall on, such as ``Mon,Tue,Wed,Thu,Fri``, ``month day 1`` or ``month end``.
    zone : str or None
        Time zone of Python datetime objects, or of texts with offsets from UTC (`gensynth.schema.zones`).
    places : int or None
        Digits behind the point that decimals are written with, where that is more than ``decimals``.
    exact : Labels or None
        Repeated values of a column of decimals that are too long for ticks and floats.
    sparse : str or None
        What a sparse column leaves out, as JSON, or "missing"; None for every other column.
    notation : Notation or None
        How numbers are written as text.
    specials : tuple of str
        Texts that stand among numbers or dates without being one, such as ``unknown``; each is a value of its own.
    labels : Labels or None
        Categories of a ``category`` column, in their order.
    value : Labels or None
        The one value of a constant column; None where all of it is missing.
    image : ImageSchema or None
        What the images of a column of kind "image" look like.
    """

    name: str | int
    kind: Kind
    dtype: str = "float64"
    missing: bool = False
    decimals: int | None = None
    minimum: int | float | None = None
    maximum: int | float | None = None
    format: str | None = None
    variants: tuple[tuple[str, float], ...] = ()
    days: str | None = None
    zone: str | None = None
    places: int | None = None
    exact: Labels | None = None
    sparse: str | None = None
    notation: Notation | None = None
    specials: tuple[str, ...] = ()
    labels: Labels | None = None
    value: Labels | None = None
    image: ImageSchema | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise SchemaError(f"column {self.name!r}: kind {self.kind!r} is unknown; use one of {', '.join(KINDS)}")

    @property
    def learned(self) -> bool:
        """Whether this column is encoded as codes and numbers; images are encoded as pixels."""
        return self.kind not in ("identifier", "constant", "image")

    @property
    def discrete(self) -> bool:
        """Whether its ticks are whole numbers."""
        return self.kind == "datetime" or self.decimals is not None

    @property
    def element(self) -> str:
        """Type of the elements of an ``object`` column ("" for every other dtype)."""
        return self.dtype[7:-1].split(",")[0] if self.dtype.startswith("object[") else ""

    @property
    def sentinel(self) -> str:
        """Marker of missing elements of an ``object`` column: "None", "nan", "NaT" or "<NA>"."""
        return self.dtype[7:-1].split(",")[1] if self.dtype.startswith("object[") else ""

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; entries that hold their default are left out."""
        state: dict[str, Any] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not field.default and value != field.default:
                state[field.name] = value.to_json() if isinstance(value, Labels | Notation | ImageSchema) else value
        return state

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> Column:
        """Rebuild a column from `to_json`."""
        unknown = set(state) - {field.name for field in fields(cls)}
        if unknown:
            raise SchemaError(f"column {state.get('name')!r}: unknown entries {sorted(unknown)}")
        parts: dict[str, Any] = {
            k: Labels.from_json(v) if k in ("labels", "value", "exact") and v is not None else v
            for k, v in state.items()
        }
        parts["variants"] = tuple((one, share) for one, share in parts.get("variants", ()))
        parts["specials"] = tuple(parts.get("specials", ()))
        if parts.get("notation") is not None:
            parts["notation"] = Notation.from_json(parts["notation"])
        if parts.get("image") is not None:
            parts["image"] = ImageSchema.from_json(parts["image"])
        return cls(**parts)
