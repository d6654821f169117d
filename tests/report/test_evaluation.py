"""The page of an evaluation: complete, self-contained, safe whatever the data hold, and rendered without an error."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from evaluated_tables import evaluation

from gensynth.evaluation import Evaluation
from gensynth.evaluation.catalogue import CATALOGUE, METRICS, OF_PLUGINS
from gensynth.report.evaluation import render_evaluation, write_evaluation

SECTIONS = ("verdict", "metrics", "columns", "pairs", "plane", "relations")
HOSTILE = "<script>alert(1)</script>"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


@pytest.fixture(scope="module")
def page() -> str:
    return render_evaluation(evaluation("real"), title="new.csv", facts=[("Real rows", "old.csv: 500 rows")])


def test_every_section_metric_and_column_is_there(page: str) -> None:
    assert all(f'id="{name}"' in page for name in SECTIONS)
    assert re.findall(r'id="metric-(\w+)"', page) == [*(name for name in METRICS if name != "frechet_distance"), "rows"]
    assert all(f"<h3>{name}</h3>" in page for name in (*CATALOGUE, OF_PLUGINS))
    columns = re.findall(r'<h3 class="data">(\w+)</h3>', page)
    assert sorted(columns) == sorted(evaluation("real").samples.real.columns)
    assert "Like a second sample of real rows" in page
    assert "old.csv: 500 rows" in page
    assert "identifiers: key" in page
    assert "total = net + vat" in page


def test_nothing_is_loaded_from_elsewhere(page: str) -> None:
    assert "<script" not in page
    assert not re.search(r"(?:src|href)\s*=|url\(|@import|https?://", page)
    assert "default-src 'none'" in page
    assert "prefers-color-scheme: dark" in page


def test_memorisation_is_not_called_privacy_and_has_no_scale(page: str) -> None:
    part = page[page.index("Memorisation check, not privacy") : page.index('id="columns"')]
    assert 'class="scale"' not in part.partition("Metrics of plugins")[0]
    assert 'class="scale"' in page


def test_detection_below_chance_is_not_shown_as_good() -> None:
    page = render_evaluation(evaluation("leaning"), title="new.csv")
    row = page[page.index('id="metric-detection_auc"') : page.index('id="metric-density"')]
    assert 'class="scale"' not in row
    assert 'class="card verdict bad"' in page


def test_columns_that_differ_are_seen() -> None:
    page = render_evaluation(evaluation("poor"), title="new.csv")
    city = page[page.index('<h3 class="data">city</h3>') :]
    city = city[: city.index("</article>")]
    assert '<span class="data">Rome</span>' in city
    assert "/ 100.0 %" in city
    assert page.index('<h3 class="data">city</h3>') < page.index('<h3 class="data">day</h3>')


def hostile() -> Evaluation:
    found = evaluation("real")
    names = {"city": HOSTILE}
    samples = replace(
        found.samples,
        real=found.samples.real.rename(columns=names).replace({HOSTILE: {"Rome": HOSTILE}}),
        synthetic=found.samples.synthetic.rename(columns=names),
        _fidelities={},
    )
    columns = tuple(replace(c, name=names.get(c.name, c.name)) for c in found.columns)
    pairs = tuple(
        replace(p, first=names.get(p.first, p.first), second=names.get(p.second, p.second)) for p in found.pairs
    )
    return replace(found, samples=samples, columns=columns, pairs=pairs, left_out=(HOSTILE,))


def test_what_comes_from_data_is_escaped() -> None:
    page = render_evaluation(hostile(), title=HOSTILE, facts=[(HOSTILE, HOSTILE)])
    assert "<script" not in page
    assert page.count("&lt;script&gt;") > 10


def test_one_column_has_no_pairs() -> None:
    from gensynth.evaluation import evaluate

    frame = pd.DataFrame({"c": ["a", "b", "c"] * 20})
    page = render_evaluation(evaluate(frame, frame, metrics={}), title="t")
    assert 'id="pairs"' not in page
    assert "No relation was found that holds in every real row" in page


def browser() -> str:
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip(f"no browser: none of {', '.join(BROWSERS)} is installed")
    return found


def rendered(path: Path, *options: str) -> tuple[str, str]:
    """Return the document as a headless browser has it, and what it logged."""
    command = [
        browser(), "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--enable-logging=stderr",
        f"--user-data-dir={path.parent / 'profile'}", *options,
    ]  # fmt: skip
    done = subprocess.run([*command, path.as_uri()], capture_output=True, text=True, timeout=240, check=True)
    return done.stdout, done.stderr


def test_a_browser_renders_it_without_an_error(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    write_evaluation(evaluation("real"), path, title="new.csv")
    document, log = rendered(path, "--dump-dom")
    assert "CONSOLE" not in log
    assert all(f'id="{name}"' in document for name in SECTIONS)
    assert document.count("<circle") == 1000
    picture = tmp_path / "page.png"
    rendered(path, f"--screenshot={picture}", "--window-size=390,844")
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_the_log_of_a_browser_shows_errors(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text("<script>console.error('oh')</script>")
    assert "CONSOLE" in rendered(path, "--dump-dom")[1]
