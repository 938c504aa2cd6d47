"""A course folder: where nbgrader and we find sources, submissions and grades, and the seed that draws the class's tests.

A course is any folder with an `nbgrader_config.py` of these three lines, and `solutions/` beside it:

    from autograder.course import configure

    configure(get_config(), __file__)

Importing this module imports neither torch nor nbgrader, so that every nbgrader command starts as fast as before.
"""

from __future__ import annotations

import os
import secrets
import shutil
import sysconfig
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbgrader.coursedir import CourseDirectory
    from traitlets.config import Config

NEVER_RELEASED = ("misconceptions.py", "questions.py", "handed_in", "held_out.npy")
"""What no student gets of a unit's folder: answers, what an author hands in to try the laws, images to test with."""

RECORD = "verdict.json"
"""The record of a grade, beside the graded notebook: it holds the course's seed, so no student gets it either."""

IGNORED = (".ipynb_checkpoints", "*.pyc", "__pycache__", ".DS_Store", ".pytest_cache", ".ruff_cache", ".hypothesis")
"""Leavings that are not part of a unit."""


def configure(c: Any, file: str | Path, *, trust: bool = False) -> None:
    """Everything nbgrader must be told for a course whose `nbgrader_config.py` is `file`; `c` is its `get_config()`.

    `trust=True` is the instructor's word that submissions may run without a sandbox in `nbgrader autograde`.
    """
    c.CourseDirectory.root = str(Path(file).resolve().parent)
    c.CourseDirectory.source_directory = "solutions"
    c.CourseDirectory.release_directory = "exercises"
    # nbgrader copies every other file: of the source folder into the release and autograded/, of autograded/ into feedback/.
    c.CourseDirectory.ignore = [*NEVER_RELEASED, RECORD, *IGNORED, "feedback"]

    # No kernel is started to grade: submissions are read as data, judged from outside a sandbox, and the points written
    # into the grade cells, where nbgrader's own SaveAutoGrades finds them.
    c.Autograde.exporter_class = "autograder.gradebook.SubmissionExporter"
    c.Autograde.autograde_preprocessors = [
        "autograder.gradebook.JudgePreprocessor",
        "nbgrader.preprocessors.SaveAutoGrades",
        "autograder.gradebook.SaveRemarks",
        "nbgrader.preprocessors.AssignLatePenalties",
        "nbgrader.preprocessors.CheckCellMetadata",
    ]
    c.JudgePreprocessor.trust = trust
    c.ExportApp.plugin_class = "autograder.gradebook.SpreadsheetExport"
    c.GenerateFeedback.preprocessors = [
        "autograder.gradebook.WithholdRecord",
        "nbgrader.preprocessors.GetGrades",
        "nbgrader.preprocessors.ClearHiddenTests",
        "nbconvert.preprocessors.CSSHTMLHeaderPreprocessor",
    ]
    have_alembic_on_path()


def have_alembic_on_path() -> None:
    """nbgrader runs `alembic` by name to make its database; in an environment that is not activated it lies beside Python."""
    scripts = sysconfig.get_path("scripts")
    if shutil.which("alembic") is None and shutil.which("alembic", path=scripts):
        os.environ["PATH"] = os.pathsep.join(filter(None, [os.environ.get("PATH"), scripts]))


class NotACourse(Exception):
    """The folder is not a course, or lacks what was asked for; the message says what to do."""


@dataclass(frozen=True)
class Course:
    """A course folder. Directories and database are those of its `nbgrader_config.py`."""

    root: Path

    def __post_init__(self) -> None:
        object.__setattr__(self, "root", Path(self.root).resolve())
        if not self.config_file.is_file():
            raise NotACourse(
                f"{self.root} is not a course folder: expected an nbgrader_config.py in it. Name the folder with --course."
            )

    @property
    def config_file(self) -> Path:
        return self.root / "nbgrader_config.py"

    @cached_property
    def config(self) -> Config:
        """The course's nbgrader configuration, as every nbgrader command started here reads it."""
        from traitlets.config.loader import PyFileConfigLoader

        return PyFileConfigLoader(self.config_file.name, path=str(self.root)).load_config()

    @cached_property
    def nbgrader(self) -> CourseDirectory:
        """nbgrader's own view of the folder."""
        from nbgrader.coursedir import CourseDirectory

        config = self.config
        if "root" not in config.CourseDirectory:
            config.CourseDirectory.root = str(self.root)
        return CourseDirectory(config=config)

    def folder(self, step: str, student: str, unit: str) -> Path:
        """Where a step ("source", "release", "submitted", "autograded", "feedback") keeps a student's unit."""
        directory = getattr(self.nbgrader, f"{step}_directory")
        return Path(os.path.normpath(self.nbgrader.format_path(directory, student, unit)))

    def source(self, unit: str) -> Path:
        """The unit's folder in solutions/; `NotACourse` if there is none."""
        folder = self.folder("source", ".", unit)
        if not (folder / f"{unit}.ipynb").is_file():
            raise NotACourse(
                f"There is no unit {unit} here: expected {folder / f'{unit}.ipynb'}. There is: {self._units()}."
            )
        return folder

    def release(self, unit: str) -> Path:
        """The unit's folder in exercises/, whether it is there or not."""
        return self.folder("release", ".", unit)

    def units(self) -> list[str]:
        """The slugs of all units with a notebook, in order."""
        folder = self.folder("source", ".", "unit").parent
        return sorted(unit.name for unit in folder.glob("*") if (unit / f"{unit.name}.ipynb").is_file())

    def _units(self) -> str:
        return ", ".join(self.units()) or "none"

    def students(self, unit: str) -> list[str]:
        """Everyone with a folder for this unit in submitted/, in order."""
        pattern = Path(self.nbgrader.format_path(self.nbgrader.submitted_directory, "*", unit))
        found = sorted(Path(pattern.anchor).glob(str(pattern.relative_to(pattern.anchor))))
        position = _student_part(self.nbgrader.directory_structure, len(pattern.parts))
        return sorted({folder.parts[position] for folder in found if folder.is_dir()})

    @property
    def db_url(self) -> str:
        """Where nbgrader keeps the grades: `gradebook.db` in the course folder unless the course says otherwise."""
        return self.nbgrader.db_url

    @property
    def seed_file(self) -> Path:
        return self.root / "course_seed"

    def seed(self) -> int:
        """The seed of everything random in this course's grading, drawn at first use; students never see it.

        With it and a submission anyone can repeat a verdict: keep the file as long as the grades.
        """
        try:
            descriptor = os.open(self.seed_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            pass
        else:
            with os.fdopen(descriptor, "w") as file:
                file.write(f"{secrets.randbits(62)}\n")
        text = self.seed_file.read_text().strip()
        if not text.isdecimal():
            raise NotACourse(f"{self.seed_file} should hold one whole number, not {text[:40]!r}: restore or delete it.")
        return int(text)


def _student_part(structure: str, parts: int) -> int:
    """At which part of a path with that many parts the student's id stands."""
    names = structure.replace(os.sep, "/").split("/")
    return parts - len(names) + next(i for i, name in enumerate(names) if "{student_id}" in name)
