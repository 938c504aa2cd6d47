"""An endless loop that swallows every signal.

A grader that interrupts an answer after some seconds does so by a signal and an exception. This one ignores all signals, stops
every timer and catches whatever is raised in the middle of its loop, so that only somebody outside can end it.
"""
# seen: of processor time
# answers: square_sum

# %% attack
import signal


def mischief():
    print("from now on nobody is listened to")
    for timer in (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF):
        signal.setitimer(timer, 0)
    for number in range(1, signal.NSIG):
        try:
            signal.signal(number, signal.SIG_IGN)
        except (OSError, ValueError):
            pass
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass
