"""Where development data lies, for tests that skip without it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def shared_data() -> Path:
    """Return the folder of development data, or skip the test.

    The environment variable ``GENSYNTH_DATA`` names it; else it is ``../shared/data`` beside the repository.
    """
    named = os.environ.get("GENSYNTH_DATA")
    folder = Path(named) if named else Path(__file__).resolve().parents[3] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no development data in {folder}; set GENSYNTH_DATA to its folder")
    return folder
