"""The ``.gensynth`` file of a fitted estimator: a zip of JSON and safetensors without code.

``manifest.json`` names the format, the kind of estimator, and size and SHA-256 of every other member. Nothing is
compressed, so that no member can be larger than the file; times and order are fixed, so that the same estimator
makes the same bytes.
"""

from __future__ import annotations

from gensynth.persistence.contents import Contents
from gensynth.persistence.estimators import load, save
from gensynth.persistence.members import FORMAT, Archive, read_archive, write_archive

__all__ = ["FORMAT", "Archive", "Contents", "load", "read_archive", "save", "write_archive"]
