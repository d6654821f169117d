"""Rows from files are the rows in memory, and so is what is trained on them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from toy_models import toy_batch
from toy_runs import QUICK, build, same

from gensynth import Trainer
from gensynth.layout import ImageLayout
from gensynth.training import cache as caches
from gensynth.training import weights as weighing
from gensynth.training.cache import CachedRows
from gensynth.training.weights import Parts, TrainingRows


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of which 3 are in memory."""
    monkeypatch.setattr(caches, "WINDOW", 3)
    monkeypatch.setattr(weighing, "WINDOW", 3)


def cached(n: int = 100, block_rows: int = 16) -> CachedRows:
    batch = toy_batch(n)
    out = CachedRows(2, 1, 4, block_rows)
    for first in range(0, n, 30):
        part = slice(first, first + 30)
        out.append(batch.numeric[part].numpy(), batch.codes[part].numpy().astype(np.int32))
    out.finish()
    return out


def test_rows_come_back_in_any_order(small_blocks):
    batch = toy_batch(100)
    with cached() as rows:
        assert len(rows) == 100
        for where in (torch.randperm(100), torch.tensor([5, 5, 99, 0]), torch.arange(100), torch.arange(0)):
            found = rows[where]
            assert torch.equal(found.numeric, batch.numeric[where])
            assert torch.equal(found.codes, batch.codes[where])
        assert torch.equal(rows[slice(7, 50)].codes, batch.codes[7:50])
        with cached(99) as other, cached(100, 4096) as equal:
            assert rows.digest() != other.digest()
            assert rows.digest() == equal.digest()
    assert all(file.closed for file in rows._files)


@pytest.mark.parametrize("two_stages", [False, True])
def test_training_from_files_is_training_from_memory(two_stages):
    results = []
    with cached(block_rows=4096) as rows:
        for table in (toy_batch(100), rows):
            model = build(two_stages=two_stages)
            results.append((model, Trainer(**QUICK).run(model, table, 0)))
    (one, first), (other, second) = results
    assert same(one, other)
    assert [row["monitor"] for row in first.history] == [row["monitor"] for row in second.history]


def test_an_epoch_goes_through_every_row_once_some_blocks_after_the_other(small_blocks):
    chosen = np.flatnonzero(np.random.default_rng(0).random(400) < 0.8)
    rows = TrainingRows(Parts(chosen, None), torch.device("cpu"), 16)
    order = rows.shuffle(torch.Generator().manual_seed(0))
    assert sorted(order.tolist()) == chosen.tolist()
    first = order[:30] // 16
    assert len(first.unique()) <= 3
    assert len((order[:60] // 16).unique()) > 3
    other = rows.shuffle(torch.Generator().manual_seed(1))
    assert not torch.equal(order, other)


def test_a_resumed_run_from_files_is_the_whole_run(tmp_path, small_blocks):
    class Stop(Exception):
        pass

    def stops(found):
        if found.step > 60:
            raise Stop

    with cached() as rows:
        whole = build()
        Trainer(**QUICK, checkpoint=tmp_path / "a.pt").run(whole, rows, 0)
        begun = build()
        with pytest.raises(Stop):
            Trainer(**QUICK, checkpoint=tmp_path / "b.pt", callbacks=[stops]).run(begun, rows, 0)
    resumed = build()
    with cached() as rows:
        Trainer(**QUICK, checkpoint=tmp_path / "b.pt").run(resumed, rows, 0, resume=True)
    assert same(whole, resumed)


def images_of(n: int, levels: int = 17) -> tuple[ImageLayout, torch.Tensor]:
    image = ImageLayout(2, 3, 4, levels)
    level = torch.randint(0, levels, (n, *image.shape), generator=torch.Generator().manual_seed(0))
    return image, torch.from_numpy(((level.numpy() + 0.5) / levels).astype(np.float32))


@pytest.mark.parametrize("levels", [2, 17, 256])
def test_images_come_back_to_the_last_bit(levels):
    image, pixels = images_of(50, levels)
    with CachedRows(0, 0, 0, image=image) as rows:
        rows.append(np.zeros((50, 0)), np.zeros((50, 0), dtype=np.int32), pixels.numpy())
        rows.finish()
        order = torch.randperm(50)
        found = rows[order]
        assert found.pixels is not None
        assert torch.equal(found.pixels, pixels[order])
        assert found.codes.shape == (50, 0)


def test_blocks_of_images_are_bounded_in_bytes(monkeypatch):
    image, pixels = images_of(40)  # of 24 bytes
    monkeypatch.setattr(caches, "BLOCK_BYTES", 5 * 24)
    monkeypatch.setattr(caches, "MAX_DRAWN_VALUES", 24_000)
    with CachedRows(0, 0, 0, image=image) as rows:
        assert (rows.block_rows, rows.max_drawn) == (5, 1_000)
        rows.append(np.zeros((40, 0)), np.zeros((40, 0), dtype=np.int32), pixels.numpy())
        rows.finish()
        digest = rows.digest()
        found = rows[torch.arange(39, -1, -1)].pixels
        assert found is not None
        assert torch.equal(found, pixels.flip(0))
    with CachedRows(0, 0, 0, image=image) as rows:
        rows.append(np.zeros((40, 0)), np.zeros((40, 0), dtype=np.int32), pixels.flip(0).numpy())
        assert rows.digest() != digest


def test_fits_draw_a_bounded_part_of_the_rows():
    rows = TrainingRows(Parts(np.arange(500), None), torch.device("cpu"), 16, 100)
    rng = torch.Generator().manual_seed(0)
    assert len(rows.draw(rng)) == 100
    assert len(rows.draw(rng, 30)) == 30
    assert len(set(rows.draw(rng, 400).tolist())) == 100
