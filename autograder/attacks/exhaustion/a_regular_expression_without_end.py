"""A regular expression that tries every way to cut a word.

Sixty letters and one that does not fit: nested repetition makes the engine, which is C code, try 2⁶⁰ ways. Nothing of Python runs
meanwhile, so a limit that counts lines or bytecode never notices.
"""
# seen: of processor time
# answers: square_sum

# %% attack
import re


def mischief():
    re.match(r"(?:a+)+$", "a" * 60 + "!")
