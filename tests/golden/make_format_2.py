"""Writes the golden files of format 2: they must load, and score as they did, as long as the format is read.

The model is the tests' toy, so that they tell of the format alone, not of any family's networks.

usage: PYTHONPATH=tests python tests/golden/make_format_2.py
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).parent
KINDS = ("synthesizer", "detector")


def golden_table() -> pd.DataFrame:
    """Every kind of column that the format stores; made without a random generator, so that it never changes."""
    n = 60
    i = np.arange(n)
    start = pd.Timestamp("2024-02-29", tz="Europe/Berlin") + pd.to_timedelta(i * 37 % 500, unit="D")
    net = np.round(np.exp(np.sin(i * 1.7) * 2), 2)
    vat = np.round(net * (i % 3) / 10, 2)
    return pd.DataFrame(
        {
            "net": net,
            "vat": vat,
            "total": np.round(net + vat, 2),
            "real": np.sin(i * 0.37) * np.pi,
            "sex": [["F", "M", None][k] for k in i * 7 % 3],
            "size": pd.Categorical([["S", "M", "L"][k] for k in i * i % 3], ["S", "M", "L"], ordered=True),
            "visits": pd.array([None if k % 5 == 0 else int(k * 13 % 40) for k in i], dtype="Int64"),
            "flag": i % 4 == 0,
            "day": start,
            "until": start + pd.to_timedelta(i * 11 % 20, unit="D"),
            "price": [f"{k * 31 % 900 + 100:,} EUR" for k in i],
            "key": [f"K-{k * 7919 % 100_000:05d}" for k in i],
            "constant": "x",
        }
    )


def main() -> None:
    """Train tiny models and write them with what they score."""
    from toy_models import Toy
    from toy_plugin import toy_registry

    from gensynth import AnomalyDetector, Synthesizer, Trainer

    table = golden_table()
    trainer = Trainer(max_epochs=30, device="cpu", progress=False)
    relations = ["total = net + vat", "day <= until"]
    shared = {"trainer": trainer, "relations": relations, "schema": {"key": "identifier"}, "random_state": 0}
    synthesizer = Synthesizer(Toy(two_stages=True), condition_on="sex", **shared).fit(table)
    detector = AnomalyDetector(Toy(), n_estimators=2, novelty=True, **shared).fit(table)
    for kind, fitted in zip(KINDS, (synthesizer, detector), strict=True):
        fitted.save(HERE / f"format_2_{kind}.gensynth", registry=toy_registry())
    expected = {
        "scores": {"synthesizer": synthesizer.score_samples(table).tolist(),
                   "detector": detector.score_samples(table).tolist()},
        "p_values": detector.p_values(table).tolist(),
        "columns": [str(name) for name in table.columns],
        "relations": [str(relation) for relation in synthesizer.schema_.relations],
        "n_iter": synthesizer.n_iter_,
        "stages": synthesizer.history_["stage"].tolist(),
    }  # fmt: skip
    (HERE / "format_2.json").write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":
    main()
