"""docs/models has a page for every model, whose settings are the recipe's and whose links lead somewhere."""

from __future__ import annotations

import re
import runpy

import pytest
from environments import ROOT

FOLDER = ROOT / "docs" / "models"
PAGES = sorted(FOLDER.glob("*.md"))
FAMILIES = ["vae", "beta-vae", "vq-vae", "nvae", "vlae", "gan", "wgan", "lsgan", "dragan", "cgan"]
update = runpy.run_path(str(ROOT / "docs" / "update_models.py"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_tables_are_those_of_the_recipes_and_of_what_was_measured(page):
    text = page.read_text("utf-8")
    assert text == update["renewed"](text), "run python docs/update_models.py"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links(page):
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text("utf-8")):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


@pytest.mark.parametrize("name", FAMILIES)
def test_a_page_says_what_a_reader_looks_for(name):
    text = (FOLDER / f"{name}.md").read_text("utf-8")
    assert f"# `{name}`" in text
    for heading in ("## Idea", "## Formula", "## When to choose it", "## Settings", "## Measured", "## Papers"):
        assert heading in text
    assert f"<!-- settings of {name} -->" in text
    assert f"<!-- measured of {name} -->" in text
    assert "arXiv" in text
    assert f"]({name}.md)" in (FOLDER / "README.md").read_text("utf-8")


def test_the_comparison_can_fail():
    page = "<!-- settings of vae -->\nnothing\n<!-- end -->"
    assert update["renewed"](page) != page
    warmup = "KL warm-up: steps over which the weight of the divergence grows from 0 to its full size, for sampling."
    assert f"| `warmup` | `1000` | {warmup} |" in update["renewed"](page)
    page = "<!-- measured of vae -->\n<!-- end -->"
    assert update["renewed"](page).count("\n") > 4
