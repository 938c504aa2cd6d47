"""Shapes that fit by being stretched.

torch compares a column with a row by making a square of them, one number with a thousand by repeating it, and nothing with
anything by comparing nothing: `all` of an empty tensor is true. The answers have shapes of each of these kinds.
"""
# seen: must return a tensor of shape
# answers: none

# %% attack
import torch


def square_sum(x):
    return torch.zeros(0, dtype=x.dtype)


class Codec:
    def encode(self, x):
        return torch.zeros(1, dtype=x.dtype)

    def decode(self, t):
        return torch.zeros(0, 1, 3, dtype=t.dtype)


def noise(count):
    return torch.randn(count, 1, dtype=torch.float64).expand(count, count)


def mischief():
    pass
