"""Signals to everyone.

A signal needs no more than a number. The attack stops and kills the process it was told of and everybody in its own group
and session, its parent, and with -1 all that it may: a grader that waits for a stopped process waits for ever.
"""
# seen: nobody was reached
# layer: walls

# %% attack
import os
import signal


def reach(pid, *numbers):
    try:
        os.kill(pid, 0)
    except OSError as problem:
        print(f"nobody was reached: {pid}: {problem.strerror}")
        return
    escaped(f"signals reach {pid}")
    for number in numbers:
        os.kill(pid, number)


def mischief():
    reach(place["victim"], signal.SIGSTOP, signal.SIGKILL)
    reach(place["pid"], signal.SIGWINCH)
    if os.getpid() == 1:  # elsewhere, that it may signal somebody is enough
        reach(-1, signal.SIGSTOP, signal.SIGKILL)
        for kill in (os.kill, os.killpg):
            for pid in (0, os.getppid()):
                try:
                    kill(pid, signal.SIGSTOP)  # the first process of a namespace ignores it when it comes from inside
                except OSError as problem:
                    print(f"nobody was reached: {problem}")
