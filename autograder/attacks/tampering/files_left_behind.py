"""A file for the next student.

What one submission leaves in a folder, the next may find: an answer, or a module by the name of one that it will import. The
attack writes wherever it can, in every folder that it is given, and looks there first: in the next process that it gets, and
when it is graded again.
"""
# seen: nothing was left here
# layer: folders

# %% attack
import os
import tempfile

NAME = "left-behind-" + os.path.basename(place["base"])
FOLDERS = ["/tmp", "/dev/shm", "/var/tmp", "/run", "/dev", "/proc", os.path.expanduser("~"), tempfile.gettempdir(), ".", "/"]


DONE = []


def mischief():
    if DONE:  # this session's own
        return
    DONE.append(True)
    found = [folder for folder in FOLDERS if os.path.exists(os.path.join(folder, NAME))]
    if found:
        escaped(f"an earlier session left a file in {', '.join(found)}")
    else:
        print("nothing was left here")
    for folder in FOLDERS:
        try:
            with open(os.path.join(folder, NAME), "w") as file:
                file.write("an answer")
        except OSError:
            pass
    raise RuntimeError("start another session, please")
