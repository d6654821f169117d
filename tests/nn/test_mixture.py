from __future__ import annotations

import pytest
import torch

from gensynth.nn.mixture import GaussianMixture


def _rng(seed=0):
    return torch.Generator().manual_seed(seed)


def _two_clusters(n, rng):
    """Rows of two correlated normals, one at (-3, 0) and one at (3, 1), a quarter of them in the first."""
    first = torch.rand(n, generator=rng) < 0.25
    noise = torch.randn(n, 2, generator=rng, dtype=torch.float64)
    tilted = noise @ torch.tensor([[1.0, 0.9], [0.0, 0.3]], dtype=torch.float64)
    centre = torch.tensor([[3.0, 1.0], [-3.0, 0.0]], dtype=torch.float64)
    return tilted + centre[first.long()], first


def _fitted(n_components, z, seed=0):
    mixture = GaussianMixture(z.shape[1], n_components).to(z.dtype)
    mixture.start(lambda: z, _rng(seed))
    return mixture


def test_starts_as_the_standard_normal():
    z = torch.randn(5, 3, generator=_rng())
    expected = torch.distributions.Normal(0, 1).log_prob(z).sum(1)
    torch.testing.assert_close(GaussianMixture(3, 4).log_density(z), expected)


def test_density_is_the_sum_of_its_normals():
    mixture = _fitted(3, _two_clusters(300, _rng())[0])
    z = torch.randn(5, 2, generator=_rng(), dtype=torch.float64)
    normals = torch.distributions.MultivariateNormal(mixture.means, scale_tril=mixture.scales)
    expected = torch.logsumexp(normals.log_prob(z.unsqueeze(1)) + mixture.log_weights, -1)
    torch.testing.assert_close(mixture.log_density(z), expected)
    assert mixture.log_density(100 * z).isfinite().all()


def test_one_component_is_the_normal_of_the_rows():
    z, _ = _two_clusters(2000, _rng())
    mixture = _fitted(1, z)
    torch.testing.assert_close(mixture.means[0], z.mean(0))
    covariance = mixture.scales[0] @ mixture.scales[0].t()
    torch.testing.assert_close(covariance, torch.cov(z.t()), rtol=0.01, atol=0.01)


def test_finds_clusters_with_their_weights_and_correlations():
    z, first = _two_clusters(4000, _rng())
    mixture = _fitted(2, z)
    order = mixture.means[:, 0].argsort()
    assert mixture.log_weights.exp()[order][0] == pytest.approx(float(first.double().mean()), abs=0.02)
    covariance = (mixture.scales @ mixture.scales.transpose(1, 2))[order]
    correlation = covariance[:, 0, 1] / (covariance[:, 0, 0] * covariance[:, 1, 1]).sqrt()
    expected = 0.9 / (0.9**2 + 0.3**2) ** 0.5
    assert correlation.tolist() == pytest.approx([expected, expected], abs=0.02)


def test_density_integrates_to_one_and_samples_follow_it():
    mixture = _fitted(5, _two_clusters(500, _rng())[0])
    axis = torch.linspace(-9, 9, 361, dtype=torch.float64)
    grid = torch.cartesian_prod(axis, axis)
    mass = mixture.log_density(grid).exp() * (axis[1] - axis[0]) ** 2
    drawn = mixture.sample(20_000, _rng(1))
    assert mass.sum() == pytest.approx(1.0, abs=0.01)
    mean = (mass.unsqueeze(1) * grid).sum(0)
    torch.testing.assert_close(drawn.mean(0), mean, atol=0.08, rtol=0.0)
    expected = (mass.unsqueeze(1) * (grid - mean)).t() @ (grid - mean)
    torch.testing.assert_close(torch.cov(drawn.t()), expected, atol=0.15, rtol=0.05)


def test_draws_of_posteriors_are_fitted_with_their_noise():
    centre, rng = torch.zeros(3000, 1, dtype=torch.float64), _rng()
    mixture = GaussianMixture(1, 1).double()
    mixture.start(lambda: centre + torch.randn(centre.shape, generator=rng, dtype=centre.dtype), _rng())
    assert float(mixture.scales[0, 0, 0]) == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("n", [2, 3, 50])
def test_few_rows_and_more_components_than_rows_give_a_finite_density(n):
    z = torch.randn(n, 8, generator=_rng())
    mixture = _fitted(20, z)
    assert torch.isfinite(mixture.log_density(z)).all()
    assert torch.isfinite(mixture.sample(100, _rng())).all()


def test_rows_on_a_line_give_a_finite_density():
    z = torch.randn(200, 1, generator=_rng()).expand(200, 4).contiguous()
    mixture = _fitted(6, z)
    assert torch.isfinite(mixture.log_density(z)).all()
    assert mixture.log_density(z).mean() > mixture.log_density(z + torch.tensor([0.5, 0.0, 0.0, 0.0])).mean()


def test_same_generator_same_mixture():
    z, _ = _two_clusters(300, _rng())
    torch.testing.assert_close(_fitted(4, z, seed=3).means, _fitted(4, z, seed=3).means, rtol=0.0, atol=0.0)
