from __future__ import annotations

import hashlib
import io
import json
import pickle
import zipfile
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from toy_models import Toy
from toy_plugin import empty_registry, toy_registry

import gensynth
from gensynth.errors import GensynthError, ModelFileError, OptionError, PluginError, UnknownModelError
from gensynth.persistence import load, save
from gensynth.synthesizer import Synthesizer
from gensynth.training import Trainer

QUICK = Trainer(max_epochs=3, progress=False, device="cpu")


def table(n: int = 80) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "amount": rng.normal(size=n),
            "sex": rng.choice(np.array(["F", "M", None]), n),
            "key": [f"K{i:05d}" for i in rng.permutation(n)],
            "when": pd.Timestamp("2020-01-01", tz="UTC") + pd.to_timedelta(rng.integers(0, 900, n), unit="h"),
            "one": "x",
        }
    )


@pytest.fixture(scope="module")
def fitted() -> Synthesizer:
    synthesizer = Synthesizer(
        Toy(two_stages=True), trainer=QUICK, schema={"key": "identifier"}, condition_on="sex", random_state=0
    )
    return synthesizer.fit(table())


@pytest.fixture(scope="module")
def content(fitted, tmp_path_factory) -> bytes:
    path = tmp_path_factory.mktemp("model") / "m.gensynth"
    fitted.save(path, registry=toy_registry())
    data: bytes = path.read_bytes()
    return data


@pytest.fixture
def stored(content, tmp_path):
    path = tmp_path / "m.gensynth"
    path.write_bytes(content)
    return path


def reading(path, **options):
    return load(path, "cpu", **{"registry": toy_registry(), **options})


def rezip(content: bytes, change, *, compression=zipfile.ZIP_STORED, honest=True) -> bytes:
    """Let ``change`` edit the members (a dict of bytes) and zip them again; ``honest``: with a manifest that fits."""
    with zipfile.ZipFile(io.BytesIO(content)) as zipped:
        members = {name: zipped.read(name) for name in zipped.namelist()}
    change(members)
    if honest:
        manifest = json.loads(members["manifest.json"])
        marks = {k: {"sha256": hashlib.sha256(v).hexdigest(), "size": len(v)} for k, v in members.items()}
        del marks["manifest.json"]
        members["manifest.json"] = json.dumps({**manifest, "members": marks}).encode()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as zipped:
        for name, data in members.items():
            zipped.writestr(name, data)
    return out.getvalue()


def edit(m, name, **changes):
    m[name] = json.dumps({**json.loads(m[name]), **changes}).encode()


def test_everything_comes_back(fitted, stored):
    loaded = reading(stored)
    np.testing.assert_array_equal(loaded.score_samples(table()), fitted.score_samples(table()))
    pd.testing.assert_frame_equal(loaded.sample(30, random_state=1), fitted.sample(30, random_state=1))
    kept = fitted.history_.drop(columns="seconds")  # how long it took is no part of a file
    pd.testing.assert_frame_equal(loaded.history_, kept)
    assert loaded.history_.dtypes.equals(kept.dtypes)
    assert loaded.schema_ == fitted.schema_
    assert loaded.recipe_.get_params() == fitted.recipe_.get_params()
    assert (loaded.n_iter_, loaded.n_features_in_, loaded.seed_) == (fitted.n_iter_, 5, fitted.seed_)
    assert list(loaded.feature_names_in_) == list(table().columns)
    assert (loaded.sample(10, {"sex": "F"})["sex"] == "F").all()


def test_loaded_one_can_be_fitted_again_with_the_same_settings(fitted, stored):
    again = clone(reading(stored)).fit(table())
    np.testing.assert_array_equal(again.score_samples(table()), fitted.score_samples(table()))


def test_saving_again_gives_the_same_bytes(content, stored, tmp_path):
    loaded = reading(stored)
    loaded.sample(3)
    loaded.save(tmp_path / "again.gensynth", registry=toy_registry())
    assert (tmp_path / "again.gensynth").read_bytes() == content


def test_file_holds_no_pickle_and_nothing_compressed(content):
    with zipfile.ZipFile(io.BytesIO(content)) as zipped:
        assert zipped.namelist() == ["manifest.json", "state.json", "arrays.safetensors", "weights.safetensors"]
        assert all(entry.compress_type == zipfile.ZIP_STORED for entry in zipped.infolist())
        manifest = json.loads(zipped.read("manifest.json"))
    assert manifest["format"] == 3
    assert manifest["gensynth"] == gensynth.__version__
    with pytest.raises(pickle.UnpicklingError):
        pickle.loads(content)


def test_numpy_and_history_with_infinity(tmp_path):
    array = np.random.default_rng(0).normal(size=(40, 2)).astype(np.float32)
    synthesizer = Synthesizer(Toy(), trainer=QUICK).fit(array)
    synthesizer.history_.loc[0, "monitor"] = np.inf
    synthesizer.save(tmp_path / "a.gensynth", registry=toy_registry())
    loaded = reading(tmp_path / "a.gensynth")
    assert loaded.sample(3).dtype == np.float32
    assert loaded.history_["monitor"][0] == np.inf
    assert not hasattr(loaded, "feature_names_in_")


def test_save_by_function_and_interrupt(fitted, tmp_path, monkeypatch):
    path = tmp_path / "m.gensynth"
    path.write_bytes(b"old")
    with pytest.raises(PluginError, match="Toy is not registered"):
        save(fitted, path)

    def interrupted(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(zipfile.ZipFile, "writestr", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fitted.save(path, registry=toy_registry())
    assert [p.name for p in tmp_path.iterdir()] == ["m.gensynth"]
    assert path.read_bytes() == b"old"


def test_unwritable_place(fitted, tmp_path):
    with pytest.raises(FileNotFoundError):
        fitted.save(tmp_path / "absent" / "m.gensynth", registry=toy_registry())


def test_unknown_plugin_is_named(stored):
    with pytest.raises(UnknownModelError, match=r"model 'toy' of the plugin .*pip install"):
        reading(stored, registry=empty_registry())


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(ModelFileError, match="there is no file"):
        reading(tmp_path / "absent.gensynth")
    with pytest.raises(ModelFileError, match="cannot be read"):
        reading(tmp_path)


def test_missing_device(stored):
    with pytest.raises(OptionError, match="cuda:99"):
        load(stored, "cuda:99", registry=toy_registry())


@pytest.mark.parametrize("data", [b"", b"PK", b"not a zip at all" * 100, b"PK\x05\x06" + b"\0" * 18])
def test_something_else_is_refused(stored, data):
    stored.write_bytes(data)
    with pytest.raises(ModelFileError, match=r"damaged|not a \.gensynth"):
        reading(stored)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_truncated_file_is_refused(content, stored, share):
    stored.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(ModelFileError, match="damaged"):
        reading(stored)


@pytest.mark.parametrize(
    ("change", "honest", "match"),
    [
        (lambda m: m.pop("weights.safetensors"), False, "members are not those"),
        (lambda m: m.pop("weights.safetensors"), True, "lacks the member 'weights"),
        (lambda m: m.pop("manifest.json"), False, "no manifest"),
        (lambda m: m.update({"evil.py": b"import os"}), False, "members are not those"),
        (lambda m: m.update({"state.json": m["state.json"] + b" "}), False, "size in the manifest"),
        (lambda m: m.update({"state.json": m["state.json"].replace(b"seed", b"SEED")}), False, "checksum"),
        (lambda m: m.update({"state.json": b'{"a": NaN}'}), True, "NaN is not JSON"),
        (lambda m: m.update({"state.json": b"[" * 100_000}), True, "JSON"),
        (lambda m: m.update({"state.json": b"[1]"}), True, "not an object"),
        (lambda m: m.update({"state.json": b"{}"}), True, "KeyError"),
        (lambda m: m.update({"weights.safetensors": b"\xff" * 64}), True, "weights in the file cannot be read"),
        (lambda m: m.update({"arrays.safetensors": (2**40).to_bytes(8, "little") + b"{}"}), True, "arrays"),
        (lambda m: edit(m, "manifest.json", format=4), True, "reads up to 3: pip install --upgrade"),
        (lambda m: edit(m, "manifest.json", format=2), True, "format 2, which development versions.*fit again"),
        (lambda m: edit(m, "manifest.json", format=0), True, "format number 0"),
        (lambda m: edit(m, "manifest.json", format="1"), True, "format number '1'"),
        (lambda m: edit(m, "manifest.json", kind="oracle"), True, "'oracle'"),
        (lambda m: edit(m, "manifest.json", members=[]), False, "lists no members"),
    ],
)  # fmt: skip
def test_tampered_file_is_refused(content, stored, change, honest, match):
    stored.write_bytes(rezip(content, change, honest=honest))
    with pytest.raises(ModelFileError, match=match):
        reading(stored)


def test_compressed_members_are_refused(content, stored):
    stored.write_bytes(rezip(content, lambda m: None, compression=zipfile.ZIP_DEFLATED))
    with pytest.raises(ModelFileError, match="compressed"):
        reading(stored)


def test_members_of_one_name_are_refused(content, stored):
    out = io.BytesIO(content)
    with zipfile.ZipFile(out, "a") as zipped, pytest.warns(UserWarning, match="Duplicate name"):
        zipped.writestr("state.json", b"{}")
    stored.write_bytes(out.getvalue())
    with pytest.raises(ModelFileError, match="same name"):
        reading(stored)


def test_declared_size_beyond_the_file_is_refused(content, stored):
    directory = content.index(b"PK\x01\x02")
    changed = bytearray(content)
    changed[directory + 20 : directory + 28] = (2**31).to_bytes(4, "little") * 2
    stored.write_bytes(bytes(changed))
    with pytest.raises(ModelFileError, match="larger than the file"):
        reading(stored)


def test_weights_that_do_not_fit_are_refused(content, stored):
    def widen(members):
        state = json.loads(members["state.json"])
        state["recipe"]["parameters"]["width"] = 9
        edit(members, "state.json", recipe=state["recipe"])

    stored.write_bytes(rezip(content, widen))
    with pytest.raises(ModelFileError, match=r"do not fit ToyModel.*head"):
        reading(stored)


def test_unknown_hyperparameter_is_refused(content, stored):
    def add(members):
        state = json.loads(members["state.json"])
        state["recipe"]["parameters"]["charm"] = 1
        edit(members, "state.json", recipe=state["recipe"])

    stored.write_bytes(rezip(content, add))
    with pytest.raises(ModelFileError, match="charm"):
        reading(stored)


def test_file_cannot_name_code_to_run(content, stored):
    def point_elsewhere(members):
        state = json.loads(members["state.json"])
        state["recipe"]["name"] = "os:system"
        edit(members, "state.json", recipe=state["recipe"])

    stored.write_bytes(rezip(content, point_elsewhere))
    with pytest.raises(UnknownModelError, match="os:system"):
        reading(stored)


def test_flipped_bytes_are_refused_or_do_not_matter(content, fitted, stored):
    rng = np.random.default_rng(0)
    scores = fitted.score_samples(table())
    places = {*range(0, 60), *rng.integers(0, len(content), 120).tolist(), *range(len(content) - 120, len(content))}
    refused = 0
    for place in sorted(places):
        changed = bytearray(content)
        changed[place] ^= 1 << int(rng.integers(8))
        stored.write_bytes(bytes(changed))
        try:
            loaded = reading(stored)
        except ModelFileError:
            refused += 1
        else:
            np.testing.assert_array_equal(loaded.score_samples(table()), scores)
    assert refused > 0.5 * len(places)


def test_malformed_but_honest_states_never_escape_as_other_errors(content, stored):
    """Every value of the state replaced by nonsense in turn, with checksums that fit."""
    with zipfile.ZipFile(io.BytesIO(content)) as zipped:
        state = json.loads(zipped.read("state.json"))

    def paths(value, at=()):
        if isinstance(value, dict | list):
            for key, part in value.items() if isinstance(value, dict) else enumerate(value):
                yield (*at, key)
                yield from paths(part, (*at, key))

    everything = [p for p in paths(state) if p[:2] != ("recipe", "parameters")]
    for path in everything[:: max(1, len(everything) // 60)]:
        wrong: tuple[Any, ...] = (None, [], "x")
        for nonsense in wrong:
            changed = json.loads(json.dumps(state))
            inner = changed
            for key in path[:-1]:
                inner = inner[key]
            inner[path[-1]] = nonsense
            data = json.dumps(changed).encode()
            stored.write_bytes(rezip(content, lambda m, data=data: m.update({"state.json": data})))
            try:
                reading(stored)
            except GensynthError:
                continue
