"""Renew the tables in docs/models/*.md, of settings from the recipes and of what benchmarks/quality.py measured.

python docs/update_models.py
"""

from __future__ import annotations

import csv
import re
from dataclasses import fields
from pathlib import Path

from gensynth.registry import default_registry

FOLDER = Path(__file__).resolve().parent / "models"
MEASURED = FOLDER.parents[1] / "benchmarks" / "results" / "quality.csv"
BLOCK = re.compile(r"(<!-- (settings|measured) of ([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
PARAMETER = re.compile(r"^    (\w[\w, ]*?) : (.+)\n((?:^        .+\n?)+)", re.MULTILINE)


def settings_of(model: str) -> str:
    """Return a table of a recipe's parameters: name, default, and the text of its docstring."""
    recipe = default_registry().recipe(model)
    ordered = [field.name for field in fields(recipe)]  # as its author put them, which get_params does not keep
    defaults = recipe().get_params(deep=False)
    described: dict[str, str] = {}
    for parent in recipe.__mro__:  # a recipe may leave what it inherits to its parent's docstring
        for names, _, text in PARAMETER.findall(parent.__doc__ or ""):
            for name in names.split(", "):
                described.setdefault(name, " ".join(text.split()))
    lines = ["| setting | default | |", "|---|---|---|"]
    for name in ordered:
        meaning = described.get(name, "").replace("``", "`").replace("|", "\\|")
        lines.append(f"| `{name}` | `{defaults[name]!r}` | {meaning} |")
    return "\n".join(lines) + "\n"


def measured_of(model: str) -> str:
    """Return a table of what was measured of a model, the mean over the sets last."""
    with MEASURED.open(newline="", encoding="utf-8") as stream:
        rows = [row for row in csv.DictReader(stream) if row["model"] == model]
    if not rows:
        return "Not measured since the family draws by its own mechanism.\n"
    lines = [
        "| set | fit CPU s | rows/s | detection AUC | gap of TSTR | shape / trend error | DCR share | levels off |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        number = {name: float(value) for name, value in row.items() if re.fullmatch(r"-?[\d.e-]+", value or "")}
        rate = f"{number['rows/s']:,.0f}" if "rows/s" in number else "–"
        lines.append(
            f"| {row['set']} | {number['fit CPU s']:.0f} | {rate} | {number['detection']:.3f} | "
            f"{number['gap']:.3f} | {number['shape']:.3f} / {number['trend']:.3f} | {number['DCR share']:.3f} | "
            f"{row['levels off'] or '–'} |"
        )
    return "\n".join(lines) + "\n"


def renewed(page: str) -> str:
    """Return a page with its tables as the recipes and measurements of today make them."""
    make = {"settings": settings_of, "measured": measured_of}
    return BLOCK.sub(lambda found: found[1] + make[found[2]](found[3]) + found[4], page)


if __name__ == "__main__":
    for path in sorted(FOLDER.glob("*.md")):
        path.write_text(renewed(path.read_text("utf-8")), "utf-8")
