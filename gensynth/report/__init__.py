"""HTML reports: one self-contained file each, without network access or scripts."""

from __future__ import annotations
