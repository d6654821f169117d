from __future__ import annotations

import hashlib
import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from data_dirs import shared_data
from image_files import squares
from numpy.typing import NDArray

import gensynth.registry
from gensynth import datasets
from gensynth.errors import DataError
from gensynth.registry import PluginWarning

MNIST_FILES = [f"{part}-{what}.gz" for part in ("train", "t10k") for what in ("images-idx3-ubyte", "labels-idx1-ubyte")]

OWN = ("breast-cancer", "diabetes", "digits", "simulated-claims", "wine")
SHAPES = {"breast-cancer": (569, 31), "diabetes": (442, 11), "digits": (1797, 2), "wine": (178, 14)}
FETCHED = ("fashion-mnist", "mnist")


@pytest.fixture
def plugin_cards(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Return the list of cards that plugins register."""
    places: list[Path] = []
    monkeypatch.setattr(gensynth.registry.Registry, "datasets", lambda _: places)
    return places


def write_card(folder: Path, name: str, **entries: Any) -> Path:
    fixed = {"title": "Test", "source": "here", "licence": "CC0-1.0"}
    files = entries.get("files")
    if isinstance(files, dict):
        entries["files"] = {"inline": ", ".join(f"{key!r} = {digest!r}" for key, digest in files.items())}
    shown = {k: f"{{{v['inline']}}}" if isinstance(v, dict) else repr(v) for k, v in {**fixed, **entries}.items() if v}
    lines = [f"{key} = {value}" for key, value in shown.items()]
    path = folder / f"{name}.toml"
    path.write_text("\n".join([*lines, "[columns]", 'a = "numeric: a number"', 'b = "categorical"']))
    return path


@pytest.mark.parametrize("name", OWN)
def test_own_sets_are_complete(name: str) -> None:
    frame, card = datasets.load(name)
    assert frame.shape == SHAPES.get(name, (4000, 9))
    assert (card.name, list(card.columns)) == (name, list(frame.columns))
    assert card.target in frame.columns
    assert card.licence
    assert card.source
    assert set(card.kinds.values()) <= {"numeric", "categorical", "boolean", "datetime", "image"}
    numeric = [c for c, kind in card.kinds.items() if kind == "numeric"]
    assert all(pd.api.types.is_numeric_dtype(frame[c]) for c in numeric)


def test_two_loads_are_equal_and_independent() -> None:
    one, _ = datasets.load("simulated-claims")
    two, _ = datasets.load("simulated-claims")
    pd.testing.assert_frame_equal(one, two)
    one.loc[0, "age"] = -1
    assert two["age"].iloc[0] >= 18


def test_digits_are_images_with_a_label() -> None:
    frame, card = datasets.load("digits")
    assert card.images
    assert {image.shape for image in frame["image"]} == {(8, 8)}
    assert (frame["image"][0].dtype, max(image.max() for image in frame["image"])) == (np.uint8, 16)
    assert frame["label"].cat.categories.tolist() == list(range(10))


def test_names_of_classes_are_kept() -> None:
    assert set(datasets.load("breast-cancer")[0]["target"]) == {"benign", "malignant"}


def claims() -> tuple[pd.DataFrame, dict[str, Any]]:
    card = datasets.card("simulated-claims")
    return datasets.load("simulated-claims")[0], runpy.run_path(str(card.path.parent / str(card.maker)))


def test_simulated_label_follows_its_stated_probability() -> None:
    _, maker = claims()
    large = maker["make"](n=40_000, seed=1)
    probability = maker["fraud_probability"](large)
    for part in np.array_split(np.argsort(probability), 8):
        rate = (large["fraud"].iloc[part] == "yes").mean()
        expected = probability[part].mean()
        assert abs(rate - expected) < 4 * np.sqrt(expected * (1 - expected) / len(part))


def test_simulated_columns_are_what_the_card_says() -> None:
    _, maker = claims()
    frame = maker["make"](n=40_000, seed=2)
    assert frame["paid"].eq(0).mean() == pytest.approx(0.7, abs=0.01)
    assert set(frame["deductible"]) == {0, 150, 300, 500, 1000}
    assert frame["region"].value_counts(normalize=True).to_dict() == pytest.approx(
        {"north": 0.4, "south": 0.3, "east": 0.2, "west": 0.1}, abs=0.01
    )
    south = frame[frame["region"] == "south"]
    assert (south["vehicle"] == "motorcycle").mean() == pytest.approx(0.3, abs=0.02)
    expected = (0.02 + 0.002 * (frame["age"] - 18)).mean()
    assert frame["income"].isna().mean() == pytest.approx(expected, abs=0.005)
    assert frame["opened"].between("2023-01-01", "2025-01-01").all()
    vans = frame[(frame["vehicle"] == "van") & (frame["paid"] > 0)]
    assert np.log(vans["paid"]).mean() == pytest.approx(7.0, abs=0.05)


def test_unknown_name_suggests() -> None:
    with pytest.raises(DataError, match=r"did you mean 'wine'\? there are breast-cancer"):
        datasets.load("wien")


def test_address_is_downloaded_once_and_checked(
    tmp_path: Path, plugin_cards: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    content = b"a,b\n1,x\n2,y\n"
    source = tmp_path / "source.csv"
    source.write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    plugin_cards.append(write_card(tmp_path, "far", address=source.as_uri(), sha256=digest))
    cache = tmp_path / "cache" / "deep"
    monkeypatch.setenv("GENSYNTH_CACHE", str(cache))
    frame, card = datasets.load("far")
    assert frame["b"].tolist() == ["x", "y"]
    assert card.kinds == {"a": "numeric", "b": "categorical"}
    source.unlink()  # from now on only the cache has it
    assert datasets.load("far")[0].equals(frame)
    path = datasets.fetch("far")
    assert path.parent == cache
    path.write_bytes(b"damaged")
    with pytest.raises(DataError, match=r"downloading file://.* failed"):
        datasets.load("far")
    assert [p.name for p in cache.iterdir()] == [path.name]


def idx(array: NDArray[np.uint8]) -> bytes:
    return bytes((0, 0, 8, array.ndim)) + np.array(array.shape, dtype=">u4").tobytes() + array.tobytes()


def test_several_files_are_downloaded_and_read_as_images(
    tmp_path: Path, plugin_cards: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    contents = {"train-images-idx3-ubyte": idx(squares(3)), "train-labels-idx1-ubyte": idx(np.arange(3, dtype="u1"))}
    source = tmp_path / "source"
    source.mkdir()
    for name, content in contents.items():
        (source / name).write_bytes(content)
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    path = write_card(tmp_path, "far", address=f"{source.as_uri()}/", files=digests)
    text = path.read_text().replace('a = "numeric: a number"\nb =', 'image = "image: 8 x 8"\nlabel =')
    path.write_text(text)
    plugin_cards.append(path)
    monkeypatch.setenv("GENSYNTH_CACHE", str(tmp_path / "cache"))
    frame, _ = datasets.load("far")
    assert (list(frame), frame["label"].tolist()) == (["image", "label"], [0, 1, 2])
    assert np.array_equal(frame["image"][1], squares(3)[1])
    folder = datasets.fetch("far")
    assert sorted(p.name for p in folder.iterdir()) == sorted(contents)
    assert len(datasets.load("far", source)[0]) == 3
    (folder / "train-labels-idx1-ubyte").write_bytes(b"damaged")
    (source / "train-labels-idx1-ubyte").write_bytes(b"changed")
    with pytest.raises(DataError, match="the file changed or was damaged"):
        datasets.load("far")
    with pytest.raises(DataError, match="no idx file"):
        datasets.load("far", source)


def test_sets_without_files_are_not_read_from_a_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no files to read from a folder"):
        datasets.load("wine", tmp_path)


@pytest.mark.parametrize("name", FETCHED)
def test_cards_of_sets_that_are_fetched(name: str) -> None:
    card = datasets.card(name)
    assert card.images
    assert (list(card.columns), card.target) == (["image", "label"], "label")
    assert sorted(card.files) == sorted(MNIST_FILES)


def test_mnist_from_files() -> None:
    folder = shared_data() / "image" / "mnist"
    frame, _ = datasets.load("mnist", folder)
    assert len(frame) == 60_000
    assert frame["image"][0].shape == (28, 28)
    assert frame["label"].value_counts()[1] == 6_742
    card = datasets.card("mnist")
    same = [hashlib.sha256((folder / file).read_bytes()).hexdigest() == digest for file, digest in card.files.items()]
    assert sum(same) >= 3  # that of the images to learn from may be packed anew


def test_wrong_checksum_keeps_nothing(tmp_path: Path, plugin_cards: list[Path]) -> None:
    source = tmp_path / "source.csv"
    source.write_bytes(b"a,b\n1,x\n")
    plugin_cards.append(write_card(tmp_path, "far", address=source.as_uri(), sha256="0" * 64))
    with pytest.raises(DataError, match="its card says 0000"):
        datasets.fetch("far", tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_maker_runs_beside_its_card_whatever_the_working_directory(
    tmp_path: Path, plugin_cards: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "make.py").write_text(
        "import pandas as pd\ndef make():\n    return pd.DataFrame({'a': [1], 'b': ['x']})\n"
    )
    write_card(tmp_path, "made", maker="make.py")
    plugin_cards.append(tmp_path)
    monkeypatch.chdir("/")
    assert datasets.load("made")[0].shape == (1, 2)
    assert not list(tmp_path.glob("**/*.pyc"))


def test_table_that_differs_from_its_card_is_refused(tmp_path: Path, plugin_cards: list[Path]) -> None:
    (tmp_path / "make.py").write_text(
        "import pandas as pd\ndef make():\n    return pd.DataFrame({'a': [1], 'c': [1]})\n"
    )
    plugin_cards.append(write_card(tmp_path, "made", maker="make.py"))
    with pytest.raises(DataError, match=r"not those of its card .*\['b', 'c'\]"):
        datasets.load("made")


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ({"maker": "m.py", "title": ""}, "lacks title"),
        ({}, "exactly one of"),
        ({"maker": "m.py", "loader": "a:b"}, "exactly one of"),
        ({"address": "https://example.org/x.csv"}, "address and sha256 together"),
        ({"address": "https://example.org/x", "files": {"a": "0" * 64}}, "must end in /"),
        ({"address": "https://example.org/", "files": {"a": "12"}}, "64 hexadecimal"),
        ({"address": "https://example.org/", "files": {"../a": "0" * 64}}, "must not name folders"),
        ({"address": "https://example.org/", "files": {"a": "0" * 64}, "sha256": "0" * 64}, "or address and files"),
        ({"maker": "m.py", "files": {"a": "0" * 64}}, "or address and files"),
        ({"address": "https://example.org/", "files": "a"}, "files must map"),
        ({"address": "https://example.org/x.csv", "sha256": "12"}, "64 hexadecimal"),
        ({"maker": "m.py", "target": "z"}, "target 'z'"),
        ({"maker": "m.py", "task": "ranking"}, "task must be"),
        ({"maker": "m.py", "colour": "red"}, "unknown keys"),
    ],
)
def test_broken_card_says_what_is_wrong(tmp_path: Path, entries: dict[str, str], words: str) -> None:
    with pytest.raises(DataError, match=words):
        datasets.Card.read(write_card(tmp_path, "broken", **entries))


def test_broken_or_conflicting_card_of_a_plugin_leaves_the_others(tmp_path: Path, plugin_cards: list[Path]) -> None:
    write_card(tmp_path, "wine", maker="m.py")
    write_card(tmp_path, "broken")
    write_card(tmp_path, "healthy", maker="m.py")
    plugin_cards.append(tmp_path)
    with pytest.warns(PluginWarning) as caught:
        found = datasets.cards()
    assert {"healthy", *OWN, *FETCHED} == set(found)
    assert found["wine"].loader == "sklearn.datasets:load_wine"
    assert sorted("same name" in str(w.message) for w in caught) == [False, True]


def test_cache_folder_follows_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GENSYNTH_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    monkeypatch.setattr("sys.platform", "linux")
    assert datasets.cache_folder() == Path("/somewhere/gensynth")
    monkeypatch.setenv("GENSYNTH_CACHE", "/else")
    assert datasets.cache_folder() == Path("/else")
