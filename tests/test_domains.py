"""Every domain samples inside itself, has its corners inside itself, and can always be shrunk back to the row itself."""

from __future__ import annotations

import pytest
import torch
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st

from autograder.domains import Covariances, Domain, Integers, Normals, Positive, Reals, Simplex

QUIET = settings(
    database=None,
    deadline=None,
    derandomize=True,
    max_examples=100,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=(HealthCheck.too_slow, HealthCheck.filter_too_much),
)  # fmt: skip

DOMAINS: dict[str, tuple[Domain, tuple[int, ...]]] = {
    "reals": (Reals(-3, 5), (4,)),
    "positive": (Positive(0.01, 50), (4,)),
    "normals": (Normals(), (4,)),
    "integers": (Integers(0, 6), (4,)),
    "simplex": (Simplex(), (4,)),
    "simplex with zeros": (Simplex(zeros=True), (4,)),
    "covariances": (Covariances(), (3, 3)),
}


def inside(name: str, row: torch.Tensor) -> bool:
    if name == "reals":
        return bool(((row >= -3) & (row <= 5)).all())
    if name == "positive":
        return bool(((row >= 0.0099) & (row <= 50.01)).all())
    if name == "integers":
        return not row.is_floating_point() and bool(((row >= 0) & (row <= 6)).all())
    if name.startswith("simplex"):
        least = 0.0 if "zeros" in name else 1e-12
        return bool((row >= least).all()) and abs(float(row.sum()) - 1) < 1e-12
    if name == "covariances":
        return bool((torch.linalg.eigvalsh(row) > 0).all()) and bool((row - row.mT).abs().max() < 1e-12)
    return bool(torch.isfinite(row).all())


@pytest.mark.parametrize("name", list(DOMAINS))
def test_samples_and_corners_lie_inside_the_domain(name: str) -> None:
    domain, shape = DOMAINS[name]
    sample = domain.sample((300, *shape), torch.Generator().manual_seed(1))
    assert sample.shape == (300, *shape)
    assert all(inside(name, row) for row in sample)
    corners = domain.corners(shape)
    assert corners
    assert all(corner.shape == shape and inside(name, corner) for corner in corners)


@pytest.mark.parametrize("name", list(DOMAINS))
def test_the_same_seed_gives_the_same_rows(name: str) -> None:
    domain, shape = DOMAINS[name]
    first, second = (domain.sample((5, *shape), torch.Generator().manual_seed(7)) for _ in range(2))
    assert torch.equal(first, second)


@pytest.mark.parametrize("name", list(DOMAINS))
def test_a_row_is_reachable_from_the_strategy_around_it(name: str) -> None:
    domain, shape = DOMAINS[name]
    row = domain.sample((1, *shape), torch.Generator().manual_seed(3))[0]
    assert torch.equal(
        find(domain.around(row, row.numel()), lambda other: torch.equal(other, row), settings=QUIET), row
    )


@pytest.mark.parametrize("name", list(DOMAINS))
def test_rows_around_a_row_stay_inside_the_domain(name: str) -> None:
    domain, shape = DOMAINS[name]
    row = domain.sample((1, *shape), torch.Generator().manual_seed(4))[0]

    @QUIET
    @given(domain.around(row, row.numel()))
    def stays_inside(other: torch.Tensor) -> None:
        assert other.dtype == row.dtype
        assert inside(name, other)

    stays_inside()


def test_entries_that_do_not_matter_shrink_to_zero() -> None:
    row = torch.tensor([3.7, -2.2, 1.4], dtype=torch.float64)
    smallest = find(Reals().around(row, 3), lambda other: bool(other[1] < -1), settings=QUIET)
    assert smallest[[0, 2]].tolist() == [0.0, 0.0]
    assert float(smallest[1]) in (-2.0, -2.2)


def test_a_simplex_with_zeros_has_rows_with_zeros_and_one_without_has_none() -> None:
    generator = torch.Generator().manual_seed(0)
    assert bool((Simplex(zeros=True).sample((200, 5), generator) == 0).any())
    assert not bool((Simplex().sample((200, 5), generator) == 0).any())


@given(st.integers(1, 6))
@QUIET
def test_a_simplex_of_any_size_sums_to_one(k: int) -> None:
    rows = Simplex(zeros=True).sample((50, k), torch.Generator().manual_seed(k))
    assert torch.allclose(rows.sum(-1), torch.ones(50, dtype=torch.float64))
