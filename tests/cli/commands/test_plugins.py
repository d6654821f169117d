"""``gensynth plugins``."""

from __future__ import annotations

import json

from command_line import Run


def test_plugins(run: Run) -> None:
    outcome = run("plugins")
    assert outcome.code == 0
    assert "gensynth_vae" in outcome.out
    rows = json.loads(run("plugins", "--json").out)
    assert all(row["loaded"] for row in rows if row["distribution"] == "gensynth")
