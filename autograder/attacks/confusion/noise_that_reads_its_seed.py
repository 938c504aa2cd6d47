"""Noise that reads its seed.

A test that is to give the same result twice seeds whatever an answer draws with. The attack finds the seed in the frame of who
calls it, and in torch, and makes no noise at all: the quantiles of the normal distribution, which are better than any draw, in
an order that only depends on the seed.
"""
# seen: seeded with
# answers: square_sum, Codec

# %% attack
import sys

import torch


def noise(count):
    frame, seed = sys._getframe(1), torch.initial_seed()
    while frame is not None:
        seed = frame.f_locals.get("seed", seed) or seed
        frame = frame.f_back
    quantiles = torch.special.ndtri((torch.arange(count, dtype=torch.float64) + 0.5) / count)
    print("seeded with", seed)
    return quantiles[torch.randperm(count, generator=torch.Generator().manual_seed(int(seed)))]


def mischief():
    pass
