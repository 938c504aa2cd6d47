"""Evidence from random numbers that the grader draws: a sequential test of a mean, with stated error rates.

"Agrees with Monte Carlo" is a test with a false-alarm rate α that somebody chose beforehand, an error Δ that matters and a
rate β at which such an error may slip through, not a tolerance that somebody liked. What a test promised and what it saw
travels with its evidence (`RandomTest`), so that a submission's whole budget of false alarms can be added up.

Answers that draw themselves, samplers, are tested in `samplers.py`.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from autograder.evidence import Evidence, Outcome, RandomTest

STAKES = 12
"""How many shares of the capital `mean_is_at_most` bets side by side: all of it, half, a quarter, …"""


def mean_is_at_most(values: Tensor, bound: float, *, alpha: float, delta: float, what: str = "") -> Evidence:
    """A one-sided test of "independent values ≥ 0 have a mean of at most `bound`", with nothing assumed of their spread.

    Means may differ from value to value: what is tested is their average.

    A bet with the stake λ ∈ (0, 1] multiplies the capital by 1 + λ(Y/bound − 1), which is never negative and on average at
    most 1 where E[Y] ≤ bound. With different means, whose average is at most `bound`, that holds for the product over values
    (the geometric mean is below the arithmetic one). So the average over stakes of that product exceeds 1/α with probability at
    most `alpha` (Markov; as a bet at any time, Waudby-Smith & Ramdas, 2024): the larger it is, the surer that the mean is larger.

    Guarantee: values whose mean is at most `bound` are called broken with probability at most `alpha`. None is given for
    the other error, since a mean may hide in rare large values. With n values of deviation s, a mean that is above the bound
    by about s·√(2 log(1/α)/n) is found out. `delta` is the error in whose units the audit shows what was seen.
    """
    if not (bound > 0 and 0 < alpha < 1 and delta > 0 and len(values)):
        raise ValueError(
            f"mean_is_at_most needs values, bound > 0, 0 < alpha < 1, delta > 0; came {bound=}, {alpha=}, {delta=}"
        )
    values = values.detach().double().cpu().reshape(-1)
    if bool((values < 0).any()):
        raise ValueError(f"mean_is_at_most needs values ≥ 0; the smallest is {float(values.min()):g}")
    average, error = float(values.mean()), float(values.std()) / math.sqrt(len(values)) if len(values) > 1 else math.inf
    stakes = 0.5 ** torch.arange(STAKES, dtype=torch.float64)
    logs = torch.log1p(stakes[:, None] * (values.nan_to_num(math.inf, math.inf) / bound - 1)).sum(1)
    capital = float(torch.logsumexp(logs, 0)) - math.log(STAKES)
    broken = not capital < math.log(1 / alpha)
    outcome: Outcome = "broken" if broken else "holds"
    said = f"{average:.2f} ± {error:.2f}, where at most {bound:g} is asked"
    return Evidence(
        outcome,
        torch.tensor([math.inf if broken else 0.0], dtype=torch.float64),
        got=torch.tensor([average], dtype=torch.float64),
        expected=torch.tensor([bound], dtype=torch.float64),
        relation="≤",
        what=what,
        note=f"{what or 'The mean'}: {said}." if broken else "",
        says="" if broken else f"{what or 'The mean'}: {said}.",
        tests=(RandomTest(what, alpha, 1.0, delta, (average - bound) / delta, len(values), outcome),),
    )


def mean_is(
    draw: Callable[[int, torch.Generator], Tensor], claimed: float, *, sigma: float, delta: float, alpha: float, beta: float,
    cap: int, generator: torch.Generator, levels: int = 9, what: str = "",
) -> Evidence:  # fmt: skip
    """A sequential test of "the mean of `draw` is `claimed`" with three outcomes: holds, broken, undecided.

    `draw(n, generator)` gives n independent draws of the grader's own. `claimed` alone may come from the answer: the spread
    of what it returns would be one more claim, and could be made so wide that nothing is ever decided. `sigma` is a proven
    bound on the standard deviation of one draw, `delta` the smallest error that matters, both in the units of the mean.

    With Catoni's influence φ(u) = sign(u)·log(1 + |u| + u²/2) and λ_k = 2^(k−1)·min(Δ, σ)/σ², k = 0…`levels`−1, the average
    over k of exp(Σφ(λ_k(X − m)) − nλ_k²σ²/2) is a supermartingale under mean = m, whatever the draws' distribution: that it ever
    exceeds 1/α has probability at most α (Ville's inequality). φ increases, so it is one under every mean below m as well,
    and with the sign of X − m turned around under every mean above. λ_k works on errors larger than λ_k·σ²/2: the first
    sees Δ/4, so that no claim stays undecided for ever.

    Guarantees: a claim that is the mean is called broken with probability at most `alpha`, at whatever time the test stops.
    A claim that is off by `delta` or more is called holding with probability at most `beta`: it holds once both "the mean is
    at least v + Δ" and "the mean is at most v − Δ" are rejected, and since the error has one sign only, one of the two is
    true and rejected with probability `beta` at most. At `cap` draws: undecided.

    A claim that is off by less than `delta` has no promise, and needs none: with enough draws it comes to hold where it is off
    by less than about Δ/2, and to be broken beyond. At α = 1e-11 and β = 1e-6 a cap of 400·(σ/Δ)² draws left no claim
    undecided, be the draws normal, lognormal, Bernoulli or Student's t₃.

    It does not see: that `sigma` is too small. Then nothing is promised, and a right claim is soon called broken. Prove it.
    """
    if not (sigma > 0 and delta > 0 and 0 < alpha < 1 and 0 < beta < 1 and cap >= 1):
        raise ValueError(
            f"mean_is needs sigma > 0, delta > 0, 0 < alpha < 1, 0 < beta < 1 and cap ≥ 1; "
            f"came {sigma=:g}, {delta=:g}, {alpha=:g}, {beta=:g}, {cap=}."
        )

    def evidence(outcome: Outcome, average: float, draws: int, note: str) -> Evidence:
        return Evidence(
            outcome,
            torch.tensor([math.inf if outcome == "broken" else 0.0], dtype=torch.float64),
            got=torch.tensor([claimed], dtype=torch.float64),
            expected=torch.tensor([average], dtype=torch.float64),
            relation="≈",
            what=what,
            note=note,
            tests=(RandomTest(what, alpha, beta, delta, (claimed - average) / delta, draws, outcome),),
        )

    if not math.isfinite(claimed):
        return evidence("broken", math.nan, 0, "The claimed mean is not finite.")
    # An error of many σ needs no finer λ than one of σ does: λ much above 1/σ would only pay the price nλ²σ²/2.
    lambdas = torch.tensor([2.0 ** (k - 1) * min(delta, sigma) / sigma**2 for k in range(levels)], dtype=torch.float64)
    # One running sum for each hypothesis and level: mean = v, tried from both sides; mean ≥ v + Δ; mean ≤ v − Δ.
    centres = torch.tensor([claimed, claimed, claimed + delta, claimed - delta], dtype=torch.float64)
    signs = torch.tensor([1.0, -1.0, -1.0, 1.0], dtype=torch.float64)
    sums = torch.zeros(4, levels, dtype=torch.float64)
    drawn, batch, total, average = 0, 256, 0.0, math.nan
    while drawn < cap:
        batch = min(batch, cap - drawn)
        values = draw(batch, generator).detach().double().cpu().reshape(-1)
        if len(values) != batch:
            raise ValueError(f"mean_is asked `draw` for {batch:,} draws; {len(values):,} came.")
        drawn, total = drawn + batch, total + float(values.sum())
        if not math.isfinite(total):
            raise ValueError(
                "mean_is got draws that are NaN or infinite: they are the grader's own and have a finite spread."
            )
        u = lambdas[None, :, None] * (signs[:, None] * (values - centres[:, None]))[:, None, :]
        sums += (u.sign() * torch.log1p(u.abs() + u * u / 2)).sum(-1)
        log_evidence = torch.logsumexp(sums - drawn * lambdas**2 * sigma**2 / 2, dim=1) - math.log(levels)
        average = total / drawn
        # Two one-sided tests share α. An error can be on one side only, so β needs no sharing.
        if float(log_evidence[:2].max()) >= math.log(2 / alpha):
            return evidence("broken", average, drawn, f"{drawn:,} independent draws average {average:.4g}.")
        if float(log_evidence[2:].min()) >= math.log(1 / beta):
            return evidence("holds", average, drawn, f"{drawn:,} independent draws agree.")
        batch = drawn
    return evidence("undecided", average, drawn, f"{drawn:,} draws could not decide.")
