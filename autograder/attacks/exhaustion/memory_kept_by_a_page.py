"""Gigabytes that are kept by a single page.

Memory that is shared belongs to a file without a name, and stays as long as one page of it is mapped anywhere. No limit on
addresses or data counts the rest, and no table of a process shows it. The attack fills sixty-four megabytes, gives back all but a
page, and would do so again and again; it asks for such memory by a call, by a device and by a descriptor.
"""
# seen: nothing is kept
# answers: square_sum
# layer: system calls

# %% attack
import ctypes
import mmap
import os

libc = ctypes.CDLL(None, use_errno=True)
libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
SIZE, DONE = 64 << 20, []


def of(descriptor, flags=mmap.MAP_SHARED):
    held = mmap.mmap(descriptor, SIZE, flags=flags)
    held.write(b"x" * SIZE)
    libc.munmap(ctypes.addressof(ctypes.c_char.from_buffer(held)) + mmap.PAGESIZE, SIZE - mmap.PAGESIZE)
    return held


def of_a_descriptor():
    descriptor = os.memfd_create("hoard")
    os.ftruncate(descriptor, SIZE)
    return of(descriptor)


WAYS = {
    "a call": lambda: of(-1, mmap.MAP_SHARED | mmap.MAP_ANONYMOUS),
    "a device": lambda: of(os.open("/dev/zero", os.O_RDWR)),
    "a descriptor": of_a_descriptor,
}


def mischief():
    if DONE:
        return
    for name, way in WAYS.items():
        try:
            DONE.append(way())
            escaped(f"64 MB by {name} are kept, and one page of them is counted")
        except OSError as problem:
            print(f"nothing is kept by {name}:", problem.strerror)
    DONE.append(None)
