"""Output heads are normalised, say what they expect, and stay finite where students' do not."""

from __future__ import annotations

import math

import pytest
import torch
from scipy.integrate import quad
from torch import Tensor

from reference.heads import (
    BernoulliHead,
    CategoricalHead,
    ContinuousBernoulliHead,
    GaussianHead,
    Head,
    MixedHead,
    middle,
)

OUTPUT = torch.tensor([[0.7, -1.3]], dtype=torch.float64)


def density(head: Head, output: Tensor, x: float) -> float:
    """Of the first dimension by itself, at x."""
    one = torch.tensor([[x]], dtype=torch.float64)
    return float(head(output[:, :1]).log_prob(one).exp())


@pytest.mark.parametrize(("head", "low", "high"), [(ContinuousBernoulliHead(), 0, 1), (GaussianHead(0.3), -8, 8)])
def test_a_density_integrates_to_one(head: Head, low: float, high: float) -> None:
    total, _ = quad(lambda x: density(head, OUTPUT, x), low, high, points=[0.7])
    assert total == pytest.approx(1, abs=1e-7)


@pytest.mark.parametrize("head", [BernoulliHead(), CategoricalHead(4)])
def test_probabilities_add_up_to_one(head: Head) -> None:
    levels = 2 if isinstance(head, BernoulliHead) else 4
    output = torch.randn(1, head.width(1), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    values = torch.arange(levels, dtype=torch.float64 if levels == 2 else torch.int64).reshape(-1, 1)
    assert float(head(output.expand(levels, -1)).log_prob(values).exp().sum()) == pytest.approx(1)


@pytest.mark.parametrize("logit", [-1e4, 1e4])
def test_bernoulli_logits_far_out_give_finite_likelihoods(logit: float) -> None:
    output = torch.full((2, 3), logit)
    x = torch.stack([torch.zeros(3), torch.ones(3)])
    assert sorted(BernoulliHead()(output).log_prob(x).tolist()) == [-3e4, 0.0]


@pytest.mark.parametrize("head", [BernoulliHead(), ContinuousBernoulliHead(), GaussianHead(1.0)])
def test_the_likelihood_is_summed_over_pixels(head: Head) -> None:
    x = torch.full((1, 2), 1.0)
    parts = [float(head(OUTPUT[:, [i]].float()).log_prob(x[:, [i]])) for i in range(2)]
    assert float(head(OUTPUT.float()).log_prob(x)) == pytest.approx(sum(parts), rel=1e-5)


def test_the_optimal_variance_is_the_mean_squared_error() -> None:
    """No fixed σ gives the batch a higher likelihood."""
    x = torch.randn(50, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    output = 0.3 * x
    best = float(GaussianHead("optimal")(output).log_prob(x).sum())
    fixed = {
        sigma: float(GaussianHead(sigma)(output).log_prob(x).sum()) for sigma in torch.linspace(0.3, 1.5, 200).tolist()
    }
    assert best >= max(fixed.values())
    assert best == pytest.approx(max(fixed.values()), abs=0.1)
    assert float((x - output).square().mean().sqrt()) == pytest.approx(max(fixed, key=lambda s: fixed[s]), abs=0.01)


def test_a_perfect_reconstruction_has_a_finite_likelihood_for_every_learned_variance() -> None:
    x = torch.randn(5, 3)
    for head in (GaussianHead("optimal"), GaussianHead("shared")):
        assert math.isfinite(float(head(x).log_prob(x).detach().sum()))
    runaway = torch.cat([x, torch.full_like(x, -1e3)], 1)
    assert math.isfinite(float(GaussianHead("each")(runaway).log_prob(x).sum()))


def test_a_smaller_sigma_makes_a_good_reconstruction_likelier_without_end() -> None:
    """Why σ is kept above something: each tenth of it adds log 10 nats a dimension."""
    x = torch.zeros(1, 3)
    logs = [float(GaussianHead(sigma)(x).log_prob(x)) for sigma in (1.0, 0.1, 0.01)]
    assert logs[1] - logs[0] == pytest.approx(3 * math.log(10), rel=1e-5)
    assert logs[2] - logs[1] == pytest.approx(3 * math.log(10), rel=1e-5)


def test_columns_of_different_kinds_add_up() -> None:
    head = MixedHead([(2, BernoulliHead()), (1, GaussianHead("each")), (1, CategoricalHead(3))])
    assert head.width(4) == 2 + 2 + 3
    output = torch.randn(6, 7, generator=torch.Generator().manual_seed(0))
    x = torch.tensor([[1.0, 0, 0.3, 2]]).expand(6, -1)
    expected = (
        BernoulliHead()(output[:, :2]).log_prob(x[:, :2])
        + GaussianHead("each")(output[:, 2:4]).log_prob(x[:, 2:3])
        + CategoricalHead(3)(output[:, 4:]).log_prob(x[:, 3:])
    )
    assert torch.allclose(head(output).log_prob(x), expected)
    assert head(output).sample().shape == (6, 4)
    assert middle(head(output)).shape == (6, 4)
    with pytest.raises(ValueError, match="4 columns together; expected 5"):
        head.width(5)


@pytest.mark.parametrize("sigma", [0.0, -1.0, "some"])
def test_a_senseless_deviation_is_refused(sigma: float | str) -> None:
    with pytest.raises(ValueError, match="sigma="):
        GaussianHead(sigma)


def test_the_middle_of_a_category_is_its_most_probable_level() -> None:
    assert middle(CategoricalHead(3)(torch.tensor([[0.0, 2.0, 1.0]]))).tolist() == [[1.0]]
    assert middle(BernoulliHead()(torch.tensor([[0.0]]))).tolist() == [[0.5]]
