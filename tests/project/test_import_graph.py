"""The graph of imports, those for types included: no circle in the core, and what plugins may import of it."""

from __future__ import annotations

import tomllib

import grimp
import pytest
from environments import ROOT

ALLOWED = ("constraints", "errors", "hookspecs", "layout", "model", "nn")
"""What a plugin may import of gensynth."""


@pytest.fixture(scope="module")
def imports() -> dict[str, set[str]]:
    """Return what each module imports; without the package itself, which resolves public names at first use."""
    graph = grimp.build_graph("gensynth", exclude_type_checking_imports=False, cache_dir=None)
    modules = graph.modules - {"gensynth"}
    return {module: graph.find_modules_directly_imported_by(module) & modules for module in modules}


def circles(imports: dict[str, set[str]]) -> list[set[str]]:
    """Return the sets of modules that import each other in a circle (strongly connected components)."""
    above = {module: reached(module, imports) for module in imports}
    found: list[set[str]] = []
    for module in sorted(imports):
        if not any(module in circle for circle in found):
            circle = {other for other in above[module] if module in above[other]}
            found += [circle] if circle else []
    return found


def reached(module: str, imports: dict[str, set[str]]) -> set[str]:
    """Return what a module imports, directly or not."""
    found: set[str] = set()
    left = [module]
    while left:
        new = imports[left.pop()] - found
        found |= new
        left += new
    return found


def test_no_circle(imports):
    assert not circles(imports)


def test_a_circle_is_found(imports):
    assert {"gensynth.errors", "gensynth.hookspecs"} in circles(imports | {"gensynth.errors": {"gensynth.hookspecs"}})


@pytest.mark.parametrize("plugin", ["gensynth_vae", "gensynth_gan"])
def test_plugins_import_the_contract_and_building_blocks_only(plugin):
    graph = grimp.build_graph(plugin, "gensynth", exclude_type_checking_imports=False, cache_dir=None)
    own = {module for module in graph.modules if module.split(".")[0] == plugin}
    used = {name for module in own for name in graph.find_modules_directly_imported_by(module)} - own
    assert used
    assert not [name for name in used if not f"{name}.".startswith(tuple(f"gensynth.{a}." for a in ALLOWED))]


def test_what_is_not_allowed_to_plugins_is_forbidden_to_them():
    """import-linter knows no allow-list: its list of what is forbidden holds all but what is allowed."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (contract,) = (c for c in contracts if c["name"].startswith("a plugin imports"))
    graph = grimp.build_graph("gensynth", cache_dir=None)
    parts = {name for name in ALLOWED if "." in name}
    rest = graph.find_children("gensynth") - {f"gensynth.{name.partition('.')[0]}" for name in ALLOWED}
    for name in parts:
        rest |= graph.find_children(f"gensynth.{name.partition('.')[0]}") - {f"gensynth.{name}"}
    assert set(contract["forbidden_modules"]) == rest - {"gensynth.__main__"}
