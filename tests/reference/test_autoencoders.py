"""Autoencoders: the penalty is the exact Jacobian's, noise is what it says, and a linear one finds PCA's subspace."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from scipy.stats import binomtest, chi2
from torch import nn

from lab.data import Rows
from lab.fit import fit, made, mean_bound
from reference.autoencoders import (
    Autoencoder,
    contraction,
    cross_entropy,
    gaussian_noise,
    masking,
    squared_error,
    terms,
)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_the_contractive_penalty_is_the_closed_form_of_a_sigmoid_layer() -> None:
    """Σ_k (h_k(1 − h_k))² Σ_i W_ki² (Rifai et al., 2011), and for any encoder what autograd's Jacobian says."""
    layer = nn.Linear(4, 3).double()
    x = torch.randn(5, 4, generator=generator(), dtype=torch.float64)
    h = torch.sigmoid(layer(x))
    expected = ((h * (1 - h)) ** 2 * layer.weight.square().sum(1)).sum(1)
    assert torch.allclose(contraction(nn.Sequential(layer, nn.Sigmoid()), x), expected)
    deep = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 2)).double()
    jacobians = [torch.autograd.functional.jacobian(deep, row) for row in x]
    assert torch.allclose(contraction(deep, x), torch.stack([j.square().sum() for j in jacobians]))


def test_the_penalty_trains_the_encoder() -> None:
    layer = nn.Linear(4, 3)
    contraction(layer, torch.zeros(2, 4)).sum().backward()
    assert torch.allclose(layer.weight.grad, 4 * layer.weight)  # type: ignore[arg-type]


def test_masking_takes_each_pixel_with_its_probability_and_leaves_the_rest() -> None:
    x = torch.ones(200, 500)
    spoilt = masking(0.3)(x, generator())
    assert set(spoilt.unique().tolist()) == {0.0, 1.0}
    gone = int((spoilt == 0).sum())
    assert binomtest(gone, x.numel(), 0.3).pvalue > 1e-6
    assert bool((spoilt.std(0) > 0).all())  # no column is masked as one
    assert torch.equal(masking(0.3)(x, generator()), spoilt)


def test_gaussian_noise_has_the_deviation_that_was_asked_for() -> None:
    noise = gaussian_noise(0.5)(torch.ones(200, 500), generator()) - 1
    statistic = float((noise / 0.5).double().square().sum())
    assert 1e-6 < chi2.cdf(statistic, noise.numel()) < 1 - 1e-6


@pytest.mark.parametrize("make", [lambda: masking(1.0), lambda: masking(-0.1), lambda: gaussian_noise(-1)])
def test_senseless_noise_is_refused(make: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match="expected"):
        make()


def test_losses_are_summed_over_dimensions() -> None:
    x = torch.tensor([[0.0, 1.0, 1.0]])
    assert float(squared_error(torch.zeros(1, 3), x)) == 2.0
    assert float(cross_entropy(torch.zeros(1, 3), x)) == pytest.approx(3 * math.log(2))


def test_what_is_reconstructed_is_the_whole_x_from_the_spoilt_one() -> None:
    seen = []

    class Looks(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            seen.append(x)
            return x

    x = torch.ones(4, 50)
    explained, cost = terms(squared_error, masking(0.5))(Autoencoder(Looks(), nn.Identity()), x, generator())
    assert torch.equal(-explained, (seen[0] == 0).sum(1).float())
    assert bool((cost == 0).all())


def test_a_linear_autoencoder_finds_the_subspace_of_pca() -> None:
    """Its smallest loss is the sum of the lost eigenvalues (Baldi & Hornik, 1989)."""
    x = torch.randn(500, 2, generator=generator()) @ torch.randn(2, 5, generator=generator(1)) * 1.5
    x = x + 0.2 * torch.randn(500, 5, generator=generator(2))
    x = x - x.mean(0)
    model = made(lambda: Autoencoder(nn.Linear(5, 2, bias=False), nn.Linear(2, 5, bias=False)), 0)
    for rate in (3e-2, 1e-2, 1e-3):
        fit(model, terms(squared_error), Rows(x), epochs=40, batch=100, rate=rate, quiet=True)
    values, vectors = torch.linalg.eigh(x.T @ x / len(x))
    assert -mean_bound(model, terms(squared_error), Rows(x)) == pytest.approx(float(values[:3].sum()), rel=0.01)
    map_of = (model.decoder.weight @ model.encoder.weight).detach()  # type: ignore[operator]
    projection = vectors[:, 3:] @ vectors[:, 3:].T
    assert float((map_of - projection).norm()) < 0.05


def test_the_penalty_is_paid_for_in_training() -> None:
    x = torch.rand(200, 6, generator=generator())
    sizes = []
    for penalty in (0.0, 1.0):
        model = made(lambda: Autoencoder(nn.Sequential(nn.Linear(6, 4), nn.Sigmoid()), nn.Linear(4, 6)), 0)
        fit(model, terms(squared_error, penalty=penalty), Rows(x), epochs=30, batch=50, rate=1e-2, quiet=True)
        sizes.append(float(contraction(model.encoder, x).detach().mean()))  # type: ignore[arg-type]
    assert sizes[1] < 0.5 * sizes[0]
