"""The denoising autoencoder: what an untrained one says, and that training pulls rows to where data are."""

from __future__ import annotations

import torch

from gensynth.nn.denoiser import Denoiser


def test_a_trained_denoiser_pulls_rows_to_the_data_and_scores_those_far_off():
    torch.manual_seed(0)
    rng = torch.Generator().manual_seed(0)
    model = Denoiser(2, 3, 32)
    optimiser = torch.optim.Adam(model.parameters(), 3e-3)
    for _ in range(300):
        shared = torch.randn(2, 64, 1, generator=rng)
        loss = model.losses(shared.expand(-1, -1, 3), rng)  # three columns that are equal
        assert loss.shape == (2, 64)
        optimiser.zero_grad()
        loss.mean().backward()
        optimiser.step()
    normal, odd = torch.tensor([[0.5, 0.5, 0.5]]), torch.tensor([[1.5, -1.5, 0.5]])
    with torch.no_grad():
        residuals = [model.residuals(row.expand(2, 1, 3)).sum(-1) for row in (normal, odd)]
        assert (residuals[0] < 0.2 * residuals[1]).all()
        denoised = model(odd.expand(2, 1, 3), torch.full((1, 1, 1), 0.6))
    assert (denoised.std(-1) < odd.std()).all()
