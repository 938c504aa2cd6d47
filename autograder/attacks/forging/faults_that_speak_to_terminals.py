"""Failures that speak to terminals.

A fault carries words, and the ways in which it reaches the instructor's terminal are several: at once, again for every law
that is not tried any more, as the name of an argument that was changed. In each there are characters that clear the screen,
name the window, turn text around or hide it.
"""
# seen: nothing to see here
# answers: none

# %% attack
import gc

LOUD = "\x1b[2J\x1b]0;graded\x07\x9b31m\u202e\u2066\x08\x08nothing to see here"


def channel():
    kinds = ("SocketChannel", "PipeChannel")
    return next((thing for thing in gc.get_objects() if type(thing).__name__ in kinds), None)


def instead(reply):
    here = channel()
    if here is not None:
        real = here.send
        here.send = lambda _, *args: real({"printed": LOUD, **reply})
    print(LOUD)
    return 0.0


def square_sum(x):
    return instead({"fault": {"kind": "cpu_limit", "message": LOUD, "where": LOUD}})


class Codec:
    def __init__(self):
        instead({"value": 1, "mutated": [LOUD]})


def noise(count):
    return instead({"value": {LOUD: LOUD}, "mutated": None})


def mischief():
    pass
