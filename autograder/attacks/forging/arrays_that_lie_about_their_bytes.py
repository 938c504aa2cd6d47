"""Arrays that lie about their bytes.

NumPy and torch hand out their memory by a few methods, which can be replaced like any other. Here a tensor of fifty numbers
gives the bytes of one, or of a million, and a changed input gives the bytes that it had before. A reader that trusts the shape
reads what lies behind.
"""
# seen: fewer tensor bytes than its shapes need
# answers: none

# %% attack
import torch

NUMPY = torch.Tensor.numpy


def square_sum(x):
    torch.Tensor.numpy = lambda self, *args, **kwargs: NUMPY(self[:8])
    return x.zero_().sum(-1)


class Codec:
    def encode(self, x):
        torch.Tensor.numpy = lambda self, *args, **kwargs: NUMPY(torch.zeros(1_000_000, dtype=torch.uint8))
        return x[:, 0]

    decode = encode


def noise(count):
    torch.Tensor.numpy = lambda self, *args, **kwargs: memoryview(bytes(8 * count)).cast("d")
    torch.Tensor.cpu = torch.Tensor.contiguous = lambda self, *args, **kwargs: self
    return torch.zeros(1, dtype=torch.float64).expand(count)


def mischief():
    pass
