"""Lists that are small where they are made and huge where they are sent.

A list of twice the same list of a thousand times the same list is three objects, and two million entries for whoever walks
through it. Another is nested a hundred thousand deep; a third holds itself; a dict has a million keys.
"""
# seen: nested more than 20 deep
# answers: none

# %% attack
def nested():
    inner = []
    for _ in range(100_000):
        inner = [inner]
    return inner


def holds_itself():
    endless = {}
    endless["again"] = [endless]
    return endless


def square_sum(x):
    return nested()


class Codec:
    def encode(self, x):
        return holds_itself()

    def decode(self, t):
        return {str(number): number for number in range(1_000_000)}


def noise(count):
    return [[[0.0] * 1000] * 200] * 10


def mischief():
    pass
