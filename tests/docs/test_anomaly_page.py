"""The tables of docs/anomaly-detection.md are what benchmarks/anomaly.py measured."""

from __future__ import annotations

import runpy

import pytest
from environments import ROOT

from gensynth.models import GAN, NVAE, VAE, VLAE, VQVAE
from gensynth.testing import make_cases

PAGE = ROOT / "docs" / "anomaly-detection.md"
update = runpy.run_path(str(ROOT / "docs" / "update_anomaly.py"))


def test_tables_are_what_was_measured():
    text = PAGE.read_text("utf-8")
    assert text == update["renewed"](text), "run python docs/update_anomaly.py"


def test_the_comparison_can_fail():
    page = "<!-- measured: means -->\nnothing\n<!-- end -->"
    assert "AnomalyDetector()" in update["renewed"](page)


@pytest.mark.parametrize("recipe", [VAE, VLAE, NVAE, VQVAE, GAN])
def test_every_score_method_is_on_the_page(recipe):
    own = recipe(n_members=1).for_detection(contaminated=False)
    case = next(iter(make_cases(own.encoding, n_rows=30).values()))
    text = PAGE.read_text("utf-8")
    for method in own.build(case.layout).score_methods:
        assert f"`{method}`" in text
