"""The figures of the unit draw from right answers, describe what they show, and refuse settings that make no sense."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.distributions import Categorical, Independent, LowRankMultivariateNormal, MixtureSameFamily, Normal

from lab import ppca_figures as figures
from lab.style import Picture


def model(W: Tensor, b: Tensor, sigma2: Tensor) -> LowRankMultivariateNormal:
    return LowRankMultivariateNormal(b, W, sigma2.expand(len(b)))


def marginal(W: Tensor, b: Tensor, sigma2: Tensor) -> tuple[Tensor, Tensor]:
    return model(W, b, sigma2).mean, model(W, b, sigma2).covariance_matrix


def posterior(x: Tensor, W: Tensor, b: Tensor, sigma2: Tensor) -> tuple[Tensor, Tensor]:
    cov = torch.linalg.inv(torch.eye(W.shape[1], dtype=W.dtype) + W.mT @ W / sigma2)
    return (x - b) @ W @ cov / sigma2, cov


def log_marginal(x: Tensor, W: Tensor, b: Tensor, sigma2: Tensor) -> Tensor:
    return model(W, b, sigma2).log_prob(x)


def log_marginal_monte_carlo(x: Tensor, z: Tensor, W: Tensor, b: Tensor, sigma2: Tensor) -> Tensor:
    parts = Independent(Normal(z @ W.mT + b, sigma2.sqrt()), 1)
    return MixtureSameFamily(Categorical(torch.ones(len(z), dtype=z.dtype)), parts).log_prob(x)


def maximum_likelihood(X: Tensor, q: int) -> tuple[Tensor, Tensor, Tensor]:
    _, s, axes = torch.linalg.svd(X - X.mean(0), full_matrices=False)
    variances = s**2 / len(X)
    sigma2 = variances[q:].mean()
    return axes[:q].mT * (variances[:q] - sigma2).sqrt(), X.mean(0), sigma2


def em_step(X: Tensor, W: Tensor, b: Tensor, sigma2: Tensor) -> tuple[Tensor, Tensor]:
    mean, cov = posterior(X, W, b, sigma2)
    new = (X - b).mT @ mean @ torch.linalg.inv(len(X) * cov + mean.mT @ mean)
    return new, ((X - b) * (X - b - mean @ new.mT)).mean()


def missing_values(x: Tensor, observed: Tensor, W: Tensor, b: Tensor, sigma2: Tensor) -> tuple[Tensor, Tensor]:
    seen = observed.bool()
    mean, cov = posterior(x[seen].unsqueeze(0), W[seen], b[seen], sigma2)
    return torch.where(seen, x, W @ mean[0] + b), torch.where(seen, 0, (W @ cov * W).sum(1) + sigma2)


DRAWN = {
    "generate": (figures.generate, (), "noise of the variance 0.3 in both dimensions"),
    "ellipse_and_line": (figures.ellipse_and_line, (marginal,), "with half-axes of 4.60 and 1.10"),
    "sums_and_integrals": (figures.sums_and_integrals, (posterior,), "the mean 0.83 and the standard deviation 0.41"),
    "shrinkage": (figures.shrinkage, (posterior,), "at 0.76 of the distance"),
    "directions": (figures.directions, (log_marginal,), "highest at PCA's direction"),
    "monte_carlo": (figures.monte_carlo, (log_marginal, log_marginal_monte_carlo), "against D from 1 to 100"),
    "spectrum": (figures.spectrum, (maximum_likelihood,), "equal to the data's for the first 3"),
    "climb": (figures.climb, (em_step, log_marginal, maximum_likelihood), "all curves rise and end at the maximum"),
    "fill_in": (figures.fill_in, (missing_values,), "A curve over 60 places"),
}


def test_every_figure_of_the_unit_is_tried_here() -> None:
    assert sorted(DRAWN) == sorted(figures.__all__)


@pytest.mark.parametrize("name", sorted(DRAWN))
def test_it_draws_and_says_what_it_shows(name: str) -> None:
    figure, answers, says = DRAWN[name]
    drawn = figure(*answers)
    assert isinstance(drawn, Picture)
    assert says in drawn.alt
    assert 10_000 < len(drawn.png) < 400_000


@pytest.mark.parametrize(
    ("figure", "answers", "settings"),
    [
        (figures.generate, (), {"sigma2": 0.0}),
        (figures.generate, (), {"sigma2": -1.0}),
        (figures.ellipse_and_line, (marginal,), {"sigma2": 0.0}),
        (figures.sums_and_integrals, (posterior,), {"sigma2": 0.0}),
        (figures.shrinkage, (posterior,), {"sigma2": -2.0}),
        (figures.sums_and_integrals, (posterior,), {"W": (0.0, 0.0)}),
        (figures.shrinkage, (posterior,), {"W": (0.0, 0.0)}),
        (figures.directions, (log_marginal,), {"sigma2": (0.1, 0.0)}),
        (figures.directions, (log_marginal,), {"sigma2": (0.1, 0.2, 0.3, 0.4, 0.5, 0.6)}),
        (figures.directions, (log_marginal,), {"sigma2": ()}),
        (figures.monte_carlo, (log_marginal, log_marginal_monte_carlo), {"draws": 0}),
        (figures.monte_carlo, (log_marginal, log_marginal_monte_carlo), {"q": 0}),
        (figures.spectrum, (maximum_likelihood,), {"q": 0}),
        (figures.spectrum, (maximum_likelihood,), {"q": 12}),
        (figures.climb, (em_step, log_marginal, maximum_likelihood), {"sigma2": 0.0}),
        (figures.climb, (em_step, log_marginal, maximum_likelihood), {"steps": 0}),
        (figures.fill_in, (missing_values,), {"share": 0.0}),
        (figures.fill_in, (missing_values,), {"sigma2": 0.0}),
    ],
)
def test_settings_that_make_no_sense_are_refused_in_words(figure, answers, settings) -> None:
    with pytest.raises(ValueError, match=r"expected .* got"):
        figure(*answers, **settings)


@pytest.mark.parametrize(
    ("figure", "answers", "settings"),
    [
        (figures.generate, (), {"W": (0.0, 0.0)}),
        (figures.generate, (), {"sigma2": 0.01}),
        (figures.generate, (), {"W": (-30.0, 2.0), "b": (100.0, -7.0)}),
        (figures.ellipse_and_line, (marginal,), {"W": (0.0, 0.0), "sigma2": 4.0}),
        (figures.ellipse_and_line, (marginal,), {"sigma2": 1e-6}),
        (figures.sums_and_integrals, (posterior,), {"x": (40.0, -3.0), "sigma2": 0.01}),
        (figures.sums_and_integrals, (posterior,), {"x": (0.0, 0.0), "sigma2": 100.0}),
        (figures.shrinkage, (posterior,), {"sigma2": 0.05}),
        (figures.shrinkage, (posterior,), {"sigma2": 10.0}),
        (figures.directions, (log_marginal,), {"sigma2": (0.01,)}),
        (figures.directions, (log_marginal,), {"sigma2": (0.1, 0.2, 0.5, 1.0, 20.0)}),
        (figures.monte_carlo, (log_marginal, log_marginal_monte_carlo), {"q": 1, "draws": 10}),
        (figures.monte_carlo, (log_marginal, log_marginal_monte_carlo), {"q": 5, "draws": 10_000}),
        (figures.spectrum, (maximum_likelihood,), {"q": 1}),
        (figures.spectrum, (maximum_likelihood,), {"q": 11}),
        (figures.climb, (em_step, log_marginal, maximum_likelihood), {"steps": 1}),
        (figures.climb, (em_step, log_marginal, maximum_likelihood), {"steps": 100, "sigma2": 5.0}),
        (figures.fill_in, (missing_values,), {"share": 1.0, "sigma2": 1.0}),
        (figures.fill_in, (missing_values,), {"share": 0.01}),
    ],
)
def test_what_a_curious_student_tries_can_be_drawn(figure, answers, settings) -> None:
    assert isinstance(figure(*answers, **settings), Picture)


def test_the_helpers_here_are_right_answers() -> None:
    """EM with these stays at the maximum, and Monte Carlo comes near the exact value: so the figures show what they say."""
    generator = torch.Generator().manual_seed(0)
    X = torch.randn(60, 3, generator=generator, dtype=torch.float64) * torch.tensor([3.0, 1.0, 0.5])
    W, b, sigma2 = maximum_likelihood(X, 1)
    torch.testing.assert_close(em_step(X, W, b, sigma2), (W, sigma2))
    z = torch.linspace(-6, 6, 2001, dtype=torch.float64).unsqueeze(1)
    weights = torch.exp(-(z[:, 0] ** 2) / 2) * 12 / 2000 / math.sqrt(2 * math.pi)
    parts = torch.stack([log_marginal_monte_carlo(X[:1], place.unsqueeze(0), W, b, sigma2)[0] for place in z])
    torch.testing.assert_close((weights * parts.exp()).sum().log(), log_marginal(X[:1], W, b, sigma2)[0])
