"""A small unit for attackers to aim at: a function, a class with state, a sampler."""
# pyright: reportUndefinedVariable=false, reportReturnType=false

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from autograder.answer import tensor_claimed
from autograder.chance import mean_is
from autograder.domains import Reals
from autograder.evidence import RandomTest, at_least, at_most, close
from autograder.exercise import Unit
from autograder.samplers import (
    calls_are_independent,
    drawn,
    draws_for_variance,
    mean_is_zero,
    rows_are_independent,
    shape_is_normal,
    variance_is_one,
)

unit = Unit("target", "A target", minutes=5)


@unit.exercise(batch="n", measure="squared length", sizes=dict(d=(1, 3)), rows=50)
def square_sum(x: Float[Tensor, "n d"]) -> Float[Tensor, "n"]:
    """The sum of squares of every row. Keep it differentiable."""


@square_sum.law(points=3, decisive=True, where=dict(x=Reals(-3, 3)))
def is_the_sum_of_squares(square_sum, x):
    """It is x₁² + … + x_d², of many rows as of two."""
    exact = torch.einsum("nd,nd->n", x.double(), x.double())
    return [
        close(square_sum(x), exact, terms=exact),
        close(square_sum(x[:2]), exact[:2], terms=exact[:2], what="two rows alone"),
    ]


@square_sum.law(points=3, where=dict(x=Reals(-3, 3)))
def slope_is_twice_the_place(square_sum, x):
    """Its gradient is 2x."""
    return close(square_sum.gradient(x, wrt="x"), 2 * x.double(), terms=2 * x.double().abs())


@square_sum.law(points=0, where=dict())
def agrees_with_draws(square_sum, generator):
    """At (1, 2) it is the mean of (ε₁ + 2ε₂)² over draws of noise."""
    claimed = float(square_sum(torch.tensor([[1.0, 2.0]], dtype=torch.float64))[0])

    def draws(count, generator):
        return (
            torch.randn(count, 2, generator=generator, dtype=torch.float64) @ torch.tensor([1.0, 2.0]).double()
        ) ** 2

    sigma = 50**0.5  # the square of a normal with variance 5 has the variance 2·5²
    return mean_is(draws, claimed, sigma=sigma, delta=0.5, alpha=1e-11, beta=1e-6, cap=1 << 18, generator=generator)


@unit.exercise(measure="a code and what it stands for", rows=8)
class Codec:
    """encode(x) gives the number t for which x = t·(1, 2, −1); decode(t) gives x back. Both take and give a batch."""

    def __init__(self) -> None: ...


@Codec.law(points=4, decisive=True, where=dict(a=Reals(-3, 3, shape=""), b=Reals(-3, 3, shape="")))
def gives_back_what_was_encoded(Codec, a, b):
    """decode(encode(x)) is x, also when something else was encoded in between; and decode(t) is t·(1, 2, −1), which encode
    gives back, for a t that nothing was encoded to."""
    direction = torch.tensor([1.0, 2.0, -1.0], dtype=a.dtype)
    first, second = a[:, None] * direction, b[:, None] * direction
    new, rows = (a + b) / 2 + 0.25, len(a)

    def encoded(codec, x):
        return tensor_claimed(codec.encode(x), rows, precision=a.dtype)

    def decoded(codec, t):
        return tensor_claimed(codec.decode(t), rows, 3, precision=a.dtype)

    codec = Codec()
    # Before anything was encoded: a decoder that learns from what it sees has seen nothing yet.
    unseen = decoded(codec, new)
    code, _ = (encoded(codec, x) for x in (first, second))
    return [
        close(code, a.double(), terms=4 * a.double().abs(), what="encode(x)"),
        close(decoded(codec, code), first.double(), terms=8 * first.double().abs().sum(-1), what="decode"),
        close(unseen, (new[:, None] * direction).double(), terms=8 * new.double().abs(), what="decode of a new code"),
        close(encoded(Codec(), unseen), new.double(), terms=8 * new.double().abs(), what="a new code"),
    ]


@unit.exercise(measure="noise", deterministic=False)
def noise(count: int) -> Float[Tensor, "count"]:
    """`count` independent draws of N(0, 1)."""


RATES: dict[str, Any] = dict(alpha=1e-11, beta=1e-6)


DRAWS = draws_for_variance(**RATES, delta=0.2)
"""Every call is asked for as many: nothing tells an answer what a call is for."""


@noise.law(points=4, decisive=True)
def is_standard_and_new_at_every_call(noise, generator):
    """Its mean is 0, its variance 1 and its shape normal, over all calls; one row or call tells nothing about another, and the
    means of calls differ as those of independent draws do."""
    calls = [of_one_call(noise, generator) for _ in range(40)]
    draws = torch.cat(calls)
    return [
        mean_is_zero(draws, **RATES, delta=0.2),
        variance_is_one(draws, **RATES, delta=0.2),
        shape_is_normal(draws, **RATES, delta=0.1),
        rows_are_independent(torch.cat(calls[:3]), **RATES, delta=0.3),
        calls_are_independent(*calls[:2], **RATES, delta=0.3),
        means_differ(calls, **RATES, delta=0.95),
        few_come_again(draws),
    ]


def means_differ(calls, *, alpha, beta, delta):
    """n·Σ (mean − mean of the means)² over k calls is χ² with k − 1 degrees of freedom: with probability `alpha` below its
    quantile, and above it with less than `beta` where the means vary by 1 − `delta` of what they should. The same draws in
    another order, and draws made to average 0, have means that do not vary at all."""
    from scipy.special import gammainccinv, gammaincinv

    half, size = (len(calls) - 1) / 2, len(calls[0])
    least = 2 * float(gammaincinv(half, alpha))
    if least < (1 - delta) * 2 * float(gammainccinv(half, beta)):
        raise ValueError("means_differ needs more calls to keep its promise")
    means = torch.stack([call.mean() for call in calls])
    spread = size * float((means - means.mean()).square().sum())
    what = "how much the means of calls vary"
    evidence = at_least(torch.tensor([spread], dtype=torch.float64), least, slack=0.0, what=what)
    RandomTest(what, alpha, beta, delta, (spread / (2 * half) - 1) / delta, len(calls) * size, evidence.outcome)
    return evidence


def few_come_again(draws):
    """Of real draws hardly any size occurs twice, even where they were made in float32: a few in a thousand."""
    share = torch.tensor([1 - len(draws.abs().unique()) / len(draws)], dtype=torch.float64)
    return at_most(share, 0.1, slack=0.0, what="the share of draws that came before")


def of_one_call(noise, generator):
    return drawn(noise.seeded(int(torch.randint(2**31, (), generator=generator)))(DRAWS), DRAWS).double()
