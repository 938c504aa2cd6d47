"""Names of four thousand letters, for everything that has a name.

A class, an exception, an attribute and a message that are each as long as a chapter: pages and tables in which they stand in full
can be read by nobody, and the points of all others are far below the edge of the screen.
"""
# seen: looooooooooooooooooooooooo
# answers: noise

# %% attack
import torch


LONG = "l" + "o" * 4000 + "ng"
Named = type(LONG, (Exception,), {"__module__": LONG})


def square_sum(x):
    raise Named("an exception with the class of a very long name, and words " * 100)


class Codec:
    def encode(self, x):
        return type(LONG, (), {})()

    def decode(self, t):
        return getattr(torch, LONG)


globals()[LONG] = Named
vars()[LONG * 3] = lambda: None


def mischief():
    pass
