"""The ``.gensynth`` file: a zip of JSON and safetensors that holds no code.

``manifest.json`` names the format, the kind of estimator, and size and SHA-256 of every other member. Nothing is
compressed, so that no member can be larger than the file; times and order are fixed, so that the same estimator
makes the same bytes.
"""

from __future__ import annotations

from gensynth.archive.members import FORMAT, Archive, read_archive, write_archive
from gensynth.archive.recipes import recipe_from_json, recipe_to_json
from gensynth.archive.tensors import join_weights, load_weights, split_weights, weights_of

__all__ = [
    "FORMAT",
    "Archive",
    "join_weights",
    "load_weights",
    "read_archive",
    "recipe_from_json",
    "recipe_to_json",
    "split_weights",
    "weights_of",
    "write_archive",
]
