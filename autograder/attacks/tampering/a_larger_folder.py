"""More room than it was given.

Whoever makes a namespace is its root, until they give that up; and may then change what is mounted there without mounting
anything: the newer calls for that are seldom thought of by filters. The attack asks for a /tmp of 4 GB, which is memory that
no limit on a process counts, tries to become writable where it is not, and to be elsewhere by chroot.
"""
# seen: the folder stays as it is
# layer: privileges

# %% attack
import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)
FSPICK, FSCONFIG, MOUNT_SETATTR = 433, 431, 442


def configured(folder, key, value):
    picked = libc.syscall(FSPICK, -100, folder, 0)
    if picked < 0:
        return False
    libc.syscall(FSCONFIG, picked, 1, key, value, 0)
    changed = libc.syscall(FSCONFIG, picked, 7, None, None, 0) >= 0
    os.close(picked)
    return changed


def mischief():
    room = os.statvfs("/tmp")
    if configured(b"/tmp", b"size", b"4g") and os.statvfs("/tmp").f_blocks > room.f_blocks:
        escaped("the folder is as large as it likes")
    print("the folder stays as it is:", os.strerror(ctypes.get_errno()))
    writable = (ctypes.c_uint64 * 4)(0, 1, 0, 0)
    for folder in (b"/", b"/dev", b"/course"):
        if libc.syscall(MOUNT_SETATTR, -100, folder, 0, writable, 32) == 0:
            escaped(f"{folder.decode()} is writable now")
    try:
        os.chroot(".")
        escaped("it is root enough to move its root")
    except OSError as problem:
        print("not root:", problem)
