"""Notebook display of an object: a heading, a few lines and tables, in the notebook's own colours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gensynth.html.render import render

MAX_LETTERS = 80
"""Maximal number of characters of a cell that are shown."""


@dataclass(frozen=True)
class Section:
    """A table with its heading.

    Parameters
    ----------
    heading : str
        What it is; shown also where the table is folded away.
    header : sequence of str
        Names of its columns.
    rows : sequence of sequences of str
        Their cells.
    texts : sequence of int
        Positions of the columns that hold texts, which stand at the left; all others hold numbers.
    folded : bool
        Whether the table is folded away at first.
    note : str
        A line under it.
    """

    heading: str
    header: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    texts: Sequence[int] = (0,)
    folded: bool = False
    note: str = ""


def fragment(heading: str, lines: Sequence[str] = (), sections: Sequence[Section] = (), *, first: str = "") -> str:
    """Return HTML that a notebook can show among its cells.

    Parameters
    ----------
    heading : str
        What the object is.
    lines : sequence of str
        What there is to say of it in words.
    sections : sequence of Section
        Tables.
    first : str
        HTML that stands before all this, taken as it is.
    """
    return render("gensynth.html", "fragment.html.j2", heading=heading, lines=lines, sections=sections, first=first)


def shortened(text: str) -> str:
    """Return a cell's text on one line, cut where it is very long."""
    text = " ".join(text.split())
    return text if len(text) <= MAX_LETTERS else text[:MAX_LETTERS] + " …"
