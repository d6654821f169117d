"""HTML pages from templates, with all text from data escaped."""

from __future__ import annotations

import os
from typing import Any

from gensynth.files import atomic_write
from gensynth.html import render as render_template


def render(template: str, **values: Any) -> str:
    """Return a page of ``gensynth/report/templates`` with these values in it."""
    return render_template("gensynth.report", template, **values)


def write_html(page: str, path: str | os.PathLike[str]) -> None:
    """Write a page to a file, whole or not at all; what no encoding has is replaced."""
    with atomic_write(path) as file:
        file.write(page.encode("utf-8", "replace"))


def number_text(value: float | None) -> str:
    """Return a number as the pages show it: three decimals, four digits from 100 on, a dash where there is none."""
    if value is None or value != value:
        return "–"
    return f"{value:.3f}" if abs(value) < 100 else f"{value:.4g}"
