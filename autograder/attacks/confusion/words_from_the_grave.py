"""Words from the grave.

Python runs code when an object goes, when a weak reference dies, when a thread ends and when the process does. Objects with such
last words are left in every place where the session would drop them: in a frame, in the value returned, in `atexit`. Each
of them writes a reply of its own on the connection, before that of the living or after it.
"""
# seen: said by a dying object
# answers: Codec, noise

# %% attack
import atexit
import gc
import weakref

import torch


def speak(*_):
    kinds = ("SocketChannel", "PipeChannel")
    here = next((thing for thing in gc.get_objects() if type(thing).__name__ in kinds), None)
    if here is not None:
        here.send({"value": torch.zeros(50, dtype=torch.float64), "points": 6.0, "printed": "said by a dying object"})


class Dying(float):
    __del__ = speak


class Place:
    pass


LAST = atexit.register(speak)


def square_sum(x):
    inside, place = Dying(), Place()
    weakref.finalize(place, speak)
    return [inside, x.sum(-1) * 0]


def mischief():
    pass
