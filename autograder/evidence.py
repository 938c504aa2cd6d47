"""What comparing gives: holds, broken (with the row that broke it), or undecided.

Deterministic comparisons give one *margin* a row: the error divided by its tolerance. A margin up to 1 holds. Tolerances are
derived, c·eps(dtype)·Σ|terms|, from the terms that a right answer adds up: right answers stay near a tenth of them, wrong
ones go far beyond. Random evidence comes from sequential tests with stated error rates, below.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

Outcome = Literal["holds", "broken", "undecided"]

ROUNDING_FACTOR = 64.0
"""c of the tolerance c·eps·Σ|terms|. A backward-stable sum of a dozen terms errs by a few eps·Σ|terms|; the factor leaves
right answers at a tenth of the tolerance."""


@dataclass(frozen=True)
class RandomTest:
    """One test on random numbers: what it promised, and what it saw. The audit reads these; a verdict sums their `alpha`."""

    what: str
    alpha: float
    """The probability at which it calls a right answer broken: stated beforehand, spent whenever the test is run."""
    beta: float
    """The probability at which it lets an error of `delta` hold."""
    delta: float
    """The smallest error that matters, in the units of what is tested."""
    error: float
    """The error as estimated from the draws, signed, in units of `delta`."""
    draws: int
    outcome: Outcome

    def __post_init__(self) -> None:
        made = MADE.get()
        if made is not None:
            made.append(self)


MADE: ContextVar[list[RandomTest] | None] = ContextVar("MADE", default=None)
"""The tests that the law at hand has made: all of them count, whatever it does with their evidence."""


@dataclass(frozen=True)
class Evidence:
    """The outcome of one comparison, and what is needed to show it to a person."""

    outcome: Outcome
    margin: Tensor
    """Error over tolerance, one a row: [rows]. At most 1 where the law holds."""
    got: Tensor | None = None
    expected: Tensor | None = None
    relation: str = "="
    what: str = ""
    """What was compared, when it is not simply the answer's output."""
    note: str = ""
    says: str = ""
    """What a person may want to know although the law holds: how well a trained model does."""
    tests: tuple[RandomTest, ...] = ()
    """The tests on random numbers behind it; none where nothing was left to chance."""

    def row(self) -> int:
        """The first row that breaks it."""
        return int(torch.nonzero(self.margin > 1)[0]) if bool((self.margin > 1).any()) else 0


def rounding(terms: Tensor, got: Tensor, factor: float = ROUNDING_FACTOR) -> Tensor:
    """The tolerance for a sum of `terms` (their absolute values already added up): factor·eps(dtype of got)·Σ|terms|."""
    return factor * torch.finfo(got.dtype).eps * terms.abs().double() + 8 * torch.finfo(got.dtype).tiny


def close(
    got: Tensor, expected: Tensor | float, *, terms: Tensor | None = None, tolerance: Tensor | float | None = None,
    what: str = "", factor: float = ROUNDING_FACTOR,
) -> Evidence:  # fmt: skip
    """`got` equals `expected` up to rounding of `terms` (Σ|terms| a row), or up to a stated absolute `tolerance`.

    Axes after the first are reduced to the worst entry. Infinities must agree exactly; NaN never does.
    """
    got64, expected64 = got.double(), torch.as_tensor(expected, dtype=torch.float64, device=got.device).expand_as(got)
    slack = _slack(got, terms, tolerance, factor)
    same = got64 == expected64  # also where both are the same infinity
    error = torch.where(same, torch.zeros_like(got64), (got64 - expected64).abs())
    return _evidence(error, slack, got, expected64, "=", what)


def at_least(
    got: Tensor, bound: Tensor | float, *, slack: Tensor | float, what: str = ""
) -> Evidence:  # fmt: skip
    """`got` ≥ `bound`, up to `slack` (absolute, one a row or one for all)."""
    got64, bound64 = got.double(), torch.as_tensor(bound, dtype=torch.float64, device=got.device).expand_as(got)
    return _evidence(
        torch.where(got64 >= bound64, torch.zeros_like(got64), (bound64 - got64).abs()),
        _as(slack, got),
        got,
        bound64,
        "≥",
        what,
    )


def at_most(got: Tensor, bound: Tensor | float, *, slack: Tensor | float, what: str = "") -> Evidence:
    """`got` ≤ `bound`, up to `slack` (absolute, one a row or one for all)."""
    got64, bound64 = got.double(), torch.as_tensor(bound, dtype=torch.float64, device=got.device).expand_as(got)
    return _evidence(
        torch.where(got64 <= bound64, torch.zeros_like(got64), (got64 - bound64).abs()),
        _as(slack, got),
        got,
        bound64,
        "≤",
        what,
    )


def differs(got: Tensor, other: Tensor, *, by: Tensor | float, what: str = "") -> Evidence:
    """|`got` − `other`| ≥ `by`: for what must not be the same. It is so or it is not: a right answer is far from `by`, whatever
    the rounding."""
    gap = (got.double() - other.double()).abs()
    needed = _as(by, got).expand_as(gap)
    margin = torch.where(gap >= needed, 0.0, math.inf).double()  # NaN is at no distance
    flat = _worst(margin)
    return Evidence("broken" if bool((flat > 1).any()) else "holds", flat, gap, needed, "≥", what)


def true(condition: Tensor, *, what: str) -> Evidence:
    """A condition that must be true in every row."""
    condition = condition if condition.dim() else condition.reshape(1)
    margin = _worst(torch.where(condition, 0.0, math.inf).double())
    return Evidence("broken" if bool((margin > 1).any()) else "holds", margin, None, None, "", what)


def combine(pieces: Sequence[Evidence]) -> Evidence:
    """The worst of several: broken before undecided before holding, and the piece with the largest margin among equals.

    It answers for the tests of all of them: each had its chance of a false alarm.
    """
    order = {"broken": 2, "undecided": 1, "holds": 0}
    worst = max(
        pieces, key=lambda piece: (order[piece.outcome], float(piece.margin.max()) if piece.margin.numel() else 0.0)
    )
    return replace(worst, tests=tuple(test for piece in pieces for test in piece.tests))


def _as(value: Tensor | float, like: Tensor) -> Tensor:
    value = torch.as_tensor(value, dtype=torch.float64, device=like.device)
    while value.dim() and value.dim() < like.dim():
        value = value.unsqueeze(-1)
    return value


def _slack(got: Tensor, terms: Tensor | None, tolerance: Tensor | float | None, factor: float) -> Tensor:
    if (terms is None) == (tolerance is None):
        raise TypeError("say either terms= (a tolerance is derived from their rounding) or tolerance= (absolute)")
    return _as(rounding(terms, got, factor) if terms is not None else tolerance, got)  # type: ignore[arg-type]


def _worst(margin: Tensor) -> Tensor:
    return margin.flatten(1).amax(1) if margin.dim() > 1 else margin.reshape(-1)


def _evidence(error: Tensor, slack: Tensor, got: Tensor, expected: Tensor, relation: str, what: str) -> Evidence:
    slack = torch.where(
        torch.isfinite(slack), slack, torch.zeros_like(slack)
    )  # no infinite tolerance for an infinite term
    margin = torch.where(error == 0, torch.zeros_like(error), error / slack.expand_as(error).clamp_min(1e-320))
    bad = torch.isnan(got)
    margin = torch.where(bad | torch.isnan(margin), torch.full_like(margin, math.inf), margin)
    flat = _worst(margin)
    note = "NaN (not a number) came back." if bool(bad.any()) else ""
    return Evidence("broken" if bool((flat > 1).any()) else "holds", flat, got, expected, relation, what, note)
