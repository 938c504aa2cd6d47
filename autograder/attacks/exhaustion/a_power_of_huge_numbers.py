"""A whole number that takes hours to write down.

7 to the power of a million is made at once and is eight hundred thousand digits long; the time to write it in decimal grows with
the square. Whoever quotes what came back, or sends it as JSON, does so in time that is not the answer's.
"""
# seen: integer of more than
# answers: noise

# %% attack
HUGE = 7 ** (10**6)


class Number(int):
    def __repr__(self):
        return int.__repr__(HUGE)

    __str__ = __format__ = __repr__


def square_sum(x):
    return HUGE


class Codec:
    def encode(self, x):
        return {"code": [HUGE, -HUGE]}

    def decode(self, t):
        raise ValueError(Number(HUGE))


def mischief():
    pass
