"""Grades are where nbgrader looks for them, and its own commands go on from there."""

from __future__ import annotations

import csv
import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbgrader.api import Gradebook

from autograder.cohort import grade_class
from autograder.course import Course
from autograder.gradebook import GradebookProblem, GradebookWriter, record_unit
from tests.grading.conftest import RIGHT, Submit, source_notebook

pytestmark = pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")  # nbgrader's own

REPOSITORY = Path(__file__).parents[2]


def nbgrader(course: Course, *command: str, code: int = 0) -> str:
    env = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", *command],
        cwd=course.root,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def opened(course: Course) -> Any:
    return Gradebook(course.db_url)


def everything(course: Course) -> dict[str, Any]:
    """All that the gradebook knows about everyone's toy."""
    found = {}
    with opened(course) as gradebook:
        for submission in gradebook.assignment_submissions("toy"):
            (notebook,) = submission.notebooks
            grades = {g.name: (g.auto_score, g.manual_score, g.needs_manual_grade) for g in notebook.grades}
            comments = {c.name: c.comment for c in notebook.comments}
            found[submission.student.id] = {
                "grades": grades, "comments": comments, "timestamp": submission.timestamp,
                "score": notebook.score, "penalty": notebook.late_submission_penalty,
            }  # fmt: skip
    return found


def graded_files(course: Course) -> dict[str, bytes]:
    return {str(p.relative_to(course.root)): p.read_bytes() for p in course.root.glob("autograded/*/toy/t*")}


@pytest.fixture
def class_of_all_kinds(course: Course, submit: Submit) -> None:
    submit("right", {**RIGHT, "proof": "Because it is."}, timestamp="2026-11-12 11:31:00 UTC")
    submit("partly", {"double": RIGHT["double"], "triple": "def triple(x):\n    return 4 * x"})
    submit(
        "raises",
        {**RIGHT, "double": "def double(x):\n    raise ValueError('<script>alert(1)</script> [a](javascript:b)')"},
    )
    submit("stub", {})
    submit("broken", content="{")


@pytest.mark.usefixtures("here", "class_of_all_kinds")
def test_scores_comments_and_times_are_recorded_as_nbgrader_means_them(course: Course) -> None:
    grade_class(course, "toy")
    found = everything(course)
    assert found["right"]["grades"] == {
        "check_double": (3, None, False),
        "check_triple": (4, None, False),
        "proof": (None, None, True),
    }
    assert found["right"]["comments"] == {"double": "All laws hold.", "triple": "All laws hold.", "proof": None}
    assert str(found["right"]["timestamp"]) == "2026-11-12 11:31:00"
    assert found["partly"]["score"] == 3
    assert found["stub"]["grades"]["proof"] == (0, None, False)
    assert found["stub"]["comments"]["proof"] == "No response."
    assert "not written yet" in found["stub"]["comments"]["double"]
    assert found["broken"]["score"] == 0
    assert "not JSON" in found["broken"]["comments"]["triple"]


@pytest.mark.usefixtures("here", "class_of_all_kinds")
def test_each_test_cell_shows_its_verdict_and_its_points(course: Course) -> None:
    grade_class(course, "toy")
    notebook: Any = nbformat.read(course.root / "autograded/partly/toy/toy.ipynb", as_version=4)
    nbformat.validate(notebook)
    (cell,) = [c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade_id") == "check_triple"]
    line, result = cell.outputs
    assert (line.name, line.text) == ("stdout", "triple: wrong, 0 of 4 points\n")
    assert result.output_type == "execute_result"
    assert float(result.data["text/plain"]) == 0
    assert "It is three times its input." in result.data["text/html"]
    assert (course.root / "autograded/partly/toy/toy.ipynb").stat().st_mode & 0o777 == 0o444


@pytest.mark.usefixtures("here", "class_of_all_kinds")
def test_grading_again_changes_no_byte_and_no_grade(course: Course) -> None:
    grade_class(course, "toy")
    before, files = everything(course), graded_files(course)
    grade_class(course, "toy")
    assert everything(course) == before
    assert graded_files(course) == files


@pytest.mark.usefixtures("here")
def test_what_a_person_scored_or_wrote_survives_regrading(course: Course, submit: Submit) -> None:
    submit("jane", {**RIGHT, "double": "def double(x):\n    return x"})
    grade_class(course, "toy")
    with opened(course) as gradebook:
        grade = gradebook.find_grade("check_double", "toy", "toy", "jane")
        grade.manual_score, grade.extra_credit, grade.needs_manual_grade = 2.5, 0.5, False
        gradebook.find_comment("double", "toy", "toy", "jane").manual_comment = "Nearly!"
        gradebook.db.commit()
    submit("jane")
    grade_class(course, "toy")
    jane = everything(course)["jane"]
    assert jane["grades"]["check_double"] == (3, 2.5, True)  # for review again, as nbgrader has it
    assert jane["score"] == 2.5 + 0.5 + 4
    assert jane["comments"]["double"] == "Nearly!"


@pytest.mark.usefixtures("here")
def test_pending_points_wait_for_a_person(course: Course, submit: Submit) -> None:
    laws = course.source("toy") / "laws.py"
    laws.write_text(laws.read_text().replace("CRASHES = False", "CRASHES = True"))
    submit("jane")
    grade_class(course, "toy")
    jane = everything(course)["jane"]
    assert jane["grades"]["check_triple"] == (0, None, True)
    assert "no points are lost" in jane["comments"]["triple"]


@pytest.mark.usefixtures("here")
def test_what_a_student_wrote_cannot_run_where_it_is_graded(course: Course, submit: Submit) -> None:
    submit("mallory", {**RIGHT, "proof": "<script>fetch('/formgrader/api/grade')</script> and $x < y$"})
    grade_class(course, "toy")
    notebook: Any = nbformat.read(course.root / "autograded/mallory/toy/toy.ipynb", as_version=4)
    assert notebook.cells[-1].source == "< script>fetch('/formgrader/api/grade')< /script> and $x < y$"


@pytest.mark.usefixtures("here")
def test_neither_a_pipe_nor_a_link_nor_a_flood_in_the_place_of_the_time_is_read(
    course: Course, submit: Submit, tmp_path: Path
) -> None:
    for student in ("pipe", "link", "flood", "nonsense", "fine"):
        submit(student, timestamp="2026-11-12 11:31:00 UTC" if student == "fine" else "")
    time = {student: course.folder("submitted", student, "toy") / "timestamp.txt" for student in course.students("toy")}
    os.mkfifo(time["pipe"])
    (tmp_path / "elsewhere").write_text("2020-01-01 00:00:00 UTC")
    time["link"].symlink_to(tmp_path / "elsewhere")
    time["flood"].write_text("2026-11-12 11:31:00 UTC" + " " * 1000)
    time["nonsense"].write_text("-1 0 0 0 0.0.0 1e400")
    grade_class(course, "toy")
    found = {student: of["timestamp"] for student, of in everything(course).items() if of["timestamp"]}
    assert list(found) == ["fine"]
    assert sorted(path.parts[-3] for path in course.root.glob("autograded/*/toy/timestamp.txt")) == ["fine"]


@pytest.mark.parametrize("whole", [False, True], ids=["file", "folder"])
@pytest.mark.usefixtures("here")
def test_what_a_link_in_a_submission_leads_to_reaches_no_feedback(
    course: Course, submit: Submit, whole: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nbgrader.apps import NbGraderAPI

    from autograder.release import release

    (tmp_path / "private").mkdir()
    (tmp_path / "private" / "key.txt").write_text("a private key")
    handed_in = submit("mallory")
    if whole:
        handed_in.rename(tmp_path / "private" / "toy.ipynb")
        handed_in.parent.rmdir()
        handed_in.parent.symlink_to(tmp_path / "private")
    else:
        handed_in.with_name("notes.txt").write_text("my own notes")
        handed_in.with_name("key.txt").symlink_to(tmp_path / "private" / "key.txt")
    release(course)
    monkeypatch.chdir(course.root)
    api = NbGraderAPI(config=course.config)
    assert api.autograde("toy", "mallory")["success"]
    assert api.generate_feedback("toy")["success"]
    assert everything(course)["mallory"]["score"] == (0 if whole else 7)
    reached = {path.name for path in course.root.glob("feedback/mallory/toy/*")} - {"laws.py"}
    assert reached == ({"toy.html"} if whole else {"toy.html", "notes.txt"})


@pytest.mark.usefixtures("here")
def test_a_student_id_is_no_formula_and_no_column_of_an_export(course: Course, submit: Submit) -> None:
    odd = ['=HYPERLINK("http:x","7")', "+1", "@A1", "-2", "a,b", "fine"]
    for student in odd:
        submit(student)
    grade_class(course, "toy")
    nbgrader(course, "export", "--exporter=autograder.gradebook.SpreadsheetExport", "--to=grades.csv")
    with (course.root / "grades.csv").open(newline="") as table:
        rows = {row["student_id"]: float(row["score"]) for row in csv.DictReader(table)}
    assert rows == {("" if student in ("a,b", "fine") else "'") + student: 7 for student in odd}


LATE = """
from nbgrader.plugins import BasePlugin

class HalfAPointAnHour(BasePlugin):
    def late_submission_penalty(self, student_id, score, total_seconds_late):
        return 0.5 * total_seconds_late / 3600

get_config().AssignLatePenalties.plugin_class = HalfAPointAnHour
"""


@pytest.mark.usefixtures("here")
def test_late_submissions_are_penalised_by_the_courses_own_plugin(course: Course, submit: Submit) -> None:
    course.config_file.write_text(course.config_file.read_text() + LATE)
    for student, hour in (("early", "11"), ("late", "14"), ("very-late", "23")):
        submit(student, timestamp=f"2026-11-12 {hour}:00:00 UTC")
    with opened(course) as gradebook:
        gradebook.add_assignment("toy", duedate="2026-11-12 12:00:00 UTC")
    grade_class(Course(course.root), "toy")
    found = everything(course)
    assert {student: of["penalty"] for student, of in found.items()} == {"early": None, "late": 1.0, "very-late": 5.5}


@pytest.mark.usefixtures("here", "class_of_all_kinds")
def test_nbgraders_autograde_gives_the_same_grades_and_the_same_notebooks(
    course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    grade_class(course, "toy")
    bulk, files = everything(course), graded_files(course)
    for path in [*course.root.glob("autograded/*/toy/*")]:
        path.unlink()
    for path in [*course.root.glob("autograded/*/toy")]:
        path.rmdir()
    (course.root / "gradebook.db").unlink()
    from nbgrader.apps import NbGraderAPI

    from autograder.release import release

    release(course)
    monkeypatch.chdir(course.root)
    api = NbGraderAPI(config=course.config)
    for student in course.students("toy"):
        done = api.autograde("toy", student)
        assert done["success"], done
    assert everything(course) == bulk
    assert graded_files(course) == files


@pytest.mark.usefixtures("class_of_all_kinds")
def test_nbgraders_commands_do_all_of_it_behind_the_sandbox(course: Course) -> None:
    nbgrader(course, "generate_assignment", "toy")
    nbgrader(course, "autograde", "toy")
    scores = {student: of["score"] for student, of in everything(course).items()}
    assert scores == {"right": 7, "partly": 3, "raises": 4, "stub": 0, "broken": 0}
    nbgrader(course, "generate_feedback", "toy")
    page = (course.root / "feedback/raises/toy/toy.html").read_text()
    assert "It is twice its input." in page
    assert "<script>alert(1)" not in page
    assert 'href="javascript:' not in page
    nbgrader(course, "export")
    with (course.root / "grades.csv").open() as table:
        assert {row["student_id"]: float(row["score"]) for row in csv.DictReader(table)} == scores


def test_nbgraders_autograde_refuses_where_there_is_no_sandbox(
    course: Course, submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nbgrader.apps import NbGraderAPI

    from autograder.release import release
    from autograder.sandbox import SandboxUnavailable

    def none(**_: Any) -> Any:
        raise SandboxUnavailable("There is no bwrap here.")

    monkeypatch.setattr("autograder.cohort.open_sandbox", none)
    submit("jane")
    release(course)
    monkeypatch.chdir(course.root)
    done: dict[str, Any] = NbGraderAPI(config=course.config).autograde("toy", "jane")
    assert not done["success"]
    assert "Not graded: There is no bwrap here." in done["error"]
    assert "Traceback" not in done.get("log", "")


@pytest.mark.usefixtures("here", "class_of_all_kinds")
def test_formgraders_own_view_of_the_class_is_complete(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    from nbgrader.apps import NbGraderAPI

    grade_class(course, "toy")
    monkeypatch.chdir(course.root)
    api = NbGraderAPI(config=course.config)
    shown = {submission["student"]: submission for submission in api.get_submissions("toy")}
    assert {s: of["autograded"] and of["submitted"] for s, of in shown.items()} == dict.fromkeys(shown, True)
    assert {s for s, of in shown.items() if of["needs_manual_grade"]} == {"right"}
    assert shown["right"]["score"] == 7
    assert len(api.get_notebook_submissions("toy", "toy")) == 5


@pytest.mark.usefixtures("here")
def test_a_unit_may_gain_exercises_but_not_lose_graded_ones(course: Course, submit: Submit, release: Any) -> None:
    submit("jane")
    grade_class(course, "toy")
    fewer: Any = nbformat.from_dict({**release, "cells": release.cells[:4]})
    with pytest.raises(GradebookProblem, match="check_triple, proof"):
        record_unit(course, "toy", fewer)
    more: Any = source_notebook()
    extra: Any = nbformat.from_dict({**more.cells[3], "id": "x", "source": 'check("more")'})
    extra.metadata = {"nbgrader": {**extra.metadata.nbgrader, "grade_id": "check_more"}}
    grown: Any = nbformat.from_dict({**release, "cells": [*release.cells, extra]})
    record_unit(course, "toy", grown)
    with GradebookWriter(course, "toy", grown) as writer:
        for grade in grade_class(course, "toy", record=False):
            writer.write(grade)
    assert everything(course)["jane"]["grades"]["check_more"] == (0, None, False)


@pytest.mark.usefixtures("here")
def test_a_locked_gradebook_is_waited_for_and_then_told_of(
    course: Course, submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit("jane")
    grade_class(course, "toy")
    monkeypatch.setattr("autograder.gradebook.DATABASE_PATIENCE", 0.2)
    holder = sqlite3.connect(course.root / "gradebook.db", isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(GradebookProblem, match="close that"):
        grade_class(course, "toy")
    holder.execute("ROLLBACK")
    holder.close()
    grade_class(course, "toy")
    assert everything(course)["jane"]["score"] == 7


@pytest.mark.usefixtures("here")
def test_sixty_submissions_are_written_in_a_handful_of_transactions(course: Course, submit: Submit) -> None:
    from sqlalchemy import event

    for number in range(60):
        submit(f"student-{number:02}")
    grades = grade_class(course, "toy", record=False)
    with GradebookWriter(course, "toy") as writer:
        commits = []
        event.listen(writer.gradebook.engine, "commit", commits.append)
        for grade in grades:
            writer.write(grade)
            if len(commits) == 1:
                assert len(everything(course)) == 25  # what is committed stays, whatever happens to the rest
    assert len(commits) == 3
    assert len(everything(course)) == 60


def test_the_comment_begins_with_what_the_answer_looks_like() -> None:
    from autograder.gradebook import remark
    from autograder.verdict import Diagnosis, ExerciseVerdict, LawVerdict

    law = LawVerdict("law", "It is twice its input.", "broken", 0, 2, decisive=True)
    diagnosis = Diagnosis("squared", "double means square", "It is squared.", "“1 · Twice”, in this notebook")
    assert remark(ExerciseVerdict("double", "wrong", 0, 2, (law,), diagnosis=diagnosis)) == (
        "This is consistent with: double means square. It is squared. Read on: “1 · Twice”, in this notebook. "
        "This law is broken: It is twice its input."
    )
