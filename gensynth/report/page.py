"""HTML pages by templates: everything that comes from data is escaped, whatever it is named."""

from __future__ import annotations

from typing import Any

from gensynth.html import render as render_template


def render(template: str, **values: Any) -> str:
    """Return a page of ``gensynth/report/templates`` with these values in it."""
    return render_template("gensynth.report", template, **values)
