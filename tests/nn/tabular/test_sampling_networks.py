"""Networks to sample with: densities of latents and of codes."""

from __future__ import annotations

import pytest
import torch
from toy_models import toy_layout

from gensynth.nn.sampling import PRIORS
from gensynth.nn.tabular.sampling_networks import SamplingNetworks


@pytest.mark.parametrize("name", PRIORS)
def test_every_name_is_a_density_that_draws_what_it_finds_likely(name):
    torch.manual_seed(0)
    named = SamplingNetworks(toy_layout(), 4, 0.0).named_prior(name, 6)
    if name == "normal":
        assert named is None
        return
    assert named is not None
    prior = named.given(None)  # latents come first
    z = prior.sample(200, torch.Generator().manual_seed(0))
    assert z.shape == (1, 200, 6)
    far = prior.log_density(z + 30.0)
    assert far.shape == (1, 200)
    assert (prior.log_density(z) > far).all()


def test_codes_are_drawn_from_their_density_given_the_entries_before():
    torch.manual_seed(0)
    prior = SamplingNetworks(toy_layout(), 4, 0.0).code_prior(2, 3, 16, 4).eval()
    for parameter in prior.parameters():
        torch.nn.init.normal_(parameter)
    books = torch.randn(2, 4, 3)
    with torch.no_grad():
        entries = prior.sample(books, 20_000, torch.Generator().manual_seed(0))
        assert entries.shape == (1, 20_000, 6)
        codes = torch.cdist(entries[0].unflatten(1, (2, 3)).transpose(0, 1), books).argmin(-1)  # (groups, n)
        assert torch.equal(books[0][codes[0]], entries[0, :, :3])
        for first in codes[0].unique():
            here = codes[0] == first
            logits = prior(entries[:, here][:, :1], None)[0, 0]  # (groups, n_codes)
            shares = torch.bincount(codes[1][here], minlength=4) / here.sum()
            bound = 4.0 / float(here.sum()) ** 0.5
            torch.testing.assert_close(shares, logits[1].softmax(-1), atol=bound, rtol=0)
