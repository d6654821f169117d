"""Which cases of the contract suite are slow."""

from __future__ import annotations

import pytest

QUICK_ON_IMAGES = ("gensynth/vae", "gensynth/wgan")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the images case as slow, but for one family of either kind: it trains convolutions for every check."""
    for item in items:
        case = item.name.partition("[")[2]
        if case.startswith("images-") and not any(f"-{name}-" in case for name in QUICK_ON_IMAGES):
            item.add_marker(pytest.mark.slow)
