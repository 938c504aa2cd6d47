"""A class that is none.

`Codec` can be called like a class, but what comes back is not one of its objects: by turns a tensor, a module of torch's with a
forward of its own, a function and a type. Each has `encode` and `decode`, and each call of these returns another thing.
"""
# seen: Codec must be a class
# answers: square_sum, noise

# %% attack
import itertools

import torch


class Module(torch.nn.Module):
    def forward(self, x):
        return x

    encode = decode = property(lambda self: self)


class Everything(type):
    def __getattr__(cls, name):
        return cls

    def __call__(cls, *args):
        return next(THINGS)


class Codec(metaclass=Everything):
    pass


THINGS = itertools.cycle([torch.zeros(26, 3), Module(), lambda *args: 0, Everything, Codec, 1.0])


def mischief():
    pass
