"""What papers print for tables that they share: facts to stand beside a run, each with where it was read.

Second hand: the numbers were read in a collection of the papers' results, which notes neither tables nor pages, not in
the papers themselves; look them up there before quoting them. What was not found is not here: the papers print more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

SETS = {
    "adult": "Adult",
    "default_credit_card": "Default",
    "online_shoppers": "Shoppers",
    "magic_gamma": "Magic",
    "beijing_pm25": "Beijing",
    "news": "News",
}
"""Folders of the sets that the papers share, and what the papers call them."""

TABSYN = "Zhang et al. 2024, arXiv:2310.09656"
TABDIFF = "Shi et al. 2025, arXiv:2410.20626"
TABPC = "Scassola et al. 2026, arXiv:2603.23016"
_PROTOCOL = f"protocol of {TABSYN}; as collected, table number not noted"
_C2ST = f"C2ST by XGBoost beside {TABPC}; as collected, table number not noted"


@dataclass(frozen=True)
class Published:
    """Numbers of one method, in the units of `bench_protocol.protocol`.

    Parameters
    ----------
    method : str
        Its name in the papers.
    sets : str
        What the numbers are of: a folder of `SETS`, or which mean.
    values : dict of str to float
        Column of the table to number.
    source : str
        Where it was read.
    """

    method: str
    sets: str
    values: dict[str, float]
    source: str


ROWS = (
    Published("CTGAN", "mean of 5", {"shape %": 17.2, "trend %": 18.0}, _PROTOCOL),
    Published("TVAE", "mean of 5", {"shape %": 15.3, "trend %": 15.2}, _PROTOCOL),
    Published("TabDDPM", "mean of 5", {"shape %": 1.67, "trend %": 3.8}, _PROTOCOL),
    Published("TabSyn", "mean of 5", {"shape %": 1.11, "trend %": 2.2}, _PROTOCOL),
    Published("TabDiff", "mean of 5", {"shape %": 0.99, "trend %": 1.8}, _PROTOCOL),
    Published("CTGAN", "mean of 7", {"C2ST trees": 0.015}, _C2ST),
    Published("TVAE", "mean of 7", {"C2ST trees": 0.043}, _C2ST),
    Published("shallow mixture", "mean of 7", {"C2ST trees": 0.38}, _C2ST),
    Published("TabSyn", "mean of 7", {"C2ST trees": 0.54}, _C2ST),
    Published("TabDiff", "mean of 7", {"C2ST trees": 0.615}, _C2ST),
    Published("TabPC", "mean of 7", {"C2ST trees": 0.623}, _C2ST),
    Published("TabPC", "adult", {"C2ST trees": 0.855}, _C2ST),
)


def lines(sets: list[str]) -> list[dict[str, Any]]:
    """Return the lines of a table: those of the sets that were run, and all means."""
    return [
        {"set": row.sets, "model": f"{row.method} (published)", **row.values, "source": row.source}
        for row in ROWS
        if row.sets in sets or row.sets not in SETS
    ]
