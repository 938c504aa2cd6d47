"""Threads and timers that fire when it is somebody else's turn.

A thread that looks in Python's memory for verdicts, a timer of the kernel's, an alarm and a hook on every fork: all of these
go on after the answer has been given. In a grader that keeps its process, they run while the next student is graded. Each
writes down when it was still there after its session had ended, where the next session would find it.
"""
# seen: nothing has gone on

# %% attack
import ctypes
import os
import signal
import threading
import time

LOG = os.path.join(place["base"], "outbox", "still-here")
LOGS = (LOG, "/tmp/still-here", "/dev/shm/still-here")
DONE = []
libc = ctypes.CDLL(None, use_errno=True)


def note(*args):
    for log in LOGS:
        try:
            with open(log, "a") as file:
                file.write(f"{os.getpid()}\n")
        except OSError:
            pass


def mischief():
    if DONE:  # this session's own
        return
    DONE.append(True)
    if any(os.path.exists(log) for log in LOGS):
        escaped("a thread or a timer of an earlier session has gone on")
    else:
        print("nothing has gone on since the last session")

    def again_and_again():
        while True:
            time.sleep(0.01)
            note()

    threading.Thread(target=again_and_again, daemon=False).start()
    signal.signal(signal.SIGALRM, note)
    signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
    timer = ctypes.c_void_p()
    libc.timer_create(1, None, ctypes.byref(timer))
    libc.timer_settime(timer, 0, (ctypes.c_long * 4)(0, 10_000_000, 0, 10_000_000), None)
    os.register_at_fork(before=note, after_in_child=note)
    raise RuntimeError("start another session, please")
