"""A class is graded to the last student, whatever any of them hands in, and anyone can repeat it."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from autograder.answer import Fault
from autograder.cohort import Sessions, default_jobs, grade_class
from autograder.course import Course
from autograder.sandbox import Limits, SandboxUnavailable
from tests.grading.conftest import RIGHT, Submit


def points(course: Course, **options: Any) -> dict[str, float]:
    return {grade.student: grade.verdict.points for grade in grade_class(course, "toy", record=False, **options)}


def right(double: str) -> dict[str, str]:
    return {**RIGHT, "double": double}


# ---- in this process


@pytest.mark.usefixtures("here")
def test_everyone_is_graded_in_order_and_told_of(course: Course, submit: Submit) -> None:
    for student in ("b", "c", "a"):
        submit(student)
    told: list[tuple[str, int, int]] = []
    grades = grade_class(
        course, "toy", record=False, progress=lambda grade, done, all_: told.append((grade.student, done, all_))
    )
    assert [(grade.student, grade.verdict.points) for grade in grades] == [("a", 7), ("b", 7), ("c", 7)]
    assert told == [("a", 1, 3), ("b", 2, 3), ("c", 3, 3)]
    assert (grades.interrupted, grades.waiting) == (False, [])


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "is empty"),
        ("{", "not JSON"),
        (b"\xff" * 100, "UTF-8"),
        ('{"nbformat": 4, "cells": 3}', "no list of cells"),
        (b" " * 20_000_001, "MB large"),
        ('{"nbformat": 4, "cells": []}', "none of the cells of toy"),
    ],
)
def test_a_file_that_cannot_be_graded_gets_its_reason_and_costs_nobody_else(
    content: Any, says: str, course: Course, submit: Submit
) -> None:
    submit("broken", content=content)
    submit("fine")
    broken, fine = grade_class(course, "toy", record=False)
    assert says in broken.verdict.problem
    assert (broken.verdict.points, fine.verdict.points) == (0, 7)
    assert not broken.failed


@pytest.mark.usefixtures("here")
def test_a_notebook_under_another_name_is_told_apart_from_none(course: Course, submit: Submit) -> None:
    submit("jane").rename(course.folder("submitted", "jane", "toy") / "homework.ipynb")
    (grade,) = grade_class(course, "toy", record=False)
    assert "There is no file toy.ipynb" in grade.verdict.problem
    assert "There is: homework.ipynb." in grade.verdict.problem


@pytest.mark.usefixtures("here")
def test_the_name_of_another_file_is_shown_and_obeyed_by_nobody(course: Course, submit: Submit) -> None:
    folder = submit("mallory").parent
    names = [b"\x1b]0;mine\x07.ipynb", b"\xff.ipynb", "\u202egnp.ipynb".encode()]
    (folder / "toy.ipynb").rename(os.fsdecode(os.fsencode(folder) + b"/" + names[0]))
    for name in names[1:]:
        Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).touch()
    submit("honest")
    honest, mallory = grade_class(course, "toy")
    assert "There is: .ipynb, ]0;mine.ipynb, gnp.ipynb." in mallory.verdict.problem
    assert honest.verdict.points == 7


@pytest.mark.usefixtures("here")
def test_a_note_on_a_cell_holds_nothing_that_a_terminal_obeys(course: Course, submit: Submit) -> None:
    submit(
        "mallory",
        {
            **RIGHT,
            "double": 'def f():\n    raise ValueError("\\x1b[2Jmine\\u202e\\n\\n# 7 of 7")\nx = f()\n'
            + RIGHT["double"],
        },
    )
    (grade,) = grade_class(course, "toy", record=False)
    (note,) = grade.verdict.notes
    assert note.endswith("ValueError: [2Jmine # 7 of 7")


@pytest.mark.usefixtures("here")
def test_a_folder_that_is_a_link_brings_nobody_anothers_points(course: Course, submit: Submit) -> None:
    submit("honest")
    course.folder("submitted", "by-student", ".").symlink_to(course.folder("submitted", "honest", "."))
    course.folder("submitted", "by-unit", ".").mkdir()
    course.folder("submitted", "by-unit", "toy").symlink_to(course.folder("submitted", "honest", "toy"))
    by_student, by_unit, honest = grade_class(course, "toy")
    assert "The folder by-student is a link" in by_student.verdict.problem
    assert "The folder toy is a link" in by_unit.verdict.problem
    assert [grade.verdict.points for grade in (by_student, by_unit, honest)] == [0, 0, 7]


@pytest.mark.usefixtures("here")
def test_a_course_whose_submissions_lie_elsewhere_is_graded(course: Course, submit: Submit, tmp_path: Path) -> None:
    submit("honest")
    (course.root / "submitted").rename(tmp_path / "large disk")
    (course.root / "submitted").symlink_to(tmp_path / "large disk")
    assert points(course) == {"honest": 7}


@pytest.mark.usefixtures("here")
def test_answers_of_a_notebook_that_lost_its_metadata_still_count(course: Course, submit: Submit, release: Any) -> None:
    notebook = json.loads(submit("jane").read_text())
    for cell in notebook["cells"]:
        cell["metadata"] = {}
    submit("jane", content=json.dumps(notebook))
    assert points(course) == {"jane": 7}


@pytest.mark.usefixtures("here")
def test_laws_beside_a_submission_are_not_used(course: Course, submit: Submit) -> None:
    submit("forger", right("def double(x):\n    return x")).with_name("laws.py").write_text("raise SystemExit")
    assert points(course) == {"forger": 4}


@pytest.mark.usefixtures("here")
def test_a_law_that_crashes_leaves_points_pending_and_is_the_graders_fault(course: Course, submit: Submit) -> None:
    laws = course.source("toy") / "laws.py"
    laws.write_text(laws.read_text().replace("CRASHES = False", "CRASHES = True"))
    submit("jane")
    (grade,) = grade_class(course, "toy", record=False)
    assert [exercise.status for exercise in grade.verdict.exercises] == ["correct", "pending"]
    assert grade.pending


@pytest.mark.usefixtures("here")
def test_a_failure_of_the_grader_on_one_exercise_leaves_the_others_their_points(
    course: Course, submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    import autograder.judge

    check_exercise = autograder.judge.check_exercise

    def unless_double(exercise: Any, *args: Any, **kwargs: Any) -> Any:
        if exercise.name == "double":
            raise RuntimeError("a defect of ours")
        return check_exercise(exercise, *args, **kwargs)

    monkeypatch.setattr("autograder.judge.check_exercise", unless_double)
    submit("one")
    (grade,) = grade_class(course, "toy", record=False)
    statuses = {exercise.name: exercise.status for exercise in grade.verdict.exercises}
    assert statuses.pop("double") == "pending"
    assert set(statuses.values()) == {"correct"}
    assert grade.verdict.points > 0
    assert grade.pending
    assert "a defect of ours" in grade.failed
    assert "a defect of ours" not in json.dumps(grade.verdict.to_json())


@pytest.mark.usefixtures("here")
def test_a_failure_of_the_grader_itself_is_pending_for_one_and_told_to_the_instructor(
    course: Course, submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    import autograder.cohort

    judge = autograder.cohort.judge_submission

    def sometimes(*args: Any, student: str, **kwargs: Any) -> Any:
        if student == "unlucky":
            raise RuntimeError("a defect of ours")
        return judge(*args, student=student, **kwargs)

    monkeypatch.setattr("autograder.cohort.judge_submission", sometimes)
    submit("unlucky")
    submit("lucky")
    grades = grade_class(course, "toy", record=False)
    assert {grade.student: (grade.pending, grade.verdict.points) for grade in grades} == {
        "lucky": (False, 7),
        "unlucky": (True, 0),
    }
    assert "a defect of ours" in grades.failed[0].failed
    assert "a defect of ours" not in json.dumps(grades.to_json())


@pytest.mark.usefixtures("here")
def test_ctrl_c_keeps_what_is_graded(course: Course, submit: Submit) -> None:
    for student in "abc":
        submit(student)

    def press(grade: Any, done: int, all_: int) -> None:
        if grade.student == "b":
            os.kill(os.getpid(), signal.SIGINT)

    before = signal.signal(
        signal.SIGINT, signal.default_int_handler
    )  # who starts the tests in the background ignores Ctrl-C
    try:
        grades = grade_class(course, "toy", progress=press)
    finally:
        signal.signal(signal.SIGINT, before)
    assert (grades.interrupted, [grade.student for grade in grades], grades.waiting) == (True, ["a", "b"], ["c"])
    assert (course.root / "autograded" / "b" / "toy" / "toy.ipynb").is_file()


def test_without_a_sandbox_nobody_is_graded(course: Course, submit: Submit, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(**_: Any) -> Any:
        raise SandboxUnavailable("There is no bwrap here.")

    monkeypatch.setattr("autograder.cohort.open_sandbox", none)
    submit("jane")
    with pytest.raises(SandboxUnavailable):
        grade_class(course, "toy")
    assert not (course.root / "autograded").exists()


def test_few_submissions_are_graded_by_one_process() -> None:
    assert default_jobs(0) == default_jobs(29) == 1


# ---- a session that ends, by a script of what each request does


class Scripted:
    """Sessions that answer by name: "ok", a fault's kind in the reply, or "die"."""

    def __init__(self, **does: str) -> None:
        self.does, self.opened, self.asked = does, 0, []

    def session(self) -> Any:
        self.opened += 1
        return self

    def close(self) -> None:
        pass

    def request(self, request: dict[str, Any]) -> dict[str, Any]:
        names = [request["target"]] if "target" in request else [cell["source"] for cell in request["cells"]]
        for name in names:
            self.asked.append(name)
            what = self.does.get(name, "ok")
            if what == "die":
                raise Fault("died", f"{name} ended it.")
            if what != "ok":
                return {"fault": {"kind": what, "message": f"{name} failed."}}
        return {"value": 1}


def ask(sessions: Sessions, name: str) -> str:
    try:
        reply = sessions.request({"op": "call", "target": name})
    except Fault as fault:
        return fault.kind
    return reply.get("fault", {}).get("kind", "ok")


def test_an_answer_that_ends_the_session_costs_itself_alone() -> None:
    sandbox = Scripted(f="die")
    sessions = Sessions(sandbox, "toy", [])
    assert [ask(sessions, name) for name in "fffg"] == ["died", "died", "died", "ok"]
    assert (sandbox.asked.count("f"), sandbox.opened) == (1, 2)


def test_an_answer_that_never_ends_is_asked_once() -> None:
    sandbox = Scripted(f="cpu_limit")
    sessions = Sessions(sandbox, "toy", [])
    assert [ask(sessions, name) for name in "fffg"] == ["cpu_limit"] * 3 + ["ok"]
    assert sandbox.asked.count("f") == 1


def test_the_answer_after_one_that_failed_starts_afresh_and_others_share_a_session() -> None:
    sandbox = Scripted(f="raised")
    sessions = Sessions(sandbox, "toy", [])
    assert [ask(sessions, name) for name in "effgh"] == ["ok", "raised", "raised", "ok", "ok"]
    assert sandbox.opened == 2


def test_a_session_after_one_that_used_up_its_time_has_less_of_it() -> None:
    """Else every exercise of a notebook that hears no signal costs minutes, and every cell that does."""
    seconds: list[int] = []

    class Timed(Scripted):
        limits = Limits()

        def session(self, limits: Limits | None = None) -> Any:
            seconds.append((limits or self.limits).cpu_seconds)
            return super().session()

        def request(self, request: dict[str, Any]) -> dict[str, Any]:
            try:
                return super().request(request)
            except Fault as fault:
                raise Fault("cpu_limit", str(fault)) from None

    sessions = Sessions(Timed(f="die", g="die"), "toy", [])
    assert [ask(sessions, name) for name in "efgh"] == ["ok", "cpu_limit", "cpu_limit", "ok"]
    assert seconds == [120, 30, 30]
    seconds.clear()
    cells = [{"index": 1, "source": "bad", "locked": False}]
    assert ask(Sessions(Timed(bad="die"), "toy", cells), "f") == "ok"
    assert seconds == [120, 30, 30]


def test_a_cell_that_ends_the_process_is_left_out_and_named() -> None:
    cells = [{"index": i, "source": name, "locked": False} for i, name in enumerate(["a", "bad", "c"], start=1)]
    sessions = Sessions(Scripted(bad="die"), "toy", cells)
    assert ask(sessions, "f") == "ok"
    assert sessions.notes[0].startswith("Cell 2 ends the notebook's process")


def test_a_notebook_that_is_not_loaded_to_its_end_says_so() -> None:
    """Whatever its later cells define is missing then, and nobody would know why."""
    cells = [{"index": 1, "source": "bad", "locked": False}]
    sessions = Sessions(Scripted(bad="raised"), "toy", cells)
    assert ask(sessions, "f") == "ok"
    assert sessions.notes == ("The notebook was not loaded to its end: bad failed.",)


def test_a_notebook_of_deadly_cells_is_given_up(course: Course) -> None:
    cells = [{"index": i, "source": "bad", "locked": False} for i in range(1, 9)]
    sandbox = Scripted(bad="die")
    sessions = Sessions(sandbox, "toy", cells)
    assert {ask(sessions, "f"), ask(sessions, "g")} == {"died"}
    assert sandbox.opened < 12


# ---- behind the walls

HOSTILE = {
    "exits-on-import": "import os\nx = os._exit(0)\ndef double(x):\n    return 2 * x",
    "exits": "import os\ndef double(x):\n    os._exit(0)",
    "forks": "import os\ndef double(x):\n    while True: os.fork()",
    "interrupts": "def double(x):\n    raise KeyboardInterrupt",
    "leaves": "import sys\ndef double(x):\n    sys.exit(0)",
    "recurses": "def double(x):\n    return double(x)",
    "shouts": "def double(x):\n    print('x' * 1_000_000)\n    return x",
    "swells": "def double(x):\n    return x.new_zeros(1_250_000_000_000).sum() + x",
}


@pytest.fixture
def hostile_class(course: Course, submit: Submit) -> dict[str, float]:
    """Everyone's `triple` is right and `double` is not; two honest students sit among them."""
    for student, double in HOSTILE.items():
        submit(student, right(double))
    submit("honest-1")
    submit("zealous")
    return {**dict.fromkeys(HOSTILE, 4.0), "honest-1": 7.0, "zealous": 7.0}


def test_what_one_submission_does_costs_it_its_own_exercise_and_nobody_else_anything(
    course: Course, hostile_class: dict[str, float]
) -> None:
    grades = grade_class(course, "toy", jobs=1, record=False)
    assert {grade.student: grade.verdict.points for grade in grades} == hostile_class
    assert not grades.failed
    for grade in grades:
        for exercise in grade.verdict.exercises:
            assert exercise.points == exercise.max_points or exercise.message or exercise.laws[0].witness


def test_grades_do_not_depend_on_the_number_of_processes_nor_on_one_of_them_dying(
    course: Course, submit: Submit, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    flag = tmp_path / "died"
    once = f"import os, pathlib; flag = pathlib.Path({str(flag)!r})\n    if not flag.exists():\n        flag.touch(); os._exit(9)"
    laws = course.source("toy") / "laws.py"
    laws.write_text(laws.read_text().replace("if CRASHES:", f"{once}\n    if CRASHES:"))
    submit("exits", right(HOSTILE["recurses"]))
    submit("right")
    submit("wrong", right("def double(x):\n    return 2 * x + 1"))
    submit("wrong too", right("def double(x):\n    return 3 * x"))
    several = grade_class(course, "toy", jobs=2, record=False)
    (unlucky,) = several.failed
    assert unlucky.pending
    request.getfixturevalue("here")  # from now on in this process
    alone = grade_class(course, "toy", jobs=1, record=False)
    for one, other in zip(several, alone, strict=True):
        assert one is unlucky or json.dumps(one.verdict.to_json()) == json.dumps(other.verdict.to_json())
