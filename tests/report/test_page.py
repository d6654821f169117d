"""Pages by templates."""

from __future__ import annotations

import pytest

from gensynth.report.page import number_text


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (float("nan"), "–"), (0.12345, "0.123"), (-99.5, "-99.500"), (12345.6, "1.235e+04")],
)
def test_numbers_are_short_and_a_dash_stands_for_none(value, text) -> None:
    assert number_text(value) == text
