"""Columns that options name, and what ``--schema`` and ``--relation`` declare of them."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Any

from gensynth.errors import OptionError


def known_columns(option: str, names: Sequence[str], columns: Sequence[str]) -> None:
    """Raise `OptionError` if an option names a column that the table does not have."""
    for name in names:
        if name not in columns:
            near = difflib.get_close_matches(name, map(str, columns), n=1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            shown = ", ".join(map(str, columns[:30])) + (", ..." if len(columns) > 30 else "")
            raise OptionError(f"{option} {name!r}: there is no such column; {hint}columns: {shown}")


def declared_relations(texts: Sequence[str] | None) -> Any:
    """Return the parameter ``relations`` of ``--relation``.

    Raises
    ------
    OptionError
        ``none`` beside others.
    """
    if not texts:
        return "auto"
    if "none" not in texts:
        return list(texts)
    if len(texts) > 1:
        raise OptionError("--relation none keeps no relation; leave out it or the others")
    return False


def declared_kinds(texts: Sequence[str] | None, columns: Sequence[str]) -> dict[str, str] | None:
    """Parse ``COL=KIND`` texts; a column name may hold ``=``, a kind does not.

    Raises
    ------
    OptionError
        Not ``COL=KIND``, or a column that the table does not have.
    """
    found: dict[str, str] = {}
    for text in texts or ():
        column, equals, kind = text.rpartition("=")
        if not equals:
            raise OptionError(f"--schema {text!r}: expected COL=KIND, for example --schema zip=categorical")
        known_columns("--schema", [column], columns)
        if column in found:
            raise OptionError(f"--schema names the column {column!r} twice; leave one out")
        found[column] = kind
    return found or None
