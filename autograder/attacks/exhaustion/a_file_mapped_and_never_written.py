"""A sparse file of a terabyte, mapped and written from the end.

`truncate` makes a file of any size at no cost, and a mapping of it is neither data nor stack. Writing through the mapping fills
the file system of /tmp, which lies in memory, where no `write` is there to be refused.
"""
# seen: file of that size: refused
# answers: square_sum

# %% attack
import mmap
import os


def mischief():
    for size in (1 << 40, 1 << 30, 256 << 20):
        file = os.open("/tmp/sparse", os.O_CREAT | os.O_RDWR)
        try:
            os.ftruncate(file, size)
            held = mmap.mmap(file, size)
        except (OSError, ValueError) as problem:
            print(f"{size:,} bytes: a file of that size: refused, {problem}")
            continue
        finally:
            os.close(file)
            os.unlink("/tmp/sparse")
        for place in range(size - 4096, 0, -4096):
            held[place] = 1
        escaped(f"{size:,} bytes were written")
