"""A room of its own within the room.

On most systems anybody may make a namespace in which they are root, and mount what they like there: a folder without bounds
over the bounded one, or one that lets them see again what was covered up. The attack asks for every kind of namespace, by two
calls, and for mounts in them.
"""
# seen: no namespace
# layer: system calls

# %% attack
import ctypes
import os
import platform
import signal

libc = ctypes.CDLL(None, use_errno=True)
KINDS = {"user": 0x10000000, "mount": 0x20000, "process": 0x20000000, "network": 0x40000000, "message": 0x8000000}
CLONE = 56 if platform.machine() == "x86_64" else 220


def in_a_child(action):
    child = os.fork()
    if not child:
        os._exit(0 if action() >= 0 else min(ctypes.get_errno(), 255))
    return os.waitpid(child, 0)[1] >> 8


def mount_a_large_folder():
    if libc.unshare(KINDS["user"] | KINDS["mount"]) < 0:
        return -1
    return libc.mount(b"tmpfs", b"/tmp", b"tmpfs", 0, b"size=8g")


def cloned():
    child = libc.syscall(CLONE, KINDS["user"] | signal.SIGCHLD, None, None, None, 0)
    if child == 0:
        os._exit(0)
    return child


DONE = []


def mischief():
    if DONE:
        return
    DONE.append(True)
    attempts = {name: lambda flag=flag: libc.unshare(flag) for name, flag in KINDS.items()}
    attempts |= {"cloned": cloned, "large folder": mount_a_large_folder, "uncovered": lambda: libc.umount2(b"/tmp", 2)}
    for name, action in attempts.items():
        error = in_a_child(action)
        if error:
            print("no namespace:", name, os.strerror(error))
        else:
            escaped(f"a namespace of its own ({name})")
