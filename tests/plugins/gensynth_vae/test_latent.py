from __future__ import annotations

import copy
import math

import pytest
import torch
from toy_layouts import mixed, mixed_rows

from gensynth.errors import OptionError
from gensynth.model import Batch, ColumnLayout, Layout, NumericSlot, Observed, Stage
from gensynth.nn.family import networks_for
from gensynth.nn.networks import RowDecoder
from gensynth.nn.priors import standard_normal_log_density
from gensynth_vae.divergence import Divergence
from gensynth_vae.latent import LatentModel
from gensynth_vae.recipes import NVAE, VAE, VLAE, VQVAE, BetaVAE


def _trained(recipe, steps, n=2000, layout=None, rows=None):
    layout = layout or mixed(n)
    rows, rng = mixed_rows(n) if rows is None else rows, torch.Generator().manual_seed(1)
    with torch.random.fork_rng(), torch.enable_grad():
        torch.manual_seed(0)
        model = recipe.build(layout)
        for stage in model.stages():
            if not isinstance(stage, Stage):
                with torch.no_grad():
                    stage.function(rows, rng)
                continue
            for phase in stage.phases:
                optimiser = torch.optim.AdamW(phase.parameters, lr=phase.optimizer.learning_rate, fused=True)
                for _ in range(steps):
                    loss = phase.loss(rows[torch.randint(0, n, (128,), generator=rng)], rng).mean()
                    optimiser.zero_grad()
                    loss.backward()
                    optimiser.step()
    return model.eval(), rows


@pytest.fixture(scope="module")
def vlae():
    return _trained(VLAE(width=32, hidden=16, dropout=0.0), 300)


@pytest.fixture(scope="module")
def vae():
    return _trained(VAE(hidden=(64, 64), latent_dim=4, warmup=50), 300)


def _encode_and_build(recipe):
    return recipe.encoding, recipe.build(mixed())


def _small(recipe):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return recipe.build(mixed()).eval()


@torch.no_grad()
def test_divergence_from_the_standard_normal_is_the_closed_form():
    model = _small(VAE(hidden=(16, 16), latent_dim=3, prior="normal", column_groups=1))
    mean, log_variance = torch.randn(5, 3), torch.randn(5, 3)
    posterior = torch.distributions.Normal(mean, torch.exp(0.5 * log_variance))
    expected = torch.distributions.kl_divergence(posterior, torch.distributions.Normal(0.0, 1.0)).sum(1)
    torch.testing.assert_close(model.kl(None, mean.unsqueeze(0), log_variance.unsqueeze(0))[0], expected)


@torch.no_grad()
def test_kl_to_a_learned_prior_is_exact_where_that_is_standard_normal():
    model = _small(VLAE(width=16, hidden=8, latent_dim=3)).double()
    model.prior = model.networks.flow_prior([3]).double()  # starts as N(0, I)
    mean, log_variance = torch.randn(5, 3, dtype=torch.float64), torch.randn(5, 3, dtype=torch.float64)
    posterior = torch.distributions.Normal(mean, torch.exp(0.5 * log_variance))
    standard = torch.distributions.Normal(torch.zeros(3, dtype=torch.float64), 1.0)
    expected = torch.distributions.kl_divergence(posterior, standard).sum(1)
    torch.testing.assert_close(model.kl(None, mean.unsqueeze(0), log_variance.unsqueeze(0))[0], expected)


@pytest.mark.slow
@torch.no_grad()
def test_kl_of_a_trained_model_is_that_of_many_draws_and_not_negative(vlae):
    model, rows = copy.deepcopy(vlae[0]).double(), vlae[1][:200].to("cpu", torch.float64)
    kl = -model.score(rows, "kl").rows[0]
    mean, log_variance = (t[0] for t in model.posterior(rows))
    posterior = torch.distributions.Normal(mean, torch.exp(0.5 * log_variance))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        z = posterior.sample((4000,))
    ratio = posterior.log_prob(z).sum(-1) - model.prior.given(rows).log_density(z.flatten(0, 1).unsqueeze(0)).view(
        4000, -1
    )
    torch.testing.assert_close(kl, ratio.mean(0), atol=0.15, rtol=0.05)
    assert kl.mean() >= -0.1
    torch.testing.assert_close(kl[:7], -model.score(rows[:7], "kl").rows[0])


@torch.no_grad()
def test_elbo_is_exact_where_the_latent_says_nothing():
    model = _small(VAE(hidden=(16, 16), latent_dim=3, prior="normal", column_groups=1))
    model.encoder.network.network.out.weight.zero_()  # posterior = N(0, I)
    model.decoder.rows.network.out.weight.zero_()  # cells = their marginals
    rows = mixed_rows(20)
    logits = model.decoder.rows.code_slots.log_marginals.expand(20, -1)
    expected = model.decoder.rows.code_slots.log_likelihood(logits, rows.codes).sum(1)
    torch.testing.assert_close(model.score(rows, "elbo").rows[0], expected, atol=1e-4, rtol=1e-4)


class LinearGaussian(RowDecoder):
    """x = w z + s e with z, e ~ N(0, 1), whose likelihood and posterior are known in closed form."""

    def __init__(self, w: float, s: float) -> None:
        super().__init__()
        self.w, self.s = w, s

    def log_likelihood(self, inputs: Batch, z: torch.Tensor) -> torch.Tensor:
        density: torch.Tensor = torch.distributions.Normal(self.w * z, self.s).log_prob(inputs.numeric)
        return density


class ExactPosterior(torch.nn.Module):
    def __init__(self, w: float, s: float) -> None:
        super().__init__()
        self.gain, self.log_variance = w / (w * w + s * s), math.log(s * s / (w * w + s * s))

    def forward(self, batch: Batch) -> torch.Tensor:
        raw = 8.0 * math.atanh(self.log_variance / 8.0)  # the model bounds it by a tanh
        return torch.cat([self.gain * batch.numeric, torch.full_like(batch.numeric, raw)], 1).unsqueeze(0)


@torch.no_grad()
def test_elbo_is_the_likelihood_of_a_linear_gaussian_with_its_exact_posterior():
    w, s = 1.7, 0.6
    column = ColumnLayout("x", (0.0, 1.0), True, numeric=NumericSlot(0, range(1, 2), "continuous"))
    networks = networks_for(Layout((column,), 10), "sampling", members=1, embedding_dim=4, dropout=0.0)
    model = LatentModel(
        networks,
        (8,),
        LinearGaussian(w, s),
        latent_dims=(1,),
        noises=(0.0,),
        divergence=Divergence(),
        learning_rate=1e-3,
    ).double()
    model.encoder = ExactPosterior(w, s)
    x = torch.linspace(-4, 4, 9, dtype=torch.float64).unsqueeze(1)
    rows = Batch(x, torch.ones(9, 1, dtype=torch.long))
    expected = torch.distributions.Normal(0.0, math.sqrt(w * w + s * s)).log_prob(x).squeeze(1)
    torch.testing.assert_close(model.score(rows, "elbo").rows[0], expected, atol=1e-6, rtol=1e-6)
    torch.testing.assert_close(model.score(rows, "iwae").rows[0], expected, atol=1e-6, rtol=1e-6)
    model.encoder.gain *= 0.8  # any other posterior: a lower bound
    assert (model.score(rows, "elbo").rows[0] < expected + 1e-6).all()
    assert model.score(rows, "elbo").rows.mean() < expected.mean() - 0.01


@torch.no_grad()
def test_elbo_below_iwae_below_the_likelihood():
    model = _small(VAE(hidden=(16, 16), latent_dim=1, prior="normal", column_groups=1)).double()
    rows = mixed_rows(30).to("cpu", torch.float64)
    axis = torch.linspace(-8, 8, 2001, dtype=torch.float64)
    step = axis[1] - axis[0]
    joint = [
        model.decoder.log_likelihood(rows, z.expand(1, 30, 1))[0].sum(1) + standard_normal_log_density(z.view(1, 1))
        for z in axis
    ]
    likelihood = torch.logsumexp(torch.stack(joint), 0) + step.log()
    rng = torch.Generator().manual_seed(0)
    bounds = []
    for _ in range(200):  # the bounds hold in the mean over the noise, of which a model keeps one draw
        model.score_noise = torch.randn(model.score_noise.shape, generator=rng, dtype=torch.float64)
        bounds.append(torch.stack([model.score(rows, method).rows[0] for method in ("elbo", "iwae")]))
    elbo, iwae = torch.stack(bounds).mean(0)
    assert (elbo < iwae).all()
    assert iwae.mean() < likelihood.mean() + 1e-3
    assert (likelihood - iwae).abs().mean() < 0.2


def test_gradients_reach_the_encoder_through_the_draw():
    model = _small(VAE(hidden=(16, 16), latent_dim=3)).train()
    rows, rng = mixed_rows(64), torch.Generator().manual_seed(0)
    reconstruction, *_ = model.terms(rows, rng)
    reconstruction.mean().backward()
    assert model.encoder.network.network.out.weight.grad.abs().sum() > 0


def test_weight_grows_over_the_warmup_and_the_divergence_is_really_paid():
    divergence = torch.tensor([[2.0, 4.0]])
    assert Divergence((0.5,), warmup=10).cost(divergence, 5).tolist() == [[0.5, 1.0]]
    assert Divergence((0.5,), warmup=10).cost(divergence, 50).tolist() == [[1.0, 2.0]]
    assert (Divergence((0.5,)).cost(divergence + 1, 0) > Divergence((0.5,)).cost(divergence, 0)).all()


def test_capacity_is_aimed_for():
    divergence = torch.tensor([[3.0, 5.0]])
    assert Divergence((4.0,), warmup=10, capacity=8.0).cost(divergence, 5).tolist() == [[0.0, 0.0]]
    far = Divergence((4.0,), warmup=10, capacity=8.0)
    assert far.cost(divergence, 10).tolist() == [[14.0, 14.0]]  # 4 nats, of which 1 is near
    assert far.slope(divergence, 10).tolist() == [[-4.0]]


@pytest.mark.parametrize("capacity", [0.0, 50.0])  # nats above, nats below
def test_whatever_its_capacity_asks_for_the_prior_fits_the_latents(capacity):
    model = _small(BetaVAE(hidden=(16, 16), latent_dim=3, capacity=capacity, warmup=0)).double()
    rows, weights = mixed_rows(64).to("cpu", torch.float64), list(model.prior.parameters())
    loss = model.loss(rows, torch.Generator().manual_seed(0)).mean()
    _, divergence, z = model.terms(model.networks.inputs(rows), torch.Generator().manual_seed(0))
    assert (divergence.mean() < capacity) == (capacity > 0)
    misfit = -model.prior.given(rows).log_density(z.detach()).mean()
    own, expected = (torch.autograd.grad(x, weights, allow_unused=True) for x in (loss, misfit))
    for one, other in zip(own, expected, strict=True):
        if other is not None:
            torch.testing.assert_close(one, other, rtol=1e-6, atol=1e-8)


@pytest.fixture(scope="module")
def table_with_a_factor():
    """Ten columns of two codes, nine tenths of whose cells are that of their row's factor."""
    rng = torch.Generator().manual_seed(0)
    columns = tuple(ColumnLayout(f"c{i}", (0.0, 0.5, 0.5)) for i in range(10))
    factor = torch.rand(2000, 1, generator=rng) < 0.5
    noise = torch.rand(2000, 10, generator=rng) < 0.1
    return Layout(columns, 2000), Batch(torch.zeros(2000, 0), 1 + (factor ^ noise).long())


@pytest.mark.filterwarnings("ignore::gensynth.errors.CollapseWarning")
@pytest.mark.parametrize(("options", "uses"), [({}, True), ({"free_nats": 0.0, "auxiliary_weight": 0.0}, False)])
def test_vlae_uses_its_latents_by_its_two_means_alone(options, uses, table_with_a_factor):
    layout, rows = table_with_a_factor
    model, _ = _trained(VLAE(width=32, hidden=16, dropout=0.0, **options), 300, layout=layout, rows=rows)
    with torch.no_grad():
        nats = float(-model.score(rows, "kl").rows.mean())
        z = model.encode(rows).unsqueeze(0)
        own, others = (model.decoder.log_likelihood(rows, x).sum(-1).mean() for x in (z, z.roll(1, 1)))
    assert (nats > 1.0) == uses
    assert (own > others + 1.0) == uses  # latents of other rows make a row less likely


@torch.no_grad()
@pytest.mark.parametrize("family", ["vlae", "vae"])
def test_samples_follow_the_joint_distribution(family, request):
    model, _ = request.getfixturevalue(family)
    drawn = model.generate(4000, torch.Generator().manual_seed(0))
    share = torch.bincount(drawn.codes[:, 0], minlength=4) / 4000
    torch.testing.assert_close(share, torch.tensor([0.0, 0.5, 0.3, 0.2]), atol=0.06, rtol=0)
    assert abs((drawn.codes[:, 1] == 1).double().mean() - 0.1) < 0.03  # missing cells stay missing, at their rate
    known = drawn.codes[:, 1] > 1
    agree = ((drawn.codes[known, 1] > 10) == (drawn.codes[known, 2] == 2)).double().mean()
    assert agree > 0.85  # independent columns: about 0.5
    assert (drawn.numeric[drawn.codes[:, 1] == 1] == 0).all()


@torch.no_grad()
@pytest.mark.parametrize("family", ["vlae", "vae"])
@pytest.mark.parametrize("column", [0, 2])
def test_conditions_are_exact_and_the_rest_follows(family, column, request):
    model, rows = request.getfixturevalue(family)
    wanted = Batch(torch.zeros(1000, 1), torch.ones(1000, 3, dtype=torch.long))
    drawn = model.generate(1000, torch.Generator().manual_seed(0), Observed.of_columns((column,), wanted))
    assert (drawn.codes[:, column] == 1).all()
    matching = rows.codes[rows.codes[:, column] == 1]
    known, truth = drawn.codes[drawn.codes[:, 1] > 1, 1], matching[matching[:, 1] > 1, 1]
    assert float(known.double().mean()) == pytest.approx(float(truth.double().mean()), abs=1.2)


@torch.no_grad()
@pytest.mark.parametrize("family", ["vlae", "vae"])
def test_planted_anomalies_score_lower(family, request):
    model, rows = request.getfixturevalue(family)
    model = copy.deepcopy(model).double()
    rows = rows.to("cpu", torch.float64)
    broken = Batch(rows.numeric, torch.where(torch.tensor([False, False, True]), 3 - rows.codes, rows.codes))
    known = rows.codes[:, 1] > 1
    assert (model.score(rows).rows > model.score(broken).rows)[0, known].double().mean() > 0.8
    far = Batch(rows.numeric + 30.0, rows.codes)
    assert (model.score(rows).rows > model.score(far).rows)[0, known].all()


@pytest.mark.parametrize(
    ("model", "option", "value"),
    [
        (VAE, "prior", "cauchy"),
        (VAE, "max_bins", 1),
        (VAE, "column_groups", 0),
        (BetaVAE, "beta", -1.0),
        (VLAE, "latent_dim", 0),
        (VLAE, "dropout", 1.0),
        (VLAE, "embedding_dim", 0),
        (VQVAE, "learning_rate", 0.0),
        (NVAE, "levels", 0),
        (VAE, "hidden", (64, 0)),
        (VAE, "hidden", ()),
        (VAE, "latent_dim", 2.5),
        (VAE, "warmup", -1),
        (BetaVAE, "capacity", -1.0),
        (VLAE, "width", -3),
        (VLAE, "beta", "much"),
        (VQVAE, "n_codes", 1),
        (NVAE, "flows", -1),
    ],
)
def test_options_out_of_range_are_named(model, option, value):
    with pytest.raises(OptionError, match=option):
        _encode_and_build(model(**{option: value}))
