"""A sum that is read off the draws to come.

One law compares the answer with draws of its own. Whoever can look into the generator knows these draws beforehand: the attack
lets every generator that it can find run ahead, averages what it will give, puts it back and returns the average, which agrees
with those draws to the last digit. It knows no other way to compute the sum.
"""
# seen: came out of a generator
# answers: Codec, noise

# %% attack
import gc

import torch


def square_sum(x):
    generators = [thing for thing in gc.get_objects() if isinstance(thing, torch.Generator)] or [torch.default_generator]
    state = generators[-1].get_state()
    draws = torch.randn(4096, x.shape[1], generator=generators[-1], dtype=torch.float64)
    generators[-1].set_state(state)
    print(f"the sum came out of a generator, one of {len(generators)}")
    return ((draws @ x.double().T) ** 2).mean(0).to(x.dtype)


def mischief():
    pass
