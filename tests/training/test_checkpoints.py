from __future__ import annotations

import numpy as np
import pytest
import torch
from toy_models import toy_batch
from toy_runs import QUICK, build

from gensynth.errors import ModelFileError, OptionError
from gensynth.training import Trainer
from gensynth.training.checkpoints import CheckpointFile, read_header


def test_checkpoint_of_another_run_is_refused(tmp_path):
    options = {**QUICK, "checkpoint": tmp_path / "run.ckpt"}
    Trainer(**options).run(build(), toy_batch(), 3, identity={"beta": 3})

    def refused(message, *, model=None, batch=None, seed=3, identity=None, **changed):
        with pytest.raises(OptionError, match=message):
            Trainer(**options, **changed).run(
                model or build(), batch or toy_batch(), seed, resume=True, identity=identity or {"beta": 3}
            )

    refused("another run: the table is another;", batch=toy_batch(seed=1))
    refused("rows was", batch=toy_batch()[torch.arange(50)])
    refused("another run: the network is another;", model=build(dropout=0.1))
    refused("another run: beta was 3, now 4;", identity={"beta": 4})
    refused("gamma is new", identity={"beta": 3, "gamma": 1})
    refused("another run: seed was 3, now 4;", seed=4)
    refused("another run: trainer.batch_size was 'auto', now 7;", batch_size=7)


def test_checkpoint_that_is_missing_or_damaged(tmp_path):
    path = tmp_path / "run.ckpt"

    def resumed():
        Trainer(**QUICK, checkpoint=path).run(build(), toy_batch(), 3, resume=True)

    with pytest.raises(OptionError, match="no checkpoint"):
        resumed()
    with pytest.raises(OptionError, match="needs Trainer"):
        Trainer(**QUICK).run(build(), toy_batch(), 3, resume=True)
    Trainer(**QUICK, checkpoint=path).run(build(), toy_batch(), 3)
    resumed()
    whole = path.read_bytes()
    for n in (0, 5, 30, 100, 1000, len(whole) - 1):
        path.write_bytes(whole[:n])
        with pytest.raises(ModelFileError, match="checkpoint"):
            resumed()
    path.write_bytes(whole + b"x")
    with pytest.raises(ModelFileError, match="cut off or changed"):
        resumed()
    places = np.random.default_rng(0).integers(0, len(whole), 60).tolist()
    for place in [*range(0, 400, 20), *places]:
        flipped = bytearray(whole)
        flipped[place] ^= 1
        path.write_bytes(flipped)
        with pytest.raises(ModelFileError, match="checkpoint"):
            resumed()


def test_a_checkpoint_runs_no_code(tmp_path):
    """A file with a right checksum, made to do harm, is refused by what reads it."""
    path = tmp_path / "run.ckpt"
    told: list[str] = []

    class Evil:
        def __reduce__(self):
            return (told.append, ("run",))

    Trainer(**QUICK, checkpoint=path).run(build(), toy_batch(), 3)
    CheckpointFile(path, read_header(path).marks).write({"model": Evil()})
    with pytest.raises(ModelFileError, match="cannot be read"):
        Trainer(**QUICK, checkpoint=path).run(build(), toy_batch(), 3, resume=True)
    assert not told


def test_a_checkpoint_says_whether_its_run_is_finished(tmp_path):
    path = tmp_path / "run.ckpt"

    def interrupt(info):
        assert info.step < 150

    with pytest.raises(AssertionError):
        Trainer(**{**QUICK, "max_epochs": 100}, checkpoint=path, callbacks=[interrupt]).run(build(), toy_batch(), 0)
    assert not read_header(path).finished
    assert read_header(path).marks["seed"] == "0"
    Trainer(**QUICK, checkpoint=path).run(build(), toy_batch(), 0)
    assert read_header(path).finished


def test_interrupt_leaves_no_temporary_file(tmp_path):
    def interrupt(info):
        if info.step > 60:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Trainer(**{**QUICK, "max_epochs": 100}, checkpoint=tmp_path / "run.ckpt", callbacks=[interrupt]).run(
            build(), toy_batch(), 0
        )
    assert [p.name for p in tmp_path.iterdir()] == ["run.ckpt"]
