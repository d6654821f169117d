"""`sample_weight` of the Synthesizer: repeated rows, zero weights, relative weights, scikit-learn's routing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from toy_models import Toy

from gensynth import Synthesizer, Trainer, load
from gensynth.encoding.table import TableEncoder
from gensynth.errors import DataError
from gensynth.layout import Encoding
from gensynth.schema import TableSchema

QUICK = Trainer(max_epochs=4, progress=False)
N = 400


def table(n=N, seed=0):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({
        "c": rng.choice(list("abc"), n, p=[0.5, 0.3, 0.2]), "x": rng.normal(size=n).round(2),
        "k": rng.integers(0, 5, n), "z": rng.lognormal(size=n), "flag": rng.random(n) < 0.3,
    })  # fmt: skip
    frame["x"] += (frame["c"] == "a") * 3
    frame.loc[::7, "z"] = np.nan
    frame.loc[::11, "c"] = None
    return frame


def synthesizer(model, **settings):
    return Synthesizer(model, trainer=QUICK, random_state=0, **settings)


@pytest.mark.parametrize("model", [Toy(), "vae", "vlae", "gan", "cgan"])
def test_whole_weights_are_repeated_rows(model):
    frame, weights = table(), np.random.default_rng(1).integers(0, 4, N)
    repeated = frame.loc[frame.index.repeat(weights)].reset_index(drop=True)
    condition = {"condition_on": "c"} if model == "cgan" else {}
    one = synthesizer(model, **condition).fit(frame, sample_weight=weights)
    other = synthesizer(model, **condition).fit(repeated)
    assert one.encoder_.layout == other.encoder_.layout
    pd.testing.assert_frame_equal(one.sample(100, random_state=2), other.sample(100, random_state=2))


def test_rows_of_weight_zero_are_not_there():
    frame = table()
    weights = np.ones(N)
    weights[frame["k"] == 3] = 0
    for scale in (1, 0.3):
        one = synthesizer(Toy()).fit(frame, sample_weight=weights * scale)
        other = synthesizer(Toy()).fit(frame[frame["k"] != 3])
        assert one.encoder_.layout == other.encoder_.layout
        pd.testing.assert_frame_equal(one.sample(50, random_state=2), other.sample(50, random_state=2))
    assert 3 not in set(one.sample(500)["k"])


def test_weights_of_one_change_nothing():
    frame = table()
    plain = synthesizer(Toy()).fit(frame).sample(50, random_state=1)
    for weights in (None, 1, np.full(N, 0.25), [1] * N):
        again = synthesizer(Toy()).fit(frame, sample_weight=weights).sample(50, random_state=1)
        pd.testing.assert_frame_equal(again, plain)


@pytest.mark.parametrize("model", ["vae", "gan"])
def test_samples_follow_relative_weights(model, tmp_path):
    frame = table(1500)
    weights = np.where(frame["c"] == "b", 5.5, 0.7)
    fitted = Synthesizer(model, trainer=Trainer(max_epochs=15, progress=False), random_state=0)
    fitted.fit(frame, sample_weight=weights)
    sample = fitted.sample(4000, random_state=1)
    assert (sample["c"] == "b").mean() == pytest.approx(np.average(frame["c"] == "b", weights=weights), abs=0.05)
    assert sample["x"].mean() == pytest.approx(np.average(frame["x"], weights=weights), abs=0.15)
    assert sample["z"].isna().mean() == pytest.approx(np.average(frame["z"].isna(), weights=weights), abs=0.05)
    fitted.save(tmp_path / "m.gensynth")
    pd.testing.assert_frame_equal(
        load(tmp_path / "m.gensynth").sample(20, random_state=3), fitted.sample(20, random_state=3)
    )


def encoder(frame, weights=None, **options):
    return TableEncoder(TableSchema.infer(frame), Encoding(**options)).fit(frame, weights)


@pytest.mark.parametrize("numeric", ["bins", "normal", "standard"])
@pytest.mark.parametrize("options", [{}, {"max_bins": 5, "max_atoms": 2, "max_levels": 2}])
def test_encoders_count_whole_weights_as_repeated_rows(numeric, options):
    frame, weights = table(), np.random.default_rng(1).integers(1, 4, N)
    one = encoder(frame, weights, numeric=numeric, **options)
    other = encoder(frame.loc[frame.index.repeat(weights)].reset_index(drop=True), numeric=numeric, **options)
    assert one.layout == other.layout
    (json, arrays), (json_2, arrays_2) = one.state(), other.state()
    assert json == json_2
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, arrays_2[name], err_msg=name)
        assert array.dtype == arrays_2[name].dtype


@pytest.mark.parametrize("numeric", ["bins", "normal", "standard"])
def test_encoders_keep_every_row_of_the_least_weight(numeric):
    frame = table()
    weights = np.random.default_rng(0).pareto(0.7, N) + 1e-4
    weights[[0, 11]] = 1e-5
    weights /= weights.mean()
    fitted = encoder(frame, weights, numeric=numeric)
    back = fitted.decode(fitted.encode(frame), np.random.default_rng(0))
    pd.testing.assert_frame_equal(back, frame, rtol=1e-9)
    for column in fitted.layout.columns:
        assert sum(column.frequencies) == pytest.approx(1)
        assert all(share > 0 for share in column.frequencies[1:])
    (c,) = [column for column in fitted.layout.columns if column.name == "c"]
    assert c.frequencies[1] == pytest.approx(weights[::11].sum() / N)
    assert fitted.layout.n_rows == N


def test_quantiles_of_weighted_numbers():
    rng = np.random.default_rng(0)
    x = rng.normal(size=2000)
    weights = np.exp(x)  # tilted by one: N(1, 1)
    weights /= weights.mean()
    fitted = encoder(pd.DataFrame({"x": x}), weights, numeric="normal")
    at = fitted.columns["x"].function.decode(np.zeros(3, dtype=np.int64), np.array([0.16, 0.5, 0.84]))
    np.testing.assert_allclose(at, [0, 1, 2], atol=0.15)


@pytest.mark.parametrize("weights", [[1.0] * 5, [-1.0] * N, [0.0] * N, [np.nan] * N])
def test_impossible_weights_are_refused(weights):
    with pytest.raises(DataError, match="sample_weight"):
        synthesizer(Toy()).fit(table(), sample_weight=weights)


def test_score_takes_weights():
    frame = table()
    fitted = synthesizer(Toy()).fit(frame)
    weights = np.arange(N)
    assert fitted.score(frame, sample_weight=weights) == pytest.approx(
        np.average(fitted.score_samples(frame), weights=weights)
    )


def test_metadata_routing_through_a_pipeline():
    frame, weights = table(), np.random.default_rng(1).integers(0, 4, N)
    with sklearn.config_context(enable_metadata_routing=True):
        inner = synthesizer(Toy()).set_fit_request(sample_weight=True)
        pipeline = make_pipeline(FunctionTransformer(), inner).fit(frame, sample_weight=weights)
    direct = synthesizer(Toy()).fit(frame, sample_weight=weights)
    pd.testing.assert_frame_equal(pipeline[-1].sample(20, random_state=0), direct.sample(20, random_state=0))
