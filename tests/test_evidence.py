"""Comparisons tolerate rounding and nothing else; random evidence keeps its stated error rates."""

from __future__ import annotations

import math

import pytest
import torch

from autograder.evidence import at_least, at_most, close, combine, differs, true

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
