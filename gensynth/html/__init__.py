"""HTML by templates: whole pages, and what notebooks show."""

from __future__ import annotations

from gensynth.html.fragment import Section, fragment
from gensynth.html.render import render

__all__ = ["Section", "fragment", "render"]
