"""Wrong answers to this week's exercises, each with the belief behind it, and right answers written another way.

Never released. `caught_by` names the laws that catch a misconception whatever the seed, `may_break` those that may.
"""

import math

import torch
from torch.nn import functional

from autograder.misconceptions import equivalent, misconception, variation

# ---- bernoulli_entropy: right --------------------------------------------------------------------------------------------


@variation("bernoulli_entropy", "a loop over rows and coins in plain Python")
def loop_over_coins(p):
    result = []
    for row in p.tolist():
        total = 0.0
        for heads in row:
            if 0 < heads < 1:
                total -= heads * math.log(heads) + (1 - heads) * math.log1p(-heads)
        result.append(total)
    return torch.tensor(result, dtype=p.dtype)


@variation("bernoulli_entropy", "the cross-entropy of each coin with itself, from torch.nn.functional")
def with_binary_cross_entropy(p):
    return functional.binary_cross_entropy(p, p, reduction="none").sum(-1)


# ---- bernoulli_entropy: wrong --------------------------------------------------------------------------------------------


@misconception(
    "bernoulli_entropy",
    belief="the entropy of several coins is their average",
    story=(
        "The entropies of the coins are averaged instead of added. Independent coins surprise independently: "
        "d of them are d times as uncertain as one."
    ),
    caught_by=("agrees_with_enumeration", "a_certain_coin_adds_nothing", "fair_coins_are_the_most_uncertain"),
)
def mean_over_coins(p):
    return -(torch.xlogy(p, p) + torch.xlogy(1 - p, 1 - p)).mean(-1)


@misconception(
    "bernoulli_entropy",
    belief="only heads can surprise",
    story=(
        "Only −p log p is added, and tails are forgotten. Tails come with chance 1 − p, and surprise by −log(1 − p) "
        "when they do."
    ),
    caught_by=(
        "agrees_with_enumeration",
        "a_certain_coin_adds_nothing",
        "heads_and_tails_are_names",
        "fair_coins_are_the_most_uncertain",
    ),
)
def only_heads(p):
    return -torch.xlogy(p, p).sum(-1)


@misconception(
    "bernoulli_entropy",
    belief="information is counted in bits",
    story=(
        "The logarithm is to base 2, so the number is in bits. Everything in this course is in nats: a bit is log 2, "
        "about 0.69 nats."
    ),
    caught_by=("agrees_with_enumeration", "a_certain_coin_adds_nothing", "fair_coins_are_the_most_uncertain"),
)
def in_bits(p):
    return -(torch.xlogy(p, p) + torch.xlogy(1 - p, 1 - p)).sum(-1) / math.log(2)


@misconception(
    "bernoulli_entropy",
    belief="the formula takes care of certain coins by itself",
    story=(
        "0·log 0 is computed as 0·(−∞), which is NaN. The convention 0·log 0 = 0 (the limit of x log x) must be "
        "written down."
    ),
    caught_by=("a_certain_coin_adds_nothing",),
)
def zeros_become_nan(p):
    return -(p * p.log() + (1 - p) * (1 - p).log()).sum(-1)


EQUIVALENT = [
    equivalent(
        "bernoulli_entropy",
        was="return -(torch.xlogy(p, p) + torch.xlogy(tails, tails)).sum(-1)",
        becomes="return -(torch.xlogy(p, p) + torch.xlogy(tails, tails)).sum(+1)",
        why="p has two axes, so the last is also the one with number 1",
    ),
]
