"""The turns of other people.

Processes of one user may slow each other down: lower the priority, take processors away, or set a limit that ends the other.
The attack does so to the grader, the instructor's other process and everybody whose number it can guess, by process, by group
and by user; and asks for more than its own share.
"""
# seen: no turn but its own

# %% attack
import ctypes
import os
import platform
import resource

libc = ctypes.CDLL(None, use_errno=True)
IOPRIO_SET = 251 if platform.machine() == "x86_64" else 30


def mischief():
    others = {place["pid"], place["victim"], os.getppid(), *range(place["pid"] - 5, place["pid"] + 40)} - {os.getpid(), 0}
    for pid in sorted(others):
        ways = {
            "priority": lambda: os.setpriority(os.PRIO_PROCESS, pid, os.getpriority(os.PRIO_PROCESS, pid)),
            "group": lambda: os.setpriority(os.PRIO_PGRP, pid, os.getpriority(os.PRIO_PGRP, pid)),
            "processors": lambda: os.sched_setaffinity(pid, os.sched_getaffinity(pid)),
            "limits": lambda: resource.prlimit(pid, resource.RLIMIT_CPU, resource.prlimit(pid, resource.RLIMIT_CPU)),
        }
        for name, change in ways.items():
            try:
                change()
                escaped(f"the {name} of process {pid} can be changed")
            except OSError:
                pass
        if libc.syscall(IOPRIO_SET, 1, pid, 2 << 13 | 4) == 0:
            escaped(f"the turns of process {pid} at the disk can be changed")
    real_time = lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(50))
    for name, take in {"a real-time turn": real_time, "a larger share": lambda: os.nice(-20)}.items():
        try:
            take()
            escaped(f"it has {name}")
        except OSError as problem:
            print("no turn but its own:", problem)
