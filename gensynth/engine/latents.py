"""Encoding of rows as latents of a trained model, and decoding of latents."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils.validation import check_array
from torch import Generator

from gensynth.encoding.rows import Rows
from gensynth.encoding.table import TableEncoder
from gensynth.engine.sampling.blocks import draw_blocks, put_drawn
from gensynth.engine.sampling.relations import settled
from gensynth.engine.scoring.row_scores import score_blocks
from gensynth.engine.tensors import place_of
from gensynth.errors import DataError
from gensynth.model import GenerativeModel, HasLatents
from gensynth.training.devices import derive_seed


@torch.no_grad()
def encode_rows(scorer: GenerativeModel, rows: Rows) -> NDArray[np.float64]:
    """Return (n, latent_dim) latents of encoded rows: the means of their posteriors.

    Parameters
    ----------
    scorer : GenerativeModel
        The copy of a trained model that scores, which `HasLatents`.
    rows : Rows
        Encoded rows.
    """
    model = cast("HasLatents", scorer)
    parts = [model.encode(batch).double().cpu().numpy() for _, batch in score_blocks(scorer, rows)]
    return np.concatenate(parts)[: len(rows)]


def check_latents(latents: Any, width: int) -> NDArray[np.float64]:
    """Return latents as an array (n, width).

    Raises
    ------
    DataError
        They have another width, or hold something else than finite numbers.
    """
    try:
        array: NDArray[np.float64] = check_array(latents, dtype=np.float64, ensure_min_samples=0)
    except ValueError as error:
        raise DataError(f"latents must be finite numbers, one row each: {error}") from error
    if array.shape[1] != width:
        raise DataError(
            f"latents of this model have {width} columns, as `transform` returns them; got {array.shape[1]}"
        )
    return array


def decode_latents(
    model: GenerativeModel, encoder: TableEncoder, latents: NDArray[np.float64], seed: int, rng: np.random.Generator
) -> Rows:
    """Return one encoded row sampled from p(row | latent) for each latent; rows keep the table's relations.

    Parameters
    ----------
    model : GenerativeModel
        Trained, with latents.
    encoder : TableEncoder
        Table to rows and back.
    latents : ndarray of shape (n, latent_dim)
        Points of the latent space.
    seed : int
        Seed of the model's draws, in [0, 2**63).
    rng : numpy.random.Generator
        For what the encoder draws.
    """
    given = np.zeros((len(latents), len(model.layout.columns)), dtype=bool)
    rows, _ = settled(encoder, lambda seed, _: (_draw(model, latents, seed), given.copy()), seed, rng)
    return rows


@torch.no_grad()
def _draw(model: GenerativeModel, latents: NDArray[np.float64], seed: int) -> Rows:
    device, dtype = place_of(model)
    rows = Rows.zeros(len(latents), model.layout)
    model.eval()
    for number, (start, stop) in enumerate(draw_blocks(model, len(latents), conditioned=False)):
        block = torch.tensor(latents[start:stop], dtype=dtype, device=device)
        drawn = cast("HasLatents", model).decode(block, Generator(device).manual_seed(derive_seed(seed, number)))
        put_drawn(rows, drawn, start)
    return rows
