"""An object that runs something when it is read.

Python's own format for objects, pickle, calls whatever an object says when it is read. The answers are a number, a tensor and a
list that say so, in every way there is: whoever sends them to another process by pickle, or copies them, runs what they name.
"""
# seen: must return a tensor
# answers: none
# not against nbgrader: nothing leaves a kernel as an object

# %% attack
import torch

SAY = "ESC" + "APED: an object was unpickled"


class Loot(float):
    def __reduce_ex__(self, protocol):
        return print, (SAY,)

    def __deepcopy__(self, memo):
        print(SAY)
        return self

    __copy__ = __getnewargs__ = __getstate__ = __deepcopy__


class Tensor(torch.Tensor):
    __reduce_ex__ = Loot.__reduce_ex__


def square_sum(x):
    return Loot(1.0)


class Codec:
    __reduce_ex__ = Loot.__reduce_ex__

    def encode(self, x):
        return torch.zeros(len(x), dtype=x.dtype).as_subclass(Tensor)

    def decode(self, t):
        return [Loot(0.0)] * len(t)


def noise(count):
    return type("Draws", (list,), {"__reduce_ex__": Loot.__reduce_ex__})([0.0] * count)


def mischief():
    pass
