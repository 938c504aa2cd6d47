"""Comparisons tolerate rounding and nothing else; random evidence keeps its stated error rates."""

from __future__ import annotations

import math

import pytest
import torch

from autograder.evidence import at_least, at_most, close, combine, differs, mean_is, true

ONE = torch.ones(3, dtype=torch.float64)


def test_close_accepts_rounding_and_rejects_ten_times_the_tolerance() -> None:
    tolerance = 64 * torch.finfo(torch.float64).eps
    assert close(ONE + 0.5 * tolerance, ONE, terms=ONE).outcome == "holds"
    assert close(ONE + 10 * tolerance, ONE, terms=ONE).outcome == "broken"


def test_close_judges_float32_by_the_rounding_of_float32() -> None:
    third = torch.full((2,), 1 / 3, dtype=torch.float64)
    assert close(third.float(), third, terms=third).outcome == "holds"
    assert close(third.float().double(), third, terms=third).outcome == "broken"


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_close_never_accepts_a_value_that_is_not_finite_for_one_that_is(value: float) -> None:
    got = torch.tensor([value], dtype=torch.float64)
    assert close(got, 0.0, terms=torch.tensor([1.0])).outcome == "broken"
    assert close(got, 0.0, tolerance=math.inf).outcome == "broken"


def test_close_accepts_an_infinity_where_that_is_the_answer() -> None:
    infinite = torch.tensor([math.inf])
    assert close(infinite, infinite, terms=infinite).outcome == "holds"
    assert close(-infinite, infinite, terms=infinite).outcome == "broken"


def test_nan_breaks_every_comparison() -> None:
    nan = torch.tensor([math.nan])
    assert at_least(nan, 0.0, slack=1.0).outcome == "broken"
    assert at_most(nan, 0.0, slack=1.0).outcome == "broken"
    assert differs(nan, torch.tensor([0.0]), by=0.1).outcome == "broken"


def test_bounds_have_a_direction() -> None:
    value = torch.tensor([1.0])
    assert at_least(value, 0.0, slack=0.0).outcome == "holds"
    assert at_most(value, 0.0, slack=0.0).outcome == "broken"
    assert at_least(-value, 0.0, slack=0.5).outcome == "broken"


def test_axes_after_the_first_count_by_their_worst_entry() -> None:
    got = torch.tensor([[0.0, 0.0], [0.0, 1.0]])
    evidence = close(got, torch.zeros(2, 2), tolerance=0.1)
    assert (evidence.margin > 1).tolist() == [False, True]
    assert evidence.row() == 1


def test_the_worst_piece_decides() -> None:
    good, bad = true(torch.tensor([True]), what="good"), true(torch.tensor([False]), what="bad")
    assert combine([good, bad]).what == "bad"


def test_close_wants_a_derived_tolerance_or_a_stated_one() -> None:
    with pytest.raises(TypeError, match="either terms"):
        close(ONE, ONE)


# ---- the sequential mean test --------------------------------------------------------------------------------------------

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


def outcomes(law: str, claimed: float, runs: int, alpha: float, beta: float, cap: int) -> list[str]:
    return [
        mean_is(
            LAWS[law], claimed, sigma=1.0, delta=0.25, alpha=alpha, beta=beta, cap=cap,
            generator=torch.Generator().manual_seed(run),
        ).outcome
        for run in range(runs)
    ]  # fmt: skip


@pytest.mark.parametrize("law", list(LAWS))
def test_false_alarms_stay_below_the_stated_rate_on_skewed_and_heavy_tails(law: str) -> None:
    assert outcomes(law, 0.0, runs=200, alpha=0.05, beta=1e-3, cap=4096).count("broken") <= 0.05 * 200


@pytest.mark.parametrize("law", list(LAWS))
@pytest.mark.parametrize("error", [0.25, -0.25])
def test_an_error_of_delta_is_never_called_holding_and_mostly_refuted(law: str, error: float) -> None:
    found = outcomes(law, error, runs=60, alpha=1e-3, beta=1e-3, cap=1 << 14)
    assert "holds" not in found
    assert found.count("broken") >= 55


def test_a_true_claim_is_confirmed_with_the_default_rates() -> None:
    assert set(outcomes("normal", 0.0, runs=20, alpha=1e-11, beta=1e-6, cap=1 << 14)) == {"holds"}


def test_too_few_draws_leave_it_undecided() -> None:
    assert set(outcomes("normal", 0.12, runs=5, alpha=1e-11, beta=1e-6, cap=512)) == {"undecided"}


@pytest.mark.parametrize("claimed", [math.nan, math.inf])
def test_an_answer_that_is_not_finite_cannot_become_undecided(claimed: float) -> None:
    assert outcomes("normal", claimed, runs=1, alpha=1e-11, beta=1e-6, cap=512) == ["broken"]
