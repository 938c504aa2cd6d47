"""From solution to release: `exercises/` is generated from `solutions/` by nbgrader, and never edited by hand.

release(course)                 write exercises/<unit>/ for every unit, with fingerprints of its misconceptions as they are now
stale(course)                   what in exercises/ differs from what would be generated now
stale_fingerprints(course)      the units whose fingerprints were made from other misconceptions, laws or answers
released_notebook(course, unit) the released notebook alone, fresh from its source
"""

from __future__ import annotations

import fnmatch
import logging
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from autograder.course import IGNORED, NEVER_RELEASED, Course


class ReleaseFailed(Exception):
    """A unit could not be released; the message says why: what nbgrader logged, or which misconceptions are alike."""


def release(course: Course, units: Iterable[str] = (), record: bool = True) -> list[str]:
    """Generate `exercises/<unit>/` for the named units, or all; returns the slugs of those that changed.

    A unit that cannot be generated leaves its old release as it was. With `record`, the unit's cells and points also go
    into the gradebook, as `nbgrader generate_assignment` would have them.
    """
    changed = []
    for unit in _named(course, units):
        take_fingerprints(course, unit)
        with generated(course, unit) as fresh:
            if differences(course.release(unit), fresh):
                changed.append(unit)
                _replace(course.release(unit), fresh)
            if record:
                from autograder.gradebook import record_unit

                record_unit(course, unit, _read(fresh, unit))
    return changed


def stale(course: Course, units: Iterable[str] = ()) -> list[str]:
    """One sentence for every file of `exercises/` that is not what `release` would write; nothing is changed."""
    sentences = []
    for unit in _named(course, units):
        with generated(course, unit) as fresh:
            sentences += [f"{unit}/{name}: {what}" for name, what in differences(course.release(unit), fresh)]
    if not units:
        known = set(course.units())
        for folder in sorted(course.release("unit").parent.glob("*")):
            if folder.is_dir() and folder.name not in known and not _is_leaving(folder.name):
                sentences.append(f"{folder.name}/: there is no such unit in solutions/")
    return sentences


def take_fingerprints(course: Course, unit: str) -> None:
    """Make `solutions/<unit>/fingerprints.json` anew where what it was made from has changed. Students get it with the laws."""
    from autograder.probes import Indistinct, refresh

    try:
        refresh(course.source(unit))
    except Indistinct as found:
        listed = "\n".join(f"- {problem}" for problem in found.problems)
        raise ReleaseFailed(f"{unit} has misconceptions that no answer could be recognised by:\n{listed}") from None
    except Exception as problem:  # whatever laws.py, misconceptions.py or an answer in them does
        raise ReleaseFailed(
            f"{unit}: fingerprints of its misconceptions could not be taken ({type(problem).__name__}: {problem}). "
            "Mend laws.py or misconceptions.py; `dlvm audit` says more."
        ) from problem


def stale_fingerprints(course: Course, units: Iterable[str] = ()) -> list[str]:
    """One sentence for every `solutions/<unit>/fingerprints.json` that `release` would make anew; nothing is changed."""
    from autograder.probes import stale as word_for

    words = {unit: word_for(course.source(unit)) for unit in _named(course, units)}
    return [f"{unit}/fingerprints.json: {word}" for unit, word in words.items() if word]


def released_notebook(course: Course, unit: str) -> NotebookNode:
    """The notebook that students get, generated now: grading can rely on it even if `exercises/` is stale or gone."""
    with generated(course, unit) as fresh:
        return _read(fresh, unit)


@contextmanager
def generated(course: Course, unit: str) -> Iterator[Path]:
    """A temporary folder with the unit as nbgrader's `generate_assignment` releases it, under the course's own settings."""
    from nbgrader.converters import GenerateAssignment
    from nbgrader.coursedir import CourseDirectory

    course.source(unit)
    with tempfile.TemporaryDirectory(prefix="dlvm-release-") as temporary:
        config = deepcopy(course.config)
        config.CourseDirectory.root = str(course.root)
        config.CourseDirectory.release_directory = temporary
        config.CourseDirectory.assignment_id = unit
        config.GenerateAssignment.no_database = True
        config.SaveCells.enabled = False
        log, said = _listening_log()
        try:
            GenerateAssignment(coursedir=CourseDirectory(config=config, log=log), config=config, log=log).start()
        except Exception as error:  # nbgrader says little in the exception and the reason in its log
            reason = "\n".join(said).strip() or str(error)
            raise ReleaseFailed(f"{unit} could not be generated from {course.source(unit)}:\n{reason}") from None
        yield Path(temporary) / unit


def differences(there: Path, fresh: Path) -> list[tuple[str, str]]:
    """(file, what is wrong with it) for every file that differs between a release and what it should be."""
    old, new = _files(there), _files(fresh)
    found = []
    for name in sorted(old.keys() | new.keys()):
        if name not in old:
            found.append((name, "missing"))
        elif name not in new:
            found.append((name, "not part of the release"))
        elif old[name] != new[name]:
            found.append((name, "out of date"))
    return found


def _named(course: Course, units: Iterable[str]) -> list[str]:
    chosen = list(units) or course.units()
    for unit in chosen:
        course.source(unit)
    return chosen


def _read(folder: Path, unit: str) -> NotebookNode:
    return nbformat.read(folder / f"{unit}.ipynb", as_version=nbformat.NO_CONVERT)


def _files(folder: Path) -> dict[str, bytes]:
    """Contents by relative name, without the leavings of Python and Jupyter."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not any(_is_leaving(part) for part in path.relative_to(folder).parts)
    }


def _is_leaving(name: str) -> bool:
    return any(fnmatch.fnmatch(name, pattern) for pattern in IGNORED)


def _replace(there: Path, fresh: Path) -> None:
    """Put the fresh folder in place of the old one; students' files never lie here, so nothing is kept."""
    for name in NEVER_RELEASED:
        if (fresh / name).exists():
            raise ReleaseFailed(f"{fresh.name}/{name} would be released: name it in CourseDirectory.ignore.")
    there.parent.mkdir(parents=True, exist_ok=True)
    if there.exists():
        shutil.rmtree(there)
    shutil.copytree(fresh, there)


def _listening_log() -> tuple[logging.Logger, list[str]]:
    """A logger of its own, whose errors are collected rather than printed."""
    said: list[str] = []

    class Collect(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append(record.getMessage())

    log = logging.Logger("dlvm-release", level=logging.ERROR)
    log.addHandler(Collect())
    return log, said
