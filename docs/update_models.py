"""Renew the tables of settings in docs/models/*.md from the recipes: python docs/update_models.py."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from gensynth.registry import default_registry

FOLDER = Path(__file__).resolve().parent / "models"
BLOCK = re.compile(r"(<!-- settings of ([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
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


def renewed(page: str) -> str:
    """Return a page with its tables as the recipes of today make them."""
    return BLOCK.sub(lambda found: found[1] + settings_of(found[2]) + found[3], page)


if __name__ == "__main__":
    for path in sorted(FOLDER.glob("*.md")):
        path.write_text(renewed(path.read_text("utf-8")), "utf-8")
