from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks
from torch import Generator, Tensor
from toy_models import Toy, ToyModel

from gensynth.errors import CapabilityError, DataError
from gensynth.model import Batch, Layout
from gensynth.synthesizer import Synthesizer
from gensynth.training import Trainer

QUICK = Trainer(max_epochs=2, progress=False)


class CodeLatents(ToyModel):
    """The latent of a row is its codes, and a latent is decoded to the nearest codes."""

    def __init__(self, layout: Layout, width: int) -> None:
        super().__init__(layout, width)
        self.latent_dim = len(layout.columns)

    def encode(self, batch: Batch) -> Tensor:
        return batch.codes.to(self.extra.dtype)

    def decode(self, latents: Tensor, rng: Generator) -> Batch:
        highest = torch.tensor(self.layout.cardinalities) - 1
        codes = latents.round().long().clamp(min=1).minimum(highest)
        numeric = torch.rand(len(codes), self.layout.n_numeric, generator=rng)
        for i, column in enumerate(self.layout.columns):
            if column.numeric is not None:
                inside = column.numeric.beside(codes[:, i])
                numeric[:, column.numeric.index] *= inside
        return Batch(numeric, codes)


@dataclass(eq=False)
class ToyWithLatents(Toy):
    capabilities: ClassVar[frozenset[str]] = frozenset({"sample", "score", "latent"})

    def build(self, layout: Layout) -> CodeLatents:
        return CodeLatents(layout, self.width)


def table(n: int = 60) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    columns = {"sex": rng.choice(["f", "m"], n), "plan": rng.choice(["a", "b", "c"], n), "amount": rng.gamma(2, 3, n)}
    return pd.DataFrame(columns, index=np.arange(n) + 7)


def new(model: Toy | None = None) -> Synthesizer:
    return Synthesizer(model or ToyWithLatents(), trainer=QUICK, random_state=0)


@pytest.fixture(scope="module")
def fitted() -> Synthesizer:
    return new().fit(table())


@pytest.mark.filterwarnings("ignore::gensynth.errors.IdentifierWarning")
@parametrize_with_checks([new()])
def test_scikit_learn_check(estimator, check):
    check(estimator)


def test_latents_are_what_the_model_encodes(fitted):
    latents = fitted.transform(table())
    assert latents.dtype == np.float64
    np.testing.assert_array_equal(latents, fitted.encoder_.encode(table()).codes)


def test_columns_are_taken_by_name(fitted):
    np.testing.assert_array_equal(fitted.transform(table()[["amount", "plan", "sex"]]), fitted.transform(table()))


def test_names(fitted):
    assert list(fitted.get_feature_names_out()) == [f"latent{i}" for i in range(fitted.transform(table()).shape[1])]


@pytest.mark.parametrize("container", ["pandas", "polars"])
def test_set_output(container):
    pytest.importorskip(container)
    synthesizer = new().set_output(transform=container)
    for out in (synthesizer.fit_transform(table()), synthesizer.transform(table())):
        assert type(out).__module__.startswith(container)
        assert list(out.columns) == list(synthesizer.get_feature_names_out())
    if container == "pandas":
        assert (out.index == table().index).all()


def test_in_a_pipeline(fitted):
    pipeline = make_pipeline(clone(fitted), StandardScaler()).fit(table())
    assert pipeline.transform(table()).shape == fitted.transform(table()).shape


def test_rows_come_back_from_their_latents(fitted):
    back = fitted.inverse_transform(fitted.transform(table()))
    assert back.dtypes.equals(table().dtypes)
    for name in ("sex", "plan"):
        assert list(back[name]) == list(table()[name])


def test_latents_may_come_as_a_frame(fitted):
    latents = fitted.transform(table())
    frame = pd.DataFrame(latents, columns=fitted.get_feature_names_out())
    pd.testing.assert_frame_equal(
        fitted.inverse_transform(frame, random_state=1), fitted.inverse_transform(latents, random_state=1)
    )


def test_seeds_of_the_inverse(fitted):
    latents = fitted.transform(table())
    first, same, other = (fitted.inverse_transform(latents, random_state=seed) for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(first, same)
    assert (first["amount"] != other["amount"]).any()


def test_relations_hold_in_rows_from_latents():
    rows = table(200)
    rows["twice"] = 2 * rows["amount"].round(1)
    rows["amount"] = rows["amount"].round(1)
    synthesizer = Synthesizer(ToyWithLatents(), trainer=QUICK, relations=["twice = 2 * amount"], random_state=0)
    back = synthesizer.fit(rows).inverse_transform(synthesizer.transform(rows))
    np.testing.assert_allclose(back["twice"], 2 * back["amount"])


def test_no_latents_give_no_rows(fitted):
    assert fitted.inverse_transform(np.zeros((0, fitted.model_.latent_dim))).dtypes.equals(table().dtypes)


@pytest.mark.parametrize(
    "latents", [np.zeros((3, 1)), np.zeros(3), [["a", "b", "c"]], np.full((2, 3), np.nan)], ids=str
)
def test_impossible_latents_are_refused(fitted, latents):
    with pytest.raises(DataError, match="latents"):
        fitted.inverse_transform(latents)


def test_unfitted():
    with pytest.raises(NotFittedError):
        new().transform(table())
    with pytest.raises(NotFittedError):
        new().inverse_transform(np.zeros((1, 3)))


@pytest.mark.parametrize("method", ["transform", "fit_transform", "inverse_transform", "get_feature_names_out"])
def test_families_without_latents_are_no_transformers(method):
    synthesizer = new(Toy())
    assert not hasattr(synthesizer, method)
    with pytest.raises(CapabilityError, match="Toy has no latents"):
        getattr(synthesizer, method)(table())
