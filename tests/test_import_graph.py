"""The graph of imports inside the core, those for types included: no circle, which layers alone do not exclude."""

from __future__ import annotations

import grimp
import pytest


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
