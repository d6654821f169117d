"""The page of anomalies: complete, and safe whatever the data hold."""

from __future__ import annotations

import base64
import io
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from image_files import squares
from numpy.typing import NDArray
from PIL import Image

from gensynth.report.anomalies import MAX_ROWS, Findings, histogram, render_page, write_page

HOSTILE = "<script>alert(1)</script>"
ATTRIBUTE = "\" onload='x' {{ 7 * 7 }}"
FACTS = [("Data", "table.csv: 9 rows"), ("Threshold", "below -2")]


def findings(n: int = 9, shown: int = 3, columns: tuple[str, ...] = ("age", "income"), cell: object = "12") -> Findings:
    scores = np.linspace(-4.0, 1.0, n)
    shares = pd.DataFrame(np.tile([3.0, 1.0, *[0.0] * (len(columns) - 2)], (shown, 1)), columns=list(columns))
    cells = pd.DataFrame({name: [cell] * shown for name in columns})
    return Findings(
        scores, np.linspace(0.1, 1.0, n), scores < -2.0, -2.0, np.arange(shown), [f"reason {i}" for i in range(shown)],
        shares, cells,
    )  # fmt: skip


def page_of(found: Findings, **more: Any) -> str:
    options = {"title": "table.csv", "facts": FACTS, "p_value": "p is a rank.", **more}
    return render_page(found, **options)


class Reader(HTMLParser):
    """Collects tags, attributes and texts as a browser would see them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_every_row_is_there() -> None:
    page = page_of(findings(n=200, shown=40))
    assert re.findall(r"<h3>(\d+)\. Row (\d+)</h3>", page) == [(str(i), str(i)) for i in range(1, 41)]
    assert all(f"reason {i}<" in page for i in range(40))
    assert "The 40 most anomalous rows" in page
    assert page_of(findings(n=200, shown=60)).count("<article") == MAX_ROWS
    assert "without the header" in page


def test_what_was_done_and_the_threshold() -> None:
    page = page_of(findings())
    assert "4 of 9 rows (44.4 %)" in page
    for name, value in FACTS:
        assert f"<dt>{name}</dt>" in page
        assert value in page
    assert "threshold -2<" in page
    assert '<line class="threshold" x1="40.0"' in page  # -2 between -4 and 1
    assert page.count(">anomaly</span>") == 3
    assert "1 more are labelled and not shown here" in page


def test_no_threshold_where_no_row_stands_out() -> None:
    found = findings()
    found = Findings(**{**vars(found), "threshold": None, "anomalies": np.zeros(9, bool)})
    page = page_of(found)
    assert "0 of 9 rows" in page
    assert "<line" not in page
    assert page.count(">not labelled</span>") == 3


def test_bars_are_shares_and_odd_cells_are_marked() -> None:
    page = page_of(findings(shown=1, columns=("age", "income", "sex")))
    assert re.findall(r'class="name data">(\w+)<.*?width: ([\d.]+)%', page) == [("age", "75.0"), ("income", "25.0")]
    assert re.findall(r'<div class="odd"><dt class="data">(\w+)<', page) == ["age", "income"]
    assert '<div><dt class="data">sex</dt>' in page


@pytest.mark.parametrize("text", [HOSTILE, ATTRIBUTE, "</dd></article>", "&lt;b&gt;", "\u202eabc"])
def test_text_of_the_data_stays_text(text: str) -> None:
    plain = Reader(page_of(findings()))
    found = findings(columns=(text, "income"), cell=text)
    found = Findings(**{**vars(found), "reasons": [text] * 3})
    page = page_of(found, title=text, facts=[("Data", text), ("Threshold", text)], p_value=text)
    read = Reader(page)
    assert not read.open
    assert read.tags == plain.tags
    assert [name for name, _ in read.attributes] == [name for name, _ in plain.attributes]
    assert HOSTILE not in page
    assert "49" not in "".join(read.texts)
    assert "".join(read.texts).count(text) >= 12


def test_the_page_stands_alone() -> None:
    page = page_of(findings())
    assert not {"script", "link", "img", "iframe", "object"} & set(Reader(page).tags)
    assert "http://" not in page
    assert "https://" not in page
    assert "default-src 'none'" in page


def test_missing_and_long_cells() -> None:
    for cell in ("", None, np.nan, pd.NaT, pd.NA):
        assert '<dd class="data missing">missing</dd>' in page_of(findings(cell=cell))
    page = page_of(findings(cell="x" * 1000))
    assert "x" * 160 + " …" in page
    assert "x" * 161 not in page


def test_a_wide_table_is_folded() -> None:
    columns = tuple(f"c{i}" for i in range(100))
    page = page_of(findings(shown=1, columns=columns))
    assert "all 100 cells" in page
    assert page.count("<dt") == len(FACTS) + 2 + 100


def test_histogram_counts_every_row() -> None:
    rng = np.random.default_rng(0)
    scores = np.append(rng.normal(size=1000), [-1e6, -50.0])
    plot = histogram(scores, scores < -3, -3.0)
    assert sum(bar["n"] for bar in plot["bars"]) == 1002
    assert sum(bar["n_odd"] for bar in plot["bars"]) == (scores < -3).sum()
    assert plot["beyond"] == 2
    assert plot["lowest"] == "-1e+06"
    assert 3 <= len(plot["ticks"]) <= 8
    assert 0 < plot["threshold"] < 100


@pytest.mark.parametrize("scores", [np.zeros(5), np.full(5, -1e9), np.array([2.5]), np.array([1e-12, 2e-12])])
def test_histogram_of_scores_without_spread(scores: np.ndarray) -> None:
    plot = histogram(scores, np.zeros(len(scores), bool), float(scores[0]))
    assert sum(bar["n"] for bar in plot["bars"]) == len(scores)
    assert all(0 <= bar["x"] < 100 for bar in plot["bars"])


def test_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "page.html"
    write_page(findings(), path, title="é\ud800", facts=FACTS, p_value="")
    assert "é?" in path.read_text("utf-8")
    before = path.read_bytes()
    found = Findings(**{**vars(findings()), "reasons": []})
    with pytest.raises(IndexError):
        write_page(found, path, title="t", facts=FACTS, p_value="")
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def pictures_of(page: str) -> list[NDArray[Any]]:
    """Return the pictures of a page."""
    uris = [value for name, value in Reader(page).attributes if name == "src"]
    return [np.asarray(Image.open(io.BytesIO(base64.b64decode(str(uri).partition(",")[2])))) for uri in uris]


def with_images(maps: list[NDArray[np.float64] | None] | None = None) -> Findings:
    found = findings(columns=("file", "image"), cell="a.png")
    cells = found.cells.assign(image=pd.Series(list(squares(3)), dtype=object))
    return replace(found, cells=cells, identifier="file", maps=maps)


def test_images_are_pictures() -> None:
    page = page_of(with_images())
    assert [picture.shape for picture in pictures_of(page)] == [(144, 144, 3)] * 3
    assert 'alt="image of row 2"' in page
    assert "img-src data:" in page  # or a browser shows none of them
    assert "Beside each image" not in page
    assert ">file a.png<" in page


def test_maps_stand_beside_images_on_one_scale() -> None:
    strong, weak = np.zeros((8, 8)), np.zeros((8, 8))
    strong[0, 0], weak[0, 0] = 2.0, 1.0
    page = page_of(with_images([strong, weak, None]))
    assert "Beside each image" in page
    first, second, third = (picture.astype(int) for picture in pictures_of(page))
    assert (first.shape, third.shape) == ((128, 260, 3), (144, 144, 3))
    red = [(picture[..., 0] - picture[..., 1])[7, 139] for picture in (first, second)]
    assert red[0] > red[1] > 0
    assert first[70, 200, 0] == first[70, 200, 1]
