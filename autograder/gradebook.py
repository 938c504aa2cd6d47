"""Verdicts become grades: nbgrader's database and `autograded/`, so that formgrader, feedback and export find all they need.

Two ways lead here, and both give the same scores. `dlvm grade` writes a whole class in bulk (`GradebookWriter`). Plain
`nbgrader autograde`, and with it formgrader's button, runs nbgrader's own steps with `SubmissionExporter` reading the
submissions and `JudgePreprocessor` in the place of the kernel (set by `autograder.course.configure`).
"""

from __future__ import annotations

import csv
import io
import json
import os
import stat
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from types import SimpleNamespace, TracebackType
from typing import TYPE_CHECKING, Any

import nbformat
from nbconvert.exporters import NotebookExporter
from nbformat import NotebookNode
from nbgrader import api, utils
from nbgrader.api import Gradebook, new_uuid
from nbgrader.plugins import CsvExportPlugin
from nbgrader.preprocessors import AssignLatePenalties, NbGraderPreprocessor
from sqlalchemy import insert, select, update
from sqlalchemy.exc import OperationalError
from traitlets import Bool, Dict

from autograder.course import RECORD, Course
from autograder.feedback.harmless import harmless_cell, plain
from autograder.notebook import Unreadable, is_grade, is_solution, nbgrader_metadata, read, reconcile
from autograder.record import write_file, write_record

if TYPE_CHECKING:
    from autograder.cohort import Grade as StudentGrade
    from autograder.cohort import Grader
    from autograder.verdict import ExerciseVerdict, Verdict


tables: Any = api
"""nbgrader's tables; their declarative classes are more than a type checker can follow."""


class GradebookProblem(Exception):
    """The gradebook cannot take the grades; the message says what to do. Nothing half-written is in it."""


# ------------------------------------------------------------------ what goes into a graded notebook


def graded_notebook(submission: NotebookNode, verdict: Verdict, release: NotebookNode) -> NotebookNode:
    """The reconciled submission with each exercise's verdict below its grade cell, and its points where nbgrader looks.

    Text that is not the release's own is made harmless to show.
    """
    graded = deepcopy(submission)
    ours = {cell.source for cell in release.cells}
    by_cell = verdicts_by_cell(graded, verdict)
    for cell in graded.cells:
        if cell.source not in ours:
            harmless_cell(cell)
        if (found := by_cell.get(nbgrader_metadata(cell).get("grade_id", ""))) and is_test(cell):
            cell.outputs = _outputs(found, float(nbgrader_metadata(cell)["points"]))
    if verdict.problem or verdict.notes:
        lines = [verdict.problem, *verdict.notes]
        taken = {cell.id for cell in graded.cells}
        notice: Any = nbformat.from_dict({
            "cell_type": "markdown", "metadata": {},
            "id": next(name for name in (f"about-this-submission-{i}" for i in range(len(taken) + 1)) if name not in taken),
            "source": "**About this submission**\n\n" + "\n".join(f"- {plain(line)}" for line in lines if line),
        })  # fmt: skip
        graded.cells.insert(0, notice)
    return graded


def verdicts_by_cell(notebook: NotebookNode, verdict: Verdict) -> dict[str, ExerciseVerdict]:
    """The exercise that each test cell asks for: `check_<exercise>` is the grade_id."""
    by_name = {f"check_{exercise.name}": exercise for exercise in verdict.exercises}
    ids = [nbgrader_metadata(cell)["grade_id"] for cell in notebook.cells if is_test(cell)]
    return {grade_id: by_name[grade_id] for grade_id in ids if grade_id in by_name}


def is_test(cell: Any) -> bool:
    """Whether this is a cell that asks for points by `check(…)`."""
    return cell["cell_type"] == "code" and is_grade(cell) and not is_solution(cell)


def _outputs(exercise: ExerciseVerdict, worth: float) -> list[Any]:
    """What the cell would have shown: a line of text, and the verdict, whose plain form is the points and nothing else.

    nbgrader takes the first numeric result as the score. Without one a cell earns full marks; on stderr, none.
    """
    points = points_of(exercise, worth)
    line = f"{exercise.name}: {exercise.status.replace('_', ' ')}, {points:g} of {worth:g} points\n"
    return [
        nbformat.from_dict({"output_type": "stream", "name": "stdout", "text": line}),
        nbformat.from_dict({
            "output_type": "execute_result", "execution_count": None, "metadata": {},
            "data": {"text/plain": repr(points), "text/html": exercise.as_html()},
        }),
    ]  # fmt: skip


def points_of(exercise: ExerciseVerdict, worth: float) -> float:
    """The points to record: never below 0 nor above what the cell is worth, which nbgrader refuses."""
    return float(min(max(exercise.points, 0.0), worth))


def remark(exercise: ExerciseVerdict) -> str:
    """The comment beside an answer: what it looks like, and what holds for it as a whole, else the first law that is broken."""
    if exercise.status == "correct":
        return "All laws hold."
    said = [exercise.diagnosis.as_sentence() if exercise.diagnosis else "", exercise.message]
    if not exercise.message:
        said += [
            f"This law is broken: {law.sentence} {law.message}".strip()
            for law in exercise.laws
            if law.evidence == "broken"
        ][:1]
    if exercise.pending:
        said.append("An instructor will look at this; no points are lost.")
    return plain(" ".join(part for part in said if part))[:2000]


# ------------------------------------------------------------------ the unit


def record_unit(course: Course, unit: str, release: NotebookNode) -> None:
    """Have the gradebook know the unit's notebook, cells and points, as `nbgrader generate_assignment` writes them.

    Where submissions are graded already, points and texts may change and cells may be added; taking one away would take
    grades with it, and is refused.
    """
    with _gradebook(course) as gradebook:
        _record_unit(gradebook, unit, release)
        gradebook.db.commit()


def _record_unit(gradebook: Gradebook, unit: str, release: NotebookNode) -> str:
    """The same inside a transaction; returns the notebook's id."""
    db = gradebook.db
    assignment_id = db.scalar(select(tables.Assignment.id).where(tables.Assignment.name == unit))
    if assignment_id is None:
        assignment_id = gradebook.add_assignment(unit).id
    kernelspec = json.dumps(release.metadata.get("kernelspec", {}))
    notebook, submitted = tables.Notebook, tables.SubmittedNotebook
    notebook_id = db.scalar(select(notebook.id).where(notebook.assignment_id == assignment_id, notebook.name == unit))
    if notebook_id is None:
        notebook_id = new_uuid()
        values = {"id": notebook_id, "name": unit, "assignment_id": assignment_id, "kernelspec": kernelspec}
        db.execute(insert(notebook), [values])
    else:
        db.execute(update(notebook).where(notebook.id == notebook_id).values(kernelspec=kernelspec))

    marked = [cell for cell in release.cells if nbgrader_metadata(cell).get("grade_id")]
    graded = {_name(cell): {"max_score": float(cell.metadata.nbgrader["points"]), "cell_type": cell.cell_type}
              for cell in marked if is_grade(cell)}  # fmt: skip
    answered: dict[str, dict[str, Any]] = {_name(cell): {} for cell in marked if is_solution(cell)}
    sources = {_name(cell): {"cell_type": cell.cell_type, "locked": utils.is_locked(cell), "source": cell.source,
                             "checksum": cell.metadata.nbgrader.get("checksum")}
               for cell in marked if is_grade(cell) or is_solution(cell) or utils.is_locked(cell)}  # fmt: skip
    taught = db.scalar(select(submitted.id).where(submitted.notebook_id == notebook_id).limit(1)) is not None
    for table, wanted in ((tables.GradeCell, graded), (tables.SolutionCell, answered), (tables.SourceCell, sources)):
        rows = db.execute(select(table.name, table.id).where(table.notebook_id == notebook_id))
        there = dict(rows.all())
        gone = sorted(there.keys() - wanted.keys())
        if gone and taught and table is not tables.SourceCell:
            raise GradebookProblem(
                f"{unit}: {', '.join(gone)} has grades in the gradebook and is no longer in the unit. Put the cell back, or "
                f"remove the assignment and grade anew: nbgrader db assignment remove {unit} --force"
            )
        for name in gone:
            db.delete(db.get(table, there[name]))
        for name, values in wanted.items():
            if name not in there:
                db.add(table(name=name, notebook_id=notebook_id, **values))
            elif values:
                cell = db.get(table, there[name])
                for key, value in values.items():
                    setattr(cell, key, value)
    db.flush()
    return notebook_id


def _name(cell: NotebookNode) -> str:
    return cell.metadata.nbgrader["grade_id"]


# ------------------------------------------------------------------ a class, in bulk


class GradebookWriter:
    """Writes grades as they come: notebooks to `autograded/` at once, the database a batch at a time.

    with GradebookWriter(course, unit, release) as writer:
        writer.write(grade)

    Leaving the block commits what was written, also after a Ctrl-C. A score that an instructor gave by hand stays.
    """

    BATCH = 25

    def __init__(self, course: Course, unit: str, release: NotebookNode | None = None) -> None:
        self.course, self.unit = course, unit
        if release is None:
            from autograder.release import released_notebook

            release = released_notebook(course, unit)
        self.release = release
        self.penalties = AssignLatePenalties(config=course.config)
        self.penalties.init_plugin()
        self._waiting: list[Callable[[], None]] = []

    def __enter__(self) -> GradebookWriter:
        self._context = _gradebook(self.course)
        self.gradebook = self._context.__enter__()
        db = self.gradebook.db
        try:
            notebook_id = _in_transaction(db, lambda: _record_unit(self.gradebook, self.unit, self.release))
            self.notebook_id = notebook_id
            assignment = select(tables.Assignment.id, tables.Assignment.duedate).where(
                tables.Assignment.name == self.unit
            )
            self.assignment_id, self.duedate = db.execute(assignment).one()
            self.grade_cells = self._cells(tables.GradeCell)
            self.solution_cells = self._cells(tables.SolutionCell)
        except BaseException:
            self._context.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.flush()
        finally:
            self._context.__exit__(None, None, None)

    def write(self, grade: StudentGrade) -> None:
        """One student's grade: the graded notebook and the record now, the scores with the next batch."""
        submission = grade.notebook if grade.notebook is not None else reconcile(self.release, self.release)
        graded = graded_notebook(submission, grade.verdict, self.release)
        timestamp = self._write_autograded(grade.student, graded)
        write_record(self.course, grade.verdict, grade.graded, grade.failed)
        self._waiting.append(lambda: self._record(grade, graded, timestamp))
        if len(self._waiting) >= self.BATCH:
            self.flush()

    def flush(self) -> None:
        """Commit what is waiting, all of it or (with a `GradebookProblem`) none."""
        waiting, self._waiting = self._waiting, []

        def record() -> None:
            for one in waiting:
                one()

        if waiting:
            _in_transaction(self.gradebook.db, record)

    def _cells(self, table: Any) -> dict[str, str]:
        """The ids of the unit's cells of one kind, by name."""
        rows = self.gradebook.db.execute(select(table.name, table.id).where(table.notebook_id == self.notebook_id))
        return dict(rows.all())

    def _write_autograded(self, student: str, graded: NotebookNode) -> Any:
        """The notebook and the time of submission, read-only as nbgrader leaves them; returns that time."""
        folder = self.course.folder("autograded", student, self.unit)
        folder.mkdir(parents=True, exist_ok=True)
        write_file(folder / f"{self.unit}.ipynb", nbformat.v4.writes(graded).encode() + b"\n")
        theirs = self.course.folder("submitted", student, self.unit)
        timestamp = submitted_at(theirs)
        if timestamp is not None:
            write_file(folder / "timestamp.txt", timestamp_file(theirs))
        else:
            (folder / "timestamp.txt").unlink(missing_ok=True)
        return timestamp

    def _record(self, grade: StudentGrade, graded: NotebookNode, timestamp: Any) -> None:
        db, student = self.gradebook.db, grade.student
        if db.scalar(select(tables.Student.id).where(tables.Student.id == student)) is None:
            db.execute(insert(tables.Student), [{"id": student}])
        whole, part = tables.SubmittedAssignment, tables.SubmittedNotebook
        theirs = (whole.assignment_id == self.assignment_id, whole.student_id == student)
        submission = db.execute(select(whole.id, whole.extension).where(*theirs)).one_or_none()
        if submission is None:
            submission_id, extension = new_uuid(), None
            values = {
                "id": submission_id,
                "assignment_id": self.assignment_id,
                "student_id": student,
                "timestamp": timestamp,
            }
            db.execute(insert(whole), [values])
        else:
            submission_id, extension = submission
            if timestamp is not None:
                db.execute(update(whole).where(whole.id == submission_id).values(timestamp=timestamp))
        this = (part.assignment_id == submission_id, part.notebook_id == self.notebook_id)
        notebook_id = db.scalar(select(part.id).where(*this))
        if notebook_id is None:
            notebook_id = new_uuid()
            db.execute(
                insert(part), [{"id": notebook_id, "assignment_id": submission_id, "notebook_id": self.notebook_id}]
            )

        score = self._record_scores(notebook_id, graded, grade)
        self._record_comments(notebook_id, graded, grade)
        penalty = self._penalty(student, timestamp, extension, score)
        db.execute(update(part).where(part.id == notebook_id).values(late_submission_penalty=penalty))

    def _record_scores(self, notebook_id: str, graded: NotebookNode, grade: StudentGrade) -> float:
        """Every grade cell's score, by nbgrader's own rules; returns the total that counts."""
        db = self.gradebook.db
        of = tables.Grade
        rows = db.execute(
            select(of.cell_id, of.id, of.manual_score, of.extra_credit).where(of.notebook_id == notebook_id)
        )
        there = {cell_id: rest for cell_id, *rest in rows}
        cells = {_name(cell): cell for cell in graded.cells if is_grade(cell)}
        pending = {f"check_{exercise.name}" for exercise in grade.verdict.exercises if exercise.pending}
        new, changed, total = [], [], 0.0
        for name, cell_id in self.grade_cells.items():
            auto = utils.determine_grade(cells[name])[0] if name in cells else 0.0
            grade_id, manual, extra = there.get(cell_id, (None, None, None))
            # As in nbgrader: what a person scored by hand stays, and is shown again for review.
            needs_person = manual is not None or auto is None or name in pending
            values = {"auto_score": auto, "needs_manual_grade": needs_person}
            if grade_id is None:
                new.append({"id": new_uuid(), "cell_id": cell_id, "notebook_id": notebook_id, **values})
            else:
                changed.append({"id": grade_id, **values})
            total += (manual if manual is not None else auto or 0.0) + (
                (extra or 0.0) if (manual is not None or auto is not None) else 0.0
            )
        if new:
            db.execute(insert(of), new)
        if changed:
            db.execute(update(of), changed)
        return total

    def _record_comments(self, notebook_id: str, graded: NotebookNode, grade: StudentGrade) -> None:
        db = self.gradebook.db
        of = tables.Comment
        there = dict(db.execute(select(of.cell_id, of.id).where(of.notebook_id == notebook_id)).all())
        comments = auto_comments(graded, grade.verdict)
        new, changed = [], []
        for name, cell_id in self.solution_cells.items():
            text = comments.get(name)
            if cell_id in there:
                changed.append({"id": there[cell_id], "auto_comment": text})
            else:
                new.append({"id": new_uuid(), "cell_id": cell_id, "notebook_id": notebook_id, "auto_comment": text})
        if new:
            db.execute(insert(of), new)
        if changed:
            db.execute(update(of), changed)

    def _penalty(self, student: str, timestamp: Any, extension: Any, score: float) -> float | None:
        """The penalty for a late submission, as the course's own nbgrader plugin has it."""
        if timestamp is None or self.duedate is None:
            return None
        seconds = (timestamp - self.duedate - extension if extension else timestamp - self.duedate).total_seconds()
        if seconds <= 0:
            return None
        plugin: Any = self.penalties.plugin_inst
        penalty = plugin.late_submission_penalty(student, score, seconds)
        if penalty is None:
            return None
        notebook: Any = SimpleNamespace(score=score)
        return self.penalties._check_late_penalty(notebook, penalty)


def auto_comments(graded: NotebookNode, verdict: Verdict) -> dict[str, str | None]:
    """The comment for every answer: an exercise's remark; for a written one that was left as it was, why or just that."""
    comments: dict[str, str | None] = {exercise.name: remark(exercise) for exercise in verdict.exercises}
    for cell in graded.cells:
        if is_solution(cell) and _name(cell) not in comments:
            untouched = cell.metadata.nbgrader.get("checksum") == utils.compute_checksum(cell)
            comments[_name(cell)] = (plain(verdict.problem) or "No response.") if untouched else None
    return comments


def submitted_at(folder: Path) -> Any:
    """When a submission was handed in, by its timestamp.txt; None where there is none that can be read."""
    try:
        text = timestamp_file(folder).decode().strip()
        return utils.parse_utc(text) if text else None
    except Exception:  # the parser of dates raises more than it says
        return None


def timestamp_file(folder: Path) -> bytes:
    """The bytes of timestamp.txt; none where it is not a plain short file. It lies where students' files lie: it may be a
    link, a pipe that nobody writes to, or as long as the disk."""
    path = folder / "timestamp.txt"
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            return b""
        with path.open("rb") as file:
            data = file.read(LONGEST_TIMESTAMP + 1)
    except OSError:
        return b""
    return data if len(data) <= LONGEST_TIMESTAMP else b""


LONGEST_TIMESTAMP = 100
"""Bytes; nbgrader writes 31."""


@contextmanager
def _gradebook(course: Course) -> Iterator[Gradebook]:
    """nbgrader's gradebook of this course, closed when done."""
    try:
        gradebook = _patient(lambda: Gradebook(course.db_url, course.nbgrader.course_id))
    except OperationalError as error:
        raise GradebookProblem(_unusable(course.db_url, error)) from None
    try:
        yield gradebook
    finally:
        gradebook.close()


def _in_transaction(db: Any, work: Callable[[], Any]) -> Any:
    """Do the work and commit; where someone holds a lock on the database, again from the start for a while."""

    def attempt() -> Any:
        try:
            result = work()
            db.commit()
            return result
        except BaseException:
            db.rollback()
            raise

    try:
        return _patient(attempt)
    except OperationalError as error:
        raise GradebookProblem(_unusable(str(db.get_bind().url), error)) from None


DATABASE_PATIENCE = 20.0
"""For how many seconds a locked database is tried again. SQLite itself waits five seconds at each try."""


def _patient(attempt: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + DATABASE_PATIENCE
    while True:
        try:
            return attempt()
        except OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def _unusable(url: str, error: OperationalError) -> str:
    return (
        f"The gradebook {url} cannot be written ({error.orig}). If another program holds it (formgrader, a database browser), "
        "close that; after an upgrade of nbgrader run `nbgrader db upgrade`. Then grade again: what was graded is repeated."
    )


# ------------------------------------------------------------------ inside nbgrader's own autograde


class SubmissionExporter(NotebookExporter):
    """Reads submissions as data, so that no damaged notebook stops `nbgrader autograde`, and keeps one sandbox warm."""

    submitted: Any = Dict(help="What was handed in, or why it cannot be read, by (student, unit).")
    graders: Any = Dict(help="A grader with its warm sandbox for each unit, opened at first use.")

    def from_filename(self, filename: str, resources: Any = None, **kw: Any) -> Any:
        """First pass (submitted/): the reconciled submission, or the blank release with the reason why. Then: as usual."""
        converter: Any = self.parent
        if not getattr(converter, "_sanitizing", False):
            return super().from_filename(filename, resources=resources, **kw)
        key = _key(resources)
        grader = self.grader(_root(self), key[1])
        drop_what_links_gave(converter, *key)
        try:
            own = Path(filename).stem == key[1]
            self.submitted[key] = submitted = grader.read(key[0]) if own else read(filename)
            notebook = reconcile(submitted, grader.release)
        except Unreadable as reason:
            self.submitted[key] = reason
            notebook = reconcile(grader.release, grader.release)
        return self.from_notebook_node(notebook, resources=resources, **kw)

    def grader(self, root: Path, unit: str) -> Grader:
        """The unit's grader, kept for all submissions and closed with this exporter."""
        if unit not in self.graders:
            self.graders[unit] = opened = _open_grader(
                root, unit, bool(self.config.JudgePreprocessor.get("trust", False))
            )
            weakref.finalize(self, opened.close)
        return self.graders[unit]


def drop_what_links_gave(converter: Any, student: str, unit: str) -> None:
    """nbgrader has copied what lies beside the notebook, for the feedback: through a link that may be anybody's file."""
    theirs, graded = (Path(of(unit, student)) for of in (converter._format_source, converter._format_dest))
    top = converter.coursedir.format_path(converter._input_directory, ".", ".")
    linked = any(
        part.is_symlink() for part in (theirs, *theirs.parents) if part.is_relative_to(top) and part != Path(top)
    )
    for folder, _, names in os.walk(theirs):
        for path in (Path(folder) / name for name in names):
            if linked or path.is_symlink():
                (graded / path.relative_to(theirs)).unlink(missing_ok=True)


class JudgePreprocessor(NbGraderPreprocessor):
    """Stands where nbgrader executes the notebook: judges the submission and writes what each grade cell would show."""

    trust = Bool(False, help="Grade without a sandbox where there is none: the instructor's own word.").tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        student, unit = _key(resources)
        exporter: Any = self.parent
        if not isinstance(exporter, SubmissionExporter):
            raise SystemExit(
                "JudgePreprocessor needs Autograde.exporter_class = autograder.gradebook.SubmissionExporter."
            )
        grader = exporter.grader(_root(exporter), unit)
        grade = grader.grade(student, exporter.submitted.pop((student, unit)))
        if grade.failed:
            self.log.error("The grader failed on %s; its points are pending:\n%s", student, grade.failed)
        resources["nbgrader"]["verdict"] = grade.verdict
        write_record(grader.course, grade.verdict, grade.graded, grade.failed)
        return graded_notebook(nb, grade.verdict, grader.release), resources


class SaveRemarks(NbGraderPreprocessor):
    """After nbgrader has saved the points: the comments, and a person's attention for what is pending."""

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        student, unit = _key(resources)
        verdict: Verdict = resources["nbgrader"]["verdict"]
        with Gradebook(resources["nbgrader"]["db_url"]) as gradebook:
            notebook = gradebook.find_submission_notebook(resources["nbgrader"]["notebook"], unit, student)
            comments = auto_comments(nb, verdict)
            for comment in notebook.comments:
                comment.auto_comment = comments.get(comment.name)
            pending = {f"check_{exercise.name}" for exercise in verdict.exercises if exercise.pending}
            for grade in notebook.grades:
                if grade.name in pending:
                    grade.needs_manual_grade = True
            gradebook.db.commit()
        return nb, resources


class SpreadsheetExport(CsvExportPlugin):
    """`nbgrader export`, for spreadsheets: what would be a formula there is text, and no id takes more than its own column."""

    def export(self, gradebook: Gradebook) -> None:
        names = ("id", "last_name", "first_name", "email")
        students = [
            SimpleNamespace(**{name: _Field(getattr(student, name) or "") for name in names})
            for student in gradebook.students
        ]
        written: Any = SimpleNamespace(
            students=students, assignments=gradebook.assignments, find_submission=gradebook.find_submission
        )
        super().export(written)


class _Field(str):
    """A text that is written into a CSV file as one field, and as a text."""

    __slots__ = ()

    def __format__(self, how: str) -> str:
        # A spreadsheet takes what follows a quotation mark for text.
        text = "'" + self if self.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) else str(self)
        written = io.StringIO()
        csv.writer(written, lineterminator="").writerow([text])
        return written.getvalue()


class WithholdRecord(NbGraderPreprocessor):
    """While feedback is made: the record of a grade holds the seed, and is no student's, whatever nbgrader is told to copy."""

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        exporter: Any = self.parent
        (Course(_root(exporter)).folder("feedback", *_key(resources)) / RECORD).unlink(missing_ok=True)
        return nb, resources


def _root(exporter: NotebookExporter) -> Path:
    converter: Any = exporter.parent
    return Path(converter.coursedir.root)


def _key(resources: Any) -> tuple[str, str]:
    return resources["nbgrader"]["student"], resources["nbgrader"]["assignment"]


def _open_grader(root: Path, unit: str, trust: bool) -> Grader:
    """A grader ready to grade. Where there can be none nbgrader must stop, not go on to the next student: SystemExit."""
    from autograder.cohort import Grader
    from autograder.course import NotACourse
    from autograder.release import ReleaseFailed
    from autograder.sandbox import SandboxUnavailable

    try:
        return Grader(Course(root), unit, trust=trust).__enter__()
    except (SandboxUnavailable, NotACourse, ReleaseFailed) as sentence:
        raise SystemExit(f"Not graded: {sentence}") from None
