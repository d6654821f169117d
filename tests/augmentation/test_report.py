"""What a notebook shows of an augmentation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gensynth.augmentation.checked import AugmentCheck
from gensynth.augmentation.report import AugmentReport

REPORT = AugmentReport(90, 30, 3, 0, 0.01, (), {"<b>x</b>": 60, "y": 30}, {"<b>x</b>": 60, "y": 60}, None, 1.0)


def test_classes_copies_and_check() -> None:
    check = AugmentCheck((0.9, 0.8, 0.85), (0.9, 0.8, 0.85), (0.9, 0.8, 0.85), "y")
    shown = replace(REPORT, check=check)._repr_html_()
    assert "90 real rows, 30 synthetic rows" in shown
    assert "3 synthetic rows (10.0%) equal a real row; of the real rows 1.0% equal another one" in shown
    assert "<b>x" not in shown
    assert '<td class="text">y</td><td>30</td><td>60</td>' in shown
    assert "use the real rows alone" in shown


def test_what_there_is_not_is_not_shown() -> None:
    shown = replace(REPORT, real_copy_share=np.nan, classes_before=None, classes_after=None, unchecked="no target")
    html = shown._repr_html_()
    assert "<details" not in html
    assert "equal a real row" not in html
    assert "Not checked whether the new rows help a classifier: no target" in html
