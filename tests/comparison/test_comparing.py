"""Several models on one table: each is judged on rows that none saw, and one that fails ends no other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from evaluated_tables import bills
from toy_models import Toy

from gensynth import Trainer, compare
from gensynth.comparison import Comparison
from gensynth.encoding.table import TableEncoder
from gensynth.errors import DataError, GensynthError, OptionError, UnknownModelError
from gensynth.layout import Encoding
from gensynth.model import Recipe
from gensynth.registry import default_registry
from gensynth.relations.find import find_relations

pytestmark = pytest.mark.filterwarnings("ignore::gensynth.errors.IdentifierWarning")
TRAINER = Trainer(max_epochs=1, progress=False)


@dataclass(eq=False)
class Broken(Recipe):
    """A family of a plugin that raises what nobody expects."""

    def build(self, layout):
        raise ZeroDivisionError("a layer\nof no width")


@dataclass(eq=False)
class OnlyScores(Toy):
    """A family that cannot draw rows."""

    capabilities = frozenset({"score"})


@dataclass(eq=False)
class Standard(Toy):
    """A family that learns numbers as they are, of which no orders are kept."""

    encoding = Encoding("standard")


@pytest.fixture(scope="module")
def found() -> Comparison:
    models = {"broken": Broken(), "toy": Toy(), "mute": OnlyScores(), "wide": Toy(width=16)}
    return compare(bills(200, 0), models, target="late", trainer=TRAINER, random_state=1)


def test_every_model_has_a_result_and_the_best_come_first(found: Comparison) -> None:
    assert {result.name for result in found.results} == {"broken", "toy", "mute", "wide"}
    judged = [result for result in found.results if result.evaluation is not None]
    assert [result.name for result in found.results[2:]] == ["broken", "mute"]
    distances = [result.distance for result in judged]
    assert distances == sorted(distances)
    assert all(0 <= distance <= 1 for distance in distances)
    assert found.best is judged[0]
    assert (found.n_train, found.n_holdout) == (140, 60)


def test_a_failure_is_told_with_its_reason(found: Comparison) -> None:
    assert found["broken"].error == "a layer of no width"
    assert found["broken"].kind == "failed"
    assert "sample rows" in str(found["mute"].error)
    assert "broken failed (a layer of no width)" in found.verdict
    assert "\n" not in found.verdict
    with pytest.raises(KeyError):
        found["broken"]["tstr"]


def test_the_frame_has_models_and_then_the_floor_and_the_ceiling(found: Comparison) -> None:
    frame = found.to_frame()
    assert frame.index.tolist() == [*(r.name for r in found.results), "real rows", "independent columns"]
    assert frame["rank"].tolist()[:2] == [1, 2]
    assert frame["rank"].isna().sum() == 4
    best = found.results[0]
    assert frame.loc[best.name, "detection_auc"] == best["detection_auc"].value
    assert frame.loc["real rows", "tstr"] == best["tstr"].floor
    assert frame.loc["real rows", "tstr_gap"] == 0
    assert frame.loc[best.name, "tstr_gap"] == best.tstr_gap
    assert best.tstr_gap + best["tstr"].value == pytest.approx(best["tstr"].floor)
    assert frame.loc["independent columns", "shape_error"] == pytest.approx(0)
    assert frame.loc["broken", "error"] == "a layer of no width"
    assert frame.loc[["toy", "wide"], ["fit_seconds", "sample_seconds"]].gt(0).all(axis=None)


def test_floors_and_ceilings_are_the_same_for_every_model(found: Comparison) -> None:
    one, other = found["toy"].evaluation, found["wide"].evaluation
    assert one is not None
    assert other is not None
    assert [v.name for v in one.values] == [v.name for v in other.values]
    assert [(v.floor, v.ceiling) for v in one.values] == [(v.floor, v.ceiling) for v in other.values]
    assert other.samples.synthetic is not one.samples.synthetic


def test_relations_are_searched_once_for_fits_and_once_for_evaluations(monkeypatch: pytest.MonkeyPatch) -> None:
    searched: list[int] = []

    def watch(source):
        searched.append(source.n)
        return find_relations(source)

    monkeypatch.setattr("gensynth.encoding.related.find_relations", watch)
    found = compare(bills(200, 0), {"one": Toy(), "two": Toy(), "three": Toy()}, trainer=TRAINER)
    assert searched == [140, 140]
    first, *others = found.results
    for result in found.results:
        assert result.synthesizer is not None
        assert result.synthesizer.relations == "auto"
        assert "total = net + vat" in map(str, result.synthesizer.schema_.relations)
        assert result.synthesizer.sample(20).eval("abs(total - net - vat) < 1e-6").all()
    assert first.synthesizer is not None
    assert first.evaluation is not None
    for other in others:
        assert other.synthesizer is not None
        assert other.evaluation is not None
        assert other.synthesizer.schema_.relations == first.synthesizer.schema_.relations
        assert {r.relation for r in other.evaluation.relations} == {r.relation for r in first.evaluation.relations}


def test_a_family_that_keeps_other_relations_looks_for_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = [Standard(), Toy(), Standard()]
    found = compare(bills(200, 0), {str(i): model for i, model in enumerate(plain)}, trainer=TRAINER)
    fitted = {result.name: result.synthesizer for result in found.results if result.synthesizer is not None}
    kinds = {name: {one.kind for one in model.schema_.relations} for name, model in fitted.items()}
    assert kinds["0"] == kinds["2"]
    assert "order" not in kinds["0"]
    assert kinds["1"] >= kinds["0"]


def test_json_is_plain_and_whole(found: Comparison) -> None:
    written = found.to_json()
    assert written["best"] == found.results[0].name
    assert [model["model"] for model in written["models"]] == [result.name for result in found.results]
    assert written["models"][-1]["fit_seconds"] is None
    assert written["models"][0]["metrics"]["tstr"]["floor"] == written["real_rows"]["tstr"]


def test_held_out_rows_are_seen_by_no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[pd.DataFrame] = []
    encode = TableEncoder.fit

    def watch(self, frame, *arguments, **options):
        seen.append(frame)
        return encode(self, frame, *arguments, **options)

    monkeypatch.setattr(TableEncoder, "fit", watch)
    frame = bills(100, 0)
    found = compare(frame, [Toy()], target="late", trainer=TRAINER)
    held = found.results[0].evaluation
    assert held is not None
    assert held.samples.aligned["holdout"]["key"].isin(frame["key"]).all()
    assert not set(held.samples.aligned["holdout"]["key"]) & set(seen[0]["key"])
    assert len(seen[0]) == 70


def test_same_seed_same_numbers() -> None:
    one, other = (
        compare(bills(100, 0), [Toy()], trainer=TRAINER).to_frame().drop(columns=["fit_seconds", "sample_seconds"])
        for _ in range(2)
    )
    pd.testing.assert_frame_equal(one, other)
    assert "tstr" not in one.columns
    assert "tstr_gap" not in one.columns


def test_held_out_rows_may_be_given() -> None:
    found = compare(bills(80, 0), [Toy()], holdout=bills(60, 2), trainer=TRAINER)
    assert (found.n_train, found.n_holdout) == (80, 60)
    with pytest.raises(DataError, match="held-out rows"):
        compare(bills(80, 0), [Toy()], holdout=bills(60, 2).drop(columns="net"), trainer=TRAINER)


def test_a_recipe_and_a_name_of_one_family_are_told_apart() -> None:
    recipe = default_registry().recipe("vae")()
    quick = Trainer(max_epochs=1, progress=False, max_time=0.1)
    for models in ([recipe, "vae"], ["vae", recipe]):
        found = compare(bills(60, 0), models, trainer=quick)
        assert {result.name for result in found.results} == {"vae", "vae 2"}
        assert (found["vae"].error, found["vae 2"].error) == (None, None)


def test_all_that_fail_leave_no_best() -> None:
    found = compare(bills(60, 0), [Broken(), Broken()], trainer=TRAINER)
    assert found.best is None
    assert [result.name for result in found.results] == ["Broken", "Broken 2"]
    assert found.verdict.startswith("No model could be compared: Broken failed (a layer of no width)")
    assert found.to_frame()["rank"].isna().all()
    assert found.to_json()["best"] is None


def test_a_fit_that_the_clock_ended_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gensynth.comparison.task.STOPPED", 0.0)
    found = compare(bills(60, 0), {"toy": Toy()}, max_time=60, trainer=TRAINER)
    assert found["toy"].stopped
    assert "toy ran out of time and may do better with more" in found.verdict
    assert TRAINER.max_time is None


def test_progress_is_told() -> None:
    told: list[tuple[str, float]] = []
    compare(bills(60, 0), {"toy": Toy()}, trainer=TRAINER, progress=lambda title, done: told.append((title, done)))
    assert told[0] == ("toy: training", 0.0)
    assert told[-1] == ("done", 1.0)
    assert [done for _, done in told] == sorted(done for _, done in told)


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"models": ["no-such"]}, UnknownModelError, "no model is named 'no-such'"),
        ({"models": []}, OptionError, "names no model"),
        ({"models": ["vae", "vae"]}, OptionError, "names 'vae' twice"),
        ({"models": [3]}, OptionError, "expected a model's name"),
        ({"target": "nothing"}, OptionError, "'nothing' is not a column"),
        ({"max_time": 0}, OptionError, "max_time=0"),
        ({"random_state": -1}, OptionError, "random_state=-1"),
        ({"test_size": 1.0}, OptionError, "test_size=1.0"),
    ],
)
def test_bad_parameters_are_refused_before_training(options, error, said) -> None:
    with pytest.raises(error, match=said) as raised:
        compare(bills(60, 0), **{"models": [Broken()], "trainer": TRAINER, **options})
    assert isinstance(raised.value, GensynthError)


def test_too_few_rows_are_refused() -> None:
    with pytest.raises(DataError, match="39 rows, of which 20 are held out"):
        compare(bills(39, 0), [Toy()], trainer=TRAINER)


def test_keys_alone_are_refused() -> None:
    with pytest.raises(DataError, match="every column looks like an identifier"):
        compare(pd.DataFrame({"key": [f"K{i:05}" for i in np.random.default_rng(0).permutation(100)]}), [Toy()])
