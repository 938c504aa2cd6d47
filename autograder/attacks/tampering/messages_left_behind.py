"""A message for the next student.

Message queues, shared memory and semaphores belong to no process and no folder: they stay until somebody removes them. The
attack opens all of these by name or number, first to see whether an earlier session left one, then to leave one.
"""
# seen: no queue was left
# layer: messages

# %% attack
import ctypes
import os
import zlib

libc = ctypes.CDLL(None, use_errno=True)
NAME = os.path.basename(place["base"])
NUMBER = zlib.crc32(NAME.encode()) & 0x7FFFFFFF


def queues(flags):
    mode = ctypes.c_int(0o600)
    yield "queue", libc.mq_open(f"/{NAME}".encode(), os.O_RDWR | flags, mode, None)
    more = 0o1000 * bool(flags)
    yield "queue of System V", libc.msgget(NUMBER, 0o600 | more)
    yield "memory", libc.shmget(NUMBER, 4096, 0o600 | more)
    yield "semaphore", libc.semget(NUMBER, 1, 0o600 | more)


DONE = []


def mischief():
    if DONE:  # this session's own
        return
    DONE.append(True)
    found = [name for name, result in queues(0) if result >= 0]
    if found:
        escaped(f"an earlier session left a {', a '.join(found)}")
    else:
        print("no queue was left")
    print("left now:", ", ".join(name for name, result in queues(os.O_CREAT) if result >= 0))
    raise RuntimeError("start another session, please")
