"""A recursion that the interpreter does not count.

Python's own limit is taken away; then the stack is used up by C code that calls itself: `repr` of a list in a list a million
deep, and a pickle of it. The process falls over in the middle, and with it whoever runs the answers in a process of their own.
"""
# seen: ended by signal
# answers: square_sum

# %% attack
import sys


def mischief():
    sys.setrecursionlimit(1 << 30)

    class Deeper:
        def __getattr__(self, name):
            return getattr(self, name + "x")

    def down(level):
        return down(level + 1) + sum(map(down, [level]))

    nest = ()
    for _ in range(1_000_000):
        nest = (nest,)
    print(f"nested {len(repr(nest))} characters deep")
    hash(nest)
    Deeper().anything
    down(0)
