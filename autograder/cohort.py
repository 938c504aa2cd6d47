"""A class becomes verdicts: every submission read as data, loaded in a sandbox of its own, and judged from outside.

    with Grader(course, "kl_divergence") as grader:      # one warm sandbox
        grade = grader.grade("student-01")               # a Grade, whatever the submission does

    grades = grade_class(course, "kl_divergence")        # everyone, and the gradebook written

A verdict depends on the submission, the laws in solutions/ and the course seed alone: not on the order, the number of
processes or who else is in the class.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from itertools import islice
from multiprocessing.connection import Connection, wait
from pathlib import Path
from types import TracebackType
from typing import Any

import nbformat
import torch
from nbformat import NotebookNode

from autograder.answer import Fault, clean
from autograder.course import Course
from autograder.exercise import Unit
from autograder.judge import judge_submission
from autograder.notebook import Unreadable, cells_to_load, has_cells_of, read, reconcile
from autograder.record import circumstances, of_this
from autograder.sandbox import SandboxUnavailable, open_sandbox
from autograder.verdict import UNGRADED, Verdict, nothing

Progress = Callable[["Grade", int, int], None]
"""Called after each submission with its grade, how many are done, and how many there are."""


@dataclass(frozen=True)
class Grade:
    """What grading one student's submission gave.

    `notebook` is the reconciled submission, None if it could not be read. `failed` is a grader error's own report: points
    are pending then, and the student is not told about it.
    """

    student: str
    verdict: Verdict
    notebook: NotebookNode | None = None
    seconds: float = 0.0
    failed: str = ""
    graded: Mapping[str, Any] = field(default_factory=dict)
    """The circumstances: date, seed, versions, and the hashes of what the verdict depends on (`autograder.record`)."""

    @property
    def pending(self) -> bool:
        return bool(self.failed) or any(exercise.pending for exercise in self.verdict.exercises)


@dataclass
class Grades:
    """A class's grades in the order of the students' ids. `interrupted`: Ctrl-C came, and `waiting` were not graded."""

    unit: str
    grades: list[Grade] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    interrupted: bool = False

    @property
    def verdicts(self) -> list[Verdict]:
        return [grade.verdict for grade in self.grades]

    @property
    def failed(self) -> list[Grade]:
        """Those whose grading ran into an error of the grader's own."""
        return [grade for grade in self.grades if grade.failed]

    def __iter__(self) -> Iterator[Grade]:
        return iter(self.grades)

    def __len__(self) -> int:
        return len(self.grades)

    def to_json(self) -> list[dict[str, Any]]:
        return [verdict.to_json() for verdict in self.verdicts]


# ------------------------------------------------------------------ one submission


def grade_notebook(
    submission: Path | NotebookNode,
    unit: Unit,
    sandbox: Any,
    *,
    seed: int = 0,
    student: str = "",
    release: NotebookNode | None = None,
    device: str = "cpu",
    only: str | None = None,
    folder: Path | None = None,
) -> Verdict:
    """The verdict on one notebook, judged through a fresh session of `sandbox`; on one exercise if `only` names it.

    `folder` is where files lie that are handed in beside the notebook; by default, where that lies.

    Whatever is wrong with the notebook is in the verdict. What is raised is an error of the grader's own; one that an exercise
    brings about leaves that exercise pending, with the report in its verdict.
    """
    try:
        submitted = read(submission) if isinstance(submission, Path) else submission
    except Unreadable as reason:
        return Verdict.unreadable(unit, student, reason.sentence)
    if folder is None and isinstance(submission, Path):
        folder = submission.parent
    sessions = Sessions(sandbox, unit.slug, cells_to_load(submitted, release), folder)
    try:
        sessions.open()
        verdict = judge_submission(unit, sessions, seed=seed, student=student, device=device, only=only)
    except Fault as fault:
        return Verdict.unreadable(unit, student, fault.message)
    finally:
        sessions.close()
    if release is not None and not has_cells_of(submitted, release):
        verdict = replace(verdict, problem=FOREIGN.format(unit=unit.slug))
    return replace(verdict, notes=(*verdict.notes, *sessions.notes))


FOREIGN = (
    "This notebook has none of the cells of {unit}: was another file handed in? What it defines was graded. "
    "Expected {unit}.ipynb as it was given out, with the answers filled in."
)


class Sessions:
    """A transport to one submission's session that opens another when the student's code ends it.

    So `os._exit` in one answer, or in one cell, costs that answer and not the others; and after an answer has failed, the
    next one starts from a fresh session, whatever the failure left behind. An answer that has ended a session or keeps
    running into limits is not asked again: it gets the same fault at once, and nobody waits for every law.
    """

    def __init__(self, sandbox: Any, unit: str, cells: list[dict[str, Any]], folder: Path | None = None) -> None:
        self.sandbox, self.unit, self.cells, self.folder = sandbox, unit, cells, folder
        self.notes: tuple[str, ...] = ()
        self._session: Any = None
        self._unloadable: Fault | None = None
        self._deadly_cells: dict[int, Fault] = {}
        self._given_up: dict[str, Fault] = {}
        self._limits_met: Counter[str] = Counter()
        self._returned: set[str] = set()
        self._answer = ""
        self._stained = False
        self._slow = False

    def request(self, request: dict[str, Any]) -> dict[str, Any]:
        target = request.get("target")
        # A fault ends its law, so no object of the old session is still in use when the next answer or model is asked for.
        if self._stained and (request.get("op") == "new" or (isinstance(target, str) and target != self._answer)):
            self.close()
        if isinstance(target, str):
            self._answer = target
        if self._answer in self._given_up:
            fault = self._given_up[self._answer]
            raise Fault(fault.kind, fault.message, fault.where)
        self.open()
        try:
            reply = self._session.request(request)
        except Fault as fault:
            self.close()
            self._given_up[self._answer] = fault
            self._slow |= fault.kind == "cpu_limit"
            raise
        self._watch(reply)
        return reply

    def _watch(self, reply: Any) -> None:
        """Note whether the answer failed, and how often it ran into a limit."""
        fault = reply.get("fault") if isinstance(reply, dict) else None
        if not isinstance(fault, dict):
            self._returned.add(self._answer)
        elif fault.get("kind") not in ("not_yet", "not_defined"):
            self._stained = True
            if fault.get("kind") in ("cpu_limit", "memory_limit"):
                self._limits_met[self._answer] += 1
                if self._limits_met[self._answer] >= (LIMITS_MET if self._answer in self._returned else 1):
                    where = str(fault.get("where", ""))
                    self._given_up[self._answer] = Fault(fault["kind"], str(fault.get("message")), where)

    def fresh(self) -> Sessions:
        """The same submission in processes of their own."""
        return Sessions(self.sandbox, self.unit, self.cells, self.folder)

    def open(self) -> None:
        """Have a session with the submission loaded; a `Fault` if that cannot be had."""
        if self._unloadable is not None:
            raise Fault(self._unloadable.kind, self._unloadable.message)
        if self._session is None:
            try:
                self._session = self._loaded()
            except Fault as fault:
                self._unloadable = fault
                raise

    def close(self) -> None:
        """End the session and everything that its code started."""
        if self._session is not None:
            self._session.close()
            self._session = None
        self._stained = False

    def _loaded(self) -> Any:
        """A new session with the submission's code in it, all cells in one request; cell by cell if one ends the process."""
        session = self._fresh()
        cells = [cell for cell in self.cells if cell["index"] not in self._deadly_cells]
        try:
            reply = session.request({"op": "load", "cells": cells, "unit": self.unit})
            self.notes = tuple(_notes(reply, self._deadly_cells, {cell["index"] for cell in cells if cell["locked"]}))
            return session
        except Fault as fault:
            session.close()
            last = fault
            self._slow |= fault.kind == "cpu_limit"
        session = self._fresh()
        for cell in cells:
            try:
                session.request({"op": "load", "cells": [cell], "unit": self.unit})
            except Fault as fault:
                session.close()
                self._deadly_cells[cell["index"]] = last = fault
                break
        else:  # each alone does no harm: together they run into a limit
            session.close()
            raise last
        if len(self._deadly_cells) > DEADLY_CELLS:
            places = ", ".join(str(index) for index in self._deadly_cells)
            raise Fault(last.kind, f"Cells {places} each end the notebook's process when they run: {last.message}")
        return self._loaded()

    def _fresh(self) -> Any:
        """Another session; with less time, once one was ended because its time was up: else each costs as much again."""
        if not self._slow:
            return self.sandbox.session()
        limits = self.sandbox.limits
        return self.sandbox.session(replace(limits, cpu_seconds=min(limits.cpu_seconds, SECOND_CHANCE)))


SECOND_CHANCE = 30
"""Processor seconds of each session after one that used up all it may. A whole submission takes a few."""

DEADLY_CELLS = 3
"""How many cells of one notebook may end its process before the rest is no longer tried."""

LIMITS_MET = 2
"""How often an answer that did return something may run into a limit before its other laws count as broken by the same."""


def _notes(reply: Any, deadly: dict[int, Fault], locked: set[int]) -> Iterator[str]:
    """What went wrong while loading the student's own cells, a sentence each. The reply is a claim: bounded and checked."""
    for index, fault in deadly.items():
        yield f"Cell {index} ends the notebook's process when it runs and was left out: {fault.message}"
    if isinstance(reply, dict) and isinstance(fault := reply.get("fault"), dict):
        yield f"The notebook was not loaded to its end: {_said(str(fault.get('message')))}"
    problems = reply.get("problems") if isinstance(reply, dict) else None
    for problem in (problems if isinstance(problems, list) else [])[:20]:
        if not isinstance(problem, dict) or not isinstance(problem.get("message"), str):
            continue
        cell, line = problem.get("cell"), problem.get("line")
        if isinstance(cell, int) and isinstance(line, int) and cell not in locked:
            yield f"Cell {cell}, line {line}: {_said(problem['message'])}"


def _said(text: str) -> str:
    """What the other side said, as part of one line."""
    return " ".join(clean(text[:300]).split())


class Grader:
    """Grades submissions of one unit, one after another, each in a session of its own forked from one warm sandbox."""

    def __init__(
        self, course: Course, unit: str, *, trust: bool = False, device: str = "cpu", seed: int | None = None,
        without: tuple[str, ...] = (),
    ) -> None:  # fmt: skip
        self.course, self.slug, self.trust, self.device, self.without = course, unit, trust, device, without
        self._asked_seed = seed
        self._open = ExitStack()

    def __enter__(self) -> Grader:
        self.unit = Unit.load(self.course.source(self.slug))
        with ExitStack() as opening, ThreadPoolExecutor(1) as aside:
            # The sandbox imports torch for seconds: meanwhile this process imports nbgrader and makes the release.
            starting = aside.submit(
                lambda: opening.enter_context(
                    open_sandbox(given=self.unit.given, trust=self.trust, without=self.without)
                )
            )
            from autograder.release import released_notebook

            self.release = released_notebook(self.course, self.slug)
            self.seed = self.course.seed() if self._asked_seed is None else self._asked_seed
            source = self.course.source(self.slug)
            self.circumstances = circumstances(source, nbformat.writes(self.release), self.seed, self.device)
            self.sandbox = starting.result()
            # One thread everywhere: sums come out the same in every process, and small tensors are faster for it.
            opening.callback(torch.set_num_threads, torch.get_num_threads())
            torch.set_num_threads(1)
            self._open = opening.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the warm sandbox and everything in it."""
        self._open.close()

    def grade(self, student: str, submission: Path | NotebookNode | Unreadable | None = None) -> Grade:
        """Grade a student's submission (by default the one in submitted/). Never raises but for a Ctrl-C."""
        handed_in = self.course.folder("submitted", student, self.slug) / f"{self.slug}.ipynb"
        if submission is None:
            submission = handed_in
        start = time.perf_counter()
        graded = of_this(self.circumstances, handed_in, self.unit.hands_in)
        whole: NotebookNode | None = None
        try:
            if isinstance(submission, Unreadable):
                raise submission
            if isinstance(submission, Path):
                submission = self.read(student) if submission == handed_in else read(submission)
            whole = reconcile(submission, self.release)
            verdict = grade_notebook(
                submission, self.unit, self.sandbox,
                seed=self.seed, student=student, release=self.release, device=self.device, folder=handed_in.parent,
            )  # fmt: skip
        except Unreadable as reason:
            verdict = Verdict.unreadable(self.unit, student, reason.sentence + self._others(student))
        except Exception:  # one submission must not cost the others their grades
            grade = failed(self.unit, student, traceback.format_exc(), whole, time.perf_counter() - start)
            return replace(grade, graded=graded)
        report = "\n".join(exercise.report for exercise in verdict.exercises if exercise.report)
        return Grade(student, verdict, whole, time.perf_counter() - start, report, graded)

    def read(self, student: str) -> NotebookNode:
        """What a student handed in. Raises `Unreadable`, also where a folder is a link: what lies there may be another's."""
        folder = self.course.folder("submitted", student, self.slug)
        top = self.course.folder("submitted", ".", ".")
        for part in (folder, *folder.parents):
            if part != top and part.is_relative_to(top) and part.is_symlink():
                raise Unreadable(
                    f"The folder {clean(part.name)[:100]} is a link to another: hand in the notebook itself."
                )
        return read(folder / f"{self.slug}.ipynb")

    def _others(self, student: str) -> str:
        """What else lies in the folder, when the notebook was handed in under another name; a name may hold anything."""
        folder = self.course.folder("submitted", student, self.slug)
        try:
            if (folder / f"{self.slug}.ipynb").exists():
                return ""
            names = sorted(clean(path.name)[:100] for path in islice(folder.glob("*.ipynb"), 1000))[:5]
        except OSError:  # a folder that may not be looked into
            return ""
        return f" There is: {', '.join(names)}." if names else ""


def failed(unit: Unit, student: str, report: str, notebook: NotebookNode | None = None, seconds: float = 0.0) -> Grade:
    """The grade where the grader itself failed: every point pending, the report kept for the instructor."""
    return Grade(student, _pending(unit, student), notebook, seconds, failed=report)


def _pending(unit: Unit, student: str) -> Verdict:
    exercises = tuple(nothing(exercise, "pending", UNGRADED) for exercise in unit.exercises.values())
    return Verdict(unit.slug, student, exercises, UNGRADED)


# ------------------------------------------------------------------ a class


def grade_class(
    course: Course | Path | str,
    unit: str,
    *,
    jobs: int | None = None,
    trust: bool = False,
    device: str = "cpu",
    students: Iterable[str] | None = None,
    progress: Progress | None = None,
    record: bool = True,
) -> Grades:
    """Grade everyone in submitted/ (or the `students` named), and with `record` write the gradebook and autograded/.

    Ctrl-C stops between submissions and keeps what is graded. Raises `SandboxUnavailable` before anything is graded when
    there is no sandbox and the instructor did not say `trust`.
    """
    course = course if isinstance(course, Course) else Course(Path(course))
    everyone = sorted(set(students)) if students is not None else course.students(unit)
    jobs = default_jobs(len(everyone)) if jobs is None else max(1, min(jobs, len(everyone)))
    result = Grades(unit)
    with ExitStack() as opened:
        if jobs > 1:
            graded = _in_processes(course, unit, everyone, jobs, trust, device)
        else:
            graded = _in_turn(course, unit, everyone, trust, device)
        opened.callback(graded.close)
        writer = None
        try:
            for grade in graded:
                if record and writer is None:
                    from autograder.gradebook import GradebookWriter

                    writer = opened.enter_context(GradebookWriter(course, unit))
                if writer is not None:
                    writer.write(grade)
                result.grades.append(grade)
                if progress is not None:
                    progress(grade, len(result.grades), len(everyone))
        except KeyboardInterrupt:
            result.interrupted = True
    result.grades.sort(key=lambda grade: grade.student)
    done = {grade.student for grade in result.grades}
    result.waiting = [student for student in everyone if student not in done]
    return result


def default_jobs(submissions: int) -> int:
    """How many processes pay off: each imports torch anew (seconds), a submission takes a fraction of one."""
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(processors, submissions // SUBMISSIONS_WORTH_A_PROCESS))


SUBMISSIONS_WORTH_A_PROCESS = 15


def _in_turn(course: Course, unit: str, students: list[str], trust: bool, device: str) -> Generator[Grade]:
    with Grader(course, unit, trust=trust, device=device) as grader:
        for student in students:
            yield grader.grade(student)


def _in_processes(
    course: Course, unit: str, students: list[str], jobs: int, trust: bool, device: str
) -> Generator[Grade]:
    """The same from several processes, each with a warm sandbox of its own.

    They are spawned, not forked: this process may have run torch's threads, which a fork does not survive. One that dies
    costs the submission it was at (pending) and is replaced.
    """
    loaded = Unit.load(course.source(unit))
    queue = list(reversed(students))
    workers: list[_Worker] = []
    try:
        workers = [_Worker(course, unit, trust, device) for _ in range(jobs)]
        for worker in workers:
            worker.give(queue)
        while busy := {worker.connection: worker for worker in workers if worker.student is not None}:
            for connection in wait(list(busy)):
                worker = busy[connection]  # pyright: ignore[reportArgumentType]
                student = worker.student
                assert student is not None
                try:
                    reply = worker.connection.recv()
                except (EOFError, OSError):
                    worker.stop()
                    workers[workers.index(worker)] = worker = _Worker(course, unit, trust, device)
                    reply = failed(loaded, student, "The grading process ended while it judged this submission.")
                if isinstance(reply, Exception):
                    raise reply
                worker.give(queue)
                yield reply
    finally:
        for worker in workers:
            worker.stop()


class _Worker:
    """A process that grades the students it is given, one at a time."""

    def __init__(self, course: Course, unit: str, trust: bool, device: str) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(
            target=_work, args=(theirs, course.root, unit, trust, device), name=f"grade {unit}", daemon=False
        )
        self.process.start()
        theirs.close()
        self.student: str | None = None

    def give(self, queue: list[str]) -> None:
        """Hand over the next student, if there is one."""
        self.student = queue.pop() if queue else None
        if self.student is not None:
            try:
                self.connection.send(self.student)
            except OSError:
                pass  # it has died: reading from it says so

    def stop(self) -> None:
        self.connection.close()
        if self.student is not None:
            self.process.terminate()  # it is in the middle of a submission: no use in waiting for that
        self.process.join(timeout=10)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


def _work(connection: Connection, root: Path, unit: str, trust: bool, device: str) -> None:
    """The other side of `_Worker`. Ctrl-C is for the parent to answer, which then ends this: with its sandbox."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        with Grader(Course(root), unit, trust=trust, device=device) as grader:
            while True:
                connection.send(grader.grade(connection.recv()))
    except (EOFError, OSError):
        pass
    except SandboxUnavailable as sentence:
        connection.send(sentence)
