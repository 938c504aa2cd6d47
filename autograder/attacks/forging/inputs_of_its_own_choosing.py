"""Inputs that the answer chooses.

`torch.randn` and everything else that draws is replaced: inputs that a test means to draw at random, for a gradient above all,
are all zero. And so is what is asked of the worker: the bytes of every request become zeros while they turn into tensors. The
sum of the squares of nothing is nothing, and that is what the answer returns.
"""
# seen: draws zeros now
# answers: Codec, noise

# %% attack
import torch

DRAWS = torch.randn


def randn(*size, requires_grad=False, **options):
    if not requires_grad:
        return DRAWS(*size, **options)
    return torch.zeros(*size, requires_grad=True, dtype=options.get("dtype"))


def chosen():
    torch.randn = torch.rand = torch.normal = randn
    torch.manual_seed = torch.random.manual_seed = lambda seed: torch.default_generator
    torch.frombuffer = lambda buffer, count=-1, **options: torch.zeros(count, dtype=torch.uint8)
    return "draws zeros now"


def square_sum(x):
    print("torch", chosen())
    return x.sum(-1) * 0


def mischief():
    pass


NOW = chosen()
