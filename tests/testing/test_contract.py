"""The contract suite passes a sound family, and finds each way to break the contract."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest
import torch
from gensynth_independent.recipes import Independent
from gensynth_toy.recipes import LatentClasses, LatentClassModel
from toy_detectors import make_rows

from gensynth import AnomalyDetector, Synthesizer, Trainer
from gensynth.errors import CapabilityError, PluginError
from gensynth.model import Batch, Encoding, Fit, GenerativeModel, Recipe, Score
from gensynth.testing import CHECKS, check_recipe, contract, make_cases, observed, train

SOUND = LatentClasses(n_classes=2)


@pytest.mark.parametrize("numeric", ["bins", "normal", "standard"])
def test_cases_fit_their_layouts(numeric):
    for name, case in make_cases(Encoding(numeric=numeric)).items():
        layout, rows = case.layout, case.rows
        assert name == case.name
        assert rows.codes.shape == (layout.n_rows, len(layout.columns))
        assert rows.numeric.shape == (layout.n_rows, layout.n_numeric)
        places = [column.numeric.index for column in layout.columns if column.numeric is not None]
        assert places == list(range(layout.n_numeric))
        for j, column in enumerate(layout.columns):
            assert column.frequencies[0] == 0
            assert sum(column.frequencies) == pytest.approx(1)
            counts = torch.bincount(rows.codes[:, j], minlength=column.cardinality) / layout.n_rows
            assert counts.tolist() == pytest.approx(list(column.frequencies))
            if column.numeric is not None:
                active = column.numeric.beside(rows.codes[:, j])
                own = rows.numeric[:, column.numeric.index]
                assert not own[~active].any()
                assert own[active].std() > 0.1
                if column.numeric.kind == "within_bin":
                    assert 0 <= own.min() <= own.max() <= 1


@pytest.mark.parametrize("example", [SOUND, Independent()], ids=lambda recipe: type(recipe).__name__)
def test_the_examples_pass(example):
    check_recipe(example)


def test_a_message_names_family_check_and_case():
    with pytest.raises(PluginError, match=r"Broken, check_stages, case 'mixed': stages\(\) is empty"):
        check_recipe(Broken(sabotage="no stages"))


class Sabotaged(LatentClassModel):
    sabotage = ""
    rng: torch.Generator

    def stages(self):
        stages = super().stages()
        if self.sabotage == "foreign parameters":
            phase = replace(stages[0].phases[0], parameters=(torch.nn.Parameter(torch.zeros(1)),))
            return (replace(stages[0], phases=(phase,)),)
        if self.sabotage == "loss without gradient":
            phase = replace(stages[0].phases[0], loss=lambda batch, rng: torch.zeros(()))
            return (replace(stages[0], phases=(phase,)),)
        return () if self.sabotage == "no stages" else stages

    def generate(self, n, rng, observed=None):
        if observed is not None and observed.impute:
            return self.fill(n, rng, observed)
        if self.sabotage == "global randomness":
            rng = torch.Generator().manual_seed(int(torch.randint(2**31, ())))
        if self.sabotage == "no randomness":
            rng = torch.Generator().manual_seed(0)
        if self.sabotage == "no conditions" and observed is not None:
            raise CapabilityError("cannot")
        batch = super().generate(n, rng, None if self.sabotage == "conditions ignored" else observed)
        if self.sabotage == "unknown codes":
            batch.codes[0, 0] = 0
        if self.sabotage == "beyond the codes":
            batch.codes[0, 0] = self.layout.columns[0].cardinality
        if self.sabotage == "not finite":
            batch.numeric[0] = torch.nan
        if self.sabotage == "idle numbers":
            batch = Batch(batch.numeric + 1, batch.codes)
        if self.sabotage == "forgetful" and not hasattr(self, "learned"):
            batch = Batch(batch.numeric, batch.codes.flip(0))
        return batch

    def fill(self, n, rng, observed):
        missing = ~observed.mask
        if self.sabotage == "no imputation":
            raise CapabilityError("cannot")
        if self.sabotage == "missing stays missing":
            batch = super().generate(n, rng, observed)
            for j, column in enumerate(self.layout.columns):
                if column.missing is not None and column.numeric is not None:
                    batch.codes[missing[:, j], j] = column.missing
                    batch.numeric[missing[:, j], column.numeric.index] = 0.0
            return batch
        if self.sabotage == "fills in place":
            observed.rows.codes[missing] = 2
            return observed.rows
        if self.sabotage == "fills all":
            observed = replace(observed, mask=torch.zeros_like(observed.mask))
        return super().generate(n, rng, observed)

    def score(self, batch, method=None, *, attribute=False):
        score = super().score(batch, method).rows
        if self.sabotage == "scores the batch":
            score = score - score.mean()
        if self.sabotage == "scores at random":
            score = score + torch.rand(len(score), generator=self.rng)
        if self.sabotage == "wrong shape":
            score = score[:, None]
        if self.sabotage == "unknown is infinite":
            score = torch.where((batch.codes == 0).any(1), -torch.inf, score)
        return Score(score)


@dataclass(eq=False)
class Broken(Recipe):
    capabilities = LatentClasses.capabilities
    score_methods = LatentClasses.score_methods
    sabotage: str = ""

    def build(self, layout):
        model = Sabotaged(layout, 2, 0.05)
        model.sabotage = self.sabotage
        model.rng = torch.Generator().manual_seed(0)
        if self.sabotage == "changes itself":
            self.sabotage = "changed"
        return model


class Learned(Sabotaged):
    """Learns something outside its parameters and buffers."""

    def stages(self):
        self.learned = True
        return super().stages()


@dataclass(eq=False)
class Forgetful(Broken):
    sabotage: str = "forgetful"

    def build(self, layout):
        model = Learned(layout, 2, 0.05)
        model.sabotage = self.sabotage
        return model


FOUND = {
    "foreign parameters": contract.check_stages,
    "loss without gradient": contract.check_stages,
    "no stages": contract.check_stages,
    "global randomness": contract.check_generate,
    "no randomness": contract.check_seeds,
    "conditions ignored": observed.check_conditions,
    "no conditions": observed.check_conditions,
    "no imputation": observed.check_imputation,
    "unknown codes": contract.check_generate,
    "beyond the codes": contract.check_generate,
    "not finite": contract.check_generate,
    "idle numbers": contract.check_generate,
    "missing stays missing": observed.check_imputation,
    "fills in place": observed.check_imputation,
    "fills all": observed.check_imputation,
    "scores the batch": contract.check_score,
    "scores at random": contract.check_score,
    "wrong shape": contract.check_score,
    "unknown is infinite": contract.check_score_of_strange_rows,
}


@pytest.fixture(scope="module")
def sound():
    return train(SOUND, make_cases(Encoding())["mixed"])


@pytest.mark.parametrize("sabotage", FOUND)
def test_finds(sabotage, sound):
    recipe = Broken(sabotage)
    model = recipe.build(sound.case.layout)
    model.load_state_dict(sound.model.state_dict())
    broken = replace(sound, recipe=recipe, model=model.eval())
    with pytest.raises(PluginError):
        FOUND[sabotage](broken)


def test_finds_a_recipe_that_changes(sound):
    with pytest.raises(PluginError, match="building a model changes the recipe"):
        contract.check_hyperparameters(replace(sound, recipe=Broken("changes itself")))


def test_finds_what_is_learned_outside_the_state(sound):
    forgetful = train(Forgetful(), sound.case)
    with pytest.raises(PluginError, match="generates other rows"):
        contract.check_state(forgetful)


@dataclass(eq=False)
class Plain(Broken):
    capabilities = frozenset({"sample", "score"})


def test_a_family_may_say_that_it_cannot(sound):
    for sabotage, check in (("no conditions", observed.check_conditions), ("no imputation", observed.check_imputation)):
        recipe = Plain(sabotage)
        check(replace(sound, recipe=recipe, model=recipe.build(sound.case.layout).eval()))


def test_what_a_family_can_is_to_be_declared(sound):
    broken = replace(sound, recipe=Plain())
    with pytest.raises(PluginError, match="taken as given, but capabilities has no 'conditional'"):
        observed.check_conditions(broken)
    with pytest.raises(PluginError, match="capabilities has no 'impute'"):
        observed.check_imputation(broken)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"capabilities": frozenset({"sample", "imput"})}, r"capabilities has \['imput'\]"),
        ({"capabilities": frozenset({"impute"})}, "neither 'sample' nor 'score'"),
        ({"score_methods": ()}, "score_methods is empty"),
        ({"score_methods": ("density",)}, "'density'.*'likelihood'"),
    ],
)
def test_what_a_family_declares_is_checked(wrong, words, sound):
    recipe = type("Wrong", (Broken,), wrong)()
    with pytest.raises(PluginError, match=words):
        contract.check_capabilities(replace(sound, recipe=recipe))


def test_every_check_passes_the_sound_one(sound):
    for check in CHECKS:
        check(sound)


class MarginalModel(GenerativeModel):
    """Columns drawn by their frequencies, counted in closed form: a `Fit`, no parameters."""

    score_methods: ClassVar[tuple[str, ...]] = ("likelihood",)

    def __init__(self, layout):
        super().__init__(layout)
        for j, n in enumerate(layout.cardinalities):
            self.register_buffer(f"shares_{j}", torch.full((n,), 1.0 / n))

    def shares(self):
        return [getattr(self, f"shares_{j}") for j in range(len(self.layout.columns))]

    def count(self, batch, rng):
        for j, share in enumerate(self.shares()):
            counts = torch.bincount(batch.codes[:, j], minlength=len(share)) + 0.5
            share.copy_(counts / counts.sum())

    def stages(self):
        return (Fit("counts", self.count),)

    def generate(self, n, rng, observed=None):
        if observed is not None:
            raise CapabilityError("this model cannot condition")
        codes = torch.stack([1 + torch.multinomial(s[1:], n, True, generator=rng) for s in self.shares()], 1)
        numeric = torch.zeros(n, self.layout.n_numeric)
        for j, column in enumerate(self.layout.columns):
            if column.numeric is not None:
                inside = column.numeric.beside(codes[:, j])
                numeric[:, column.numeric.index] = torch.where(inside, torch.rand(n, generator=rng), 0.0)
        return Batch(numeric, codes)

    def score(self, batch, method=None, *, attribute=False):
        return Score(torch.stack([s.log()[batch.codes[:, j]] for j, s in enumerate(self.shares())], 1).sum(1))


@dataclass(eq=False)
class Marginal(Recipe):
    score_methods = MarginalModel.score_methods

    def build(self, layout):
        return MarginalModel(layout)


def test_a_closed_form_passes():
    check_recipe(Marginal())


class SamplerModel(MarginalModel):
    """Draws rows, and scores none."""

    score_methods: ClassVar[tuple[str, ...]] = ()

    def score(self, batch, method=None, *, attribute=False):
        raise CapabilityError("this model draws rows and nothing else")


class ScorerModel(MarginalModel):
    """Scores rows, and draws none."""

    def generate(self, n, rng, observed=None):
        raise CapabilityError("this model scores rows and nothing else")


@dataclass(eq=False)
class Sampler(Recipe):
    capabilities = frozenset({"sample"})

    def build(self, layout):
        return SamplerModel(layout)


@dataclass(eq=False)
class Scorer(Recipe):
    capabilities = frozenset({"score"})
    score_methods = MarginalModel.score_methods

    def build(self, layout):
        return ScorerModel(layout)


@pytest.mark.parametrize("recipe", [Sampler(), Scorer()], ids=["sampler", "scorer"])
def test_a_family_may_draw_only_or_score_only(recipe):
    check_recipe(recipe)


def test_scores_of_a_family_that_draws_only_are_found(monkeypatch):
    monkeypatch.setattr(Sampler, "build", lambda recipe, layout: MarginalModel(layout))
    with pytest.raises(PluginError, match=r"check_score, .* not able to 'score'"):
        check_recipe(Sampler())


def test_a_model_without_methods_names_none():
    with pytest.raises(CapabilityError, match="does not score rows"):
        SamplerModel(make_cases(Encoding())["mixed"].layout).score_method(None)


def test_what_a_family_that_draws_only_is_asked_for_is_refused(tmp_path):
    rows = make_rows(60)
    synthesizer = Synthesizer(Sampler(), trainer=Trainer(progress=False, device="cpu"), random_state=0).fit(rows)
    assert len(synthesizer.sample(7)) == 7
    for ask in (synthesizer.score_samples, synthesizer.explain, synthesizer.score):
        with pytest.raises(CapabilityError, match=r"Sampler cannot score rows; models that can: .*vae"):
            ask(rows)
    with pytest.raises(CapabilityError, match="Sampler cannot score rows"):
        synthesizer.to_onnx(tmp_path / "scorer.onnx", tmp_path / "sampler.onnx")
    assert not list(tmp_path.iterdir())


def test_a_recipe_may_name_methods_that_models_for_another_task_have(monkeypatch):
    monkeypatch.setattr(Marginal, "score_methods", (*MarginalModel.score_methods, "other"))
    check_recipe(Marginal())
    monkeypatch.setattr(Marginal, "score_methods", ("other", *MarginalModel.score_methods))
    with pytest.raises(PluginError, match="score_methods of the recipe"):  # the default has to be the same
        check_recipe(Marginal())


def test_a_closed_form_is_fitted_sampled_and_scored():
    rows = make_rows(60)
    synthesizer = Synthesizer(Marginal(), trainer=Trainer(progress=False, device="cpu"), random_state=0).fit(rows)
    assert synthesizer.n_iter_ == 1
    assert len(synthesizer.sample(7)) == 7
    assert np.isfinite(synthesizer.score_samples(rows)).all()
    labels = AnomalyDetector(Marginal(), trainer=Trainer(progress=False, device="cpu"), random_state=0).fit_predict(
        rows
    )
    assert set(labels) <= {1, -1}


def test_all_but_the_pytest_class_works_without_pytest():
    code = """
import sys
sys.modules["pytest"] = None  # not to be imported
from gensynth_toy.recipes import LatentClasses
from gensynth.testing import check_recipe, contract, make_cases, train
trained = train(LatentClasses(n_classes=2), make_cases(LatentClasses().encoding)["categories"])
for check in contract.CHECKS:
    check(trained)
try:
    from gensynth.testing import RecipeContract
except ImportError as error:
    print(error)
"""
    path = ":".join(p for p in sys.path if p)
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": path}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("RecipeContract needs pytest: pip install pytest")
