"""The built wheel, in an environment that has never seen the source tree."""

from __future__ import annotations

import subprocess
import sys
import zipfile

import pytest
from environments import ROOT, make_environment

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def environment(wheel, tmp_path_factory):
    made = make_environment(tmp_path_factory.mktemp("installed") / "environment", with_gensynth=False)
    made.install(wheel)
    return made


def test_contents(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        entry_points = archive.read(next(n for n in names if n.endswith("entry_points.txt"))).decode()
    packages = ("gensynth", "gensynth_gan", "gensynth_vae")
    assert {f"{package}/py.typed" for package in packages} <= names
    cards = {path.name for path in (ROOT / "datasets").glob("*.toml")}
    assert "breast-cancer.toml" in cards
    assert cards == {n.rpartition("/")[2] for n in names if n.startswith("gensynth/_cards/") and n.endswith(".toml")}
    assert {"gensynth/report/templates/anomalies.html.j2", "gensynth/html/templates/fragment.html.j2"} <= names
    assert any(n.endswith("licenses/LICENSE") for n in names)
    assert {n.partition("/")[0] for n in names if ".dist-info" not in n} == set(packages)
    for line in ("gensynth = gensynth.cli:main", "gensynth_gan = gensynth_gan", "gensynth_vae = gensynth_vae"):
        assert line in entry_points
    for root, package in ((ROOT, "gensynth"), (ROOT / "plugins", "gensynth_gan"), (ROOT / "plugins", "gensynth_vae")):
        assert {path.relative_to(root).as_posix() for path in (root / package).rglob("*.py")} <= names


def test_it_is_the_wheel_that_is_imported(environment):
    done = environment.python_run("import gensynth, gensynth_vae; print(gensynth.__file__, gensynth_vae.__file__)")
    assert all(path.startswith(str(environment.folder)) for path in done.stdout.split()), done.stdout + done.stderr


def test_it_lists_models_plugins_and_data_sets(environment):
    for command, expected in (("models", "vlae"), ("plugins", "gensynth_gan"), ("datasets", "breast-cancer")):
        rest = ["list"] if command == "datasets" else []
        done = environment.run("gensynth", command, *rest, PYTHONWARNINGS="error")
        assert done.returncode == 0, done.stderr
        assert expected in done.stdout


def test_the_main_job(environment, tmp_path):
    job = ["augment", "breast-cancer", "--target", "target", "--balance", "-o", "augmented.csv", "--max-time", "10"]
    done = environment.run("gensynth", *job, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    check = (
        "import pandas as pd\n"
        "from sklearn.datasets import load_breast_cancer\n"
        "new = pd.read_csv('augmented.csv', float_precision='round_trip')\n"
        "real = new[~new['_synthetic']].drop(columns='_synthetic')\n"
        "assert new['target'].value_counts().tolist() == [357, 357], new['target'].value_counts()\n"
        "source = load_breast_cancer(as_frame=True)\n"
        "kept = source.frame.assign(target=source.target_names[source.target])\n"
        "pd.testing.assert_frame_equal(real[kept.columns.tolist()], kept, check_exact=True, check_dtype=False)\n"
        "assert new.notna().all(axis=None)\n"
        "print(len(new))"
    )
    checked = environment.run("python", "-c", check, cwd=tmp_path)
    assert checked.stdout.strip() == "714", checked.stderr
