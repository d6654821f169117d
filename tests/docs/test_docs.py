"""The documents are true: their code runs, their hook signatures are those of the code, their links lead somewhere."""

from __future__ import annotations

import inspect
import re
import sys
import types

import pytest
from environments import ROOT

from gensynth import hookspecs
from gensynth.registry import default_registry

PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
RUNNABLE = re.compile(r"<!-- runnable -->\n```python\n(.*?)\n```", re.DOTALL)


def test_there_is_something_to_run():
    pages = {page.name for page in PAGES if RUNNABLE.search(page.read_text())}
    assert {"README.md", "plugins.md"} <= pages
    for page in PAGES:
        marks = page.read_text().count("<!-- runnable -->")
        assert marks == len(RUNNABLE.findall(page.read_text())), f"{page.name}: a mark without a block of Python"


@pytest.mark.parametrize("page", [p for p in PAGES if RUNNABLE.search(p.read_text())], ids=lambda page: page.name)
def test_runnable_blocks(page, tmp_path, monkeypatch):
    """Run a page's marked blocks in their order, in one namespace."""
    monkeypatch.chdir(tmp_path)
    module = types.ModuleType("page")
    monkeypatch.setitem(sys.modules, "page", module)  # dataclasses look their module up
    for number, block in enumerate(RUNNABLE.findall(page.read_text()), 1):
        exec(compile(block, f"{page.name}, block {number}", "exec"), vars(module))


def test_hook_signatures():
    """docs/plugins.md shows every hook with its signature and its first sentence, and no other."""
    text = (ROOT / "docs" / "plugins.md").read_text()
    hooks = {name: hook for name, hook in vars(hookspecs).items() if name.startswith("register_")}
    assert set(re.findall(r"```python\n(register_\w+)\(", text)) == set(hooks)
    for name, hook in hooks.items():
        signature = str(inspect.signature(hook)).replace("'", "")
        explanation = (inspect.getdoc(hook) or "").replace("``", "`")
        assert f"```python\n{name}{signature}\n```\n{explanation}\n" in text


def test_the_readme_lists_the_models():
    rows = set(re.findall(r"^\| `([\w-]+)` \|", (ROOT / "README.md").read_text(), re.MULTILINE))
    registered = [entry for entry in default_registry().models() if entry.distribution == "gensynth"]
    assert rows == {entry.spec.name for entry in registered}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links(page):
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_example_plugin_of_the_page_is_the_one_in_the_tree():
    text = (ROOT / "docs" / "plugins.md").read_text()
    example = ROOT / "docs" / "examples" / "gensynth-toy"
    assert (example / "tests" / "test_contract.py").read_text() in text
    assert '[project.entry-points.gensynth]\ntoy = "gensynth_toy"\n' in text
    assert '[project.entry-points.gensynth]\ntoy = "gensynth_toy"\n' in (example / "pyproject.toml").read_text()


def test_the_architecture_page_names_every_module():
    text = (ROOT / "docs" / "architecture.md").read_text()
    for path in (ROOT / "gensynth").iterdir():
        if (path.suffix == ".py" and path.name != "__init__.py") or (path / "__init__.py").exists():
            assert f"`{path.name}" in text, f"docs/architecture.md does not mention {path.name}"


def test_the_smallest_example_is_what_the_page_shows():
    """The page alone is enough to write a plugin: a sampler and a detector in 60 lines."""
    package = ROOT / "docs" / "examples" / "gensynth-independent" / "gensynth_independent"
    recipes = (package / "recipes.py").read_text()
    shown = next(b for b in RUNNABLE.findall((ROOT / "docs" / "plugins.md").read_text()) if "(Recipe)" in b)
    assert recipes.partition("\n\n")[2] == shown + "\n"
    lines = [line for path in package.glob("*.py") for line in path.read_text().splitlines() if line.strip()]
    assert len(lines) <= 65
