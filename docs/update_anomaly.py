"""Renew the tables in docs/anomaly-detection.md from what benchmarks/anomaly.py measured.

python docs/update_anomaly.py
"""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

PAGE = Path(__file__).resolve().parent / "anomaly-detection.md"
RESULTS = PAGE.parents[1] / "benchmarks" / "results"
BLOCK = re.compile(r"(<!-- measured: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
OURS = "AnomalyDetector()"
NAMES = {"default": OURS, "vae:2": "vae, 2 networks", "knn": "kNN", "iforest": "IForest", "lof": "LOF", "pca": "PCA",
         "ecod": "ECOD", "pyod_vae": "PyOD VAE", "pyod_ae": "PyOD AutoEncoder"}  # fmt: skip
IN_SETS = ("default", "knn", "iforest", "lof", "pca", "ecod")


def means_of(rows: pd.DataFrame) -> str:
    """Return a table of means, one line a detector, the two protocols side by side."""
    lines = [
        "| | normal rows: AUROC / AP | std | contaminated: AUROC / AP | std | seeds | CPU s a set |",
        "|---|---|---|---|---|---|---|",
    ]
    for name in rows["detector"].drop_duplicates():
        own = rows[rows["detector"] == name]
        cells = []
        for protocol in ("normal", "contaminated"):
            part = own[own["protocol"] == protocol]
            if part.empty:
                cells += ["-", "-"]
                continue
            seeds = part.groupby("seed")["AUROC"].mean()
            cells += [f"{part['AUROC'].mean():.1f} / {part['AP'].mean():.1f}",
                      f"{seeds.std():.1f}" if len(seeds) > 1 else "-"]  # fmt: skip
        lines.append(f"| {_shown(name)} | {' | '.join(cells)} | {own['seed'].nunique()} | {own['CPU s'].mean():.1f} |")
    return "\n".join(lines) + "\n"


def sets_of(rows: pd.DataFrame, protocol: str, detectors: tuple[str, ...] = IN_SETS) -> str:
    """Return a table of AUROC, one line a set, one column a detector."""
    part = rows[(rows["protocol"] == protocol) & rows["detector"].isin(detectors)]
    wide = part.pivot_table(index="set", columns="detector", values="AUROC", aggfunc="mean")
    names = [name for name in detectors if name in wide]
    lines = ["| set | " + " | ".join(map(_shown, names)) + " |", "|---|" + "---|" * len(names)]
    for label, line in wide[names].iterrows():
        lines.append(f"| {label} | " + " | ".join(f"{value:.1f}" for value in line) + " |")
    return "\n".join(lines) + "\n"


def blocks() -> dict[str, str]:
    """Return the text of every table."""
    rows = pd.read_csv(RESULTS / "anomaly.csv")
    nominal, digits = (pd.read_csv(RESULTS / f"anomaly_{name}.csv") for name in ("nominal", "digits"))
    return {
        "means": means_of(rows),
        "normal": sets_of(rows, "normal"),
        "contaminated": sets_of(rows, "contaminated"),
        "nominal": "Normal rows:\n\n"
        + sets_of(nominal, "normal")
        + "\nContaminated:\n\n"
        + sets_of(nominal, "contaminated"),
        "digits": means_of(digits),
    }


def renewed(page: str) -> str:
    """Return the page with its tables as the measurements make them."""
    made = blocks()
    return BLOCK.sub(lambda found: found[1] + made[found[2]] + found[3], page)


def _shown(name: str) -> str:
    shown = NAMES.get(name, f"`{name}`")
    return f"**{shown}**" if shown == OURS else shown


if __name__ == "__main__":
    PAGE.write_text(renewed(PAGE.read_text("utf-8")), "utf-8")
