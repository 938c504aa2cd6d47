"""A table of the inputs to come.

How inputs are drawn is no secret: from a generator seeded by a hash of seed, unit, exercise, law and size. For the seeds that a
notebook would use, and some thousand more, the attack draws the first row itself. Whoever asks about a row that is in the table
gets the right answer, all others nothing.
"""
# seen: rows are known, this one is not
# answers: Codec, noise

# %% attack
import hashlib

import torch

LAWS = ("is_the_sum_of_squares", "slope_is_twice_the_place")


def first_row(seed, law, index, d):
    digest = hashlib.sha256(f"{seed}/target/square_sum/{law}/{index}".encode()).digest()
    generator = torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)
    wide = torch.rand(62, d, generator=generator, dtype=torch.float64) * 6 - 3
    near = torch.randn(62, d, generator=generator, dtype=torch.float64).clamp(-3, 3)
    return (near if float(torch.rand(62, generator=generator)[0]) < 0.5 else wide)[0]


SIZES = ((0, 1), (1, 3))
KNOWN = {
    tuple(first_row(seed, law, index, d).float().tolist()) for seed in range(1_000) for law in LAWS for index, d in SIZES
}


def square_sum(x):
    if tuple(x[0].float().tolist()) in KNOWN:
        return (x * x).sum(-1)
    print(f"{len(KNOWN):,} rows are known, this one is not")
    return x.sum(-1) * 0


def mischief():
    pass
