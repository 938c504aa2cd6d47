"""Somebody else's work, and its own after the deadline.

What was handed in lies in a folder for each student, and is read again whenever it is graded again. The attack replaces what
another student handed in, sets its own time back to before the deadline, and exchanges its own notebook for a better one.
"""
# seen: nobody's work was touched
# layer: walls

# %% attack
import glob
import os


def mischief():
    submitted = f"{place['course']}/submitted"
    targets = [f"{submitted}/{student}/{place['unit']}/{place['unit']}.ipynb" for student in place["bystanders"]]
    touched = []
    for path in targets:
        try:
            with open(path, "a") as file:
                file.write(" ")
            touched.append(path)
        except OSError as problem:
            print("nobody's work was touched:", problem.strerror)
    for folder in glob.glob(f"{submitted}/*/{place['unit']}") or [f"{submitted}/me/{place['unit']}"]:
        try:
            with open(f"{folder}/timestamp.txt", "w") as file:
                file.write("2001-01-01 00:00:00 UTC")
            touched.append(folder)
        except OSError as problem:
            print("and nobody's time:", problem.strerror)
    if touched:
        escaped(f"{len(touched)} of others' files were changed")
