"""Models of images score blocks of one size, in float32."""

from __future__ import annotations

import numpy as np
import torch
from toy_image_recipe import bars, synthesizer

from gensynth.engine.scoring.row_scores import IMAGES, make_scorer, member_scores, score_blocks
from gensynth.engine.tensors import block_size
from gensynth.layout import ImageLayout, Layout
from gensynth.tables import to_frame


def test_blocks_have_one_size_whatever_the_rows():
    model = synthesizer().fit(bars()[0])
    scorer = make_scorer(model.model_)
    assert {p.dtype for p in scorer.parameters()} == {torch.float32}
    assert not scorer.training
    rows = model.encoder_.encode(model.schema_.align(to_frame(bars(150)[0])[0]))
    sizes = {len(batch) for n in (1, 63, 64, 65, 150) for _, batch in score_blocks(scorer, rows[:n])}
    assert sizes == {IMAGES}
    scores = member_scores(scorer, rows, "likelihood")
    assert scores.shape == (1, 150)
    for n in (1, 63, 65):
        assert np.array_equal(member_scores(scorer, rows[:n], "likelihood"), scores[:, :n])


def test_large_images_are_taken_few_at_a_time():
    def layout(side: int) -> Layout:
        return Layout((), 100, image=ImageLayout(3, side, side))

    assert block_size(layout(8), 2048) == 2048
    assert block_size(layout(28), 2048) == 668
    assert block_size(layout(128), 2048) == 32
