"""What notebooks show: escaped, in the notebook's own colours, folded where it is long."""

from __future__ import annotations

import re

from gensynth.html import Section, fragment
from gensynth.html.fragment import MAX_LETTERS, shortened

HOSTILE = "<script>alert(1)</script>"


def test_all_that_comes_from_data_is_escaped() -> None:
    section = Section(HOSTILE, (HOSTILE, HOSTILE), [(HOSTILE, HOSTILE)], note=HOSTILE)
    shown = fragment(HOSTILE, [HOSTILE], [section])
    assert "<script" not in shown
    assert shown.count("&lt;script&gt;") == 8


def test_colours_are_the_notebooks_own() -> None:
    style = fragment("a", [], [Section("b", ("c",), [("d",)])])
    style = style[style.index("<style>") : style.index("</style>")]
    assert re.findall(r"(?:color|background): ([^;]+);", style) == ["inherit", "transparent"]
    assert all(line.startswith((".gensynth-shown", "  ", "<style>")) for line in style.strip().splitlines())


def test_html_that_stands_first_is_taken_as_it_is_and_long_tables_are_folded() -> None:
    shown = fragment("a", first="<b>x</b>", sections=[Section("b"), Section("c", folded=True)])
    assert "<b>x</b>" in shown
    assert (shown.count("<details open>"), shown.count("<details>")) == (1, 1)


def test_long_cells_are_cut() -> None:
    assert shortened("a\n b") == "a b"
    assert shortened("x" * 500) == "x" * MAX_LETTERS + " …"
