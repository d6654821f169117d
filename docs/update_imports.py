"""Draw docs/images/imports.png, which docs/architecture.md shows: who imports whom, layer by layer (needs matplotlib).

python docs/update_imports.py

The layers are those of import-linter's contract in pyproject.toml, the imports what grimp finds. Exits with 1, and
draws the arrow in red, where a lower layer imports a higher one. All import gensynth.errors: without those arrows.
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

import grimp
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch

from gensynth.plots.figures import ShownFigure

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "docs" / "images" / "imports.png"
PLUGINS = ("gensynth_gan", "gensynth_vae")
STEP = 2.4
"""Distance between modules of a layer; 1 is that between layers."""

Places = dict[str, tuple[float, float]]


def layers() -> list[list[str]]:
    """Return the modules of every layer, the uppermost first; plugins stand beside the layers that they may import."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    named = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    return [[f"gensynth.{name}" for name in re.findall(r"\w+", layer) if f"({name})" not in layer] for layer in named]


def places_of(rows: list[list[str]]) -> Places:
    """Return where each module is drawn."""
    out: Places = {}
    for number, row in enumerate(rows):
        for i, name in enumerate(row):
            shift = (2 * number % 5 - 2) * 0.8  # arrows from layer to layer do not hide each other
            out[name] = ((i - (len(row) - 1) / 2) * STEP + shift, float(len(rows) - number))
    top = out["gensynth.training"][1]
    for i, name in enumerate(PLUGINS):
        out[name] = (3.4 * STEP, top - i)
    return out


def draw(ax: Axes, places: Places, graph: grimp.ImportGraph) -> list[str]:
    """Draw modules and imports; return the imports that go upwards."""
    upward = []
    families = {name: {name} | graph.find_descendants(name) for name in places}
    for importer, (x, y) in places.items():
        for imported, (u, v) in places.items():
            if importer == imported or not _imports(graph, families[importer], families[imported]):
                continue
            wrong = v >= y and importer not in PLUGINS
            if wrong:
                upward.append(f"{importer} -> {imported}")
            if imported == "gensynth.errors" and not wrong:
                continue
            bend = 0.12 if u >= x else -0.12
            ax.add_patch(
                FancyArrowPatch(
                    (x, y - 0.16), (u, v + 0.16), arrowstyle="-|>", mutation_scale=7, linewidth=2.0 if wrong else 0.5,
                    color="red" if wrong else "tab:green" if importer in PLUGINS else "0.55",
                    alpha=0.8, connectionstyle=f"arc3,rad={bend}",
                )
            )  # fmt: skip
    for name, (x, y) in places.items():
        own = name in PLUGINS
        box = {"boxstyle": "round,pad=0.25", "fc": "honeydew" if own else "aliceblue", "ec": "0.3", "lw": 0.7}
        ax.text(x, y, name.removeprefix("gensynth."), ha="center", va="center", fontsize=8, bbox=box, zorder=3)
    return upward


def _imports(graph: grimp.ImportGraph, importers: set[str], imported: set[str]) -> bool:
    return any(graph.find_modules_directly_imported_by(name) & imported for name in importers)


if __name__ == "__main__":
    where = places_of(layers())
    figure = ShownFigure(figsize=(12, 10.5), layout="constrained")
    axes = figure.subplots()
    found = draw(axes, where, grimp.build_graph("gensynth", *PLUGINS))
    axes.set_xlim(-4.2 * STEP, 4.2 * STEP)
    axes.set_ylim(0.4, max(y for _, y in where.values()) + 0.6)
    axes.axis("off")
    figure.savefig(PICTURE, dpi=80)
    print("\n".join(found) or "no import goes upwards")
    sys.exit(bool(found))
