"""The figures of the unit draw from right answers, describe what they show, wait, and refuse settings that make no sense."""

from __future__ import annotations

import inspect
import math
import re

import pytest
import torch
from torch import Tensor
from torch.distributions import Normal

from lab import show
from lab import warm_up_figures as figures
from lab.style import Picture


def enumerate_model(prior: Tensor, likelihood: Tensor, f: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    joint = prior.unsqueeze(-1) * likelihood
    posterior = (joint / joint.sum(0)).T
    return joint.sum(0), posterior, posterior @ f


def log_sum_and_mean_exp(a: Tensor) -> tuple[Tensor, Tensor]:
    return a.logsumexp(-1), a.logsumexp(-1) - math.log(a.shape[-1])


def log_density_of_all(x: Tensor, mu: Tensor, log_var: Tensor) -> Tensor:
    return Normal(mu, (log_var / 2).exp()).log_prob(x.unsqueeze(1)).sum(-1)


def condition_gaussian(
    mu_a: Tensor, mu_b: Tensor, cov_aa: Tensor, cov_ab: Tensor, cov_bb: Tensor, x_b: Tensor
) -> tuple[Tensor, Tensor]:
    gain = torch.linalg.solve(cov_bb, cov_ab.mT).mT
    return mu_a + (gain @ (x_b - mu_b).unsqueeze(-1)).squeeze(-1), cov_aa - gain @ cov_ab.mT


def gaussian_product(mu_1: Tensor, var_1: Tensor, mu_2: Tensor, var_2: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    total = var_1 + var_2
    mu = (mu_1 * var_2 + mu_2 * var_1) / total
    return mu, var_1 * var_2 / total, Normal(mu_1, total.sqrt()).log_prob(mu_2).sum(-1)


def planar(z: Tensor, u: Tensor, w: Tensor, b: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    height = torch.tanh(z @ w + b)
    jacobian = torch.eye(len(u), dtype=z.dtype) + (1 - height**2)[:, None, None] * torch.outer(u, w)
    return z + height[:, None] * u, jacobian, torch.linalg.slogdet(jacobian).logabsdet


DRAWN = {
    "mosaic": (figures.mosaic, (), "z = 1: 1/6 with x = 0 and 1/6 with x = 1"),
    "beliefs": (
        figures.beliefs,
        (enumerate_model,),
        "After x = 1, of probability 0.417, they are 0.30, 0.40, 0.30, with mean 1.00",
    ),
    "overflow": (figures.overflow, (log_sum_and_mean_exp,), "a straight line"),
    "mixture": (
        figures.mixture,
        (log_density_of_all, log_sum_and_mean_exp),
        "with means -2, 0.5, 3 and standard deviation 0.6",
    ),
    "slice_through": (figures.slice_through, (condition_gaussian,), "of mean 0.80 and variance 0.36"),
    "two_opinions": (
        figures.two_opinions,
        (gaussian_product,),
        "the area 0.154 and is proportional to a Gaussian of mean 1.00 and variance 0.33",
    ),
    "bent_grid": (figures.bent_grid, (planar,), "nowhere is the determinant negative"),
}
"""The figure, what it is drawn from, and a part of its text that is wrong if the answer is."""


def test_every_figure_of_the_unit_is_tried_here() -> None:
    assert sorted(DRAWN) == sorted(figures.__all__)


@pytest.mark.parametrize("name", sorted(DRAWN))
def test_it_draws_and_says_what_it_shows(name: str) -> None:
    figure, answers, says = DRAWN[name]
    drawn = figure(*answers)
    assert isinstance(drawn, Picture)
    assert says in drawn.alt
    assert f'alt="{drawn.alt[:40]}' in drawn._repr_html_()
    assert 10_000 < len(drawn.png) < 400_000


@pytest.mark.parametrize("name", sorted(DRAWN))
def test_its_text_is_sentences_without_a_number_that_is_none(name: str) -> None:
    figure, answers, _ = DRAWN[name]
    alt = figure(*answers).alt
    assert alt.endswith(".")
    assert not re.search(r"\b(nan|inf|tensor|None)\b", alt)


@pytest.mark.parametrize("name", sorted(name for name, (_, answers, _) in DRAWN.items() if answers))
def test_it_waits_for_each_answer_that_is_not_written_yet(name: str) -> None:
    figure, answers, _ = DRAWN[name]
    for place, answer in enumerate(answers):

        def unwritten(*inputs: Tensor) -> None:
            raise NotImplementedError

        unwritten.__name__ = answer.__name__
        waiting = show(figure, *answers[:place], unwritten, *answers[place + 1 :])
        assert repr(waiting) == f"This figure waits for {answer.__name__}."


@pytest.mark.parametrize("name", sorted(name for name, (_, answers, _) in DRAWN.items() if answers))
def test_its_answers_have_the_names_of_the_exercises(name: str) -> None:
    figure, answers, _ = DRAWN[name]
    asked = list(inspect.signature(figure).parameters)[: len(answers)]
    assert [answer.__name__ for answer in answers] == asked


def test_a_wrong_answer_is_seen_in_the_text() -> None:
    """What is written about a figure comes from the answer, as the figure does."""

    def prior_forgotten(prior: Tensor, likelihood: Tensor, f: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return enumerate_model(torch.full_like(prior, 1 / len(prior)), likelihood, f)

    def never_folded(z: Tensor, u: Tensor, w: Tensor, b: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x, jacobian, _ = planar(z, u, w, b)
        return x, jacobian.abs(), torch.zeros_like(z[:, 0])

    assert "0.30, 0.40, 0.30" not in figures.beliefs(prior_forgotten).alt
    assert "ranges from 0.00 to 0.00" in figures.bent_grid(never_folded).alt


@pytest.mark.parametrize(
    ("figure", "answers", "settings"),
    [
        (figures.beliefs, (enumerate_model,), {"prior": (0.5, 0.5, 0.5)}),
        (figures.beliefs, (enumerate_model,), {"prior": (1.5, -0.5, 0.0)}),
        (figures.mixture, (log_density_of_all, log_sum_and_mean_exp), {"std": 0.0}),
        (figures.slice_through, (condition_gaussian,), {"correlation": 1.0}),
        (figures.two_opinions, (gaussian_product,), {"var_2": 0.0}),
        (figures.bent_grid, (planar,), {"u": (1.0, 2.0, 3.0)}),
    ],
)
def test_settings_that_make_no_sense_are_refused_in_words(figure, answers, settings) -> None:
    with pytest.raises(ValueError, match=r"expected .* got"):
        figure(*answers, **settings)
    assert re.search(r"expected .* got", repr(show(figure, *answers, **settings)))


@pytest.mark.parametrize(
    ("figure", "answers", "settings", "says"),
    [
        (figures.beliefs, (enumerate_model,), {"prior": (0.0, 1.0, 0.0)}, "are 0.00, 1.00, 0.00"),
        (figures.beliefs, (enumerate_model,), {"prior": (1 / 3, 1 / 3, 1 / 3)}, "with mean 1.33"),
        (figures.mixture, (log_density_of_all, log_sum_and_mean_exp), {"means": (0.5, 0.5, 0.5)}, "0.5, 0.5, 0.5"),
        (figures.mixture, (log_density_of_all, log_sum_and_mean_exp), {"means": (-40.0, 0.0, 40.0)}, "-40, 0, 40"),
        (figures.slice_through, (condition_gaussian,), {"correlation": 0.0}, "of mean 0.00 and variance 1.00"),
        (figures.slice_through, (condition_gaussian,), {"correlation": 0.99}, "of mean 0.99 and variance 0.02"),
        (figures.slice_through, (condition_gaussian,), {"correlation": -0.8, "x_b": -2.0}, "of mean 1.60"),
        (figures.two_opinions, (gaussian_product,), {"var_2": 20.0}, "of mean 0.07 and variance 0.95"),
        (figures.two_opinions, (gaussian_product,), {"var_2": 0.05}, "variance 0.05"),
        (figures.two_opinions, (gaussian_product,), {"mu_2": 40.0}, "narrower than both"),
        (figures.bent_grid, (planar,), {"u": (-2.0, 0.8)}, "in some cells the determinant is negative"),
        (figures.bent_grid, (planar,), {"u": (0.0, 0.0)}, "ranges from 0.00 to 0.00"),
        (figures.bent_grid, (planar,), {"w": (0.0, 0.0), "b": 3.0}, "b = 3"),
    ],
)
def test_what_a_curious_student_tries_can_be_drawn_and_is_told(figure, answers, settings, says) -> None:
    drawn = figure(*answers, **settings)
    assert isinstance(drawn, Picture)
    assert says in drawn.alt
