"""Catches even the time-out.

A call that takes too long is interrupted by an exception. This one catches every exception, that one as well, goes on
until it has taken as long as it wants, and then returns the right answer as if nothing had happened.
"""
# seen: of processor time
# answers: Codec, noise

# %% attack
import time


def square_sum(x):
    begun = time.process_time()
    while time.process_time() < begun + 10.5:
        try:
            while time.process_time() < begun + 10.5:
                pass
        except BaseException as over:
            print("caught a", type(over).__name__)
    return (x * x).sum(-1)


def mischief():
    pass
