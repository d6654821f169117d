"""``gensynth models``."""

from __future__ import annotations

import json

from command_line import Run


def test_models(run: Run) -> None:
    table = run("models")
    assert table.code == 0
    assert {"vae", "vlae", "gan"} <= {line.split()[0] for line in table.out.splitlines()}
    rows = json.loads(run("models", "--json").out)
    vae = next(row for row in rows if row["name"] == "vae")
    assert vae["distribution"] == "gensynth"
    assert "conditional" in vae["capabilities"]
