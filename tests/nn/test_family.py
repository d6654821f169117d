"""A family's recipe: defaults by task, and the networks that it is carried by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import pytest
import torch
from toy_models import toy_layout

from gensynth.errors import OptionError
from gensynth.layout import ImageLayout, Layout
from gensynth.nn.family import FamilyRecipe, TaskDefaults, in_turns, networks_for
from gensynth.nn.tabular.ensemble_networks import EnsembleNetworks
from gensynth.nn.tabular.sampling_networks import SamplingNetworks


@dataclass(eq=False)
class Family(FamilyRecipe):
    by_task: ClassVar[TaskDefaults] = {
        "sampling": {"width": 16, "learning_rate": 0.1},
        "detection": {"width": (8, 4), "n_members": 6, "learning_rate": 0.2},
        "robust detection": {"width": 2},
    }
    width: int | tuple[int, ...] | None = None

    def build(self, layout):
        raise NotImplementedError


def test_what_is_none_is_chosen_by_the_task():
    assert Family().settings().width == 16
    normal = Family().for_detection(contaminated=False)
    assert (normal.settings().width, normal.settings().n_members, normal.settings().learning_rate) == ((8, 4), 6, 0.2)
    robust = Family().for_detection(contaminated=True)
    assert (robust.settings().width, robust.settings().n_members, robust.settings().learning_rate) == (2, 6, 0.2)


def test_defaults_of_a_task_add_up_over_the_classes_of_a_recipe():
    @dataclass(eq=False)
    class Wider(Family):
        by_task: ClassVar[TaskDefaults] = {"detection": {"width": 32}, "robust detection": {"n_members": 2}}

    assert Wider().settings().width == 16
    normal, robust = (Wider().for_detection(contaminated=c).settings() for c in (False, True))
    assert (normal.width, normal.n_members, normal.learning_rate) == (32, 6, 0.2)
    assert (robust.width, robust.n_members, robust.learning_rate) == (2, 2, 0.2)


def test_what_is_given_holds_for_every_task_and_the_recipe_stays_as_it_was():
    recipe = Family(width=5)
    other = recipe.for_detection(contaminated=True, members=3)
    assert (other.settings().width, other.settings().n_members) == (5, 3)
    assert (recipe.task, recipe.n_members) == ("sampling", None)


def test_settings_of_the_other_task_are_refused_by_name():
    with pytest.raises(OptionError, match=r"model\.n_members=3 is for detection; a model for sampling does not use it"):
        Family(n_members=3).settings()
    with pytest.raises(OptionError, match=r"model\.dropout=0\.5 is for sampling"):
        Family(dropout=0.5).for_detection(contaminated=False).settings()
    Family(dropout=0.5).settings()
    Family(n_members=3).for_detection(contaminated=False).settings()


def test_what_the_other_task_reads_has_the_value_that_means_nothing_here():
    @dataclass(eq=False)
    class Warmed(Family):
        only_for: ClassVar[Mapping[str, str]] = {"warmup": "sampling", "pac": "sampling"}
        by_task: ClassVar[TaskDefaults] = {"detection": {"warmup": 0}}
        warmup: int = 1000
        pac: int = 2

    assert (Warmed().settings().warmup, Warmed(warmup=5).settings().warmup) == (1000, 5)
    scorer = Warmed().for_detection(contaminated=True).settings()
    assert (scorer.warmup, scorer.pac) == (0, 2)


def test_a_detectors_networks_score_alone():
    assert "sample" in Family().able
    assert Family().for_detection(contaminated=True).able == {"score"}


def test_the_task_decides_how_rows_are_encoded():
    assert Family(max_bins=7).encoding.numeric == "bins"
    assert Family(max_bins=7).encoding.max_bins == 7
    assert Family().for_detection(contaminated=False).encoding.numeric == "standard"


def test_the_task_decides_what_carries_the_family():
    layout = toy_layout()
    assert isinstance(Family().networks(layout), SamplingNetworks)
    networks = Family().for_detection(contaminated=True, members=3).networks(layout)
    assert isinstance(networks, EnsembleNetworks)
    assert networks.members == 3
    assert networks.trim > 0
    assert networks_for(layout, "detection", members=2, embedding_dim=4, dropout=0.0).trim == 0


@pytest.mark.parametrize(
    ("value", "members", "expected"),
    [(3, 4, [3, 3, 3, 3]), ((1, 2), 6, [1, 1, 2, 2, 1, 1]), ((0.5,), 2, [0.5, 0.5])],
)
def test_members_take_the_entries_of_a_tuple_in_turns(value, members, expected):
    assert in_turns(value, members) == expected


@pytest.mark.parametrize("task", ["sampling", "detection", "robust detection"])
def test_tensors_are_members_first_for_every_task(task):
    layout = toy_layout()
    members = 1 if task == "sampling" else 3
    networks = networks_for(layout, task, members=members, embedding_dim=4, dropout=0.0)
    batch = _rows(layout)
    for fit in networks.fits():
        fit.function(batch, torch.Generator().manual_seed(0))
    inputs = networks.inputs(batch)
    z = networks.mlp(6, (8,), 5)(networks.encoder((8, 8), 6)(inputs))
    assert z.shape == (members, len(batch), 5)
    for decoder in (networks.decoder(5, (8,)), networks.causal_decoder(5, 8, 8)):
        cells = decoder.log_likelihood(inputs, z)
        assert cells.shape == (members, len(batch), len(layout.columns))
        assert torch.isfinite(cells).all()
    prior = networks.flow_prior([5] * members)
    assert prior.given(inputs).log_density(z).shape == (members, len(batch))


def _rows(layout):
    from toy_models import toy_batch

    return toy_batch(20)


def test_what_images_do_not_read_is_refused():
    image = Layout((), 10, image=ImageLayout(1, 8, 8))

    @dataclass(eq=False)
    class OfTables(Family):
        not_for_images = frozenset({"width"})

    assert OfTables().settings(image).width == 16
    OfTables(width=4).settings()
    with pytest.raises(OptionError, match=r"model\.width=4 is for tables"):
        OfTables(width=4).settings(image)
