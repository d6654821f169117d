"""Figures that pyplot does not know of, and what is said where matplotlib is missing."""

from __future__ import annotations

import subprocess
import sys

import pytest
from matplotlib.figure import Figure

from gensynth.plots.figures import panels

CODE = """
import sys
sys.modules["matplotlib"] = None
import gensynth.plots
"""


def test_a_new_figure_has_axes_of_a_size_and_is_shown_by_notebooks() -> None:
    figure, axes = panels(None, 2, 3, (2.0, 1.0))
    assert (len(axes), len(axes[0])) == (2, 3)
    assert figure.get_size_inches().tolist() == [6.0, 2.0]
    assert figure._repr_png_().startswith(b"\x89PNG")


def test_figures_and_parts_of_them_can_be_drawn_in() -> None:
    own = Figure()
    for place in (own.subfigures(1, 2)[1], Figure()):
        figure, axes = panels(place, 1, 1, (2.0, 1.0))
        assert figure is place
        assert axes[0][0] in place.axes


def test_a_layout_is_kept_and_one_is_given_where_there_is_none() -> None:
    plain, tight = Figure(), Figure(layout="tight")
    engine = tight.get_layout_engine()
    panels(plain, 1, 1, (2.0, 1.0))
    panels(tight, 1, 1, (2.0, 1.0))
    assert type(plain.get_layout_engine()).__name__ == "ConstrainedLayoutEngine"
    assert tight.get_layout_engine() is engine


def test_nothing_of_pyplot_is_touched() -> None:
    code = "import sys; from gensynth.plots.figures import panels; panels(None, 1, 1, (1, 1)); "
    code += "print('matplotlib.pyplot' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.strip() == "False"


def test_without_matplotlib_the_extra_is_named() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, timeout=120, check=False)
    assert done.stderr.strip().endswith("ImportError: gensynth.plots needs matplotlib: pip install 'gensynth[plot]'")
    assert done.returncode == pytest.approx(1)
