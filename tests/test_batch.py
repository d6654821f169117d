"""Batches of rows, with images or without, and observed cells."""

from __future__ import annotations

import torch

from gensynth.batch import Batch, Observed
from gensynth.layout import ColumnLayout, ImageLayout, Layout, NumericSlot

SLOT = NumericSlot(0, range(1, 3), "within_bin")
COLUMNS = (ColumnLayout("x", (0.0, 0.5, 0.5), numeric=SLOT), ColumnLayout("y", (0.0, 1.0)))
LAYOUT = Layout(COLUMNS, 10, image=ImageLayout(1, 2, 3))


def batch(n: int = 5) -> Batch:
    rng = torch.Generator().manual_seed(0)
    codes = torch.randint(1, 3, (n, 2), generator=rng)
    numbers, slopes = torch.rand(2, n, 1, generator=rng)
    return Batch(numbers, codes, slopes, torch.rand(n, 1, 2, 3, generator=rng))


def test_rows_are_picked_with_all_that_belongs_to_them():
    rows = batch()
    some = rows[torch.tensor([3, 1])]
    for name in ("numeric", "codes", "log_jacobian", "pixels"):
        assert torch.equal(getattr(some, name), getattr(rows, name)[[3, 1]])
    assert len(rows[1:3]) == 2
    assert torch.equal(rows[1:3].images, rows.images[1:3])


def test_a_type_is_that_of_the_floating_parts():
    double = batch().to("cpu", torch.float64)
    assert double.log_jacobian is not None
    assert {double.numeric.dtype, double.log_jacobian.dtype, double.images.dtype} == {torch.float64}
    assert double.codes.dtype == torch.int64


def test_batches_are_stacked_with_their_images():
    rows = Batch.cat([batch(2), batch(3)])
    assert rows.images.shape == (5, 1, 2, 3)
    assert rows.log_jacobian is None
    assert Batch.cat([Batch(torch.zeros(1, 0), torch.ones(1, 2, dtype=torch.long))] * 2).pixels is None


def test_observed_cells_come_back_and_the_image_stays():
    known, drawn = batch(), batch().to("cpu")
    drawn = Batch(drawn.numeric + 1, 3 - drawn.codes, None, drawn.pixels)
    observed = Observed.of_columns((0,), known)
    assert observed.columns == (0,)
    out = observed.put_into(drawn, LAYOUT)
    assert torch.equal(out.codes[:, 0], known.codes[:, 0])
    assert torch.equal(out.codes[:, 1], drawn.codes[:, 1])
    assert torch.equal(out.numeric, known.numeric)
    assert torch.equal(out.images, drawn.images)
    assert torch.equal(observed[torch.tensor([2])].rows.codes, known.codes[2:3])


def test_which_codes_have_a_number():
    assert SLOT.beside(torch.tensor([0, 1, 2, 3])).tolist() == [False, True, True, False]
    assert SLOT.middle == 0.5
