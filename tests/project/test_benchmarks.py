"""The benchmarks run from any folder on any folder of parquet files; what they count is what happened."""

from __future__ import annotations

import csv
import importlib
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from environments import ROOT

pytestmark = pytest.mark.slow

FOLDER = ROOT / "benchmarks"
SCRIPTS = ["quality", "published", "speed", "gpu", "scaling", "budget", "ablation", "onnx_speed", "contamination"]


@pytest.fixture
def benchmark(monkeypatch):
    """Import a module of the benchmarks by its name."""
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module


@pytest.fixture
def data(tmp_path):
    """A folder of two sets: one split beforehand, one in a single file."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal(300)
    c = np.where(x + rng.standard_normal(300) > 0, "a", "b")
    table = pd.DataFrame({"x": x, "k": rng.integers(0, 5, 300), "c": c})
    (tmp_path / "one").mkdir()
    table.to_parquet(tmp_path / "one" / "rows.parquet")
    (tmp_path / "tabular" / "two").mkdir(parents=True)
    table[:200].to_parquet(tmp_path / "tabular" / "two" / "train.parquet")
    table[200:].to_parquet(tmp_path / "tabular" / "two" / "test.parquet")
    (tmp_path / "tabular" / "two" / "meta.json").write_text('{"target": "c"}')
    return tmp_path


def run(name, *options, cwd):
    command = [sys.executable, str(FOLDER / f"{name}.py"), *map(str, options)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, cwd=cwd)


def read(path):
    with path.open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


@pytest.mark.parametrize("name", [*SCRIPTS, "peer_runner"])
def test_help(name, tmp_path):
    done = run(name, "--help", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "--threads" in done.stdout


def test_no_data_folder_is_said(tmp_path, monkeypatch):
    monkeypatch.delenv("GENSYNTH_DATA", raising=False)
    done = run("budget", cwd=tmp_path)
    assert done.returncode == 1
    assert "--data DIR" in done.stderr


def test_quality(data):
    done = run(
        "quality", "--data", data, "--sets", "one,two", "--target", "c", "--models", "vae", "--max-epochs", "1",
        "--peers", "bootstrap,ctgan", "--csv", "out.csv", "--keep", "kept", cwd=data,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "skipped ctgan: no --peer-python" in done.stdout
    rows = read(data / "out.csv")
    assert [(row["set"], row["model"]) for row in rows] == [
        ("one", "vae"), ("one", "bootstrap"), ("two", "vae"), ("two", "bootstrap"),
        ("mean of 2", "vae"), ("mean of 2", "bootstrap"),
    ]  # fmt: skip
    floor = rows[3]
    assert float(floor["copies"]) == 1.0, "every row of a bootstrap is a real one"
    assert float(floor["shape"]) < 0.1
    assert len(pd.read_parquet(data / "kept" / "two-vae.parquet")) == 200


def test_budget(data):
    options = ["--sets", "two", "--model", "vae", "--seconds", "1", "--csv", "b.csv"]
    done = run("budget", "--data", data, *options, cwd=data)
    assert done.returncode == 0, done.stderr
    (row,) = read(data / "b.csv")
    assert 0 < float(row["training s"]) < 5  # a shared machine may stand still for a moment
    assert int(row["steps"]) > 0


def test_budget_of_passes_beside_another_checkout(data):
    options = ["--sets", "two", "--model", "vae", "--epochs", "1,2", "--against", ROOT, "--csv", "b.csv"]
    done = run("budget", "--data", data, *options, cwd=data)
    assert done.returncode == 0, done.stderr
    rows = read(data / "b.csv")
    assert [(row["max_epochs"], row["code"]) for row in rows] == [
        ("1", "before"), ("1", "now"), ("2", "before"), ("2", "now"),
    ]  # fmt: skip
    assert rows[0]["detection"] == rows[1]["detection"]  # the same code, the same rows


def test_ablation_changes_what_it_says(data):
    done = run(
        "ablation", "--data", data, "--sets", "two", "--groups", "vae", "--only", "as it is,mixture",
        "--max-epochs", "1", "--csv", "a.csv", cwd=data,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert [row["variant"] for row in read(data / "a.csv")] == ["vae as it is", "prior: mixture"]


def test_every_variant_of_the_ablation_can_be_made(benchmark):
    from gensynth import Synthesizer

    ablation = benchmark("ablation")
    for variants in ablation.GROUPS.values():
        for model, parameters, changed in variants.values():
            Synthesizer(model).set_params(**{f"model__{key}": value for key, value in parameters.items()})
            with ablation.constants(changed):  # raises for a constant that is not there
                pass


def test_constants_of_the_ablation_are_put_back(benchmark):
    from gensynth.nn.tabular import ordinal_basis

    before = ordinal_basis.MIN_CODES
    with benchmark("ablation").constants({"gensynth.nn.tabular.ordinal_basis.MIN_CODES": 99}):
        assert ordinal_basis.MIN_CODES == 99
    assert before == ordinal_basis.MIN_CODES


def test_scaling_runs_each_cell_in_a_process_of_its_own(tmp_path):
    done = run(
        "scaling", "--rows", "200,100000000", "--columns", "4", "--levels", "150", "--steps", "1", "--csv", "s.csv",
        cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    small, large, wide = read(tmp_path / "s.csv")
    assert float(small["s an epoch"]) > 0
    assert int(small["peak MB"]) > 50
    assert "not measured" in large["levels"]
    assert (wide["rows"], wide["columns"], wide["levels"]) == ("300", "11", "150")


def test_speed(data):
    done = run(
        "speed", "--data", data, "--sets", "two", "--models", "vae,wgan", "--steps", "2", "--repeats", "1",
        "--samples", "100", "--column-groups", "1", "--csv", "v.csv", cwd=data,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    rows = read(data / "v.csv")
    stages = [("vae", "elbo"), ("wgan", "game")]
    assert [(row["model"], row["stage"]) for row in rows] == stages
    assert all(float(row["training steps/s"]) > 0 and float(row["MFLOP a step"]) > 0 for row in rows)
    assert [row["model"] for row in read(data / "v-sampling.csv")] == ["vae, column_groups=1", "wgan"]


def test_speed_of_images(tmp_path):
    done = run(
        "speed", "--images", "digits", "--models", "vae", "--what", "training", "--steps", "1", "--repeats", "1",
        "--csv", "v.csv", cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (row,) = read(tmp_path / "v.csv")
    assert (row["set"], row["model"], row["stage"]) == ("digits", "vae", "elbo")
    assert float(row["products steps/s"]) > float(row["training steps/s"]) > 0


def test_steps_on_a_device_beside_a_plain_loop(data):
    done = run(
        "gpu", "--data", data, "--sets", "two", "--models", "vae,wgan", "--device", "cpu", "--steps", "2",
        "--repeats", "1", "--csv", "g.csv", cwd=data,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    rows = read(data / "g.csv")
    assert [(row["model"], row["stage"]) for row in rows] == [("vae", "elbo"), ("wgan", "game")]
    assert all(float(row["steps/s"]) > 0 and float(row["plain steps/s"]) > 0 for row in rows)
    assert all(0 < float(row["of the device"]) < 1 for row in rows)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_no_gpu_is_said(data):
    done = run("gpu", "--data", data, "--sets", "two", cwd=data)
    assert done.returncode == 2
    assert "torch sees no GPU" in done.stderr


def test_the_trace_sees_forward_and_backward(benchmark):
    """A linear layer on (8, 3) -> 5: one product forward, two backward, 2 * 8 * 3 * 5 operations each."""
    trace = benchmark("bench_steps").ProductTrace()
    layer, x = torch.nn.Linear(3, 5), torch.randn(8, 3, requires_grad=True)
    with trace:
        layer(x).sum().backward()
    assert len(trace.products) == 3
    assert trace.flops == 3 * 2 * 8 * 3 * 5
    trace.replay()()


@pytest.mark.parametrize("layer", [torch.nn.Conv2d(3, 5, 3, 2, 1), torch.nn.ConvTranspose2d(3, 5, 3, 2, 1)])
def test_the_trace_sees_convolutions(benchmark, layer):
    """Each place of the smaller image meets each weight once, in three products: forward, and two backward."""
    trace = benchmark("bench_steps").ProductTrace()
    x = torch.randn(2, 3, 8, 6, requires_grad=True)
    with trace:
        out = layer(x)
        out.sum().backward()
    places = 2 * min(x[0, 0].numel(), out[0, 0].numel())
    assert len(trace.products) == 2
    assert trace.flops == 3 * 2 * places * layer.weight.numel()
    trace.replay()()


def test_rare_and_common_levels(benchmark):
    judge = benchmark("bench_judge")
    real = pd.DataFrame({"c": ["a"] * 900 + ["b"] * 95 + ["c"] * 5, "x": range(1000)})
    none_b = pd.DataFrame({"c": ["a"] * 1000, "x": range(1000)})
    assert judge.common_levels_off(real, real) == (0, 2)
    assert judge.common_levels_off(real, none_b) == (1, 2)


def test_the_peer_runner_gives_columns_back_as_they_were(tmp_path, monkeypatch):
    """A peer that repeats what it was given: text, missing values and booleans come back."""
    (tmp_path / "ctgan.py").write_text(
        "class CTGAN:\n"
        "    def __init__(self, epochs): pass\n"
        "    def fit(self, table, discrete):\n"
        "        assert set(discrete) == {'t', 'b'} and not table.isna().any().any()\n"
        "        self.table = table\n"
        "    def sample(self, n): return self.table.iloc[:n]\n"
        "TVAE = CTGAN\n"
    )
    table = pd.DataFrame({"t": ["u", None, "v"], "b": [True, False, True], "x": [1.0, np.nan, 3.0]})
    table.to_parquet(tmp_path / "train.parquet")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    done = run("peer_runner", "ctgan", tmp_path / "train.parquet", tmp_path / "out", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    back = pd.read_parquet(tmp_path / "out" / "sample.parquet")
    pd.testing.assert_frame_equal(back[["t", "b"]], table[["t", "b"]])
    assert back["x"].tolist() == [1.0, 2.0, 3.0]


def test_sequential_trees_draw_cells_of_training_rows(benchmark):
    rng = np.random.default_rng(0)
    x = rng.normal(size=400)
    train = pd.DataFrame({"x": x, "c": np.where(x > 0, "up", "down"), "y": np.where(x > 1, np.nan, x.round(1))})
    drawn = benchmark("bench_cart").sample_cart(train, 300, min_samples_leaf=5, seed=0)
    assert drawn.shape == (300, 3)
    for name in train:
        assert set(drawn[name].dropna()) <= set(train[name].dropna())
    assert ((drawn["x"] > 0) == (drawn["c"] == "up")).mean() > 0.95
    assert drawn["y"].isna()[drawn["x"] > 1.2].mean() > 0.8


def test_published(data):
    done = run(
        "published", "--data", data, "--sets", "one,two", "--target", "c", "--max-epochs", "1", "--peers",
        "cart,bootstrap,arf", "--csv", "p.csv", cwd=data,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "skipped arf: no --peer-python" in done.stdout
    rows = read(data / "p.csv")
    ours = [row for row in rows if not row["source"]]
    models = ["real rows (held out)", "vlae", "cart", "bootstrap"]
    assert [(row["set"], row["model"]) for row in ours] == [
        (name, model) for name in ("one", "two", "mean of 2") for model in models
    ]
    floor = ours[3]
    assert (float(floor["copies"]), float(floor["C2ST trees"])) == (1, 1)
    assert float(floor["AUC trees"]) < 0.5, "a copy is taken for what it copies"
    assert float(floor["DCR share"]) > 0.55, "of the training rows only as many count as are held out"
    theirs = [row for row in rows if row["source"]]
    assert {row["set"] for row in theirs} == {"mean of 5", "mean of 7"}, "only of sets that were run"
    assert all(row["model"].endswith("(published)") for row in theirs)


def test_a_two_sample_score_is_one_where_nothing_tells_rows(benchmark):
    protocol = benchmark("bench_protocol")
    assert [protocol.two_sample_score(auc) for auc in (0.3, 0.5, 0.75, 1.0)] == [1, 1, 0.5, 0]
    rng = np.random.default_rng(0)
    rows = [pd.DataFrame({"x": rng.normal(shift, 1, 600), "c": rng.choice(["a", "b"], 600)}) for shift in (0, 0, 4)]
    assert protocol.linear_score(rows[0], rows[1]) > 0.9
    assert protocol.linear_score(rows[0], rows[2]) < 0.1


def test_numbers_to_predict_are_judged_by_an_error_in_standard_deviations(benchmark):
    sets, protocol = benchmark("bench_sets"), benchmark("bench_protocol")
    x = np.random.default_rng(0).normal(size=400)
    table = pd.DataFrame({"x": x, "y": 100 * x})
    data = sets.DataSet("s", table[:200], table[200:], "y")
    assert protocol.efficiency(data, data.train) < 0.3
    shuffled = data.train.assign(y=data.train["y"].to_numpy()[::-1])
    assert protocol.efficiency(data, shuffled) > 1


def test_published_numbers_have_a_source_and_a_column_of_the_protocol(benchmark):
    published, protocol = benchmark("bench_published"), benchmark("bench_protocol")
    for row in published.ROWS:
        assert "arXiv:" in row.source
        assert row.sets in published.SETS or row.sets.startswith("mean of ")
        assert all(f"``{name}``" in protocol.protocol.__doc__ for name in row.values)
    assert {row["set"] for row in published.lines(["adult"])} == {"adult", "mean of 5", "mean of 7"}


def test_smote_draws_between_rows_of_a_class(benchmark):
    pytest.importorskip("imblearn")
    rng = np.random.default_rng(0)
    y = np.repeat([False, True], [300, 100])
    train = pd.DataFrame(
        {
            "x": rng.normal(10 * y, 1),
            "k": (1000 * y + rng.integers(0, 9, 400)),
            "c": ["u" if there else None for there in y],
            "y": y,
        }
    )
    drawn = benchmark("bench_smote").sample_smote(train, "y", 200, seed=0)
    assert drawn.shape == (200, 4)
    assert drawn.dtypes.equals(train.dtypes)
    assert drawn["y"].mean() == 0.25
    assert ((drawn["x"] > 5) == drawn["y"]).all()
    assert ((drawn["k"] > 500) == drawn["y"]).all()
    assert (drawn["c"].notna() == drawn["y"]).all()
    numbers = benchmark("bench_smote").sample_smote(train[["x", "k"]], "x", 50)
    assert numbers["x"].between(train["x"].min(), train["x"].max()).all()
