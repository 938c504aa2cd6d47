"""Settings of the machine.

A few files are no files but the machine's own switches: which program is run when another one crashes, how much memory may be
promised, which processor is on. From many containers they can be written to, and then run a program outside of all walls. The
attack opens each of them for writing, and asks for a clock and a host name of its own.
"""
# seen: no switch

# %% attack
import ctypes
import os
import time

libc = ctypes.CDLL(None, use_errno=True)
SWITCHES = ("/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe", "/proc/sysrq-trigger",
            "/proc/sys/vm/overcommit_memory", "/sys/kernel/uevent_helper", "/sys/fs/cgroup/release_agent",
            "/sys/fs/cgroup/cgroup.procs", "/proc/self/oom_score_adj",
            "/sys/devices/system/cpu/cpu1/online", "/dev/mem", "/dev/kmsg", "/dev/sda", "/dev/vda", "/dev/fuse",
            "/dev/net/tun", "/dev/kvm", "/dev/uinput")  # fmt: skip


def name_it():
    if libc.sethostname(b"mine", 4):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def mischief():
    for path in SWITCHES:
        try:
            os.chmod(path, 0o666)
        except OSError:
            pass
        try:
            os.close(os.open(path, os.O_WRONLY))
            escaped(f"{path} can be written to")
        except OSError as problem:
            print("no switch:", path, problem.strerror)
    for name, change in {"clock": lambda: time.clock_settime(time.CLOCK_REALTIME, time.time()), "host name": name_it}.items():
        try:
            change()
            escaped(f"the machine's {name} can be changed")
        except OSError as problem:
            print("no switch:", name, problem.strerror)
