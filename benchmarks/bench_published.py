"""What papers print for tables that they share: facts to stand beside a run, each with where it was read.

Shape and trend were read in tables 6 and 7 of a paper that repeats those of TabSyn's and TabDiff's papers, set by
set. C2ST was read in a collection that notes neither tables nor pages: look it up before quoting it. What was not
found is not here.
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

TABPC = "Scassola et al. 2026, arXiv:2603.23016"
TABDLM = "Cai et al. 2026, arXiv:2602.22586v1"
_TABLES = f"{TABDLM}, tables 6 and 7"
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


_SHAPE_AND_TREND = {
    "CTGAN": ((16.84, 16.83, 21.15, 9.81, 21.39, 17.20), (20.23, 26.95, 13.08, 7.00, 22.95, 18.04)),
    "TVAE": ((14.22, 10.17, 24.51, 8.25, 19.16, 15.26), (14.15, 19.50, 18.67, 5.82, 18.01, 15.23)),
    "TabDDPM": ((1.75, 1.57, 2.72, 1.01, 1.30, 1.67), (3.01, 4.89, 6.61, 1.70, 2.71, 3.78)),
    "TabSyn": ((0.81, 1.01, 1.44, 1.03, 1.26, 1.11), (1.93, 2.81, 2.13, 0.88, 3.13, 2.18)),
    "TabDiff": ((0.63, 1.24, 1.28, 0.78, 1.03, 0.99), (1.49, 2.55, 1.74, 0.76, 2.59, 1.83)),
}
"""Errors in percent of the first five `SETS`, and their mean as it is printed."""
_FIVE = (*list(SETS)[:5], "mean of 5")

ROWS = (
    *(
        Published(method, name, {"shape %": shape, "trend %": trend}, _TABLES)
        for method, columns in _SHAPE_AND_TREND.items()
        for name, shape, trend in zip(_FIVE, *columns, strict=True)
    ),
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
