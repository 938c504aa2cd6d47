"""The kernel's own notes.

The kernel writes down what happens on the machine: paths and addresses of other programs in its log, keys that a user has put
away for a while, counters that tell what others compute. On many systems everybody may read these. The attack asks for the
log, for keys, counters, events and for what the system says of other users.
"""
# seen: nothing is told

# %% attack
import ctypes
import os
import platform

libc = ctypes.CDLL(None, use_errno=True)
X86 = platform.machine() == "x86_64"
KEYCTL, PERF, BPF = (250, 298, 321) if X86 else (219, 241, 280)
text = ctypes.create_string_buffer(1 << 16)


def key():
    number = libc.syscall(KEYCTL, 10, -3, b"user", b"answers", 0)  # search in the session's keys
    return number if number < 0 else libc.syscall(KEYCTL, 11, number, text, len(text), 0)


WAYS = {
    "the log": lambda: libc.klogctl(3, text, len(text)),
    "the size of the log": lambda: libc.klogctl(10, None, 0),
    "keys": key,
    "counters": lambda: libc.syscall(PERF, (ctypes.c_uint32 * 32)(1, 128), -1, 0, -1, 0),
    "programs in the kernel": lambda: libc.syscall(BPF, 11, (ctypes.c_uint32 * 32)(), 128),
}
FILES = ("/proc/kallsyms", "/proc/kcore", "/dev/kmsg", "/dev/mem", "/proc/keys", "/proc/timer_list", "/var/log/syslog",
         "/var/run/utmp", "/etc/shadow", "/sys/kernel/debug/tracing")  # fmt: skip


def mischief():
    for name, ask in WAYS.items():
        got = ask()
        if got > 0:
            escaped(f"the kernel tells about {name}: {text.value[:80]!r}")
        else:
            print("nothing is told about", name, "-", os.strerror(ctypes.get_errno()))
    for path in FILES:
        if os.access(path, os.R_OK):
            escaped(f"{path} can be read")
