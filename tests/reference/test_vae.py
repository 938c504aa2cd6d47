"""The VAE, its bounds and its estimators, held against a model in which everything is exact.

x | z ~ N(Wz + b, σ²I) with a linear encoder: log p(x), the posterior and every expectation have closed forms.
"""

# pyright: reportAttributeAccessIssue=false, reportCallIssue=false, reportOptionalMemberAccess=false, reportArgumentType=false, reportIndexIssue=false

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.distributions import Independent, MultivariateNormal, Normal, kl_divergence

from lab.data import Rows
from lab.fit import fit, made
from reference import bounds, estimators
from reference.heads import BernoulliHead, GaussianHead
from reference.schedules import active_units, free_bits
from reference.vae import VAE, Decoder, GaussianEncoder, StandardNormal, mlp_vae, moved, terms

SIGMA = 0.7
W = torch.tensor([[1.0, 0.3], [-0.5, 1.2], [0.9, 0.8]], dtype=torch.float64)
B = torch.tensor([0.5, -1.0, 0.2], dtype=torch.float64)


def linear_gaussian(exact: bool) -> VAE:
    """Two latents, three dimensions; the encoder is the best of its family (`exact`), or a rather bad one.

    With WᵀW diagonal the best diagonal Gaussian would be the posterior; here it is not, so the bound has a gap.
    """
    model = VAE(
        GaussianEncoder(nn.Identity(), 3, 2), Decoder(nn.Identity(), 2, 3, GaussianHead(SIGMA)), StandardNormal(2)
    ).double()
    precision = torch.eye(2, dtype=torch.float64) + W.T @ W / SIGMA**2
    with torch.no_grad():
        model.decoder.out.weight.copy_(W)
        model.decoder.out.bias.copy_(B)
        gain = torch.linalg.solve(precision, W.T) / SIGMA**2
        model.encoder.out.weight.zero_()
        model.encoder.out.weight[:2] = gain if exact else 0.5 * gain
        model.encoder.out.bias[:2] = -model.encoder.out.weight[:2] @ B
        model.encoder.out.bias[2:] = -precision.diagonal().log() if exact else 0.3
    return model


def log_p(x: Tensor) -> Tensor:
    return MultivariateNormal(B, W @ W.T + SIGMA**2 * torch.eye(3, dtype=torch.float64)).log_prob(x)


def draws(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


X = draws(6, 3, seed=1) * 1.5
NODES = torch.tensor(list(itertools.product([-math.sqrt(3), 0.0, math.sqrt(3)], repeat=2)), dtype=torch.float64)
NODE_WEIGHTS = torch.tensor([a * b for a, b in itertools.product([1 / 6, 2 / 3, 1 / 6], repeat=2)], dtype=torch.float64)
"""Gauss and Hermite with three nodes a dimension: exact for the quadratic log-weights of a linear-Gaussian model."""


def expected_elbo(model: VAE, x: Tensor) -> Tensor:
    log_w = bounds.log_weights(model, x, NODES.unsqueeze(1).expand(-1, len(x), -1))
    return NODE_WEIGHTS @ log_w


# ---- the bound ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("exact", [True, False])
def test_the_expected_bound_and_its_gap_to_the_posterior_are_log_p(exact: bool) -> None:
    model = linear_gaussian(exact)
    precision = torch.eye(2, dtype=torch.float64) + W.T @ W / SIGMA**2
    posterior = MultivariateNormal((X - B) @ W @ torch.linalg.inv(precision) / SIGMA**2, precision_matrix=precision)
    q = model.encoder(X)
    full = MultivariateNormal(q.base_dist.loc, torch.diag_embed(q.base_dist.scale**2))
    gap = kl_divergence(full, posterior)
    assert torch.allclose(expected_elbo(model, X) + gap, log_p(X), atol=1e-10)
    assert float(gap.detach().min()) > 0.01


def test_the_best_diagonal_encoder_has_the_gap_that_the_course_derives() -> None:
    precision = torch.eye(2, dtype=torch.float64) + W.T @ W / SIGMA**2
    gap = 0.5 * (precision.diagonal().log().sum() - torch.logdet(precision))
    assert torch.allclose(log_p(X) - expected_elbo(linear_gaussian(True), X), gap.expand(6), atol=1e-10)


@pytest.mark.parametrize("exact", [True, False])
def test_both_ways_of_writing_the_bound_have_one_expectation(exact: bool) -> None:
    """log p(x | z) − KL in closed form, and the average of log p(x, z) − log q(z | x)."""
    model = linear_gaussian(exact)
    by_terms = sum(w * model.elbo(X, node.expand(6, 2)) for w, node in zip(NODE_WEIGHTS, NODES, strict=True))
    assert isinstance(by_terms, Tensor)
    assert torch.allclose(by_terms, expected_elbo(model, X), atol=1e-10)


def test_noise_moves_each_row_and_each_dimension_by_itself() -> None:
    q = Independent(Normal(torch.zeros(4, 2), torch.tensor([1.0, 3.0]).expand(4, 2)), 1)
    eps = draws(4, 2).float()
    assert torch.equal(moved(q, eps), eps * torch.tensor([1.0, 3.0]))


@pytest.mark.parametrize("batch", [1, 2, 6])
def test_a_row_does_not_depend_on_the_others(batch: int) -> None:
    model = mlp_vae(3, [8], 2, BernoulliHead()).double()
    x, eps = (X > 0).double(), draws(6, 2)
    whole = model.elbo(x, eps)
    parts = torch.cat([model.elbo(a, b) for a, b in zip(x.split(batch), eps.split(batch), strict=True)])
    assert torch.allclose(whole, parts, atol=1e-12)


def test_the_bound_can_be_differentiated_through_the_noise() -> None:
    model = mlp_vae(3, [4], 2, GaussianHead("each"), nn.Tanh).double()
    names, values = zip(*model.named_parameters(), strict=True)

    def of(*parameters: Tensor) -> Tensor:
        return torch.func.functional_call(
            Bound(model), {f"model.{n}": p for n, p in zip(names, parameters, strict=True)}, (X, draws(6, 2))
        )

    assert torch.autograd.gradcheck(of, tuple(value.detach().requires_grad_() for value in values))


class Bound(nn.Module):
    def __init__(self, model: VAE) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor, eps: Tensor) -> Tensor:
        return self.model.elbo(x, eps).sum()


# ---- more draws -----------------------------------------------------------------------------------------------------------


def test_the_average_over_subsets_is_below_the_bound_of_all_draws() -> None:
    """True of every set of weights, not only on average (Burda et al., 2016, theorem 1)."""
    log_w = bounds.log_weights(linear_gaussian(False), X, draws(5, 6, 2))
    whole = bounds.iwae(log_w)
    last = bounds.elbo(log_w)
    for size in range(1, 6):
        subsets = [bounds.iwae(log_w[list(chosen)]) for chosen in itertools.combinations(range(5), size)]
        mean = torch.stack(subsets).mean(0)
        assert bool((mean >= last - 1e-12).all())
        last = mean
    assert torch.allclose(last, whole)


def test_one_draw_may_lie_above_log_p_and_their_mean_weight_may_not_on_average() -> None:
    model = linear_gaussian(False)
    log_w = bounds.log_weights(model, X, draws(4000, 6, 2))
    assert bool((log_w > log_p(X)).any())
    ratio = (log_w - log_p(X)).exp()
    error = ratio.std(0) / math.sqrt(len(ratio))
    assert bool(((ratio.mean(0) - 1).abs() < 6 * error).all())


def test_the_likelihood_by_importance_sampling_is_the_exact_one_within_its_error() -> None:
    model = linear_gaussian(False)
    found = bounds.likelihood(
        model, iter(X.split(4)), draws=20_000, generator=torch.Generator().manual_seed(0), data="made up"
    )
    assert abs(found.nll + float(log_p(X).mean())) < 6 * found.simulation_error
    assert 0 < found.simulation_error < 0.01
    assert found.standard_error == pytest.approx(float(log_p(X).std()) / math.sqrt(6), rel=0.02)
    assert "made up, 6 images, 20,000 draws each" in str(found)


def test_the_error_that_it_states_is_the_one_it_makes() -> None:
    """Forty runs: the squared error over the stated variance is 1 on average; a χ² with 40 degrees of freedom."""
    model, exact = linear_gaussian(False), -float(log_p(X).mean())
    scores = []
    for seed in range(40):
        found = bounds.likelihood(model, iter([X]), draws=2000, generator=torch.Generator().manual_seed(seed), data="")
        scores.append(((found.nll - exact) / found.simulation_error) ** 2)
    assert 10 < sum(scores) < 95


def test_its_memory_does_not_grow_with_the_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    rows: list[int] = []
    model = linear_gaussian(False)
    decode = model.decoder.forward
    monkeypatch.setattr(model.decoder, "forward", lambda z: rows.append(len(z)) or decode(z))
    bounds.likelihood(model, iter([X]), draws=50_000, generator=torch.Generator().manual_seed(0), data="")
    assert sum(rows) == 50_000 * 6
    assert max(rows) <= bounds.DRAWS_AT_ONCE


# ---- gradients -------------------------------------------------------------------------------------------------------------


def gradient(model: VAE, estimator: Callable[[VAE, Tensor, Tensor], Tensor], eps: Tensor) -> Tensor:
    model.zero_grad()
    estimator(model, X, eps).sum().backward()
    return torch.cat([parameter.grad.flatten() for parameter in model.parameters() if parameter.grad is not None])


def exact_gradient(model: VAE) -> Tensor:
    model.zero_grad()
    expected_elbo(model, X).sum().backward()
    return torch.cat([parameter.grad.flatten() for parameter in model.parameters() if parameter.grad is not None])


@pytest.mark.parametrize("estimator", [estimators.pathwise, estimators.sticking_the_landing, estimators.score_function])
def test_estimators_of_the_bounds_gradient_are_unbiased(estimator: Callable[[VAE, Tensor, Tensor], Tensor]) -> None:
    model = linear_gaussian(False)
    found = torch.stack([gradient(model, estimator, draws(200, 6, 2, seed=seed)) for seed in range(60)])
    error = found.std(0) / math.sqrt(len(found)) + 1e-9
    assert bool(((found.mean(0) - exact_gradient(model)).abs() < 6 * error).all())


def test_sticking_the_landing_has_no_noise_at_the_posterior() -> None:
    """One latent: the best Gaussian is the posterior, and the encoder's gradient is zero on every single draw."""
    model = VAE(
        GaussianEncoder(nn.Identity(), 1, 1), Decoder(nn.Identity(), 1, 1, GaussianHead(1.0)), StandardNormal(1)
    ).double()
    with torch.no_grad():
        model.decoder.out.weight.fill_(1.0)
        model.decoder.out.bias.zero_()
        model.encoder.out.weight.copy_(torch.tensor([[0.5], [0.0]]))
        model.encoder.out.bias.copy_(torch.tensor([0.0, math.log(0.5)], dtype=torch.float64))
    x, eps = draws(5, 1), draws(1, 5, 1, seed=2)
    noise = {}
    for estimator in (estimators.pathwise, estimators.sticking_the_landing):
        model.zero_grad()
        estimator(model, x, eps).sum().backward()
        noise[estimator.__name__] = float(model.encoder.out.weight.grad.abs().max())
    assert noise["sticking_the_landing"] < 1e-12
    assert noise["pathwise"] > 0.1


def test_the_doubly_reparameterised_gradient_is_that_of_the_importance_weighted_bound() -> None:
    model = linear_gaussian(False)
    runs = 400

    def plain(model: VAE, x: Tensor, eps: Tensor) -> Tensor:
        return bounds.iwae(bounds.log_weights(model, x, eps))

    found = {
        name: torch.stack([gradient(model, estimator, draws(8, 6, 2, seed=seed)) for seed in range(runs)])
        for name, estimator in (("plain", plain), ("double", estimators.doubly_reparameterised))
    }
    assert torch.allclose(plain(model, X, draws(8, 6, 2)), estimators.doubly_reparameterised(model, X, draws(8, 6, 2)))
    gap = found["plain"].mean(0) - found["double"].mean(0)
    error = (found["plain"].var(0) / runs + found["double"].var(0) / runs).sqrt() + 1e-9
    assert bool((gap.abs() < 6 * error).all())
    encoder = slice(0, 4 * 3 + 4)
    assert float(found["double"][:, encoder].var(0).sum()) < 0.7 * float(found["plain"][:, encoder].var(0).sum())


def test_a_score_without_another_draw_has_no_baseline() -> None:
    with pytest.raises(ValueError, match="expected K ≥ 2, got 1"):
        estimators.score_function(linear_gaussian(False), X, draws(1, 6, 2))


# ---- training ---------------------------------------------------------------------------------------------------------------


def test_training_finds_the_likelihood_of_probabilistic_pca() -> None:
    """A linear VAE's best bound is PPCA's maximum likelihood, where the posterior can be diagonal (Lucas et al., 2019)."""
    x = draws(2000, 1, seed=3) @ torch.tensor([[2.0, -1.0, 0.5]], dtype=torch.float64) + 0.5 * draws(2000, 3, seed=4)
    model = made(
        lambda: VAE(
            GaussianEncoder(nn.Identity(), 3, 1),
            Decoder(nn.Identity(), 1, 3, GaussianHead("shared")),
            StandardNormal(1),
        ),
        0,
    )
    history = fit(model, terms, Rows(x.float()), epochs=40, batch=100, rate=1e-2, quiet=True)  # type: ignore[arg-type]
    values = torch.linalg.eigvalsh(torch.cov(x.T, correction=0))
    lost = values[:2].mean()
    best = -0.5 * (3 * math.log(2 * math.pi) + values[2].log() + 2 * lost.log() + 3)
    assert history.best() == pytest.approx(float(best), abs=0.05)


def test_free_bits_charge_nothing_below_their_level() -> None:
    kl = torch.tensor([[0.1, 2.0], [0.3, 4.0]], requires_grad=True)
    charged = free_bits(kl, 0.5)
    assert float(charged.detach()) == pytest.approx(0.5 + 3.0)
    charged.backward()
    assert kl.grad is not None
    assert kl.grad.tolist() == [[0.0, 0.5], [0.0, 0.5]]
    with pytest.raises(ValueError, match="expected a number ≥ 0"):
        free_bits(kl, -1)


def test_a_collapsed_dimension_is_not_active() -> None:
    means = torch.stack([draws(500, 1).flatten(), 0.01 * draws(500, 1, seed=2).flatten()], 1)
    assert int(active_units(means)) == 1
