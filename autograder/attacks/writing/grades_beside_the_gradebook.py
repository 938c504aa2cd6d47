"""Verdicts and pages, written in advance.

Beside the gradebook lie the graded notebooks, the record of each verdict and the pages that students read. A grader that goes on
where it stopped trusts these records. The attack writes a verdict and a page of its own, for itself and for everybody else, and
touches their times so that they look newer than any work.
"""
# seen: no verdict written
# layer: walls

# %% attack
import json
import os


def mischief():
    unit = place["unit"]
    verdict = json.dumps({"unit": unit, "points": 1000.0, "exercises": [], "note": "every law holds"})
    written = []
    for student in (*place["bystanders"], "eve"):
        for folder, name in (("autograded", "verdict.json"), ("autograded", "full-marks.txt"), ("feedback", f"{unit}.html")):
            path = f"{place['course']}/{folder}/{student}/{unit}/{name}"
            try:
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, "w") as file:
                    file.write(verdict)
                os.utime(path, (2e9, 2e9))
                written.append(path)
            except OSError as problem:
                print("no verdict written for", student, "-", problem.strerror)
    if written:
        escaped(f"{len(written)} verdicts and pages are written, such as {written[0]}")
