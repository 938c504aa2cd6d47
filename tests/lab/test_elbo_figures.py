"""The figures of the unit draw from right answers, describe what they show, and refuse settings that make no sense."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from lab import elbo_figures as figures
from lab.style import Picture


def elbo_terms(q: Tensor, prior: Tensor, likelihood: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    energy, entropy = torch.xlogy(q, prior * likelihood).sum(-1), -torch.xlogy(q, q).sum(-1)
    reconstruction = torch.xlogy(q, likelihood).sum(-1)
    return energy, entropy, reconstruction, reconstruction - energy - entropy


def bound_gap(q: Tensor, prior: Tensor, likelihood: Tensor) -> Tensor:
    energy, entropy, _, _ = elbo_terms(q, prior, likelihood)
    return (prior * likelihood).sum(-1).log() - energy - entropy


def optimal_q(x: Tensor, W: Tensor, b: Tensor, sigma2: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    precision = torch.eye(W.shape[1], dtype=W.dtype) + W.T @ W / sigma2
    mean = (x - b) @ W @ torch.linalg.inv(precision) / sigma2
    diagonal = precision.diagonal()
    return mean, 1 / diagonal, (diagonal.log().sum() - torch.logdet(precision)) / 2


def variational_em(x: Tensor, prior: Tensor, probs: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    ones = x.to(probs.dtype)

    def log_joint(prior: Tensor, probs: Tensor) -> Tensor:
        coins = torch.xlogy(ones[:, None], probs) + torch.xlogy(1 - ones[:, None], 1 - probs)
        return prior.log() + coins.sum(-1)

    q = log_joint(prior, probs).softmax(-1)
    prior, probs = q.mean(0), (q.T @ ones) / q.sum(0)[:, None]
    return prior, probs, (q * log_joint(prior, probs) - torch.xlogy(q, q)).sum(-1).mean()


def iwae_bound(z: Tensor, q: Tensor, prior: Tensor, log_likelihood: Tensor) -> Tensor:
    log_w = prior.log() + log_likelihood - q.log()
    return log_w.gather(1, z).logsumexp(-1) - math.log(z.shape[1])


def aggregate_posterior_decomposition(q: Tensor, p_data: Tensor, prior: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    joint = p_data[:, None] * q
    together = joint.sum(0)
    average = (torch.xlogy(joint, q) - torch.xlogy(joint, prior)).sum()
    on_the_whole = (torch.xlogy(together, together) - torch.xlogy(together, prior)).sum()
    return average, average - on_the_whole, on_the_whole


DRAWN = {
    "ratios": (figures.ratios, (), "is -1.095; log p(x) is -0.875"),
    "two_ways": (figures.two_ways, (elbo_terms,), "plus entropy 0.898 is -1.095"),
    "bound_and_gap": (figures.bound_and_gap, (elbo_terms, bound_gap), "0 at the posterior and 1.20 at the right end"),
    "diagonal_in_a_tilted_posterior": (
        figures.diagonal_in_a_tilted_posterior,
        (optimal_q,),
        "0 at 90 degrees and 0.281 nats at 35",
    ),
    "staircase": (figures.staircase, (variational_em,), "never falls"),
    "tightening": (figures.tightening, (iwae_bound,), "30% of them lie above log p(x) at K = 1"),
    "four_encoders": (
        figures.four_encoders,
        (aggregate_posterior_decomposition,),
        "the posterior: 0.073 + 0.000 = 0.073.",
    ),
}


def test_every_figure_of_the_unit_is_tried_here() -> None:
    assert sorted(DRAWN) == sorted(figures.__all__)


@pytest.mark.parametrize("name", sorted(DRAWN))
def test_it_draws_and_says_what_it_shows(name: str) -> None:
    figure, answers, says = DRAWN[name]
    drawn = figure(*answers)
    assert isinstance(drawn, Picture)
    assert says in drawn.alt
    assert "-0.000" not in drawn.alt
    assert 10_000 < len(drawn.png) < 400_000


@pytest.mark.parametrize(
    ("figure", "answers", "settings"),
    [
        (figures.ratios, (), {"q": (0.5, 0.5)}),
        (figures.ratios, (), {"q": (0.0, 0.0, 0.0)}),
        (figures.ratios, (), {"q": (1.2, -0.1, -0.1)}),
        (figures.ratios, (), {"x": 2}),
        (figures.two_ways, (elbo_terms,), {"q": (-1.0, 1.0, 1.0)}),
        (figures.two_ways, (elbo_terms,), {"x": -1}),
        (figures.bound_and_gap, (elbo_terms, bound_gap), {"x": 3}),
        (figures.diagonal_in_a_tilted_posterior, (optimal_q,), {"angle": 0.0}),
        (figures.diagonal_in_a_tilted_posterior, (optimal_q,), {"angle": 180.0}),
        (figures.diagonal_in_a_tilted_posterior, (optimal_q,), {"length": -1.0}),
        (figures.diagonal_in_a_tilted_posterior, (optimal_q,), {"sigma2": 0.0}),
        (figures.staircase, (variational_em,), {"steps": 0}),
        (figures.staircase, (variational_em,), {"observations": 0}),
        (figures.tightening, (iwae_bound,), {"largest": 0}),
        (figures.tightening, (iwae_bound,), {"largest": 30}),
    ],
)
def test_settings_that_make_no_sense_are_refused_in_words(figure, answers, settings) -> None:
    with pytest.raises(ValueError, match=r"expected .* got"):
        figure(*answers, **settings)


@pytest.mark.parametrize(
    ("figure", "answers", "settings"),
    [
        (figures.ratios, (), {"q": (0.3, 0.4, 0.3)}),
        (figures.ratios, (), {"q": (1.0, 0.0, 0.0), "x": 0}),
        (figures.ratios, (), {"q": (98, 1, 1)}),
        (figures.two_ways, (elbo_terms,), {"q": (0.3, 0.4, 0.3)}),
        (figures.two_ways, (elbo_terms,), {"q": (0, 1, 0)}),
        (figures.bound_and_gap, (elbo_terms, bound_gap), {"x": 0}),
        (figures.diagonal_in_a_tilted_posterior, (optimal_q,), {"angle": 90.0}),
        (figures.diagonal_in_a_tilted_posterior, (optimal_q,), {"angle": 1.0, "length": 20.0}),
        (figures.diagonal_in_a_tilted_posterior, (optimal_q,), {"angle": 179.0, "sigma2": 1e-3}),
        (figures.diagonal_in_a_tilted_posterior, (optimal_q,), {"sigma2": 1e6}),
        (figures.staircase, (variational_em,), {"steps": 1}),
        (figures.staircase, (variational_em,), {"steps": 30, "seed": 3}),
        (figures.staircase, (variational_em,), {"observations": 1, "length": 1}),
        (figures.tightening, (iwae_bound,), {"q": (0.3, 0.4, 0.3)}),
        (figures.tightening, (iwae_bound,), {"q": (0.9, 0.08, 0.02), "x": 0, "largest": 1}),
        (figures.tightening, (iwae_bound,), {"q": (1, 0, 0)}),
    ],
)
def test_what_a_curious_student_tries_can_be_drawn(figure, answers, settings) -> None:
    drawn = figure(*answers, **settings)
    assert isinstance(drawn, Picture)
    assert "nan" not in drawn.alt
