"""Memory that is nobody's data: shared mappings, files in /dev/shm, memory files, System V segments.

The kernel's limit on data does not count what is shared, and /dev/shm often takes half of the machine's memory. Each kind is
tried for eight gigabytes, written page by page, and what was had is told.
"""
# seen: mmap: refused
# answers: square_sum

# %% attack
import ctypes
import mmap
import os

GIB = 1 << 30


def by_mmap():
    held = mmap.mmap(-1, 8 * GIB, flags=mmap.MAP_SHARED | mmap.MAP_ANONYMOUS)
    for place in range(0, 4 * GIB, 4096):
        held[place] = 1
    return 4 * GIB


def by_file(descriptor):
    taken = 0
    while taken < 4 * GIB:
        taken += os.write(descriptor, bytes(16 << 20))
    return taken


def by_system_v():
    libc = ctypes.CDLL(None, use_errno=True)
    libc.shmget.argtypes = [ctypes.c_int, ctypes.c_size_t, ctypes.c_int]
    number = libc.shmget(0, 4 * GIB, 0o1600)
    if number < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    libc.shmctl(number, 0, None)
    return 4 * GIB


WAYS = {
    "mmap": by_mmap,
    "/dev/shm": lambda: by_file(os.open("/dev/shm/hoard", os.O_CREAT | os.O_RDWR)),
    "memfd": lambda: by_file(os.memfd_create("hoard")),
    "shmget": by_system_v,
}


def mischief():
    for name, way in WAYS.items():
        try:
            taken = way()
        except OSError as problem:
            print(f"{name}: refused, {problem.strerror}")
        else:
            escaped(f"{taken:,} bytes by {name}")
    if os.path.exists("/dev/shm/hoard"):
        os.unlink("/dev/shm/hoard")
