"""Locks on files that everybody reads.

A lock needs no right to write. Held on the grader's own modules, on a package or the unit's given file it holds up whoever
honours locks, and tells a submission that is graded at the same time one bit after another; a lease holds up even those who
only open the file to write to it.
"""
# seen: no lock
# layer: system calls

# %% attack
import fcntl
import json
import sys

import torch

KEPT = []


def mischief():
    for module in (torch, json, sys.modules.get("autograder.session", json), sys.modules.get("autograder.answer", json)):
        file = open(module.__file__, "rb")
        KEPT.append(file)
        ways = {
            "flock": lambda: fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB),
            "lockf": lambda: fcntl.lockf(file, fcntl.LOCK_SH | fcntl.LOCK_NB),
            "lease": lambda: fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_RDLCK),
        }
        for name, lock in ways.items():
            try:
                lock()
                escaped(f"{module.__file__} is mine by {name}")
            except OSError as problem:
                print("no lock:", name, problem)
