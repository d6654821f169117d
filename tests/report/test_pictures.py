"""What the page of an evaluation shows of images."""

from __future__ import annotations

import re

import pandas as pd
from toy_image_recipe import bars

from gensynth.evaluation import evaluate
from gensynth.report.evaluation import render_evaluation
from gensynth.report.pictures import pictures_of
from gensynth.tables.arrayfiles import image_frame


def labelled(seed: int, n: int = 60) -> pd.DataFrame:
    return image_frame(*bars(n, seed))


def test_grids_and_nearest_images():
    real = labelled(0)
    found = evaluate(real, pd.concat([real[:10], labelled(1)], ignore_index=True), labelled(2), metrics={})
    shown = pictures_of(found.samples)
    assert shown is not None
    assert shown.by_class
    assert shown.held_out
    assert (shown.n_real, shown.n_synthetic) == (60, 70)
    assert 0 < shown.distance < 1
    page = render_evaluation(found, title="new.npz")
    assert len(re.findall("data:image/png;base64,", page)) == 4
    assert 'id="nearest"' in page
    assert 'id="columns"' in page
    assert "every pixel of images" in page


def test_images_alone():
    found = evaluate(labelled(0)[["image"]], labelled(1)[["image"]], metrics={})
    shown = pictures_of(found.samples)
    assert shown is not None
    assert not shown.by_class
    page = render_evaluation(found, title="new.npz")
    assert all(f'id="{name}"' not in page for name in ("columns", "pairs", "relations"))
    assert 'id="plane"' in page


def test_tables_have_none():
    table = pd.DataFrame({"x": [1, 2, 3] * 10, "y": [1, 2] * 15})
    assert pictures_of(evaluate(table, table, metrics={}).samples) is None
