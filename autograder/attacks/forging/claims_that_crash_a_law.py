"""Claims that a law falls over.

What a law cannot decide a person decides, and persons are generous: so the answers try to make the laws fail rather than to be
right. A method returns a table, itself, a number of a thousand bits; the sum is the largest float there is, and the noise does
not vary, so that whoever divides by its spread divides by nothing.
"""
# seen: a list came back
# answers: none

# %% attack
import torch


def square_sum(x):
    return torch.full((len(x),), torch.finfo(x.dtype).max, dtype=x.dtype) * (1 - 2 * (torch.arange(len(x)) % 2))


class Codec:
    def encode(self, x):
        return {"shape": list(x.shape), "dtype": "float64", "value": {"": self}}

    def decode(self, t):
        return [self, (1 << 999) - 1, "nan", float("nan"), None]

    def __len__(self):
        return -1


def noise(count):
    return torch.zeros(count, dtype=torch.float64)


def mischief():
    pass
