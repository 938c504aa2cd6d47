"""An object that says yes to everything.

It is no tensor, but it has every attribute and every method, is equal to whatever it is compared with, and intercepts torch's
functions by `__torch_function__`. Assertions on it hold, whatever they say; it is even its own gradient.
"""
# seen: must return a tensor
# answers: Codec, noise

# %% attack
class Yes:
    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        return cls()

    def __getattr__(self, name):
        return self

    def __call__(self, *args, **kwargs):
        return self

    def __iter__(self):
        return iter([self])

    def __eq__(self, other):
        return True

    __lt__ = __le__ = __gt__ = __ge__ = __bool__ = lambda *_: True
    __add__ = __sub__ = __mul__ = __radd__ = __rsub__ = __rmul__ = __truediv__ = __abs__ = __neg__ = lambda self, *_: self
    __float__ = __len__ = __hash__ = lambda self: 0


def square_sum(x):
    return Yes()


def mischief():
    pass
