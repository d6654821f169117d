"""Rows and a detector that several tests look at."""

from __future__ import annotations

import pytest
from toy_detectors import make_detector, make_rows


@pytest.fixture(scope="session")
def rows():
    return make_rows(600)


@pytest.fixture(scope="session")
def novelty(rows):
    """Fitted on normal rows."""
    return make_detector(novelty=True).fit(rows)
