"""Pages for people: one HTML file each, that needs neither a network nor scripts."""

from __future__ import annotations
