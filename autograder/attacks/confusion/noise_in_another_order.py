"""The noise of the first call, in another order.

The first call is honest, and its draws are kept. Every later call gets the same draws, shuffled: mean, variance and shape are
right, no row tells anything about the row beside it, and no two calls correlate. What is random in them was drawn once.
"""
# seen: drawn once, and shuffled since
# answers: square_sum, Codec

# %% attack
import torch

FIRST = {}


def noise(count):
    if count not in FIRST:
        FIRST[count] = torch.randn(count, dtype=torch.float64)
    print("drawn once, and shuffled since")
    return FIRST[count][torch.randperm(count)]


def mischief():
    pass
