"""Relations through the estimators: shown, sampled, conditioned, imputed, scored, explained, saved and declared."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from related_tables import CITIES, money, rng

from gensynth import AnomalyDetector, Augmenter, Synthesizer, Trainer, augment, load
from gensynth.cli import main
from gensynth.errors import ConditionError, OptionError, SchemaError
from gensynth.schema.relation import Relation

N = 600
QUICK = Trainer(max_epochs=2, progress=False)


def table(n=N):
    frame = money(n).assign(city=rng(4).choice(list(CITIES), n), noise=rng(9).normal(size=n).round(3))
    start = pd.Timestamp("2021-01-01") + pd.to_timedelta(rng(5).integers(0, 700, n), unit="D")
    end = start + pd.to_timedelta(rng(6).integers(0, 30, n), unit="D")
    return frame.assign(country=frame["city"].map(CITIES), start=start, end=end)


FRAME = table()


def keeps(frame):
    return (
        np.isclose(frame["total"], frame["net"] + frame["vat"])
        & (np.round(frame["net"] * 0.21, 2) == frame["vat"])
        & (frame["city"].map(CITIES) == frame["country"])
        & (frame["end"] >= frame["start"])
    )


@pytest.fixture(scope="module", params=["vlae", "vae", "wgan"])
def fitted(request):
    return Synthesizer(request.param, trainer=QUICK, random_state=0).fit(FRAME)


def test_they_are_shown_and_kept(fitted, tmp_path):
    shown = [str(relation) for relation in fitted.schema_.relations]
    assert shown == ["total = net + vat", "vat = 0.21 * net", "city -> country", "start <= end"]
    sample = fitted.sample(500, random_state=1)
    assert keeps(sample).all()
    fitted.save(tmp_path / "model.gensynth")
    again = load(tmp_path / "model.gensynth")
    assert again.schema_ == fitted.schema_
    assert again.relations == "auto"
    pd.testing.assert_frame_equal(again.sample(500, random_state=1), sample)


@pytest.fixture(scope="module")
def conditional():
    return Synthesizer(trainer=QUICK, random_state=0).fit(FRAME)


@pytest.mark.parametrize(
    "conditions",
    [
        {"total": 121.0},
        {"vat": 21.0, "country": "FR"},
        {"country": ["FR", "IT"], "net": slice(10, 50)},
        {"end": pd.Timestamp("2021-06-01"), "city": "Rome"},
        {"total": slice(100, 130), "start": slice("2021-03-01", "2021-06-01")},
    ],
)
def test_conditions(conditional, conditions):
    sample = conditional.sample(100, conditions, random_state=0)
    assert keeps(sample).all()
    for name, value in conditions.items():
        if isinstance(value, slice):
            assert sample[name].between(value.start, value.stop).all()
        else:
            assert sample[name].isin(value if isinstance(value, list) else [value]).all()


def test_what_cannot_be_is_refused(conditional):
    with pytest.raises(ConditionError, match="city='Rome' always had country='IT'"):
        conditional.sample(10, {"city": "Rome", "country": "DE"})
    with pytest.raises(ConditionError, match="start <= end"):
        conditional.sample(10, {"start": slice("2022-01-01", None), "end": slice(None, "2021-12-01")})
    given = pd.DataFrame({"city": ["Rome", "Ulm"], "country": ["IT", "FR"]})
    with pytest.raises(ConditionError, match="city='Ulm' always had country='DE'"):
        conditional.sample(conditions=given)


def test_filled_cells_follow_and_given_ones_stay(conditional):
    holes = FRAME.head(300).copy()
    for i, name in enumerate(holes.columns):
        holes.loc[holes.index[i::9], name] = None
    holes.loc[7, ["net", "vat", "start"]] = None
    full = conditional.impute(holes, random_state=0)
    assert not full.isna().any().any()
    assert keeps(full).all()
    for name in holes:
        there = holes[name].notna()
        assert (full[name][there] == holes[name][there]).all()
    one = holes.index[holes["net"].isna() & holes[["vat", "total"]].notna().all(axis=1)]
    assert np.allclose(full.loc[one, "net"], FRAME.loc[one, "net"])


def test_whole_numbers_without_gaps_at_fitting_are_filled_on_their_grid():
    seconds = 1_600_000_000 + rng(3).integers(0, 10**7, 200)
    dates = pd.Timestamp("2021-01-01") + pd.to_timedelta(rng(4).integers(0, 700, 200), unit="D")
    frame = pd.DataFrame(
        {"s": seconds, "ms": seconds * 1000, "day": dates, "number": dates.strftime("%Y%m%d").astype(np.int64)}
    )
    holes = frame.astype({"ms": "Int64", "number": "Int64"})
    holes.loc[::3, "ms"] = pd.NA
    holes.loc[1::3, "number"] = pd.NA
    holes.loc[2::3, "day"] = pd.NaT
    holes.loc[::7, ["number", "day"]] = None
    full = Synthesizer("vae", trainer=QUICK, random_state=0).fit(frame).impute(holes, random_state=0)
    assert (full["ms"] == 1000 * full["s"]).all()
    assert (full["number"] == full["day"].dt.strftime("%Y%m%d").astype(int)).all()
    assert all((full[name] == holes[name])[holes[name].notna()].all() for name in frame)


def test_given_cells_that_break_a_relation_stay(conditional):
    holes = FRAME.head(5).copy()
    holes.loc[0, "total"] += 7
    holes.loc[0, "noise"] = None
    full = conditional.impute(holes)
    assert full.loc[0, "total"] == holes.loc[0, "total"]


def broken_rows():
    bad = FRAME.head(3).copy()
    bad.loc[0, "total"] += 5
    bad.loc[1, "country"] = "FR" if bad.loc[1, "country"] != "FR" else "DE"
    bad.loc[2, "end"] = bad.loc[2, "start"] - pd.Timedelta(days=1)
    return bad


def test_rows_that_break_one_are_odd_and_it_is_said_why(fitted):
    bad = broken_rows()
    assert (fitted.score_samples(FRAME.head(3)) - fitted.score_samples(bad) > 3).all()
    analysis = fitted.analyse(bad)
    shares = analysis.attributions()
    assert shares.idxmax(axis=1).tolist() == ["total", "country", "end"]
    assert shares.sum(axis=1).to_numpy() == pytest.approx(-fitted.score_samples(bad))
    said = analysis.reasons()
    assert "follows from total = net + vat" in said[0]
    assert "follows from city -> country" in said[1]
    assert "breaks start <= end" in said[2]


def test_detectors_see_broken_exact_relations(tmp_path):
    detector = AnomalyDetector(trainer=QUICK, random_state=0).fit(FRAME)
    bad = broken_rows().head(2)
    assert (detector.score_samples(FRAME.head(2)) > detector.score_samples(bad)).all()
    assert "follows from total = net + vat" in detector.reasons(bad)[0]
    plain = AnomalyDetector(trainer=QUICK, relations=False, random_state=0).fit(FRAME)
    assert plain.estimators_[0].schema.relations == ()
    plain.save(tmp_path / "plain.gensynth")
    assert load(tmp_path / "plain.gensynth").relations is False


def test_declared_ones_only():
    declared = ["total = net + vat", Relation("order", ("start", "end"))]
    synthesizer = Synthesizer(trainer=QUICK, relations=declared, random_state=0).fit(FRAME)
    assert [str(relation) for relation in synthesizer.schema_.relations] == ["total = net + vat", "start <= end"]
    assert Synthesizer(trainer=QUICK, relations=False, random_state=0).fit(FRAME).schema_.relations == ()


def test_a_declared_relation_that_does_not_hold_names_the_row():
    frame = FRAME.copy()
    frame.loc[[17, 40], "total"] += 1
    with pytest.raises(SchemaError, match=r"total = net \+ vat.*does not hold in 2 of 600 rows, first in row 17"):
        Synthesizer(trainer=QUICK, relations=["total = net + vat"]).fit(frame)
    with pytest.raises(SchemaError, match="needs numbers or dates"):
        Synthesizer(trainer=QUICK, relations=["city <= country"]).fit(frame)
    with pytest.raises(SchemaError, match="did you mean 'total'"):
        Synthesizer(trainer=QUICK, relations=["totl = net + vat"]).fit(frame)
    with pytest.raises(OptionError, match="expected 'auto', False, or a list"):
        Synthesizer(trainer=QUICK, relations="total = net + vat").fit(frame)


def test_few_rows_may_have_declared_ones():
    frame = FRAME.head(12)
    synthesizer = Synthesizer(trainer=QUICK, relations=["total = net + vat"], random_state=0).fit(frame)
    sample = synthesizer.sample(30)
    assert np.isclose(sample["total"], sample["net"] + sample["vat"]).all()


def test_new_rows_of_augmented_tables_keep_them():
    y = np.where(FRAME["country"] == "DE", "rare", "other")
    X_new, y_new = Augmenter(trainer=QUICK, random_state=0).fit_resample(FRAME, y)
    assert keeps(X_new).all()
    assert ((X_new["country"] == "DE") == (y_new == "rare")).all()
    result = augment(FRAME, n_rows=100, trainer=QUICK, relations=["start <= end"], random_state=0)
    assert (result.synthetic["end"] >= result.synthetic["start"]).all()


def test_command_line(tmp_path, capsys):
    FRAME.to_csv(tmp_path / "t.csv", index=False)
    common = ["--set", "trainer.max_epochs=1", "--seed", "0"]
    model, out = str(tmp_path / "m.gensynth"), str(tmp_path / "o.csv")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert main(["fit", str(tmp_path / "t.csv"), "-o", model, *common]) == 0
        assert "total = net + vat; vat = 0.21 * net; city -> country; start <= end" in capsys.readouterr().err
        assert main(["sample", model, "-n", "200", "-o", out]) == 0
        drawn = pd.read_csv(out, parse_dates=["start", "end"])
        assert keeps(drawn).all()
        assert main(["fit", str(tmp_path / "t.csv"), "-o", model, "--relation", "start <= end", *common]) == 0
        text = capsys.readouterr().err
        assert "start <= end" in text
        assert "total" not in text
        assert main(["fit", str(tmp_path / "t.csv"), "-o", model, "--relation", "none", *common]) == 0
        assert "relations" not in capsys.readouterr().err
        assert main(["fit", str(tmp_path / "t.csv"), "-o", model, "--relation", "net = vat", *common]) == 2
        assert "does not hold" in capsys.readouterr().err
