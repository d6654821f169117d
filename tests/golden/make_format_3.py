"""Writes the golden files of format 3: they must load, and score as they did, as long as the format is read.

The model is the tests' toy, so that they tell of the format alone, not of any family's networks.

usage: PYTHONPATH=tests/support python tests/golden/make_format_3.py
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from golden_table import golden_table

HERE = Path(__file__).parent


def main() -> None:
    """Train tiny models and write them with what they score."""
    from toy_models import Toy
    from toy_plugin import toy_registry

    from gensynth import AnomalyDetector, Synthesizer, Trainer

    table = golden_table()
    trainer = Trainer(max_epochs=30, device="cpu", progress=False)
    relations = ["total = net + vat", "day <= until"]
    shared: dict[str, Any] = {
        "trainer": trainer,
        "relations": relations,
        "schema": {"key": "identifier"},
        "random_state": 0,
    }
    synthesizer = Synthesizer(Toy(two_stages=True), condition_on="sex", **shared).fit(table)
    detector = AnomalyDetector(Toy(), n_estimators=2, novelty=True, **shared).fit(table)
    synthesizer.save(HERE / "format_3_synthesizer.gensynth", registry=toy_registry())
    detector.save(HERE / "format_3_detector.gensynth", registry=toy_registry())
    expected = {
        "scores": {"synthesizer": synthesizer.score_samples(table).tolist(),
                   "detector": detector.score_samples(table).tolist()},
        "p_values": detector.p_values(table).tolist(),
        "columns": [str(name) for name in table.columns],
        "relations": [str(relation) for relation in synthesizer.schema_.relations],
        "n_iter": synthesizer.n_iter_,
        "stages": synthesizer.history_["stage"].tolist(),
    }  # fmt: skip
    (HERE / "format_3.json").write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":
    main()
