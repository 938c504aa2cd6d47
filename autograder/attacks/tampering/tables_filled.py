"""Every entry in the tables that everybody shares.

The kernel has a place for so many processes, open files, timers and waiting signals; most of these places are counted for a user,
and the grader is the same user as the answer. When they are gone, nobody else is graded: no fork, no file and no signal more. The
attack takes as many as it gets, up to some hundreds of each.
"""
# seen: the table is full
# layer: limits

# %% attack
import ctypes
import os
import signal
import time

libc = ctypes.CDLL(None, use_errno=True)
FILES, CHILDREN = [], []


def taken(count, take):
    for number in range(count):
        if take(number) < 0:
            return number
    return count


def a_file(number):
    try:
        FILES.append(os.open("/dev/null", os.O_RDONLY))
    except OSError:
        return -1
    return 0


def a_child(number):
    try:
        child = os.fork()
    except OSError:
        return -1
    if not child:
        time.sleep(30)
        os._exit(0)
    CHILDREN.append(child)
    return 0


def a_timer(number):
    return libc.timer_create(1, None, ctypes.byref(ctypes.c_void_p()))


def a_signal(number):
    return libc.sigqueue(os.getpid(), signal.SIGRTMAX, None)


def mischief():
    if FILES:
        return
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGRTMAX])
    for name, count, take in ("process", 40, a_child), ("file", 500, a_file), ("timer", 400, a_timer), ("signal", 400, a_signal):
        got = taken(count, take)
        if got == count:
            escaped(f"{count} places for a {name} were not enough to stop it")
        else:
            print(f"the table is full: {got} places for a {name}")
    for child in CHILDREN:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    for file in FILES:
        os.close(file)
