"""The figures of the unit draw from right answers, describe what they show, and refuse settings that make no sense."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.distributions import MultivariateNormal, Normal, kl_divergence

from lab import kl_figures as figures
from lab.style import Picture


def kl_discrete(p: Tensor, q: Tensor) -> Tensor:
    return (torch.xlogy(p, p) - torch.xlogy(p, q)).sum(-1)


def entropy_and_cross_entropy(p: Tensor, q: Tensor) -> tuple[Tensor, Tensor]:
    return -torch.xlogy(p, p).sum(-1), -torch.xlogy(p, q).sum(-1)


def jensen_gap(weights: Tensor, values: Tensor) -> Tensor:
    return (weights * values).sum(-1).log() - (weights * values.log()).sum(-1)


def normal(mu: Tensor, log_var: Tensor) -> Normal:
    return Normal(mu, (log_var / 2).exp())


def kl_gaussian(mu_q: Tensor, log_var_q: Tensor, mu_p: Tensor, log_var_p: Tensor) -> Tensor:
    return kl_divergence(normal(mu_q, log_var_q), normal(mu_p, log_var_p)).sum(-1)


def kl_gaussian_full(mu_q: Tensor, cov_q: Tensor, mu_p: Tensor, cov_p: Tensor) -> Tensor:
    return kl_divergence(MultivariateNormal(mu_q, cov_q), MultivariateNormal(mu_p, cov_p))


def kl_monte_carlo(z: Tensor, mu_q: Tensor, lv_q: Tensor, mu_p: Tensor, lv_p: Tensor) -> tuple[Tensor, Tensor]:
    q, p = normal(mu_q.unsqueeze(1), lv_q.unsqueeze(1)), normal(mu_p.unsqueeze(1), lv_p.unsqueeze(1))
    ratio = (q.log_prob(z) - p.log_prob(z)).sum(-1)
    return ratio.mean(-1), ratio.std(-1) / math.sqrt(z.shape[1])


def fit_forward(weights: Tensor, means: Tensor, stds: Tensor) -> tuple[Tensor, Tensor]:
    mean = (weights * means).sum(-1)
    return mean, ((weights * (stds**2 + means**2)).sum(-1) - mean**2).sqrt()


def fit_reverse(weights: Tensor, means: Tensor, stds: Tensor) -> tuple[Tensor, Tensor]:
    """Good enough to be drawn: the heavier component."""
    return means[weights.argmax()], stds[weights.argmax()]


DRAWN = {
    "integrand": (figures.integrand, (), "0.350 nats"),
    "small_model": (figures.small_model, (kl_discrete,), "KL[after‖before] = 0.182 nats, KL[before‖after] = ∞"),
    "bernoulli": (figures.bernoulli, (kl_discrete,), "zero at θ = p only"),
    "maximum_likelihood": (figures.maximum_likelihood, (entropy_and_cross_entropy,), "both smallest at θ = 0.62"),
    "chord": (figures.chord, (), "0.674 nats above the chord"),
    "gap_against_spread": (figures.gap_against_spread, (jensen_gap,), "grows as σ²/2"),
    "directions": (figures.directions, (kl_gaussian,), "zero at the black dot"),
    "half_on_the_first_term": (figures.half_on_the_first_term, (kl_gaussian,), "lowest at ½"),
    "mean_field": (figures.mean_field, (kl_gaussian_full,), "of variance 0.19, which lies inside p"),
    "convergence": (figures.convergence, (kl_monte_carlo,), "exact 0.5 nats"),
    "clamped": (figures.clamped, (kl_monte_carlo,), "with negative ones set to zero it would be 0.03"),
    "two_modes": (figures.two_modes, (), "6 apart"),
    "reverse_landscape": (
        figures.reverse_landscape,
        (fit_forward,),
        "mean 2.9, std 1.0: 0.91 nats; mean -0.5, std 2.7: 0.85 nats",
    ),
    "forward_and_reverse": (
        figures.forward_and_reverse,
        (fit_forward, fit_reverse),
        "forward fit has mean -0.60 and std 3.10",
    ),
    "as_modes_part": (figures.as_modes_part, (fit_forward, fit_reverse), "jumps onto one component"),
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
    ("figure", "settings"),
    [
        (figures.chord, {"low": 2.0, "high": 1.0}),
        (figures.chord, {"weight": 1.5}),
        (figures.two_modes, {"weight": 1.0}),
        (figures.two_modes, {"std": 0.0}),
        (figures.integrand, {"std": 0.0}),
    ],
)
def test_settings_that_make_no_sense_are_refused_in_words(figure, settings) -> None:
    with pytest.raises(ValueError, match=r"expected .* got"):
        figure(**settings)


@pytest.mark.parametrize(
    ("figure", "answers", "settings"),
    [
        (figures.integrand, (), {"mean": 0.0, "std": 1.0}),
        (figures.integrand, (), {"mean": 8.0, "std": 0.1}),
        (figures.bernoulli, (kl_discrete,), {"p": 0.0}),
        (figures.bernoulli, (kl_discrete,), {"p": 1.0}),
        (figures.chord, (), {"weight": 0.0}),
        (figures.maximum_likelihood, (entropy_and_cross_entropy,), {"counts": (0, 0, 7)}),
        (figures.mean_field, (kl_gaussian_full,), {"correlation": 0.0}),
        (figures.mean_field, (kl_gaussian_full,), {"correlation": -0.99}),
        (figures.convergence, (kl_monte_carlo,), {"shift": 0.0}),
        (figures.clamped, (kl_monte_carlo,), {"samples": 50}),
        (figures.reverse_landscape, (fit_forward,), {"separation": 0.0, "std": 3.0}),
        (figures.reverse_landscape, (fit_forward,), {"separation": 8.0, "weight": 0.5}),
        (figures.forward_and_reverse, (fit_forward, fit_reverse), {"separation": 20.0, "weight": 0.99, "std": 0.1}),
    ],
)
def test_what_a_curious_student_tries_can_be_drawn(figure, answers, settings) -> None:
    assert isinstance(figure(*answers, **settings), Picture)
