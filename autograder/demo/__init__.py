"""The demo: a made-up class is released to, hands in, is graded, and gets its feedback, all in a folder of its own."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from nbformat import NotebookNode

from autograder.cohort import Grades, Progress
from autograder.course import Course
from autograder.demo.roster import Pupil

STUDENTS = 36
"""One of each kind of trouble, honest work of several kinds, and a few single misconceptions."""

MARKER = ".dlvm-demo"
"""A file that says that a folder was made by the demo, and may be made anew."""

Step = Callable[[str], None]


class DemoProblem(Exception):
    """The demo cannot be made here; the message says what to do."""


@dataclass(frozen=True)
class Demo:
    """What the demo did: who handed in what, what they got, and where their pages are."""

    course: Path
    unit: str
    pupils: tuple[Pupil, ...]
    grades: Grades
    feedback: tuple[Path, ...]


def run(
    source: Path, out: Path, *, units: Sequence[str] = (), students: int = STUDENTS, jobs: int | None = None,
    trust: bool = False,
    step: Step = lambda sentence: None, progress: Progress | None = None,
) -> list[Demo]:  # fmt: skip
    """Make a course in `out` from the units in `source` (a course folder), a class for each, and grade it end to end.

    Of all units if none is named. `step` hears what is being done, a sentence each; `progress` hears of every graded submission.
    """
    from autograder.cohort import grade_class
    from autograder.release import release, released_notebook

    make_course(source, out)
    course = Course(out)
    demos = []
    for unit in units or course.units():
        step(f"Releasing {unit}: exercises/ is generated from solutions/.")
        release(course, [unit])
        class_ = hand_in(course, unit, students, released_notebook(course, unit))
        step(f"{len(class_)} students handed in {unit}. Grading, each in a sandbox of its own.")
        grades = grade_class(course, unit, jobs=jobs, trust=trust, progress=progress)
        if grades.interrupted:
            raise KeyboardInterrupt
        step("Writing the feedback pages, with nbgrader.")
        demos.append(Demo(course.root, unit, class_, grades, feedback(course, unit)))
    return demos


def make_course(source: Path, out: Path) -> None:
    """A fresh course folder with the same units and configuration; only a folder of the demo's own is ever replaced."""
    if out.exists() and any(out.iterdir()) and not (out / MARKER).exists():
        raise DemoProblem(f"{out} is not empty and was not made by the demo: name another folder with --out.")
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    (out / MARKER).write_text("Made by `dlvm demo`; made anew each time.\n")
    shutil.copy(source / "nbgrader_config.py", out)
    shutil.copytree(
        source / "solutions", out / "solutions", ignore=shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")
    )


def hand_in(course: Course, unit: str, students: int, released: NotebookNode) -> tuple[Pupil, ...]:
    """Write submitted/<student>/<unit>/<unit>.ipynb for everyone."""
    from autograder.demo.roster import pupils

    class_ = tuple(pupils(course.source(unit), released, students))
    for pupil in class_:
        folder = course.folder("submitted", pupil.student, unit)
        folder.mkdir(parents=True)
        (folder / f"{unit}.ipynb").write_bytes(pupil.notebook)
        for file in (course.source(unit) / "handed_in").glob("*"):  # everyone found the same weights
            shutil.copy(file, folder)
    return class_


def feedback(course: Course, unit: str) -> tuple[Path, ...]:
    """Generate the pages with nbgrader's own command, and return them."""
    from nbgrader.apps import NbGraderAPI
    from traitlets.config import Config

    api = NbGraderAPI(config=Config(course.config))
    result = api.generate_feedback(unit)
    if not result["success"]:
        raise DemoProblem(f"nbgrader could not write the feedback: {result.get('error') or result.get('log')}")
    return tuple(sorted(course.folder("feedback", "*", unit).parent.parent.glob(f"*/{unit}/*.html")))
