"""The sequential test of a mean keeps its stated error rates, and no claim makes it undecided for good."""

from __future__ import annotations

import math

import pytest
import torch
from scipy.special import betainc

from autograder.chance import mean_is, mean_is_at_most
from autograder.evidence import Evidence

# Draws with mean 0 and standard deviation exactly 1, from well-behaved to heavy-tailed and skewed.
LAWS = {
    "normal": lambda n, g: torch.randn(n, generator=g, dtype=torch.float64),
    "Student t with 3 degrees": lambda n, g: (
        torch.randn(n, generator=g, dtype=torch.float64)
        / (torch.randn(3, n, generator=g, dtype=torch.float64).square().sum(0) / 3).sqrt()
        / math.sqrt(3.0)
    ),
    "lognormal": lambda n, g: (
        (torch.randn(n, generator=g, dtype=torch.float64).exp() - math.exp(0.5)) / math.sqrt((math.e - 1) * math.e)
    ),
    "Bernoulli": lambda n, g: (torch.rand(n, generator=g, dtype=torch.float64) < 0.1).double().sub(0.1) / 0.3,
}


def evidence_of(
    law: str, claimed: float, seed: int, *, alpha: float, beta: float, cap: int, sigma: float = 1.0
) -> Evidence:
    return mean_is(
        LAWS[law], claimed, sigma=sigma, delta=0.25, alpha=alpha, beta=beta, cap=cap,
        generator=torch.Generator().manual_seed(seed),
    )  # fmt: skip


def outcomes(
    law: str, claimed: float, runs: int, *, alpha: float, beta: float, cap: int, sigma: float = 1.0
) -> list[str]:
    return [
        evidence_of(law, claimed, seed, alpha=alpha, beta=beta, cap=cap, sigma=sigma).outcome for seed in range(runs)
    ]


# ---- what it promises ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("law", list(LAWS))
def test_a_right_claim_is_called_broken_at_most_as_often_as_stated(law: str) -> None:
    # β is so small that the test goes on to its cap and has every chance of a false alarm.
    assert outcomes(law, 0.0, 400, alpha=0.05, beta=1e-30, cap=2048).count("broken") <= 0.05 * 400


@pytest.mark.parametrize("law", list(LAWS))
@pytest.mark.parametrize("claimed", [0.25, -0.25])
def test_an_error_of_delta_holds_at_most_as_often_as_stated(law: str, claimed: float) -> None:
    """β is not shared by the two sides: an error has one sign."""
    # α is so small that nothing is refuted and the test has every chance to be taken in.
    assert outcomes(law, claimed, 200, alpha=1e-300, beta=0.1, cap=2048).count("holds") <= 0.1 * 200


@pytest.mark.parametrize("law", list(LAWS))
@pytest.mark.parametrize("claimed", [0.25, -0.25, 1.0])
def test_an_error_of_delta_or_more_is_refuted(law: str, claimed: float) -> None:
    assert set(outcomes(law, claimed, 30, alpha=1e-11, beta=1e-6, cap=400 * 16)) == {"broken"}


@pytest.mark.parametrize("law", list(LAWS))
def test_a_right_claim_is_confirmed(law: str) -> None:
    assert set(outcomes(law, 0.0, 30, alpha=1e-11, beta=1e-6, cap=400 * 16)) == {"holds"}


@pytest.mark.parametrize("law", list(LAWS))
def test_no_claim_between_zero_and_delta_stays_undecided(law: str) -> None:
    """Small errors hold, large ones are refuted, and 400·(σ/Δ)² draws suffice to decide which."""
    for share in (0.1, 0.3, 0.45, 0.5, 0.55, 0.7, 0.9):
        found = outcomes(law, share * 0.25, 12, alpha=1e-11, beta=1e-6, cap=400 * 16)
        assert "undecided" not in found, share
        if share in (0.1, 0.9):
            assert set(found) == {"holds" if share == 0.1 else "broken"}, share


def test_too_few_draws_leave_it_undecided() -> None:
    assert set(outcomes("normal", 0.12, 5, alpha=1e-11, beta=1e-6, cap=512)) == {"undecided"}


def test_a_bound_on_sigma_that_is_too_small_breaks_the_promise() -> None:
    """Why σ must be proven: with half the true deviation, right claims are called broken far more often than stated."""
    proven = outcomes("normal", 0.0, 200, alpha=0.01, beta=1e-30, cap=2048)
    hoped = outcomes("normal", 0.0, 200, alpha=0.01, beta=1e-30, cap=2048, sigma=0.5)
    assert proven.count("broken") <= 0.01 * 200
    alarms = hoped.count("broken")
    assert betainc(alarms, 200 - alarms + 1, 0.01) < 1e-6  # that so many of 200 come about at the stated rate


def test_the_evidence_is_the_formula_of_the_docstring() -> None:
    """Recomputed in plain Python: broken at the very α where 2/α is reached, on either side, and not a millionth below."""
    draws = LAWS["lognormal"](256, torch.Generator().manual_seed(0))

    def phi(u: float) -> float:
        return math.copysign(math.log(1 + abs(u) + u * u / 2), u)

    for claimed in (-0.5, 0.5):
        sign, lambdas = -math.copysign(1, claimed), [2.0 ** (k - 1) * 0.25 for k in range(9)]
        terms = [sum(phi(lam * sign * (x - claimed)) - lam**2 / 2 for x in draws.tolist()) for lam in lambdas]
        evidence = sum(math.exp(term) for term in terms) / len(terms)
        assert evidence > 10
        for factor, outcome in ((1 - 1e-6, "undecided"), (1 + 1e-6, "broken")):
            found = mean_is(
                lambda n, generator: draws, claimed, sigma=1.0, delta=0.25, alpha=2 / evidence * factor, beta=1e-30,
                cap=256, generator=torch.Generator(),
            )  # fmt: skip
            assert found.outcome == outcome, (claimed, factor)


# ---- what it says ----------------------------------------------------------------------------------------------------------


def test_what_was_promised_and_seen_travels_with_the_evidence() -> None:
    (test,) = evidence_of("normal", 0.5, 0, alpha=1e-11, beta=1e-6, cap=1 << 14).tests
    assert (test.alpha, test.beta, test.delta, test.outcome) == (1e-11, 1e-6, 0.25, "broken")
    assert 1 < test.error < 3  # the claim is off by twice Δ
    assert 256 <= test.draws <= 1 << 14


def test_it_stops_early_where_the_error_is_large() -> None:
    near, far = (
        evidence_of("normal", claimed, 0, alpha=1e-11, beta=1e-6, cap=1 << 14).tests[0] for claimed in (0.25, 5.0)
    )
    assert far.draws == 256 < near.draws


@pytest.mark.parametrize("claimed", [math.nan, math.inf, -math.inf, 1e308, -1e308])
def test_no_number_is_too_odd_to_be_decided(claimed: float) -> None:
    assert outcomes("normal", claimed, 1, alpha=1e-11, beta=1e-6, cap=512) == ["broken"]


# ---- authors are told ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [{"sigma": 0.0}, {"delta": 0.0}, {"alpha": 0.0}, {"alpha": 1.0}, {"beta": 0.0}, {"cap": 0}, {"sigma": math.nan}],
)
def test_an_author_is_told_of_a_promise_that_is_none(wrong: dict[str, float]) -> None:
    promise = dict(sigma=1.0, delta=0.25, alpha=1e-11, beta=1e-6, cap=512) | wrong
    with pytest.raises(ValueError, match="mean_is needs"):
        mean_is(LAWS["normal"], 0.0, **promise, generator=torch.Generator())  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("count", [0, 255, 257])
def test_an_author_is_told_of_draws_that_are_not_as_many_as_asked(count: int) -> None:
    with pytest.raises(ValueError, match="asked `draw` for 256 draws"):
        mean_is(
            lambda n, generator: torch.zeros(count), 0.0, sigma=1.0, delta=0.25, alpha=1e-11, beta=1e-6, cap=512,
            generator=torch.Generator(),
        )  # fmt: skip


def test_an_author_is_told_of_draws_that_are_not_finite() -> None:
    with pytest.raises(ValueError, match="NaN or infinite"):
        mean_is(
            lambda n, generator: torch.full((n,), math.nan), 0.0, sigma=1.0, delta=0.25, alpha=1e-11, beta=1e-6, cap=512,
            generator=torch.Generator(),
        )  # fmt: skip


@pytest.mark.parametrize("ratio", [1.0, 8.0, 50.0])
def test_an_error_that_is_many_deviations_large_is_decided_too(ratio: float) -> None:
    def outcome(claimed: float) -> str:
        return mean_is(
            lambda n, g: torch.randn(n, generator=g, dtype=torch.float64), claimed, sigma=1.0, delta=ratio, alpha=1e-11,
            beta=1e-6, cap=4096, generator=torch.Generator().manual_seed(0),
        ).outcome  # fmt: skip

    assert outcome(0.0) == "holds"
    assert outcome(3 * ratio) == "broken"


# ---- a mean that may only be smaller ------------------------------------------------------------------------------------------

NOT_NEGATIVE = {
    "normal, far from zero": lambda n, g: 10 + torch.randn(n, generator=g, dtype=torch.float64).clamp(-9, 9),
    "exponential": lambda n, g: -torch.rand(n, generator=g, dtype=torch.float64).log(),
    "rarely large": lambda n, g: 50.0 * (torch.rand(n, generator=g, dtype=torch.float64) < 0.02),
    "lognormal": lambda n, g: torch.randn(n, generator=g, dtype=torch.float64).exp(),
}
MEANS = {"normal, far from zero": 10.0, "exponential": 1.0, "rarely large": 1.0, "lognormal": math.exp(0.5)}


@pytest.mark.parametrize("law", list(NOT_NEGATIVE))
def test_a_mean_at_the_bound_is_called_broken_at_most_as_often_as_stated(law: str) -> None:
    def outcome(seed: int) -> str:
        values = NOT_NEGATIVE[law](200, torch.Generator().manual_seed(seed))
        return mean_is_at_most(values, MEANS[law], alpha=0.05, delta=1).outcome

    assert [outcome(seed) for seed in range(400)].count("broken") <= 0.05 * 400


def test_a_mean_that_is_too_large_by_a_few_standard_errors_is_found_out() -> None:
    """Like log-likelihoods of images: 256 of them, 100 ± 25 nats."""
    values = 100 + 25 * torch.randn(256, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert mean_is_at_most(values, 85.0, alpha=1e-9, delta=10).outcome == "broken"
    assert mean_is_at_most(values, 95.0, alpha=1e-9, delta=10).outcome == "holds"
    assert mean_is_at_most(values / 10, 85.0, alpha=1e-9, delta=10).outcome == "holds", "better is never worse"


def test_it_says_the_mean_and_its_error_whatever_the_outcome() -> None:
    values = torch.tensor([1.0, 3.0])
    assert (
        mean_is_at_most(values, 5.0, alpha=0.1, delta=1, what="nats").says
        == "nats: 2.00 ± 1.00, where at most 5 is asked."
    )
    assert "where at most" in mean_is_at_most(values * 1e9, 5.0, alpha=0.1, delta=1).note


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_an_infinite_value_breaks_every_bound(value: float) -> None:
    assert mean_is_at_most(torch.tensor([1.0] * 50 + [value]), 1e6, alpha=1e-9, delta=1).outcome == "broken"
