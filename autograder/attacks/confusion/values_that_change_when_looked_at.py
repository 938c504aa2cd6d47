"""Values that change when they are looked at.

The answer is a tensor that shows one value to whoever compares it and another to everybody else: right where it is subtracted,
compared or differentiated, and half of that where it is copied, stored or sent. Those who check are content, and those who use
it are not.
"""
# seen: shown to whoever keeps it
# answers: Codec, noise

# %% attack
import torch


class Shy(torch.Tensor):
    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        with torch._C.DisableTorchFunctionSubclass():
            result = function(*args, **(kwargs or {}))
            if function.__name__ in ("detach", "cpu", "numpy", "clone", "contiguous", "to", "tolist", "item"):
                print("half of it is shown to whoever keeps it")
                return result * 0.5
        return result


def square_sum(x):
    return (x * x).sum(-1).as_subclass(Shy)


def mischief():
    pass
