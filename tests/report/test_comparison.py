"""The page of a comparison: complete, self-contained, and safe whatever the data hold."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from evaluated_tables import evaluation

from gensynth.comparison import Comparison, ModelResult
from gensynth.comparison.verdict import verdict_of
from gensynth.report.comparison import render_comparison, write_comparison

HOSTILE = "<script>alert(1)</script>"


def comparison() -> Comparison:
    results = (
        ModelResult("vae", 3.25, 0.1, evaluation=evaluation("real")),
        ModelResult("gan", 60.0, 0.2, stopped=True, evaluation=evaluation("real")),
        ModelResult("knn", error="no such layer"),
    )
    return Comparison(results, verdict_of(results), "late", 500, 500, 0, 12.0)


@pytest.fixture(scope="module")
def page() -> str:
    return render_comparison(comparison(), title="bills.csv", facts=[("Table", "bills.csv")])


def test_every_model_and_both_ends_are_there(page: str) -> None:
    assert re.findall(r'id="rank-(\d)"', page) == ["1", "2", "3"]
    assert re.findall(r'id="model-(\d)"', page) == ["1", "2"]
    rows = page[page.index("<tbody>") : page.index("</tbody>")]
    order = [rows.index(f">{name}<") for name in ("vae", "gan", "knn", "real rows", "independent columns")]
    assert order == sorted(order)
    assert "no such layer" in rows
    assert "out of time" in rows
    for heading in ("Detection", "TSTR", "Single columns", "Pairs of columns", "Exact copies", "DCR share"):
        assert f"<th>{heading}</th>" in page
    assert "Use vae: like a second sample of real rows" in page
    assert 'class="card verdict good"' in page


def test_nothing_is_loaded_from_elsewhere(page: str) -> None:
    assert "<script" not in page
    assert not re.search(r"(?:src|href)\s*=|url\(|@import|https?://", page)
    assert "default-src 'none'" in page


def test_what_comes_from_data_is_escaped() -> None:
    found = comparison()
    results = (replace(found.results[0], name=HOSTILE), replace(found.results[2], error=HOSTILE))
    page = render_comparison(
        replace(found, results=results, verdict=HOSTILE), title=HOSTILE, facts=[(HOSTILE, HOSTILE)]
    )
    assert "<script" not in page
    assert page.count("&lt;script&gt;") >= 6


def test_it_is_written_whole(tmp_path: Path) -> None:
    write_comparison(comparison(), tmp_path / "p.html", title="bills.csv")
    text = (tmp_path / "p.html").read_text("utf-8")
    assert text.rstrip().endswith("</html>")
    assert "training rows" in text
