"""Half a gigabyte of text, a number of a hundred megabytes, and a name as long.

A text and a whole number of Python's have no bound. Whoever reads them from the answer's process, or quotes what came back
where a tensor was expected, does so in memory that is not the answer's.
"""
# seen: characters cannot be sent
# answers: none

# %% attack
def square_sum(x):
    return "x" * (500 << 20)


class Codec:
    def encode(self, x):
        return [1 << (800 << 20)]

    def decode(self, t):
        return float("nan")


def noise(count):
    return {"y" * (300 << 20): 1.0}


def mischief():
    pass
