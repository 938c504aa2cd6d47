"""Children that feast together.

A limit on memory holds for one process. A submission that may start sixteen of them has sixteen times as much. The attack asks
how much one process may have, and has two children take a little more than half of that each: either of them may, and together
they are over it. They keep it for a while.
"""
# seen: all processes together
# answers: square_sum
# layer: watch

# %% attack
import mmap
import os
import time

DONE = []


def most():
    """What one process may have: asked for, and not used."""
    size = 3 << 30
    while size > 1 << 20:
        try:
            mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS).close()
            return size
        except OSError:
            size = size * 19 // 20
    return size


def mischief():
    if DONE:
        return
    DONE.append(True)
    share, children = int(most() * 0.6), []
    for _ in range(2):
        child = os.fork()
        if not child:
            try:
                feast = b"x" * share
                time.sleep(1)
                os._exit(7 * (len(feast) == share))
            except MemoryError:
                os._exit(0)
        children.append(child)
    had = sum(os.waitpid(child, 0)[1] == 7 << 8 for child in children)
    if had == 2:
        escaped(f"two children had {2 * share >> 20} MB together, where one may have {share * 10 // 6 >> 20}")
    print(had, "of the children had their share")
