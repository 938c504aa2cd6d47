"""The exact tests of samplers keep their stated error rates, find the noise that is reused, and say what they cannot see."""

from __future__ import annotations

import itertools
import math
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import mpmath
import pytest
import torch
from scipy.special import betainc, gammainccinv, gammaincinv
from torch import Tensor

from autograder.answer import Fault
from autograder.evidence import Evidence, combine
from autograder.samplers import (
    _edge,
    _missed,
    as_normals,
    calls_are_independent,
    dimensions_are_independent,
    drawn,
    draws_for_calls,
    draws_for_dimensions,
    draws_for_frequencies,
    draws_for_frequency,
    draws_for_mean,
    draws_for_rows,
    draws_for_shape,
    draws_for_variance,
    frequencies_are,
    frequency_is,
    mean_is_zero,
    rows_are_independent,
    shape_is_normal,
    variance_is_one,
)

STRICT: dict[str, Any] = dict(alpha=1e-11, beta=1e-6)
P = (0.2, 0.5, 0.3)


def normals(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def categories(n: int, seed: int = 0, p: tuple[float, ...] = P) -> Tensor:
    return torch.multinomial(torch.tensor(p), n, replacement=True, generator=torch.Generator().manual_seed(seed))


def broken(found: Evidence) -> bool:
    assert found.outcome in ("broken", "holds")
    return found.outcome == "broken"


def at_most(count: int, runs: int, rate: float) -> bool:
    """`count` of `runs` is consistent with a rate of at most `rate`: as many come about with probability over 1e-4."""
    return count == 0 or betainc(count, runs - count + 1, rate) > 1e-4


def at_least(count: int, runs: int, rate: float) -> bool:
    return at_most(runs - count, runs, 1 - rate)


# ---- false alarms ----------------------------------------------------------------------------------------------------------

LOOSE: dict[str, Any] = dict(alpha=0.05, beta=0.1, delta=0.4)
LOOSE_PROBABILITY: dict[str, Any] = dict(alpha=0.05, beta=0.1, delta=0.1)

RIGHT: dict[str, Callable[[int], Evidence]] = {
    "mean": lambda seed: mean_is_zero(normals(draws_for_mean(**LOOSE), seed=seed), **LOOSE),
    "mean, three dimensions": lambda seed: mean_is_zero(
        normals(draws_for_mean(**LOOSE, dimensions=3), 3, seed=seed), **LOOSE
    ),
    "mean, three dimensions that are one": lambda seed: mean_is_zero(
        normals(draws_for_mean(**LOOSE, dimensions=3), 1, seed=seed).expand(-1, 3), **LOOSE
    ),
    "variance": lambda seed: variance_is_one(normals(draws_for_variance(**LOOSE), seed=seed), **LOOSE),
    "variance, three dimensions": lambda seed: variance_is_one(
        normals(draws_for_variance(**LOOSE, dimensions=3), 3, seed=seed), **LOOSE
    ),
    "shape": lambda seed: shape_is_normal(
        normals(draws_for_shape(**LOOSE_PROBABILITY), seed=seed), **LOOSE_PROBABILITY
    ),
    "shape, in float32": lambda seed: shape_is_normal(
        normals(draws_for_shape(**LOOSE_PROBABILITY), seed=seed, dtype=torch.float32), **LOOSE_PROBABILITY
    ),
    "rows": lambda seed: rows_are_independent(normals(draws_for_rows(**LOOSE), seed=seed), **LOOSE),
    "rows, two dimensions": lambda seed: rows_are_independent(
        normals(draws_for_rows(**LOOSE, dimensions=2), 2, seed=seed), **LOOSE
    ),
    "dimensions": lambda seed: dimensions_are_independent(
        normals(draws_for_dimensions(**LOOSE, dimensions=3), 3, seed=seed), **LOOSE
    ),
    "calls": lambda seed: calls_are_independent(
        *normals(2, draws_for_calls(**LOOSE, dimensions=2), 2, seed=seed), **LOOSE
    ),
    "three calls": lambda seed: calls_are_independent(
        *normals(3, draws_for_calls(**LOOSE, calls=3), seed=seed), **LOOSE
    ),
    "one category": lambda seed: frequency_is(
        categories(draws_for_frequency(**LOOSE_PROBABILITY, probability=0.2), seed), 0, 0.2, **LOOSE_PROBABILITY
    ),
    "all categories": lambda seed: frequencies_are(
        categories(draws_for_frequencies(**LOOSE_PROBABILITY, probabilities=P), seed), P, **LOOSE_PROBABILITY
    ),
    "rows, of categories": lambda seed: rows_are_independent(
        as_normals(categories(draws_for_rows(**LOOSE), seed), P, torch.Generator().manual_seed(seed + 10**6)), **LOOSE
    ),
}  # fmt: skip
NOT_WASTEFUL = {"mean": 0.05, "variance": 0.05, "calls": 0.04, "dimensions": 0.04, "rows": 0.02, "shape": 0.02}
"""Rates that the alarms do reach: α for one exact statistic, less where inequalities and union bounds come in."""


@pytest.mark.parametrize("name", list(RIGHT))
def test_right_draws_are_called_broken_at_most_as_often_as_stated(name: str) -> None:
    runs = 400
    alarms = sum(broken(RIGHT[name](seed)) for seed in range(runs))
    assert at_most(alarms, runs, 0.05), alarms
    assert at_least(alarms, runs, NOT_WASTEFUL.get(name, 0.0)), alarms


# ---- power -----------------------------------------------------------------------------------------------------------------


def moved(n: int, seed: int) -> Tensor:
    """Normal draws whose distribution function is at most 0.1 away from N(0, 1)'s, and just so."""
    shift = 2 * math.sqrt(2) * torch.erfinv(torch.tensor(0.1, dtype=torch.float64))
    return normals(n, seed=seed) + shift


def correlated(n: int, seed: int, rho: float) -> tuple[Tensor, Tensor]:
    x, y = normals(2, n, seed=seed)
    return x, rho * x + math.sqrt(1 - rho**2) * y


def moving_average(n: int, seed: int, rho: float) -> Tensor:
    """Standard normals of which neighbours have correlation rho < ½, and others none."""
    angle = math.asin(2 * rho) / 2
    eps = normals(n + 1, seed=seed)
    return math.cos(angle) * eps[:-1] + math.sin(angle) * eps[1:]


def one_of_three_dimensions(n: int, seed: int, change: Callable[[Tensor], Tensor]) -> Tensor:
    z = normals(n, 3, seed=seed)
    z[:, 1] = change(z[:, 1])
    return z


def with_one_pair(n: int, d: int, seed: int) -> Tensor:
    """Independent normals, but for the first and the last dimension, which have correlation 0.4."""
    z = normals(n, d, seed=seed)
    z[:, -1] = 0.4 * z[:, 0] + math.sqrt(1 - 0.4**2) * z[:, -1]
    return z


OFF_BY_DELTA: dict[str, Callable[[int], Evidence]] = {
    "mean too large": lambda seed: mean_is_zero(normals(draws_for_mean(**LOOSE), seed=seed) + 0.4, **LOOSE),
    "mean too small, in one dimension": lambda seed: mean_is_zero(
        one_of_three_dimensions(draws_for_mean(**LOOSE, dimensions=3), seed, lambda z: z - 0.4), **LOOSE
    ),
    "variance too large": lambda seed: variance_is_one(
        normals(draws_for_variance(**LOOSE), seed=seed) * math.sqrt(1.4), **LOOSE
    ),
    "variance too small": lambda seed: variance_is_one(
        normals(draws_for_variance(**LOOSE), seed=seed) * math.sqrt(0.6), **LOOSE
    ),
    "variance too large, in one dimension": lambda seed: variance_is_one(
        one_of_three_dimensions(draws_for_variance(**LOOSE, dimensions=3), seed, lambda z: z * math.sqrt(1.4)), **LOOSE
    ),
    "another shape": lambda seed: shape_is_normal(
        moved(draws_for_shape(**LOOSE_PROBABILITY), seed), **LOOSE_PROBABILITY
    ),
    "correlated rows": lambda seed: rows_are_independent(
        moving_average(draws_for_rows(**LOOSE), seed, 0.4), **LOOSE
    ),
    "correlated dimensions": lambda seed: dimensions_are_independent(
        torch.stack(correlated(draws_for_dimensions(**LOOSE, dimensions=2), seed, -0.4), 1), **LOOSE
    ),
    "two correlated dimensions of ten": lambda seed: dimensions_are_independent(
        with_one_pair(draws_for_dimensions(**LOOSE, dimensions=10), 10, seed), **LOOSE
    ),
    "two correlated calls of four": lambda seed: calls_are_independent(
        *with_one_pair(draws_for_calls(**LOOSE, dimensions=2, calls=4), 8, seed).reshape(-1, 4, 2).unbind(1), **LOOSE
    ),
    "correlated calls": lambda seed: calls_are_independent(
        *correlated(draws_for_calls(**LOOSE), seed, 0.4), **LOOSE
    ),
    "a category too frequent": lambda seed: frequency_is(
        categories(draws_for_frequency(**LOOSE_PROBABILITY, probability=0.2), seed, (0.3, 0.7)), 0, 0.2, **LOOSE_PROBABILITY
    ),
    "a category too rare": lambda seed: frequency_is(
        categories(draws_for_frequency(**LOOSE_PROBABILITY, probability=0.2), seed, (0.1, 0.9)), 0, 0.2, **LOOSE_PROBABILITY
    ),
    "two of three categories": lambda seed: frequencies_are(
        categories(draws_for_frequencies(**LOOSE_PROBABILITY, probabilities=P), seed, (0.2, 0.4, 0.4)), P, **LOOSE_PROBABILITY
    ),
}  # fmt: skip
SHARP = {"mean too large", "variance too large", "correlated calls"}
"""Those for which fewer draws would not do: their error slips through nearly as often as stated."""


@pytest.mark.parametrize("name", list(OFF_BY_DELTA))
def test_an_error_of_delta_holds_at_most_as_often_as_stated(name: str) -> None:
    runs = 400
    missed = sum(not broken(OFF_BY_DELTA[name](seed)) for seed in range(runs))
    assert at_most(missed, runs, 0.1), missed
    if name in SHARP:
        assert at_least(missed, runs, 0.08), missed


def test_the_draws_needed_do_not_fall_below_what_the_exact_binomial_test_needs() -> None:
    """Chernoff's number suffices, for every larger one too, and is not wasteful: within a quarter of the fewest."""
    alpha, beta, delta, p, q = 1e-11, 1e-6, 0.05, 0.2, 0.25

    def missed(n: int) -> float:
        counts = torch.arange(n + 1, dtype=torch.float64)
        tails = torch.as_tensor(betainc(counts[1:].numpy(), (n - counts[1:] + 1).numpy(), p))
        first = int(torch.nonzero(2 * tails <= alpha)[0]) + 1  # the smallest count that is called broken
        return float(betainc(n - first + 1, first, 1 - q))

    needed = draws_for_frequency(alpha=alpha, beta=beta, delta=delta, probability=p)
    assert all(missed(n) <= beta for n in range(needed, needed + 50))
    assert missed(int(needed * 0.8)) > beta


def test_the_draws_needed_where_they_can_be_told_by_hand() -> None:
    # A fair coin against one that always falls the same way: ½ⁿ ≤ α/2. What never happens against ½: ½ⁿ ≤ β.
    assert draws_for_frequency(**STRICT, delta=0.5, probability=0.5) == math.ceil(math.log2(2e11))
    assert draws_for_frequency(**STRICT, delta=0.5, probability=0.0) == math.ceil(math.log2(1e6))
    # That 0.1·7 is a little more than 0.7 does not put an error out of reach.
    assert draws_for_frequency(**STRICT, delta=0.1 * 7, probability=0.7) == draws_for_frequency(
        **STRICT, delta=0.7, probability=0.7
    )
    # Categories share α.
    both, one = (0.3, 0.7), dict(alpha=5e-12, beta=1e-6, delta=0.1)
    assert draws_for_frequencies(**STRICT, delta=0.1, probabilities=both) == max(
        draws_for_frequency(**one, probability=p) for p in both
    )


@pytest.mark.parametrize("delta", [0.05, 0.25, 0.9])
@pytest.mark.parametrize("comparisons", [1, 10_000])
def test_more_pairs_never_miss_more(delta: float, comparisons: int) -> None:
    missed = [_missed(pairs, 1e-11 / comparisons, delta) for pairs in (2, 3, 5, 10, 30, 100, 1000, 10_000, 100_000)]
    assert missed == sorted(missed, reverse=True)


# ---- tails far out ---------------------------------------------------------------------------------------------------------
#
# Every sample below is made to lie just inside and just outside of the exact quantile, computed to 40 digits by mpmath.


@pytest.fixture
def digits() -> Any:
    with mpmath.workdps(40):
        yield


@pytest.mark.usefixtures("digits")
def test_the_mean_is_judged_by_the_exact_normal_tail_at_1e_11() -> None:
    n = draws_for_mean(**STRICT, delta=0.1)
    edge = float(mpmath.sqrt(2) * mpmath.erfinv(1 - mpmath.mpf(10) ** -11) / mpmath.sqrt(n))
    for factor, outcome in ((1 - 1e-9, "holds"), (1 + 1e-9, "broken")):
        for sign in (-1, 1):
            z = torch.full((n,), sign * edge * factor, dtype=torch.float64)
            assert mean_is_zero(z, **STRICT, delta=0.1).outcome == outcome


@pytest.mark.usefixtures("digits")
def test_the_variance_is_judged_by_the_exact_tails_of_chi_squared_at_1e_11() -> None:
    n = draws_for_variance(**STRICT, delta=0.3) // 2 * 2 + 2
    half = mpmath.mpf(n - 1) / 2
    near = {"upper": float(gammainccinv(float(half), 5e-12)), "lower": float(gammaincinv(float(half), 5e-12))}
    tails = {
        "upper": lambda x: mpmath.gammainc(half, x, mpmath.inf, regularized=True),
        "lower": lambda x: mpmath.gammainc(half, 0, x, regularized=True),
    }
    for side, start in near.items():
        edge = mpmath.findroot(
            lambda x, tail=tails[side]: mpmath.log(tail(x) / mpmath.mpf("5e-12")), (start, start * 1.001)
        )
        for factor in (1 - 1e-9, 1 + 1e-9):
            # ±c in equal shares have mean 0 and squares that add up to n·c².
            z = math.sqrt(2 * float(edge) / n * factor) * (-1.0) ** torch.arange(n, dtype=torch.float64)
            expected = "broken" if (factor > 1) == (side == "upper") else "holds"
            assert variance_is_one(z, **STRICT, delta=0.3).outcome == expected, (side, factor)


@pytest.mark.parametrize("dimensions", [1, 3])
def test_the_shape_is_judged_by_the_inequality_that_its_docstring_names(dimensions: int) -> None:
    n = draws_for_shape(**STRICT, delta=0.1, dimensions=dimensions)
    edge = math.sqrt(math.log(2 * dimensions / 1e-11) / (2 * n))
    for factor, outcome in ((1 - 1e-9, "holds"), (1 + 1e-9, "broken")):
        # Draws at equal steps of Φ, all of them so much too high, as far as there is room.
        steps = (torch.arange(n, dtype=torch.float64) / n + edge * factor).clamp_max(1 - 1e-6)
        z = normals(n, dimensions)
        z[:, -1] = torch.special.ndtri(steps)
        assert shape_is_normal(z, **STRICT, delta=0.1).outcome == outcome


@pytest.mark.usefixtures("digits")
@pytest.mark.parametrize("level", [5e-12, 1e-16])
def test_correlations_are_judged_by_the_exact_tail_of_the_beta_distribution(level: float) -> None:
    pairs = 2001
    tail = mpmath.betainc(1000, 1000, 0, _edge(pairs, level), regularized=True)
    assert float(2 * tail / level) == pytest.approx(1, rel=1e-9)


def test_counts_are_judged_by_the_exact_binomial_tails_at_1e_11() -> None:
    """At the very count where a tail of Binomial(n, 1/5), added up in whole numbers, reaches α/2, for fifty n."""
    promise: dict[str, Any] = dict(alpha=1e-11, beta=1e-3, delta=0.3)
    assert draws_for_frequency(**promise, probability=0.2) <= 300
    for n in range(300, 350):
        ways = [math.comb(n, k) * 4 ** (n - k) for k in range(n + 1)]  # of 5ⁿ
        level = 5**n // (2 * 10**11)
        few = next(k for k, total in enumerate(itertools.accumulate(ways)) if total > level)
        many = n - next(k for k, total in enumerate(itertools.accumulate(reversed(ways))) if total > level)
        for count, outcome in ((few - 1, "broken"), (few, "holds"), (many, "holds"), (many + 1, "broken")):
            draws = (torch.arange(n) < count).long()
            assert frequency_is(draws, 1, 0.2, **promise).outcome == outcome, (n, count)


def test_the_distances_that_the_docstring_names() -> None:
    x = torch.linspace(-6, 6, 100_001, dtype=torch.float64)
    uniform = ((x / math.sqrt(3) + 1) / 2).clamp(0, 1)
    t = math.sqrt(3) * x
    student = 0.5 + (torch.atan(t / math.sqrt(3)) + math.sqrt(3) * t / (t**2 + 3)) / math.pi
    for distribution, distance in ((uniform, 0.057), (student, 0.087)):
        assert float((distribution - torch.special.ndtr(x)).abs().max()) == pytest.approx(distance, abs=5e-4)


# ---- wrong samplers --------------------------------------------------------------------------------------------------------

ROWS = draws_for_rows(**STRICT, delta=0.25, dimensions=3)


def all_tests(first: Tensor, second: Tensor) -> dict[str, Evidence]:
    """Every test of normal draws [n, 3], on two calls."""
    return {
        "mean": mean_is_zero(first, **STRICT, delta=0.15),
        "variance": variance_is_one(first, **STRICT, delta=0.2),
        "shape": shape_is_normal(first, **STRICT, delta=0.057),
        "rows": rows_are_independent(first, **STRICT, delta=0.25),
        "dimensions": dimensions_are_independent(first, **STRICT, delta=0.25),
        "calls": calls_are_independent(first, second, **STRICT, delta=0.25),
    }


def caught_by(sampler: Callable[[int], Tensor], seed: int) -> set[str]:
    found = all_tests(sampler(2 * seed), sampler(2 * seed + 1))
    return {name for name, evidence in found.items() if broken(evidence)}


N = 1 << 14


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_right_draws_hold_in_every_test(dtype: torch.dtype) -> None:
    for seed in range(10):
        assert caught_by(lambda s: normals(N, 3, seed=s, dtype=dtype), seed) == set()


def student_t(seed: int) -> Tensor:
    """Student's t with 3 degrees of freedom, divided by its deviation."""
    z = normals(4, N, 3, seed=seed)
    return z[0] / z[1:].square().sum(0).sqrt()


def uniform(seed: int) -> Tensor:
    return (torch.rand(N, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) - 0.5) * math.sqrt(12)


def shuffled(z: Tensor, seed: int) -> Tensor:
    return z[torch.randperm(len(z), generator=torch.Generator().manual_seed(seed))]


WRONG: dict[str, tuple[Callable[[int], Tensor], set[str]]] = {
    # name: (a sampler, the tests that find it at every seed; others may find it as well)
    "one ε for all rows": (lambda s: normals(1, 3, seed=s).expand(N, 3), {"rows", "shape", "calls"}),
    "one ε for all dimensions": (lambda s: normals(N, 1, seed=s).expand(N, 3), {"dimensions"}),
    "two of three dimensions share": (lambda s: normals(N, 3, seed=s)[:, [0, 1, 0]], {"dimensions"}),
    "dimensions share with random signs": (
        lambda s: normals(N, 1, seed=s) * normals(N, 3, seed=s + 999).sign(), {"dimensions"}
    ),
    "the same draws at each call": (lambda s: normals(N, 3), {"calls"}),
    "at each call the same but for the sign": (lambda s: normals(N, 3) * (-1) ** s, {"calls"}),
    "every ε twice in a row": (lambda s: normals(N // 2, 3, seed=s).repeat_interleave(2, 0), {"rows"}),
    "noise of a batch, again and again": (lambda s: normals(1000, 3, seed=s).repeat(17, 1)[:N], {"rows"}),
    "the first half twice": (lambda s: normals(N // 2, 3, seed=s).repeat(2, 1), {"rows"}),
    "the second half is minus the first": (
        lambda s: torch.cat([normals(N // 2, 3, seed=s), -normals(N // 2, 3, seed=s)]), {"rows"}
    ),
    "a row's second entry is the next row's first": (
        lambda s: normals(N + 2, seed=s).unfold(0, 3, 1), {"rows"}
    ),
    "a random walk's steps, smoothed": (
        lambda s: (normals(N + 1, 3, seed=s)[1:] + normals(N + 1, 3, seed=s)[:-1]) / math.sqrt(2), {"rows"}
    ),
    "sorted": (lambda s: normals(N, 3, seed=s).sort(0).values, {"rows", "dimensions", "calls"}),
    "σ² for σ": (lambda s: normals(N, 3, seed=s) * 2, {"variance", "shape"}),
    "μ forgotten": (lambda s: normals(N, 3, seed=s) - 1, {"mean", "shape"}),
    "uniform, with variance 1": (uniform, {"shape"}),
    "Student's t, with variance 1": (student_t, {"shape"}),
    "signs": (lambda s: normals(N, 3, seed=s).sign(), {"shape", "rows", "dimensions", "calls"}),
    "zeros": (lambda s: torch.zeros(N, 3), {"variance", "shape", "rows", "dimensions", "calls"}),
    "a pool of 100 numbers": (
        lambda s: normals(100, seed=s)[torch.randint(100, (N, 3), generator=torch.Generator().manual_seed(s))], set()
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", list(WRONG))
def test_a_wrong_sampler_is_found_by_the_test_for_its_error_at_every_seed(name: str) -> None:
    sampler, always = WRONG[name]
    for seed in range(3):
        caught = caught_by(sampler, seed)
        assert always <= caught
        assert caught


@pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf, 1e200])
def test_no_draw_is_too_odd_to_be_decided(odd: float) -> None:
    first, second = normals(2, N, 3)
    first[7, 1] = odd
    found = all_tests(first, second)
    if math.isfinite(odd):  # one huge draw among 16,384: neither the shape nor a correlation of finite numbers shows it
        assert all(broken(found[name]) for name in ("mean", "variance"))
    else:
        assert all(broken(evidence) for evidence in found.values())
        assert {evidence.note for evidence in found.values()} == {"NaN or infinity is among the draws."}
    assert not broken(shape_is_normal(second, **STRICT, delta=0.057))


# ---- wrong samplers of categories ------------------------------------------------------------------------------------------


def test_right_draws_of_categories_hold_in_every_test() -> None:
    n = draws_for_frequencies(**STRICT, delta=0.05, probabilities=P)
    for seed in range(10):
        draws, generator = categories(n, seed), torch.Generator().manual_seed(seed + 1000)
        z = as_normals(draws, P, generator)
        assert not broken(frequencies_are(draws, P, **STRICT, delta=0.05))
        assert not broken(mean_is_zero(z, **STRICT, delta=0.2))
        assert not broken(variance_is_one(z, **STRICT, delta=0.3))
        assert not broken(shape_is_normal(z, **STRICT, delta=0.06))
        assert not broken(rows_are_independent(z, **STRICT, delta=0.3))


@pytest.mark.parametrize(
    ("name", "sampler"),
    [
        ("two probabilities swapped", lambda n: categories(n, 1, (0.5, 0.2, 0.3))),
        ("all alike", lambda n: categories(n, 1, (1.0, 1.0, 1.0))),
        ("argmax", lambda n: torch.full((n,), 1)),
        ("a category that does not exist", lambda n: torch.where(torch.arange(n) == 5, 3, categories(n))),
        ("counted from one", lambda n: categories(n) + 1),
        ("the probability, not a draw", lambda n: torch.full((n,), 0.5)),
        ("not a number", lambda n: torch.full((n,), math.nan)),
    ],
)
def test_a_wrong_sampler_of_categories_is_found(name: str, sampler: Callable[[int], Tensor]) -> None:
    n = draws_for_frequencies(**STRICT, delta=0.05, probabilities=P)
    assert broken(frequencies_are(sampler(n), P, **STRICT, delta=0.05)), name


@pytest.mark.parametrize(
    ("category", "p", "draw", "outcome"),
    [(1, 0.0, 0, "holds"), (1, 0.0, 1, "broken"), (1, 1.0, 1, "holds"), (1, 1.0, 0, "broken")],
)
def test_what_never_or_always_happens_is_judged_by_one_draw(category: int, p: float, draw: int, outcome: str) -> None:
    n = draws_for_frequency(**STRICT, delta=0.05, probability=p)
    draws = torch.full((n,), int(p))
    draws[3] = draw
    assert frequency_is(draws, category, p, **STRICT, delta=0.05).outcome == outcome


@pytest.mark.parametrize(("p", "shows"), [((0.5, 0.5), 0.64), ((0.1, 0.9), 0.34)])
def test_reused_categories_show_with_the_correlation_that_the_docstring_names(
    p: tuple[float, float], shows: float
) -> None:
    draws = categories(200_000, 0, p)
    x, y = (as_normals(draws, p, torch.Generator().manual_seed(seed)) for seed in (1, 2))
    assert float((x * y).mean()) == pytest.approx(shows, abs=0.01)
    assert broken(calls_are_independent(x, y, **STRICT, delta=0.3))


def test_a_draw_that_is_no_category_is_not_a_number_as_a_normal() -> None:
    z = as_normals(torch.tensor([0.0, 1.0, 3.0, -1.0, 0.5, math.nan]), P, torch.Generator().manual_seed(0))
    assert torch.isfinite(z).tolist() == [True, True, False, False, False, False]


# ---- what they do not see, as their docstrings say -------------------------------------------------------------------------


def test_a_wrong_mean_is_left_to_the_test_of_the_mean() -> None:
    z = normals(N) + 3
    assert not broken(variance_is_one(z, **STRICT, delta=0.2))
    assert broken(mean_is_zero(z, **STRICT, delta=0.1))


def test_noise_reused_in_no_order_is_not_seen() -> None:
    z = shuffled(normals(N // 2, 3).repeat(2, 1), 0)
    assert not broken(rows_are_independent(z, **STRICT, delta=0.25))


def test_noise_made_to_average_zero_is_seen_only_where_calls_are_small() -> None:
    def made_exact(z: Tensor) -> Tensor:
        return (z - z.mean(-1, keepdim=True)) / z.std(-1, keepdim=True, correction=0)

    assert not broken(rows_are_independent(made_exact(normals(N)), **STRICT, delta=0.25))
    assert broken(dimensions_are_independent(made_exact(normals(4096, 4)), **STRICT, delta=0.25))


def test_the_same_noise_shifted_is_seen_with_the_calls_one_after_the_other() -> None:
    first = normals(N)
    second = first.roll(5)
    assert not broken(calls_are_independent(first, second, **STRICT, delta=0.25))
    joined = torch.cat([first, second])
    assert broken(rows_are_independent(joined, **STRICT, delta=0.25))


def test_errors_of_mean_and_variance_are_not_taken_for_dependence() -> None:
    for z in (
        normals(N, 3) * 3 + 2,
        normals(N, 3) * 0.01 - 1,
        torch.rand(N, 3, generator=torch.Generator().manual_seed(0)),
    ):
        found = all_tests(z, z.flip(0))
        assert not any(broken(found[name]) for name in ("rows", "dimensions", "calls"))
        assert all(broken(found[name]) for name in ("mean", "variance", "shape"))


# ---- what a student and the audit read -------------------------------------------------------------------------------------


def test_a_student_reads_which_number_is_off_and_what_was_expected() -> None:
    n = draws_for_variance(**STRICT, delta=0.1)
    found = variance_is_one(math.sqrt(2.03) * normals(n), **STRICT, delta=0.1)
    assert found.got is not None
    assert found.expected is not None
    assert found.note == (
        f"The variance of the standardised draws is {float(found.got):.4g}; expected 1. "
        "With 29,261 right draws this happens with probability 1e-11 at most."
    )
    assert float(found.got) == pytest.approx(2.03, rel=0.05)


@pytest.mark.parametrize(
    ("found", "what"),
    [
        (lambda: mean_is_zero(one_of_three_dimensions(N, 0, lambda z: z + 1), **STRICT, delta=0.1), "the mean of the"),
        (lambda: mean_is_zero(one_of_three_dimensions(N, 0, lambda z: z + 1), **STRICT, delta=0.1), "draws in dimension 2"),
        (lambda: rows_are_independent(normals(7, 3).repeat(N, 1)[:N], **STRICT, delta=0.25), "rows 7 apart (dimension 1)"),
        (lambda: rows_are_independent(normals(N // 2).repeat(2), **STRICT, delta=0.25), "rows 8,192 apart"),
        (lambda: rows_are_independent(normals(3).repeat(N), **STRICT, delta=0.25), "rows 3 apart"),
        (lambda: rows_are_independent(normals(N // 2).repeat_interleave(2), **STRICT, delta=0.25), "neighbouring rows in"),
        (lambda: dimensions_are_independent(normals(N, 3)[:, [0, 1, 0]], **STRICT, delta=0.25), "dimensions 1 and 3"),
        (lambda: calls_are_independent(*normals(3, N)[[0, 1, 1]], **STRICT, delta=0.25), "calls 2 and 3"),
        (
            lambda: calls_are_independent(normals(N), normals(N).abs() * normals(N, seed=1).sign(), **STRICT, delta=0.25),
            "the sizes of calls 1 and 2",
        ),
        (lambda: frequencies_are(categories(N, 0, (0.35, 0.25, 0.4)), P, **STRICT, delta=0.1), "the frequency of category 1"),
    ],
)  # fmt: skip
def test_the_error_is_named_where_it_is(found: Callable[[], Evidence], what: str) -> None:
    evidence = found()
    assert what in evidence.what
    assert evidence.note.lower().startswith(evidence.what.lower())


def test_draws_that_do_not_vary_are_named_as_such() -> None:
    for z in (normals(1).expand(N), normals(1).expand(N) + 1e-9 * normals(N, seed=1), torch.zeros(N)):
        note = rows_are_independent(z, **STRICT, delta=0.25).note
        assert note.startswith(
            "The correlation of neighbouring rows in the standardised draws cannot be computed: the draws do"
        )


def test_what_was_promised_and_seen_travels_with_the_evidence() -> None:
    right, wrong = normals(N), normals(N) * 2
    found = combine(
        [mean_is_zero(right, **STRICT, delta=0.15), variance_is_one(wrong, alpha=1e-9, beta=1e-3, delta=0.2)]
    )
    mean, variance = found.tests
    assert (mean.alpha, mean.beta, mean.delta, mean.draws, mean.outcome) == (1e-11, 1e-6, 0.15, N, "holds")
    assert (variance.alpha, variance.outcome) == (1e-9, "broken")
    assert abs(mean.error) < 1
    assert variance.error == pytest.approx(3 / 0.2, rel=0.05)  # variance 4 for 1, in units of delta
    assert found.outcome == "broken"


# ---- authors are told ------------------------------------------------------------------------------------------------------

TESTS: dict[str, tuple[int, Callable[[int], Evidence]]] = {
    "mean_is_zero": (
        draws_for_mean(**STRICT, delta=0.3), lambda n: mean_is_zero(normals(n), **STRICT, delta=0.3)
    ),
    "variance_is_one": (
        draws_for_variance(**STRICT, delta=0.3), lambda n: variance_is_one(normals(n), **STRICT, delta=0.3)
    ),
    "shape_is_normal": (
        draws_for_shape(**STRICT, delta=0.2), lambda n: shape_is_normal(normals(n), **STRICT, delta=0.2)
    ),
    "rows_are_independent": (
        draws_for_rows(**STRICT, delta=0.5), lambda n: rows_are_independent(normals(n), **STRICT, delta=0.5)
    ),
    "dimensions_are_independent": (
        draws_for_dimensions(**STRICT, delta=0.5, dimensions=2),
        lambda n: dimensions_are_independent(normals(n, 2), **STRICT, delta=0.5),
    ),
    "calls_are_independent": (
        draws_for_calls(**STRICT, delta=0.5), lambda n: calls_are_independent(*normals(2, n), **STRICT, delta=0.5)
    ),
    "frequency_is": (
        draws_for_frequency(**STRICT, delta=0.2, probability=0.3),
        lambda n: frequency_is(categories(n), 2, 0.3, **STRICT, delta=0.2),
    ),
    "frequencies_are": (
        draws_for_frequencies(**STRICT, delta=0.2, probabilities=P),
        lambda n: frequencies_are(categories(n), P, **STRICT, delta=0.2),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", list(TESTS))
def test_an_author_is_told_how_many_draws_a_test_needs(name: str) -> None:
    needed, test = TESTS[name]
    assert not broken(test(needed))
    with pytest.raises(ValueError, match=f"{name} needs {needed:,} draws .* {needed - 1:,} came"):
        test(needed - 1)


@pytest.mark.parametrize("wrong", [{"alpha": 0.0}, {"alpha": 1.0}, {"beta": 0.0}, {"delta": 0.0}, {"delta": math.nan}])
@pytest.mark.parametrize(
    "test",
    [
        lambda **promise: mean_is_zero(normals(99), **promise),
        lambda **promise: variance_is_one(normals(99), **promise),
        lambda **promise: shape_is_normal(normals(99), **promise),
        lambda **promise: rows_are_independent(normals(99), **promise),
        lambda **promise: dimensions_are_independent(normals(99, 2), **promise),
        lambda **promise: calls_are_independent(*normals(2, 99), **promise),
        lambda **promise: frequency_is(categories(99), 0, 0.2, **promise),
        lambda **promise: frequencies_are(categories(99), P, **promise),
    ],
)
def test_an_author_is_told_of_a_promise_that_is_none(test: Callable[..., Evidence], wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="A test needs 0 < alpha < 1"):
        test(**(dict(alpha=0.05, beta=0.1, delta=0.4) | wrong))


@pytest.mark.parametrize(
    ("mistake", "sentence"),
    [
        (lambda: mean_is_zero(normals(99, 2, 2), **LOOSE), r"shape \[n\] or \[n, d\]; \[99, 2, 2\] came"),
        (lambda: variance_is_one(normals(99), alpha=0.05, beta=0.1, delta=1.5), "0 < delta < 1; came"),
        (lambda: dimensions_are_independent(normals(99), **LOOSE), "two dimensions or more; 1 came"),
        (lambda: calls_are_independent(normals(99), **LOOSE), r"two calls or more of one shape; came \[99\]"),
        (lambda: calls_are_independent(normals(99), normals(98), **LOOSE), r"of one shape; came \[99\], \[98\]"),
        (lambda: frequencies_are(categories(99).reshape(9, 11), P, **LOOSE), r"shape \[n\], one category each"),
        (lambda: frequencies_are(categories(99), (0.2, 0.5), **LOOSE), "add up to 1"),
        (lambda: frequencies_are(categories(99), (1.5, -0.5), **LOOSE), "add up to 1"),
        (lambda: frequency_is(categories(99), 0, 1.5, **LOOSE), "probabilities between 0 and 1"),
        (lambda: frequency_is(categories(99), 0, 0.5, alpha=0.05, beta=0.1, delta=0.6), "choose a smaller delta"),
        (lambda: as_normals(categories(99), (0.5, 0.6), torch.Generator()), "add up to 1"),
    ],
)
def test_an_author_is_told_of_arguments_that_make_no_sense(mistake: Callable[[], Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        mistake()


@pytest.mark.parametrize(
    ("claim", "kind"),
    [
        (torch.zeros(4), "wrong_shape"),
        (torch.zeros(5, 1), "wrong_shape"),
        ([0.0] * 5, "wrong_type"),
        (None, "wrong_type"),
    ],
)
def test_an_answer_that_returns_other_draws_than_asked_is_at_fault_itself(claim: Any, kind: str) -> None:
    with pytest.raises(Fault, match=r"Expected draws of shape \[5\]") as raised:
        drawn(claim, 5)
    assert raised.value.kind == kind
    assert drawn(torch.ones(5), 5).sum() == 5


def test_scipy_is_imported_by_the_laws_that_need_it_alone() -> None:
    code = (
        "import sys, autograder.samplers, autograder.chance, autograder.in_notebook; sys.exit('scipy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=120).returncode == 0
