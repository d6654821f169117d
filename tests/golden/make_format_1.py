"""Writes the golden file of format 1: run once, when the format is made; it must load for ever.

usage: python tests/golden/make_format_1.py
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).parent


def golden_table() -> pd.DataFrame:
    """Every kind of column that the format stores; made without a random generator, so that it never changes."""
    n = 60
    i = np.arange(n)
    return pd.DataFrame(
        {
            "amount": np.round(np.exp(np.sin(i * 1.7) * 2), 2),
            "real": np.sin(i * 0.37) * np.pi,
            "sex": [["F", "M", None][k] for k in i * 7 % 3],
            "size": pd.Categorical([["S", "M", "L"][k] for k in i * i % 3], ["S", "M", "L"], ordered=True),
            "visits": pd.array([None if k % 5 == 0 else int(k * 13 % 40) for k in i], dtype="Int64"),
            "flag": i % 4 == 0,
            "day": pd.Timestamp("2024-02-29", tz="Europe/Berlin") + pd.to_timedelta(i * 37 % 500, unit="D"),
            "key": [f"K-{k * 7919 % 100_000:05d}" for k in i],
            "constant": "x",
        }
    )


def main() -> None:
    """Train a tiny model and write it with what it scores."""
    from gensynth import Synthesizer, Trainer
    from gensynth.models import VAE

    table = golden_table()
    model = VAE(latent_dim=2, hidden=(8,), embedding_dim=2)
    trainer = Trainer(max_epochs=30, device="cpu", progress=False)
    schema = {"key": "identifier"}
    synthesizer = Synthesizer(model, trainer=trainer, schema=schema, condition_on="sex", random_state=0).fit(table)
    synthesizer.save(HERE / "format_1.gensynth")
    expected = {
        "scores": synthesizer.score_samples(table).tolist(),
        "columns": [str(name) for name in table.columns],
        "n_iter": synthesizer.n_iter_,
        "stages": synthesizer.history_["stage"].tolist(),
    }
    (HERE / "format_1.json").write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":
    main()
