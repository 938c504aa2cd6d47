"""The figures of the unit draw from right answers, describe what they show, and refuse settings that make no sense."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.distributions import Gumbel, Normal

from lab import gradient_figures as figures
from lab.style import Picture


def discrete_gradient(logits: Tensor, values: Tensor) -> Tensor:
    leaf = logits.detach().clone().requires_grad_()
    return torch.autograd.grad((leaf.softmax(-1) * values).sum(), leaf)[0]


def reparameterise(mu: Tensor, log_var: Tensor, eps: Tensor) -> Tensor:
    return torch.addcmul(mu, (log_var / 2).exp(), eps)


def pathwise_gradient(mu: Tensor, log_var: Tensor, eps: Tensor, coefficients: Tensor) -> tuple[Tensor, Tensor]:
    leaves = [x.unsqueeze(-1).expand_as(eps).clone().requires_grad_() for x in (mu, log_var)]
    z = reparameterise(leaves[0], leaves[1], eps)
    powers = z.unsqueeze(-1) ** torch.arange(coefficients.shape[-1])
    first, second = torch.autograd.grad((coefficients.unsqueeze(1) * powers).sum(), leaves)
    return first, second


def score_function_gradient(
    z: Tensor, values: Tensor, mu: Tensor, log_var: Tensor, baseline: Tensor
) -> tuple[Tensor, Tensor]:
    leaves = [x.unsqueeze(-1).expand_as(z).clone().requires_grad_() for x in (mu, log_var)]
    log_q = torch.as_tensor(Normal(leaves[0], (leaves[1] / 2).exp()).log_prob(z))
    first, second = torch.autograd.grad(log_q.sum(), leaves)
    better = values - baseline.unsqueeze(-1)
    return better * first, better * second


def leave_one_out(values: Tensor, scores: Tensor) -> Tensor:
    """The covariance of f and the score, with Bessel's correction."""
    centred = values - values.mean(1, keepdim=True)
    return (centred.unsqueeze(-1) * scores).sum(1) / (values.shape[1] - 1)


def gumbel_softmax(logits: Tensor, u: Tensor, tau: Tensor) -> Tensor:
    noise = torch.as_tensor(Gumbel(torch.zeros_like(u), torch.ones_like(u)).icdf(u))
    return torch.softmax((logits + noise) / tau.unsqueeze(-1), -1)


DRAWN = {
    "two_ways": (figures.two_ways, (), "those on the right gain weight and those on the left lose it"),
    "small_model": (figures.small_model, (discrete_gradient,), "ending at 0.300, 0.400, 0.300"),
    "noise_to_samples": (figures.noise_to_samples, (reparameterise,), "around (2.0, 0.0)"),
    "per_sample": (
        figures.per_sample,
        (pathwise_gradient, score_function_gradient),
        "along the path: mean 2.00, variance 4.00; by the score: mean 2.00, variance 30.00; by the score, baseline 4: mean "
        "2.00, variance 14.00",
    ),
    "baselines": (
        figures.baselines,
        (score_function_gradient,),
        "30.0 without, 18.0 at b = E[f] = 2, and least, 14.0, at b = 4.0",
    ),
    "dimensions": (figures.dimensions, (pathwise_gradient, score_function_gradient), "Along the path 4."),
    "own_sample": (figures.own_sample, (leave_one_out,), "Only the baseline with its own sample has a wrong average"),
    "simplex": (figures.simplex, (gumbel_softmax,), "at each temperature the same outcomes win"),
    "bias_and_variance": (
        figures.bias_and_variance,
        (gumbel_softmax, discrete_gradient),
        "The exact slope is 0.0250",
    ),
}  # fmt: skip


def test_every_figure_of_the_unit_is_tried_here() -> None:
    assert sorted(DRAWN) == sorted(figures.__all__)


@pytest.mark.parametrize("name", sorted(DRAWN))
def test_it_draws_and_says_what_it_shows(name: str) -> None:
    figure, answers, says = DRAWN[name]
    drawn = figure(*answers)
    assert isinstance(drawn, Picture)
    assert says in drawn.alt
    assert 10_000 < len(drawn.png) < 400_000


def test_a_wrong_answer_looks_wrong() -> None:
    """What is drawn and told comes from the student's function: half the gradient is told as half the gradient."""
    drawn = figures.own_sample(lambda values, scores: leave_one_out(values, scores) / 2)
    right, wrong = figures.own_sample(leave_one_out).alt, drawn.alt
    assert right != wrong


@pytest.mark.parametrize(
    ("figure", "answers", "settings"),
    [
        (figures.two_ways, (), {"std": 0.0}),
        (figures.small_model, (discrete_gradient,), {"start": (0.5, 0.5, 0.0)}),
        (figures.small_model, (discrete_gradient,), {"steps": 0}),
        (figures.noise_to_samples, (reparameterise,), {"std": (1.0, 0.0)}),
        (figures.own_sample, (leave_one_out,), {"most": 1}),
        (figures.own_sample, (leave_one_out,), {"most": 9}),
        (figures.dimensions, (pathwise_gradient, score_function_gradient), {"most": 1}),
        (figures.simplex, (gumbel_softmax,), {"temperatures": (1.0, 0.0)}),
        (figures.simplex, (gumbel_softmax,), {"temperatures": ()}),
        (figures.bias_and_variance, (gumbel_softmax, discrete_gradient), {"chance": 1.0}),
    ],
)
def test_settings_that_make_no_sense_are_refused_in_words(figure, answers, settings) -> None:
    with pytest.raises(ValueError, match=r"expected .* got"):
        figure(*answers, **settings)


@pytest.mark.parametrize(
    ("figure", "answers", "settings"),
    [
        (figures.two_ways, (), {"mean": 0.0, "std": 0.1, "step": 0.0}),
        (figures.two_ways, (), {"mean": -3.0, "std": 3.0, "step": -2.0}),
        (figures.small_model, (discrete_gradient,), {"start": (0.001, 0.001, 0.998)}),
        (figures.small_model, (discrete_gradient,), {"start": (3.0, 4.0, 3.0), "rate": 0.0}),
        (figures.small_model, (discrete_gradient,), {"rate": 20.0, "steps": 200}),
        (figures.noise_to_samples, (reparameterise,), {"mean": (0.0, 0.0), "std": (0.01, 30.0)}),
        (figures.per_sample, (pathwise_gradient, score_function_gradient), {"mean": 0.0, "baseline": 0.0}),
        (figures.per_sample, (pathwise_gradient, score_function_gradient), {"mean": 10.0, "baseline": -100.0}),
        (figures.baselines, (score_function_gradient,), {"mean": 0.0}),
        (figures.baselines, (score_function_gradient,), {"mean": 5.0}),
        (figures.dimensions, (pathwise_gradient, score_function_gradient), {"most": 500}),
        (figures.own_sample, (leave_one_out,), {"constant": 3.0}),
        (figures.own_sample, (leave_one_out,), {"constant": -20.0, "most": 2}),
        (figures.simplex, (gumbel_softmax,), {"temperatures": (0.01,), "samples": 20}),
        (figures.simplex, (gumbel_softmax,), {"temperatures": (5.0, 1.0, 0.5, 0.1, 0.01)}),
        (figures.bias_and_variance, (gumbel_softmax, discrete_gradient), {"chance": 0.001}),
        (figures.bias_and_variance, (gumbel_softmax, discrete_gradient), {"target": 0.5}),
    ],
)
def test_what_a_curious_student_tries_can_be_drawn(figure, answers, settings) -> None:
    assert isinstance(figure(*answers, **settings), Picture)
