"""Noise whose second half undoes the first.

Half of the draws are made, the other half are the same with the other sign. The mean is 0 exactly, whatever the seed; variance
and shape are right; two calls have nothing in common. Averages over it look better than they are.
"""
# seen: the correlation of
# answers: square_sum, Codec

# %% attack
import torch


def noise(count):
    half = torch.randn(count // 2, dtype=torch.float64)
    return torch.cat([half, -half, torch.zeros(count % 2, dtype=torch.float64)])


def mischief():
    pass
