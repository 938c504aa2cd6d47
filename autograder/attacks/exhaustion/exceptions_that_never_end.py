"""Exceptions that never finish saying what they are.

The first has a `__str__` that loops, the next one says a gigabyte, others have a class name of a megabyte or a cause that is
its own cause a hundred thousand times over. Whoever reports what went wrong by `str`, `repr` or a traceback is caught in it.
"""
# seen: of processor time
# answers: noise

# %% attack
class Endless(Exception):
    def __str__(self):
        while True:
            pass

    __repr__ = __str__


class Loud(Exception):
    def __str__(self):
        return "x" * (1 << 30)

    __repr__ = __str__


Long = type("L" + "o" * 1_000_000 + "ng", (Exception,), {})


def chained():
    problem = Exception("the first")
    for number in range(100_000):
        following = Exception(number)
        following.__cause__ = problem
        problem = following
    problem.add_note("n" * 100_000_000)
    return problem


def square_sum(x):
    raise Endless


class Codec:
    def encode(self, x):
        raise Loud if x[0, 0] > 0 else chained()

    def decode(self, t):
        raise Long("y" * 10_000_000)


def mischief():
    pass
