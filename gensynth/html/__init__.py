"""HTML from templates: whole pages, and notebook displays."""

from __future__ import annotations

from gensynth.html.fragment import Section, fragment
from gensynth.html.render import render

__all__ = ["Section", "fragment", "render"]
