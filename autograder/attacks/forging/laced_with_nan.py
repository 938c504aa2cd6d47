"""Answers laced with NaN.

NaN is neither more nor less than anything: "not larger than the tolerance" holds of it, and so does "no entry is too far off".
One answer is NaN altogether, one has infinities of both signs beside right numbers, one has NaN in a single draw among thousands.
"""
# seen: NaN (not a number) came back
# answers: none

# %% attack
import math

import torch


def square_sum(x):
    return (x * x).sum(-1).where(torch.arange(len(x)) % 2 == 0, math.nan)


class Codec:
    def encode(self, x):
        return x[:, 0] * math.inf - math.inf

    def decode(self, t):
        return torch.full((len(t), 3), -math.inf, dtype=t.dtype)


def noise(count):
    draws = torch.randn(count, dtype=torch.float64)
    draws[count // 2] = math.nan
    return draws


def mischief():
    pass
