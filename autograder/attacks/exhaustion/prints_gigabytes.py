"""Gigabytes of print, on every way out.

A grader that keeps what is printed runs out of memory; one that hands a pipe to the answer fills it, and both wait. So it
prints by `print`, by the old `sys.__stdout__`, by the descriptors themselves and by `warnings`, in large pieces and in endless
small ones.
"""
# seen: two gigabytes follow

# %% attack
import os
import sys
import warnings

DONE = []
LARGE = "x" * (1 << 20)


def mischief():
    if DONE:
        return
    DONE.append(1)
    print("two gigabytes follow")
    for _ in range(2_000):
        print(LARGE)
        os.write(1, LARGE.encode())
        os.write(2, LARGE.encode())
    for _ in range(100_000):
        sys.stderr.write("y\n")
        sys.__stderr__.write("y\n")
