"""A leak of sixty-four megabytes at a time, kept over all calls.

No single request is remarkable. What is kept lies in a global list and is written to, page by page; the exception that ends it is
caught, and the rest is taken in ever smaller pieces, so that as little as possible is left for whatever comes next.
"""
# seen: of memory
# answers: square_sum

# %% attack
DONE = []
KEPT = []


def held():
    return sum(map(len, KEPT))


def mischief():
    if DONE:
        return
    DONE.append(1)
    piece = 64 << 20
    while piece > 1 << 20 and held() < 8 << 30:
        try:
            KEPT.append(b"x" * piece)
        except MemoryError:
            piece //= 2
    if held() > 4 << 30:
        escaped(f"{held():,} bytes are held")
    print(f"{held() >> 20} MB of memory kept")
    KEPT[-1:] = []
