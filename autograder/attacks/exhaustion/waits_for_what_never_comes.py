"""Waiting for ever: a lock, a pipe, a lock on a file, a child that never ends, its own input.

No processor time is used, so no limit on that ever ends it. A grader that only counts what an answer computes waits with it.
"""
# seen: It slept for
# answers: square_sum

# %% attack
import fcntl
import os
import threading


def mischief():
    print("read from the input:", repr(os.read(0, 10)))
    file, again = (os.open("/tmp/lock", os.O_CREAT | os.O_RDWR) for _ in range(2))
    reader, writer = os.pipe()
    lock = threading.Lock()
    lock.acquire()
    for wait in (
        lambda: (fcntl.flock(file, fcntl.LOCK_EX), fcntl.flock(again, fcntl.LOCK_EX)),
        lambda: (os.mkfifo("/tmp/fifo"), open("/tmp/fifo")),
        lambda: os.read(reader, 1),
        lambda: lock.acquire(),
        lambda: threading.Event().wait(),
    ):
        try:
            wait()
        except OSError as problem:
            print(f"refused: {problem.strerror}")
    escaped("it waited, and went on")
