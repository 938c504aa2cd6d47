"""What this week asks, and what every right answer satisfies.

Each exercise is the signature that your function must have; each law below it is a property that is tried on a thousand rows.
Points lie on the laws that an answer can fail separately. A law without points follows from those that have them: it is there
to tell a wrong answer *what* is wrong with it.

Everything is in nats. Tolerances are the rounding of the terms that an answer adds up: 64·eps·Σ|terms|, where eps is that of
the dtype you were given.
"""
# pyright: reportUndefinedVariable=false, reportReturnType=false

import math

import torch
from jaxtyping import Float
from torch import Tensor

from autograder.domains import Reals
from autograder.evidence import at_most, close, rounding
from autograder.exercise import Unit

unit = Unit("a_new_unit", "A new unit", minutes=60)


# ---- 1. coins ------------------------------------------------------------------------------------------------------------


@unit.exercise(batch="n", measure="nats, summed over d coins, one number a row", sizes=dict(d=(1, 2, 5)))
def bernoulli_entropy(p: Float[Tensor, "n d"]) -> Float[Tensor, "n"]:
    """The entropy of d independent coins, −Σⱼ (pⱼ log pⱼ + (1 − pⱼ) log(1 − pⱼ)), row by row, in nats.

    pⱼ is the chance of heads. A coin that is certain (pⱼ = 0 or 1) adds nothing.
    """


def coin_terms(p: Tensor) -> Tensor:
    """Σⱼ |pⱼ log pⱼ| + |(1 − pⱼ) log(1 − pⱼ)| + 1: what is added up, and 1 a coin for the rounding of 1 − pⱼ."""
    heads, tails = p.double(), 1 - p.double()
    return (torch.xlogy(heads, heads).abs() + torch.xlogy(tails, tails).abs() + 1).sum(-1)


@bernoulli_entropy.law(points=2, decisive=True, where=dict(p=Reals(0.01, 0.99)))
def agrees_with_enumeration(entropy, p):
    """H is what heads and tails surprise on average: −log p with chance p, −log(1 − p) with chance 1 − p, summed over coins."""
    chances = torch.stack([p.double(), 1 - p.double()])
    exact = torch.einsum("ond,ond->n", chances, -chances.log())
    return close(entropy(p), exact, terms=coin_terms(p))


@bernoulli_entropy.law(points=2, where=dict(p=Reals(0, 1)))
def a_certain_coin_adds_nothing(entropy, p):
    """A coin with p = 0 or p = 1 adds nothing: H is that of the others."""
    open_ended = (p > 0) & (p < 1)
    chances = torch.stack([p.double(), 1 - p.double()]).where(open_ended, 1.0)
    exact = torch.einsum("ond,ond->n", chances, -chances.log())
    return close(entropy(p), exact, terms=coin_terms(p))


@bernoulli_entropy.law(points=0, where=dict(p=Reals(0.01, 0.99)))
def heads_and_tails_are_names(entropy, p):
    """Exchanging heads and tails, p → 1 − p, does not change H."""
    return close(entropy(1 - p), entropy(p).double(), terms=coin_terms(p), what="H of the coins turned around")


@bernoulli_entropy.law(points=0, where=dict(p=Reals(0.01, 0.99)))
def fair_coins_are_the_most_uncertain(entropy, p):
    """H is at most log 2 a coin, and log 2 a coin if all of them are fair."""
    got, fair = entropy(p), torch.full_like(p, 0.5)
    most = p.shape[-1] * math.log(2)
    return [
        at_most(got, most, slack=rounding(coin_terms(p), got)),
        close(entropy(fair), most, terms=coin_terms(fair), what="H of fair coins"),
    ]
