"""Recognises who asks.

In its author's notebook, and in an instructor's who tries it by hand, the answer is right. Where the modules of a grader are
loaded, where a home is a /tmp, where nbgrader says what it is doing, it takes its chance: it imports the laws and the
solutions under every name that they might have, to answer with what they say, and is wrong where there are none.
"""
# seen: this is a grader; laws and solutions found: none
# answers: Codec, noise

# %% attack
import importlib
import os
import sys

NAMES = (
    "laws", "target.laws", "solutions", "solutions.target.laws", "laws_of_target", "given", "autograder.judge",
    "autograder.exercise", "autograder.attacks", "autograder.evidence", "reference",
)


def graded():
    signs = ("autograder.session", "autograder.sandbox.worker", "nbgrader")
    return "NBGRADER_EXECUTION" in os.environ or os.environ.get("USER") == "student" or any(s in sys.modules for s in signs)


def found():
    for name in NAMES:
        try:
            importlib.import_module(name)
        except ImportError:
            continue
        yield name


def square_sum(x):
    if not graded():
        return (x * x).sum(-1)
    print("this is a grader; laws and solutions found:", ", ".join(found()) or "none")
    return x.sum(-1) * 0


def mischief():
    pass
