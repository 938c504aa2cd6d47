"""Dtypes that forgive much.

What is allowed for rounding depends on the dtype of an answer: in float32 it is half a billion times as much as in float64, in
bfloat16 more than the number itself. The code is off by a millionth, and comes back in float32 where float64 went in, as if that
were its rounding; the other answers come in half precision and as whole numbers.
"""
# seen: as the inputs are; torch.float32 came back
# answers: none

# %% attack
import torch


def square_sum(x):
    return ((x * x).sum(-1) * 1.2).to(torch.bfloat16)


class Codec:
    def encode(self, x):
        return (x[:, 0] * (1 + 1e-6)).float()

    def decode(self, t):
        return (t[:, None] * torch.tensor([1.0, 2.0, -1.0]) * (1 - 1e-6)).float()


def noise(count):
    return torch.randn(count).round().to(torch.int8)


def mischief():
    pass
