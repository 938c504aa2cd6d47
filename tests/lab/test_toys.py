"""Toy sets: their log-densities integrate to one, and their samples are spread as these say."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from scipy.stats import chisquare

from lab.toys import TOYS, Toy, two_moons

every_toy = pytest.mark.parametrize("make", TOYS, ids=[make.__name__ for make in TOYS])
CELLS, FINE = 8, 24


def board(toy: Toy) -> tuple[torch.Tensor, float]:
    """Middles of a fine grid over the whole of the set, [CELLS·FINE, CELLS·FINE, 2], and the area of one cell of it."""
    edge = 1.3 * toy.extent
    step = 2 * edge / (CELLS * FINE)
    at = -edge + step * (torch.arange(CELLS * FINE, dtype=torch.float64) + 0.5)
    return torch.stack(torch.meshgrid(at, at, indexing="ij"), -1), step**2


@every_toy
def test_the_density_integrates_to_one(make: Callable[[], Toy]) -> None:
    toy = make()
    places, area = board(toy)
    total = float(toy.log_prob(places.reshape(-1, 2)).exp().sum() * area)
    assert total == pytest.approx(1, abs=0.02 if toy.name == "chequerboard" else 1e-6)  # its edges cut through cells


@every_toy
def test_samples_fall_where_the_density_says(make: Callable[[], Toy]) -> None:
    """Counts over a board of 64 squares, as a χ² test sees them; a right sampler fails once in a million runs."""
    toy = make()
    if toy.name == "chequerboard":
        return check_the_board(toy)
    places, area = board(toy)
    mass = toy.log_prob(places.reshape(-1, 2)).exp().mul(area).reshape(CELLS, FINE, CELLS, FINE).sum((1, 3)).flatten()
    x = toy.sample(20_000, torch.Generator().manual_seed(0)).double()
    square = ((x / (1.3 * toy.extent) + 1) * CELLS / 2).floor().clamp(0, CELLS - 1).long()
    counts = torch.zeros(CELLS * CELLS).index_add(0, square[:, 0] * CELLS + square[:, 1], torch.ones(len(x)))
    often = mass * len(x) > 5
    expected = torch.cat([mass[often], mass[~often].sum().reshape(1)]) * len(x)
    found = torch.cat([counts[often].double(), counts[~often].double().sum().reshape(1)])
    assert chisquare(found.numpy(), (expected * found.sum() / expected.sum()).numpy()).pvalue > 1e-6


def check_the_board(toy: Toy) -> None:
    x = toy.sample(20_000, torch.Generator().manual_seed(0))
    assert bool(toy.log_prob(x).isfinite().all())
    square = (x + 2).floor().long()
    counts = torch.zeros(16).index_add(0, square[:, 0] * 4 + square[:, 1], torch.ones(len(x)))
    assert chisquare(counts[counts > 0].numpy()).pvalue > 1e-6
    assert int((counts > 0).sum()) == 8


@every_toy
def test_the_density_is_the_same_for_float32_and_in_one_row(make: Callable[[], Toy]) -> None:
    toy = make()
    x = toy.sample(100, torch.Generator().manual_seed(1))
    assert torch.allclose(toy.log_prob(x).double(), toy.log_prob(x.double()), atol=1e-4)
    assert torch.equal(toy.log_prob(x[:1]), toy.log_prob(x)[:1])
    assert toy.log_prob(x).dtype == torch.float32


@every_toy
def test_samples_depend_on_their_generator_alone(make: Callable[[], Toy]) -> None:
    a, b = (make().sample(10, torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(a, b)


def test_the_gradient_of_the_density_points_to_the_curve() -> None:
    """What denoising learns: from outside, the score leads back to the moon."""
    x = torch.tensor([[-0.5, 0.9]], dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(two_moons().log_prob(x).sum(), x)
    assert float(slope[0, 1]) < -1
    assert math.isfinite(float(slope.abs().sum()))
