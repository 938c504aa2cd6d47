"""A grade, shown again: its record, the same submission graded once more, and what differs.

    again = replay(course, "student-07", "kl_divergence")      # reads, grades in a sandbox, writes nothing
    again.same, again.changed, again.differences               # `feedback.replay.page` tells it in words

A verdict depends on the submission, the laws and the seed alone. So the second verdict is the first one, law by law, unless
one of these changed since (which is said before anything is compared), or the answer itself depends on something else.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autograder.course import RECORD, Course
from autograder.feedback.show import points
from autograder.record import Unusable, digest_of, read_record, record_of

if TYPE_CHECKING:
    from autograder.cohort import Grade

SCHEMA = "dlvm-replay/1"


class NothingToReplay(Exception):
    """There is neither a grade nor a submission of that name; the message says what was looked for."""


@dataclass(frozen=True)
class Change:
    """Something that a verdict depends on and that is not what it was."""

    what: str
    """A name of this closed list: submission, laws.py, given.py, fingerprints.json, release, engine, torch, python, device."""
    was: str
    now: str

    def as_sentence(self) -> str:
        if self.what == "submission":
            return "the submission is no longer there" if not self.now else "the submission was handed in anew"
        if self.what in ("engine", "torch", "python", "device"):
            name = {"engine": "the engine", "torch": "torch", "python": "Python", "device": "the device"}[self.what]
            differ = (
                f"is {self.now}, was {self.was}"
                if self.now != self.was
                else f"is {self.now} as then, but its code was changed"
            )
            return f"{name} {differ}"
        name = "the released notebook" if self.what == "release" else self.what
        return f"{name} {'is new' if not self.was else 'is gone' if not self.now else 'was changed'}"

    def to_json(self) -> dict[str, str]:
        return {"what": self.what, "was": self.was, "now": self.now}


@dataclass(frozen=True)
class Difference:
    """One place where the second verdict is not the first. `law` is empty where the exercise as a whole is meant."""

    exercise: str
    law: str
    what: str
    was: Any
    now: Any

    def as_sentence(self) -> str:
        where = f"{self.exercise}, {self.law}" if self.law else self.exercise
        if self.what == "there":
            return f"{where}: {'gone from the laws' if self.was else 'new in the laws'}"
        was, now = (
            points(value) if isinstance(value, float | int) else str(value).replace("_", " ")
            for value in (self.was, self.now)
        )
        return f"{where}: {self.what} {was} then, {now} now"

    def to_json(self) -> dict[str, Any]:
        return {"exercise": self.exercise, "law": self.law, "what": self.what, "was": self.was, "now": self.now}


@dataclass(frozen=True)
class Score:
    """What the gradebook says about one cell."""

    cell: str
    counts: float
    worth: float
    by_laws: float | None
    by_hand: float | None
    extra: float
    waits: bool
    comment: str = ""

    def to_json(self) -> dict[str, Any]:
        return dict(vars(self))


@dataclass(frozen=True)
class Entry:
    """A student's line in the gradebook."""

    name: str
    handed_in: str
    scores: tuple[Score, ...]
    penalty: float

    @property
    def counts(self) -> float:
        return max(0.0, sum(score.counts for score in self.scores) - self.penalty)

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name, "handed_in": self.handed_in, "penalty": self.penalty, "counts": self.counts,
            "scores": [score.to_json() for score in self.scores],
        }  # fmt: skip


@dataclass(frozen=True)
class Replay:
    """A grade, shown again."""

    student: str
    unit: str
    exercise: str
    record: Mapping[str, Any] | None
    """What was recorded when it was graded, as data; None where it was not."""
    again: Mapping[str, Any] | None
    """The same of the grading now; None where there is no submission any more."""
    changed: tuple[Change, ...] = ()
    differences: tuple[Difference, ...] = ()
    details: tuple[Difference, ...] = ()
    """What reads otherwise while evidence and points are as they were: a witness, a message."""
    gradebook: Entry | None = None
    remark: str = ""
    """Why the record could not be used."""

    @property
    def comparable(self) -> bool:
        """Whether both verdicts answer the same question: the same submission, and laws of the same names and points."""
        if self.record is None or self.again is None or self.failed or self.had_failed:
            return False
        if any(change.what == "submission" for change in self.changed):
            return False
        return not any(difference.what in ("there", "worth") for difference in self.differences)

    @property
    def failed(self) -> str:
        """The report, where the grader itself failed now."""
        return self.again["graded"].get("failed", "") if self.again else ""

    @property
    def had_failed(self) -> bool:
        """Whether the grader itself failed then: what it recorded is that points are pending, and no verdict."""
        return bool(self.record and self.record.get("graded", {}).get("failed"))

    @property
    def same(self) -> bool | None:
        """Whether the verdict is the same, law by law; None where it cannot be said."""
        return not self.differences if self.comparable else None

    def to_json(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA, "student": self.student, "unit": self.unit, "exercise": self.exercise or None,
            "record": self.record, "again": self.again, "same": self.same,
            "changed": [change.to_json() for change in self.changed],
            "differences": [difference.to_json() for difference in self.differences],
            "details": [difference.to_json() for difference in self.details],
            "gradebook": self.gradebook.to_json() if self.gradebook else None,
        }  # fmt: skip


# ---- doing it ------------------------------------------------------------------------------------------------------------


def replay(course: Course, student: str, unit: str, exercise: str = "", *, trust: bool = False) -> Replay:
    """Read the record of a grade, grade the submission again with the record's seed, and compare. Nothing is written.

    The whole submission is graded even if one `exercise` is asked for: answers may share what a cell defines, and were
    graded together.
    """
    submission = course.folder("submitted", student, unit) / f"{unit}.ipynb"
    remark = ""
    try:
        record = read_record(course, student, unit)
    except Unusable as problem:
        record, remark = None, str(problem)
    if record is None and not submission.parent.is_dir():
        raise NothingToReplay(
            f"{student} has neither handed in {unit} nor been graded: expected {submission} or "
            f"{course.folder('autograded', student, unit) / RECORD}."
        )
    graded = dict(record["graded"]) if record and "graded" in record else {}
    where = usable(graded.get("device", "cpu"))
    again = None
    if submission.parent.is_dir():
        with no_traces():
            grade = grade_again(course, student, unit, graded.get("seed"), where, trust)
        again = only(record_of(grade.verdict, grade.graded, grade.failed), exercise)
    record = only(record, exercise) if record else None
    differences, details = compare(record, again) if record and again else ([], [])
    return Replay(
        student, unit, exercise, record, again, tuple(changes(graded, again, submission) if record else ()),
        tuple(differences), tuple(details), gradebook_entry(course, student, unit), remark,
    )  # fmt: skip


def grade_again(course: Course, student: str, unit: str, seed: int | None, device: str, trust: bool) -> Grade:
    """The submission's grade now. Without a recorded seed the course's own is used, but never made."""
    from autograder.cohort import Grader

    if seed is None and not course.seed_file.is_file():
        raise NothingToReplay(
            f"{student}'s {unit} was never graded here: there is no {RECORD} and no {course.seed_file.name}. "
            f"Grade first: dlvm grade {unit}"
        )
    with Grader(course, unit, trust=trust, device=device, seed=seed) as grader:
        return grader.grade(student)


def usable(device: str) -> str:
    """The device on which it was graded, if there is one here; else the CPU (and the page says so)."""
    from autograder.answer import NoSuchDevice, usable_device

    try:
        return usable_device(device)
    except NoSuchDevice:
        return "cpu"


@contextmanager
def no_traces() -> Iterator[None]:
    """Python keeps compiled files beside laws.py; a replay leaves the course as it found it."""
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        yield
    finally:
        sys.dont_write_bytecode = before


def only(record: Mapping[str, Any], exercise: str) -> dict[str, Any]:
    """A record of one exercise, its points summed anew; the whole where none is named."""
    if not exercise:
        return dict(record)
    kept = [item for item in record["exercises"] if item["name"] == exercise]
    sums = {key: sum(item[key] for item in kept) for key in ("points", "max_points")}
    return {**record, **sums, "exercises": kept}


def changes(was: Mapping[str, Any], again: Mapping[str, Any] | None, submission: Path) -> Iterator[Change]:
    """What the verdict depends on and is not as it was."""
    hashes = was.get("sha256", {})
    if again is None:
        yield Change("submission", hashes.get("submission") or "", digest_of(submission) or "")
        return
    now = again["graded"]
    files = ("submission", "laws.py", "given.py", "fingerprints.json", "release")
    for name in (*files, *sorted(now["sha256"].keys() - {*files, "engine"})):
        if "sha256" in was and hashes.get(name) != now["sha256"].get(name):
            yield Change(name, hashes.get(name) or "", now["sha256"].get(name) or "")
    for name in ("engine", "torch", "python", "device"):
        other_code = name == "engine" and hashes.get(name) != now["sha256"].get(name)
        if name in was and (was[name] != now[name] or other_code):
            yield Change(name, str(was[name]), str(now[name]))


def compare(was: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[list[Difference], list[Difference]]:
    """(what makes it another verdict: status, evidence, points; what only reads otherwise: messages, witnesses)."""
    differences: list[Difference] = []
    details: list[Difference] = []

    def look(
        kind: list[Difference],
        exercise: str,
        law: str,
        pairs: Mapping[str, str],
        a: Mapping[str, Any],
        b: Mapping[str, Any],
    ) -> None:
        kind += [
            Difference(exercise, law, what, a.get(key), b.get(key))
            for key, what in pairs.items()
            if a.get(key) != b.get(key)
        ]

    for name, a, b in paired(was["exercises"], now["exercises"]):
        if a is None or b is None:
            differences.append(Difference(name, "", "there", a is not None, b is not None))
            continue
        look(differences, name, "", {"status": "status", "points": "points", "max_points": "worth"}, a, b)
        look(
            details,
            name,
            "",
            {"message": "message", "where": "line", "printed": "printed", "diagnosis": "diagnosis"},
            a,
            b,
        )
        for law, c, d in paired(a["laws"], b["laws"]):
            if c is None or d is None:
                differences.append(Difference(name, law, "there", c is not None, d is not None))
                continue
            look(differences, name, law, {"evidence": "evidence", "points": "points", "max_points": "worth"}, c, d)
            look(details, name, law, {"message": "message", "witness": "witness"}, c, d)
    look(details, "the submission", "", {"problem": "problem", "notes": "notes"}, was, now)
    return differences, details


def paired(
    was: list[dict[str, Any]], now: list[dict[str, Any]]
) -> Iterator[tuple[str, dict[str, Any] | None, dict[str, Any] | None]]:  # fmt: skip
    """Items of the same name, in the order in which they are now; those that are gone come last."""
    old, new = {item["name"]: item for item in was}, {item["name"]: item for item in now}
    for name in [*new, *(name for name in old if name not in new)]:
        yield name, old.get(name), new.get(name)


# ---- the gradebook -------------------------------------------------------------------------------------------------------


def gradebook_entry(course: Course, student: str, unit: str) -> Entry | None:
    """What the gradebook says, read without changing it (nbgrader's own way to open one makes what is missing)."""
    from nbgrader import api
    from sqlalchemy import create_engine, select
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import SQLAlchemyError
    from sqlalchemy.orm import Session

    tables: Any = api
    url = make_url(course.db_url)
    if url.get_backend_name() == "sqlite":
        if not url.database or not Path(url.database).is_file():
            return None
        url = url.set(database=Path(url.database).absolute().as_uri(), query={"mode": "ro", "uri": "true"})
    engine = create_engine(url)
    try:
        with Session(engine) as session:
            row = session.scalars(
                select(tables.SubmittedAssignment)
                .join(tables.Assignment)
                .where(tables.Assignment.name == unit, tables.SubmittedAssignment.student_id == student)
            ).one_or_none()
            return entry_of(row) if row is not None else None
    except SQLAlchemyError:  # locked, or of another version: what it says is then simply not shown
        return None
    finally:
        engine.dispose()


def entry_of(row: Any) -> Entry:
    scores: list[Score] = []
    penalty = 0.0
    for notebook in row.notebooks:
        penalty += notebook.late_submission_penalty or 0.0
        comments = {comment.name: comment.manual_comment or "" for comment in notebook.comments}
        for grade in notebook.grades:
            said = comments.get(grade.name.removeprefix("check_"), "")
            scores.append(
                Score(
                    grade.name, grade.score, grade.cell.max_score, grade.auto_score, grade.manual_score,
                    grade.extra_credit or 0.0, bool(grade.needs_manual_grade), said,
                )
            )  # fmt: skip
    person = row.student
    name = " ".join(part for part in (person.first_name, person.last_name) if part)
    return Entry(name, row.timestamp.strftime("%Y-%m-%dT%H:%M:%SZ") if row.timestamp else "", tuple(scores), penalty)
