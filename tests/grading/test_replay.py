"""A grade can be shown again and comes out the same; its record is the instructor's, and replaying changes nothing."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import sqlite3
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from autograder import cli
from autograder.cohort import failed, grade_class
from autograder.course import Course
from autograder.exercise import Unit
from autograder.feedback.replay import page, seed_name
from autograder.gradebook import GradebookWriter
from autograder.record import Unusable, exercise_of, read_record, verdict_of
from autograder.replay import NothingToReplay, Replay, replay
from autograder.verdict import Diagnosis, ExerciseVerdict, LawVerdict, Verdict, Witness
from tests.grading.conftest import CONFIG, RIGHT, Submit

pytestmark = pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")  # nbgrader's own

ANSWERS = {
    "right": RIGHT,
    "wrong": {**RIGHT, "double": "def double(x):\n    return 3 * x"},
    "partly": {**RIGHT, "double": "def double(x):\n    return x + x.abs()"},
    "raises": {**RIGHT, "double": "def double(x):\n    raise ValueError('\\x1b[2Jno')"},
    "prints": {**RIGHT, "double": "def double(x):\n    print('\\x1b]0;title\\x07', x.shape)\n    return x"},
    "notes": {"double": "1 / 0\ndef double(x):\n    return 2 * x", "triple": "x = nobody"},
    "stub": {},
}


def record(course: Course, student: str) -> dict[str, Any]:
    found = read_record(course, student, "toy")
    assert found is not None
    return found


def record_file(course: Course, student: str) -> Path:
    return course.root / "autograded" / student / "toy" / "verdict.json"


def rewrite(course: Course, student: str, **graded: Any) -> None:
    """Make a record say that it was graded in other circumstances."""
    changed = record(course, student)
    changed["graded"] |= graded
    record_file(course, student).unlink()
    record_file(course, student).write_text(json.dumps(changed))


def laws(course: Course, was: str, becomes: str) -> None:
    path = course.source("toy") / "laws.py"
    assert was in path.read_text()
    path.write_text(path.read_text().replace(was, becomes))


def told(again: Replay, width: int = 100) -> str:
    return page(again, width).plain


def dlvm(*arguments: object) -> tuple[int, str, str]:
    """Run the command line in this process: exit code, stdout, stderr."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as ended:
        cli.app([str(argument) for argument in arguments], prog_name="dlvm")
    assert isinstance(ended.value.code, int)
    return ended.value.code, out.getvalue(), err.getvalue()


@pytest.fixture
def graded(course: Course, submit: Submit) -> Course:
    """A graded class of all kinds."""
    for student, answers in ANSWERS.items():
        submit(student, answers)
    submit("broken", content="{")
    grade_class(course, "toy")
    return course


# ---- the record ----------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("here")
def test_a_record_has_the_verdict_and_all_that_it_depends_on(course: Course, submit: Submit) -> None:
    path = submit("jane", ANSWERS["wrong"])
    (course.source("toy") / "given.py").write_text("# nothing is given\n")
    (grade,) = grade_class(course, "toy")
    found = record(course, "jane")
    circumstances = found.pop("graded")
    assert found == json.loads(json.dumps(grade.verdict.to_json()))
    assert circumstances["seed"] == course.seed()
    assert circumstances["date"].endswith("Z")
    assert {"device", "engine", "torch", "python"} <= circumstances.keys()
    files = {
        "submission": path,
        "laws.py": course.source("toy") / "laws.py",
        "given.py": course.source("toy") / "given.py",
    }
    for name, file in files.items():
        assert circumstances["sha256"][name] == hashlib.sha256(file.read_bytes()).hexdigest(), name
    assert circumstances["sha256"].keys() == {*files, "release", "engine"}
    assert record_file(course, "jane").stat().st_mode & 0o777 == 0o444
    assert sorted(item.name for item in record_file(course, "jane").parent.iterdir()) == ["toy.ipynb", "verdict.json"]


@pytest.mark.usefixtures("here")
def test_nbgraders_own_autograde_leaves_the_same_record(graded: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    from nbgrader.apps import NbGraderAPI

    from autograder.release import release

    bulk = {student: record(graded, student) for student in [*ANSWERS, "broken"]}
    release(graded)
    monkeypatch.chdir(graded.root)
    api = NbGraderAPI(config=graded.config)
    for student, there in bulk.items():
        assert api.autograde("toy", student, force=True)["success"]
        theirs = record(graded, student)
        assert record_file(graded, student).stat().st_mode & 0o777 == 0o444
        for one in (there, theirs):
            del one["graded"]["date"]
        assert theirs == there


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("careless", [False, True])
def test_the_record_reaches_no_feedback_and_no_release(
    course: Course, submit: Submit, careless: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even where an instructor has replaced the list of what nbgrader leaves out."""
    from nbgrader.apps import NbGraderAPI

    from autograder.release import release

    if careless:
        course.config_file.write_text(
            f"{CONFIG}\nget_config().CourseDirectory.ignore = ['misconceptions.py', 'questions.py']\n"
        )
        course = Course(course.root)
    submit("jane", timestamp="2026-11-12 11:31:00 UTC").with_name("verdict.json").write_text(
        '{"points": 7, "forged": true}'
    )
    grade_class(course, "toy")
    release(course)
    monkeypatch.chdir(course.root)
    api = NbGraderAPI(config=course.config)
    assert api.generate_feedback("toy")["success"]
    pages = sorted(path.name for path in (course.root / "feedback/jane/toy").iterdir())
    assert "toy.html" in pages
    assert "verdict.json" not in pages
    assert "forged" not in record(course, "jane")
    seed = str(course.seed()).encode()
    reached = [path for step in ("feedback", "exercises") for path in (course.root / step).rglob("*") if path.is_file()]
    assert len(reached) >= 3
    assert [path for path in reached if seed in path.read_bytes()] == []


@pytest.mark.usefixtures("here")
def test_a_forged_record_beside_a_submission_is_not_taken_by_nbgraders_autograde(
    course: Course, submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nbgrader.apps import NbGraderAPI

    from autograder.release import release

    submit("jane", ANSWERS["wrong"]).with_name("verdict.json").write_text('{"points": 7}')
    release(course)
    monkeypatch.chdir(course.root)
    assert NbGraderAPI(config=course.config).autograde("toy", "jane")["success"]
    assert record(course, "jane")["points"] == 4


def test_a_verdict_read_back_is_the_verdict() -> None:
    witness = Witness("f(0)", "nan", "1", shrunk=True, note="NaN (not a number) came back.")
    laws = (
        LawVerdict("a", "A.", "broken", 0, 2, True, "", witness, float("inf"), 1e-11),
        LawVerdict("b", "B.", "holds", 0, 1, margin=0.05),
    )
    exercise = ExerciseVerdict("f", "wrong", 0, 3, laws, "m", "line 1", Diagnosis("swap", "b", "s", "r"), "printed")
    whole = Verdict("toy", "jane", (exercise,), "problem", ("note",))
    assert verdict_of(json.loads(json.dumps(whole.to_json()))) == whole
    later = json.loads(json.dumps(exercise.to_json())) | {"a key of a later version": 1}
    later["diagnosis"] |= {"another": 2}
    later["laws"][0]["witness"] |= {"a third": 3}
    assert exercise_of(later) == exercise


# ---- the same again ------------------------------------------------------------------------------------------------------


def everything_in(folder: Path) -> dict[str, tuple[int, bytes | None]]:
    return {
        str(path): (path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else None)
        for path in [folder, *folder.rglob("*")]
    }


@pytest.mark.usefixtures("here")
def test_the_same_submission_laws_and_seed_give_the_same_verdict_and_nothing_is_written(
    graded: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.dont_write_bytecode", False)
    for compiled in graded.root.rglob("*.pyc"):
        compiled.unlink()
    before = everything_in(graded.root)
    for student in [*ANSWERS, "broken"]:
        again = replay(graded, student, "toy")
        assert again.again is not None
        assert again.record is not None
        assert {**again.again, "graded": 0} == {**again.record, "graded": 0}, student
        assert (again.same, again.changed, again.differences, again.details) == (True, (), (), ())
        assert "The verdict is the same, law by law" in told(again)
    assert everything_in(graded.root) == before


def test_behind_the_sandbox_it_comes_out_the_same_even_for_answers_that_attack(course: Course, submit: Submit) -> None:
    submit("exits", {**RIGHT, "double": "import os\ndef double(x):\n    os._exit(3)"})
    submit("loops", {**RIGHT, "double": "def double(x):\n    while True:\n        pass"})
    submit("swells", {**RIGHT, "double": "def double(x):\n    return x.new_zeros(1_250_000_000_000).sum() + x"})
    grade_class(course, "toy", jobs=1)
    for student in ("exits", "loops", "swells"):
        code, out, err = dlvm("replay", student, "toy", "--course", course.root, "--json")
        found = json.loads(out)
        assert (code, err) == (0, "")
        assert {**found["again"], "graded": 0} == {**found["record"], "graded": 0}
        assert found["again"]["points"] == 4


@pytest.mark.usefixtures("here")
def test_an_answer_that_depends_on_something_else_is_found_out(course: Course, submit: Submit) -> None:
    """Its first calls are right, those of a later grading are not."""
    count = "import sys\nsys.double_was_loaded = getattr(sys, 'double_was_loaded', 0) + 1\n"
    body = "def double(x):\n    return 2 * x if sys.double_was_loaded < 2 else x"
    submit("moody", {**RIGHT, "double": count + body})
    grade_class(course, "toy")
    assert record(course, "moody")["points"] == 7
    again = replay(course, "moody", "toy")
    assert again.same is False
    assert ("double", "is_twice", "evidence", "holds", "broken") in [tuple(vars(d).values()) for d in again.differences]
    assert "7 points then, 4 points now" in told(again)
    assert "this answer must depend on something else" in told(again).replace("\n  ", " ")


# ---- what changed since --------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("here")
def test_versions_that_changed_are_named_before_the_comparison(graded: Course) -> None:
    hashes = record(graded, "wrong")["graded"]["sha256"]
    rewrite(graded, "wrong", torch="2.0.0", python="3.10.1", engine="0.0.1", sha256={**hashes, "release": "another"})
    again = replay(graded, "wrong", "toy")
    assert [change.what for change in again.changed] == ["release", "engine", "torch", "python"]
    assert again.same is True
    text = told(again, 300)
    assert "torch is " in text
    assert "was 2.0.0" in text
    assert text.index("was 2.0.0") < text.index("The verdict is the same")


@pytest.mark.usefixtures("here")
def test_a_device_that_is_not_here_is_replaced_and_named(graded: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    from autograder import answer

    def none(device: str) -> str:
        raise answer.NoSuchDevice("There is none.", known=True)

    rewrite(graded, "wrong", device="cuda")
    monkeypatch.setattr("autograder.answer.usable_device", none)
    again = replay(graded, "wrong", "toy")
    assert [(change.was, change.now) for change in again.changed] == [("cuda", "cpu")]
    assert again.same is True


@pytest.mark.usefixtures("here")
def test_laws_that_read_otherwise_and_judge_the_same_are_named_and_compared(graded: Course) -> None:
    laws(graded, "It is twice its input.", "It is two times its input.")
    again = replay(graded, "wrong", "toy")
    assert [change.what for change in again.changed] == ["laws.py"]
    assert again.same is True
    assert "laws.py was changed" in told(again)


@pytest.mark.usefixtures("here")
def test_laws_that_judge_otherwise_make_another_verdict(graded: Course) -> None:
    laws(graded, "close(double(x), 2 * x,", "close(double(x), 3 * x,")
    again = replay(graded, "wrong", "toy")
    assert again.same is False
    assert "double, is_twice: evidence broken then, holds now" in told(again)
    assert dlvm("replay", "wrong", "toy", "--course", graded.root)[0] == 1


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("was", "becomes", "says"),
    [
        ("def is_odd", "def is_odd_now", "is_odd_now: new in the laws"),
        ("def is_odd", "def is_odd_now", "is_odd: gone from the laws"),
        ("points=1", "points=2", "is_odd: worth 1 then, 2 now"),
    ],
)
def test_with_other_laws_or_points_there_is_nothing_to_compare(
    graded: Course, was: str, becomes: str, says: str
) -> None:
    laws(graded, was, becomes)
    again = replay(graded, "partly", "toy")
    assert again.same is None
    assert says in told(again)
    assert "cannot be compared" in told(again)
    assert dlvm("replay", "partly", "toy", "--course", graded.root)[0] == 1


@pytest.mark.usefixtures("here")
def test_a_submission_handed_in_anew_is_not_compared(graded: Course, submit: Submit) -> None:
    submit("wrong", RIGHT)
    again = replay(graded, "wrong", "toy")
    assert [change.what for change in again.changed] == ["submission"]
    assert again.same is None
    assert "the submission was handed in anew" in told(again)
    assert "4 points then, 7 points now" in told(again)


@pytest.mark.usefixtures("here")
def test_without_the_submission_the_record_is_shown(graded: Course, submit: Submit) -> None:
    path = submit("wrong", ANSWERS["wrong"])
    path.unlink()
    path.parent.rmdir()
    code, out, _ = dlvm("replay", "wrong", "toy", "--course", graded.root)
    assert code == 1
    assert "✗ It is twice its input." in out
    assert "the submission is no longer there" in out


# ---- without a record ----------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("here")
def test_without_a_record_it_is_graded_now_and_that_is_said(graded: Course) -> None:
    record_file(graded, "wrong").unlink()
    code, out, _ = dlvm("replay", "wrong", "toy", "--course", graded.root)
    assert code == 1
    assert "before dlvm kept records" in out
    assert "✗ It is twice its input." in out
    assert not record_file(graded, "wrong").exists()


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"schema": "dlvm-verdict/1"}', '{"schema": "another/1", "exercises": []}']
)
def test_a_damaged_record_is_named_and_not_believed(graded: Course, text: str) -> None:
    record_file(graded, "wrong").unlink()
    record_file(graded, "wrong").write_text(text)
    with pytest.raises(Unusable):
        read_record(graded, "wrong", "toy")
    again = replay(graded, "wrong", "toy")
    assert (again.record, again.same) == (None, None)
    assert "verdict.json" in told(again)


@pytest.mark.usefixtures("here")
def test_another_students_record_is_not_taken_for_ones_own(graded: Course) -> None:
    record_file(graded, "wrong").unlink()
    shutil.copy(record_file(graded, "right"), record_file(graded, "wrong"))
    again = replay(graded, "wrong", "toy")
    assert again.record is None
    assert "is not the record of wrong's toy" in told(again)


@pytest.mark.usefixtures("here")
def test_where_nothing_was_ever_graded_no_seed_is_made(course: Course, submit: Submit) -> None:
    submit("jane")
    with pytest.raises(NothingToReplay, match="dlvm grade toy"):
        replay(course, "jane", "toy")
    assert not course.seed_file.exists()


@pytest.mark.usefixtures("here")
def test_a_lost_seed_does_not_matter_where_there_is_a_record(graded: Course) -> None:
    seed = graded.seed()
    graded.seed_file.unlink()
    again = replay(graded, "wrong", "toy")
    assert again.same is True
    assert again.again is not None
    assert again.again["graded"]["seed"] == seed
    assert not graded.seed_file.exists()


# ---- failures of the grader ----------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("here")
def test_points_that_wait_for_a_person_are_shown_as_such(course: Course, submit: Submit) -> None:
    laws(course, "CRASHES = False", "CRASHES = True")
    submit("jane")
    grade_class(course, "toy")
    again = replay(course, "jane", "toy")
    assert again.same is True
    assert "triple: 0 of 4 points. Undecided: a person will look at this." in told(again)
    assert "triple: 0 of 4 points (by the laws; waits for a person)" in told(again)


@pytest.mark.usefixtures("here")
def test_a_grade_that_the_grader_failed_to_give_is_no_verdict_to_compare_with(course: Course, submit: Submit) -> None:
    submit("jane")
    with GradebookWriter(course, "toy") as writer:
        writer.write(failed(Unit.load(course.source("toy")), "jane", "Traceback: the process ended"))
    course.seed()
    again = replay(course, "jane", "toy")
    assert (again.same, again.changed) == (None, ())
    assert "The grader itself failed" in told(again)
    assert "The grader failed then, and does not now: 7 of 7 points" in told(again)
    assert "Traceback" not in told(again)


@pytest.mark.usefixtures("here")
def test_a_grader_that_fails_now_says_nothing_about_the_grade(graded: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: Any, **__: Any) -> Any:
        raise RuntimeError("a defect of ours")

    monkeypatch.setattr("autograder.cohort.judge_submission", crash)
    again = replay(graded, "wrong", "toy")
    assert again.same is None
    assert "failed this time" in told(again)
    assert "a defect of ours" in json.dumps(again.to_json())


# ---- the page ------------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("here")
def test_the_page_shows_laws_margins_witness_and_what_came_back(graded: Course) -> None:
    text = told(replay(graded, "wrong", "toy"))
    assert "double: 0 of 3 points. Not right yet." in text
    assert "✗ It is twice its input. [0 of 2 points; the decisive law; the error is " in text
    assert "✓ Turning the input around turns the output around. [0 of 1 points]" in text
    assert "Holds; its points are earned once the first law holds." in text
    assert (
        "The smallest input found that breaks it:\n        │ import torch\n        │ x = torch.tensor([[1.0]]" in text
    )
    assert "came back: [3]\n      expected: [2]" in text
    assert "Together 4 of 7 points: 1 right, 1 not right yet." in text


@pytest.mark.usefixtures("here")
def test_the_page_can_be_sent_to_the_student_it_does_not_tell_the_seed(graded: Course) -> None:
    for student in ANSWERS:
        text = told(replay(graded, student, "toy"))
        assert str(graded.seed()) not in text
        assert seed_name(graded.seed()) in text
    assert seed_name(1) != seed_name(2)


@pytest.mark.usefixtures("here")
def test_what_a_student_wrote_is_shown_and_not_obeyed(graded: Course) -> None:
    changed = record(graded, "prints")
    double = changed["exercises"][0]
    double |= {"message": "\x1b[2Jno", "where": "x\u202e", "printed": "a\r\x1b]0;title\x07"}
    double["laws"][0]["witness"] |= {"code": "f(1)  # \x1b[1m", "got": "\x9b", "note": "\x00"}
    changed["notes"] = ["Cell 1: \x1b[5m"]
    record_file(graded, "prints").unlink()
    record_file(graded, "prints").write_text(json.dumps(changed))
    text = told(replay(graded, "prints", "toy"))
    assert "\ufffd[2Jno" in text
    assert "\ufffd]0;title\ufffd" in text
    assert "Cell 1: \ufffd[5m" in text
    assert not set(text) & set("\x1b\u202e\x07\r\x9b\x00")
    notes = told(replay(graded, "notes", "toy"))
    assert "What did not run while the notebook was loaded" in notes
    assert "nobody" in notes


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("width", [60, 80, 120])
def test_lines_fit_the_page_and_code_is_left_whole(graded: Course, width: int) -> None:
    lines = told(replay(graded, "wrong", "toy"), width).splitlines()
    assert max(len(line) for line in lines if "│" not in line) <= width
    assert any("│ x = torch.tensor(" in line for line in lines)


@pytest.mark.usefixtures("here")
def test_what_a_person_decided_is_on_the_page(graded: Course, submit: Submit) -> None:
    from nbgrader.api import Gradebook

    with Gradebook(graded.db_url) as opened:
        gradebook: Any = opened
        grade = gradebook.find_grade("check_double", "toy", "toy", "wrong")
        grade.manual_score, grade.extra_credit, grade.needs_manual_grade = 1.5, 0.5, False
        gradebook.find_comment("double", "toy", "toy", "wrong").manual_comment = "Nearly!\x1b[2J"
        gradebook.find_submission_notebook("toy", "toy", "wrong").late_submission_penalty = 1.0
        gradebook.find_student("wrong").first_name = "Wilma"
        gradebook.db.commit()
    again = replay(graded, "wrong", "toy")
    text = told(again)
    assert "wrong (Wilma), toy" in text
    assert "double: 2 of 3 points (given by a person, in the place of 0 by the laws; 0.5 of them extra)" in text
    assert "Comment: Nearly!\ufffd[2J" in text
    assert "late: −1 points" in text
    assert "counts: 5 points" in text
    assert again.gradebook is not None
    assert again.to_json()["gradebook"]["counts"] == again.gradebook.counts == 5


@pytest.mark.usefixtures("here")
def test_a_gradebook_that_says_otherwise_is_noticed(graded: Course) -> None:
    database = sqlite3.connect(graded.root / "gradebook.db")
    database.execute("UPDATE grade SET auto_score = 3 WHERE auto_score = 0")
    database.commit()
    database.close()
    assert "The gradebook has 3 points from the laws here, this verdict gives 0." in told(
        replay(graded, "wrong", "toy")
    )


@pytest.mark.usefixtures("here")
def test_without_a_gradebook_the_page_goes_without(graded: Course) -> None:
    (graded.root / "gradebook.db").unlink()
    assert "In the gradebook" not in told(replay(graded, "wrong", "toy"))
    assert not (graded.root / "gradebook.db").exists()


# ---- the command ---------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("here")
def test_one_exercise_alone(graded: Course) -> None:
    code, out, _ = dlvm("replay", "wrong", "toy", "triple", "--course", graded.root)
    assert code == 0
    assert "triple: 4 of 4 points." in out
    assert "double" not in out
    assert "counts" not in out
    laws(graded, "close(double(x), 2 * x,", "close(double(x), 3 * x,")  # what concerns the other does not matter
    code, out, _ = dlvm("replay", "wrong", "toy", "triple", "--course", graded.root, "--json")
    found = json.loads(out)
    assert (code, found["same"], found["exercise"]) == (0, True, "triple")
    assert [item["name"] for item in found["record"]["exercises"]] == ["triple"]
    assert (found["record"]["points"], found["record"]["max_points"]) == (4, 4)


@pytest.mark.usefixtures("here")
def test_json_is_the_documented_one(graded: Course) -> None:
    code, out, err = dlvm("replay", "wrong", "toy", "--course", graded.root, "--json")
    found = json.loads(out)
    assert (code, err) == (0, "")
    assert found["schema"] == "dlvm-replay/1"
    assert {"record", "again", "same", "changed", "differences", "details", "gradebook"} <= found.keys()
    assert (found["same"], found["changed"]) == (True, [])
    assert found["record"]["graded"]["seed"] == found["again"]["graded"]["seed"] == graded.seed()


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("wrogn", "toy"), "Did you mean wrong?"),
        (("../wrong", "toy"), "neither handed in toy nor been graded"),
        (("wrong", "toi"), "Did you mean toy?"),
        (("wrong", "toy", "duoble"), "Did you mean double?"),
    ],
)
def test_what_is_not_there_is_a_usage_error(graded: Course, arguments: tuple[str, ...], says: str) -> None:
    code, out, err = dlvm("replay", *arguments, "--course", graded.root)
    assert (code, out) == (2, "")
    assert says in err
    assert "Traceback" not in err


def test_without_a_sandbox_it_refuses_unless_trusted(
    course: Course, submit: Submit, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    from autograder import cohort
    from autograder.sandbox import SandboxUnavailable

    request.getfixturevalue("here")
    submit("jane")
    grade_class(course, "toy")
    opened = cohort.open_sandbox

    def walls(*, trust: bool = False, **options: Any) -> Any:
        if not trust:
            raise SandboxUnavailable("There is no bwrap here.")
        return opened(**options)

    monkeypatch.setattr("autograder.cohort.open_sandbox", walls)
    code, _, err = dlvm("replay", "jane", "toy", "--course", course.root)
    assert (code, err) == (3, "dlvm: There is no bwrap here.\n")
    assert dlvm("replay", "jane", "toy", "--course", course.root, "--trust")[0] == 0
