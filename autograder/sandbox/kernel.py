"""The few Linux calls that the sandbox needs and Python has no name for, each with the error it gives as an OSError."""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import struct
from pathlib import Path

CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC = 0x00020000, 0x02000000, 0x04000000, 0x08000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000
NAMESPACES = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_BIND, MS_REC, MS_PRIVATE = 1, 2, 4, 8, 4096, 16384, 1 << 18

PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT = 4, 22, 24, 38, 47
PR_CAP_AMBIENT_CLEAR_ALL = 4

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def unshare(flags: int) -> None:
    _check(_libc.unshare(ctypes.c_int(flags)), "unshare")


def mount(source: str | None, target: str, kind: str | None, flags: int, options: str | None = None) -> None:
    encoded = [None if text is None else text.encode() for text in (source, target, kind)]
    _check(
        _libc.mount(*encoded, ctypes.c_ulong(flags), None if options is None else options.encode()), f"mount {target}"
    )


def prctl(option: int, first: int = 0, second: int = 0) -> int:
    arguments = [ctypes.c_ulong(number) for number in (first, second, 0, 0)]
    return _check(_libc.prctl(ctypes.c_int(option), *arguments), f"prctl {option}")


def map_user(uid: int, gid: int) -> None:
    """Make these two, and nobody else, known in the user namespace that has just been made."""
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")


def drop_privileges() -> None:
    """Give up every capability, here and in whatever is started from here, for good."""
    for capability in range(64):
        try:
            prctl(PR_CAPBSET_DROP, capability)
        except OSError:  # past the last capability that this kernel knows
            break
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)
    header = struct.pack("Ii", 0x20080522, 0)
    _check(_libc.capset(header, struct.pack("6I", *[0] * 6)), "capset")
    prctl(PR_SET_NO_NEW_PRIVS, 1)


def leave_session_keyring() -> None:
    """An empty keyring instead of the one inherited, which may hold the user's own keys."""
    number = {"x86_64": 250, "aarch64": 219}.get(platform.machine())
    if number is not None:
        with contextlib.suppress(OSError):  # a kernel without keyrings
            _check(_libc.syscall(ctypes.c_long(number), ctypes.c_long(1), None), "keyctl")


# ---- system calls that an answer never needs -------------------------------------------------------------------------

_FORBIDDEN = {
    # name: (x86_64, aarch64). What makes memory that no limit counts, new namespaces, or reaches far into the kernel.
    "memfd_create": (319, 279), "memfd_secret": (447, 447), "userfaultfd": (323, 282), "ptrace": (101, 117),
    "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "unshare": (272, 97), "setns": (308, 268),
    "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "fsopen": (430, 430), "open_tree": (428, 428),
    "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219), "bpf": (321, 280),
    "perf_event_open": (298, 241), "io_uring_setup": (425, 425), "clone3": (435, 435),
    # Shared memory, queues and semaphores of System V, and rules: gigabytes of the kernel's own that belong to no process.
    "shmget": (29, 194), "msgget": (68, 186), "semget": (64, 190), "landlock_create_ruleset": (444, 444),
    # What the whole machine has only one of: the kernel's log, and locks on files that every submission sees.
    "syslog": (103, 116), "flock": (73, 32),
}  # fmt: skip
_ARCHITECTURES = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}
_LOAD, _JUMP_EQUAL, _JUMP_AT_LEAST, _JUMP_BITS, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _REFUSE, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
EPERM, ENOSYS = 1, 38

AF_UNIX, AF_INET, AF_INET6 = 1, 2, 10
MAP_SHARED, MAP_ANONYMOUS = 0x01, 0x20
F_SETLK, F_SETLKW, F_OFD_SETLK, F_OFD_SETLKW, F_SETLEASE = 6, 7, 37, 38, 1024

_Program = list[tuple[int, int, int, int]]
_NO: _Program = [(_RETURN, 0, 0, _REFUSE | EPERM)]


def _unless_among(allowed: tuple[int, ...]) -> _Program:
    return [step for value in allowed for step in ((_JUMP_EQUAL, 0, 1, value), (_RETURN, 0, 0, _ALLOW))] + _NO


def _if_among(refused: tuple[int, ...]) -> _Program:
    return [step for value in refused for step in ((_JUMP_EQUAL, 0, 1, value), *_NO)]


_DEPENDS: dict[str, tuple[tuple[int, int], int, _Program]] = {
    # name: (numbers, which argument decides, and how). A jump of 1 passes over the refusal that follows.
    "clone": ((56, 220), 0, [(_JUMP_BITS, 0, 1, NAMESPACES), *_NO]),
    # Other kinds of sockets are in no network namespace (vsock, to the host of a virtual machine), or far into the kernel.
    "socket": ((41, 198), 0, _unless_among((AF_UNIX, AF_INET, AF_INET6))),
    # Memory of no file that is shared stays when it is in nobody's address space: a page of it keeps gigabytes.
    "mmap": ((9, 222), 3, [(_JUMP_BITS, 0, 2, MAP_ANONYMOUS), (_JUMP_BITS, 0, 1, MAP_SHARED), *_NO]),
    # The kernel keeps a note of every byte that is locked; and a lease on a file holds up whoever opens it.
    "fcntl": ((72, 25), 1, _if_among((F_SETLK, F_SETLKW, F_OFD_SETLK, F_OFD_SETLKW, F_SETLEASE))),
}


def forbid_system_calls() -> bool:
    """Refuse, from now on, the calls above. Returns False on a machine whose numbers are not known."""
    machine = platform.machine()
    if machine not in _ARCHITECTURES:
        return False
    architecture, column = _ARCHITECTURES[machine]
    # The architecture first, so that a number means what the table says (and no 32-bit or x32 call slips past it).
    program: _Program = [(_LOAD, 0, 0, 4), (_JUMP_EQUAL, 1, 0, architecture), (_RETURN, 0, 0, _KILL), (_LOAD, 0, 0, 0)]
    if machine == "x86_64":
        program += [(_JUMP_AT_LEAST, 0, 1, 0x40000000), *_NO]
    for name, numbers in _FORBIDDEN.items():
        # glibc tries clone3 first, whose flags a filter cannot see, and falls back on clone when there is none.
        error = ENOSYS if name == "clone3" else EPERM
        program += [(_JUMP_EQUAL, 0, 1, numbers[column]), (_RETURN, 0, 0, _REFUSE | error)]
    for numbers, argument, decide in _DEPENDS.values():
        low_half = (_LOAD, 0, 0, 16 + 8 * argument)
        block: _Program = [low_half, *decide, (_RETURN, 0, 0, _ALLOW)]
        program += [(_JUMP_EQUAL, 0, len(block), numbers[column]), *block]
    program += [(_RETURN, 0, 0, _ALLOW)]
    code = b"".join(struct.pack("HBBI", *instruction) for instruction in program)
    buffer = ctypes.create_string_buffer(code, len(code))

    class Program(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]  # what ctypes wants

    filled = Program(len(program), ctypes.cast(buffer, ctypes.c_void_p))
    prctl(PR_SET_SECCOMP, 2, ctypes.addressof(filled))
    return True
