"""`dlvm` as people and scripts meet it: what it prints, where, and with which exit code."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import zipfile
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from autograder import cli
from autograder.feedback.terminal import printable, why
from autograder.verdict import Diagnosis, ExerciseVerdict, LawVerdict, Verdict

LAWS = '''
from jaxtyping import Float
from torch import Tensor

from autograder.domains import Reals
from autograder.evidence import close
from autograder.exercise import Unit

unit = Unit("toy", "A toy", minutes=90)


@unit.exercise(batch="n", measure="metres", sizes=dict(d=(1, 2)))
def double(x: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
    """Twice x."""


@double.law(points=2, where=dict(x=Reals(-8, 8)), decisive=True)
def is_twice(double, x):
    """It is twice its input."""
    return close(double(x), 2 * x, tolerance=1e-4)


@unit.exercise(batch="n", measure="metres", sizes=dict(d=(1,)))
def triple(x: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
    """Three times x."""


@triple.law(points=4, where=dict(x=Reals(-8, 8)), decisive=True)
def is_three_times(triple, x):
    """It is three times its input."""
    return close(triple(x), 3 * x, tolerance=1e-4)
'''

CONFIG = "from autograder.course import configure\n\nconfigure(get_config(), __file__)\n"
RIGHT = {"double": "return 2 * x", "triple": "return x + x + x"}
BOTH = 'def {name}(x):\n    """A toy."""\n    {body}'


def cell(source: str, grade_id: str, **claims: Any) -> Any:
    made = new_code_cell(source, id=grade_id.replace("_", "-"))
    metadata = {
        "schema_version": 3,
        "grade_id": grade_id,
        "grade": False,
        "solution": False,
        "locked": False,
        "task": False,
    }
    made.metadata["nbgrader"] = metadata | claims
    return made


def notebook(answers: dict[str, str]) -> str:
    cells = [cell("from autograder import check", "setup", locked=True)]
    for name, points in (("double", 2), ("triple", 4)):
        body = answers.get(name, "raise NotImplementedError")
        cells.append(cell(BOTH.format(name=name, body=body), name, solution=True))
        cells.append(cell(f'check("{name}")', f"check_{name}", grade=True, locked=True, points=points))
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return nbformat.writes(new_notebook(cells=cells, metadata={"kernelspec": kernel}))


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """A student's folder: laws.py and the notebook beside it, nothing answered."""
    folder = tmp_path / "toy"
    folder.mkdir()
    (folder / "laws.py").write_text(LAWS)
    (folder / "toy.ipynb").write_text(notebook({}))
    return folder


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """An instructor's course of the same unit."""
    root = tmp_path / "course"
    folder = root / "solutions" / "toy"
    folder.mkdir(parents=True)
    (root / "nbgrader_config.py").write_text(CONFIG)
    (folder / "laws.py").write_text(LAWS)
    marked = {name: f"### BEGIN SOLUTION\n    {body}\n    ### END SOLUTION" for name, body in RIGHT.items()}
    (folder / "toy.ipynb").write_text(notebook(marked))
    return root


def submit(course: Path, student: str, text: str) -> None:
    folder = course / "submitted" / student / "toy"
    folder.mkdir(parents=True)
    (folder / "toy.ipynb").write_text(text)


@dataclass
class Ran:
    exit_code: int
    stdout: str
    stderr: str


def dlvm(*arguments: object, **environment: str) -> Ran:
    """Run the command line in this process: what it printed on stdout and stderr, and its exit code."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        for name, value in environment.items():
            patch.setenv(name, value)
        with pytest.raises(SystemExit) as ended:
            cli.app([str(argument) for argument in arguments], prog_name="dlvm")
    assert isinstance(ended.value.code, int)
    return Ran(ended.value.code, out.getvalue(), err.getvalue())


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Judge in this process: these tests are about the command line, not about the walls."""
    from autograder import cohort, sandbox
    from autograder.answer import LocalTransport
    from autograder.session import Session

    class Here:
        def __enter__(self) -> Here:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def session(self) -> LocalTransport:
            return LocalTransport(Session(None))

    monkeypatch.setattr(sandbox, "open_sandbox", lambda **_: Here())
    monkeypatch.setattr(cohort, "open_sandbox", lambda **_: Here())


# ---- at once, and quiet -------------------------------------------------------------------------------------------------


def run(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-X", "importtime", "-m", "autograder.cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


def test_help_imports_neither_torch_nor_nbgrader() -> None:
    done = run("--help")
    imported = {line.rsplit("|", 1)[-1].strip() for line in done.stderr.splitlines() if "|" in line}
    assert done.returncode == 0
    assert "autograder" in imported
    assert not imported & {"torch", "numpy", "nbgrader", "nbformat", "hypothesis", "matplotlib", "sympy"}


def test_the_console_script_is_this_command_line() -> None:
    (script,) = entry_points(group="console_scripts", name="dlvm")
    assert script.load() is cli.main


def test_help_names_every_command_and_every_exit_code() -> None:
    shown = dlvm("--help").stdout
    for name in ("check", "list", "release", "bundle", "collect", "grade", "replay", "demo", "doctor", "new", "audit"):
        assert f" {name} " in shown
    for code in ("0:", "1:", "2:", "3:", "130:"):
        assert code in shown


def test_nothing_but_the_answer_goes_into_a_pipe(unit: Path) -> None:
    environment = {**os.environ, "TERM": "xterm-256color"}
    command = [sys.executable, "-m", "autograder.cli", "check", str(unit / "toy.ipynb"), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == cli.FOUND_SOMETHING
    assert json.loads(done.stdout)["unit"] == "toy"
    assert "\x1b" not in done.stdout + done.stderr
    assert "Checking" not in done.stderr


# ---- check --------------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("here")
def test_check_exits_0_when_all_laws_hold(unit: Path) -> None:
    (unit / "toy.ipynb").write_text(notebook(RIGHT))
    done = dlvm("check", unit / "toy.ipynb")
    assert done.exit_code == 0
    assert "6 of 6 points: 2 right." in done.stdout


@pytest.mark.usefixtures("here")
def test_check_exits_1_for_a_broken_law_and_shows_the_witness(unit: Path) -> None:
    (unit / "toy.ipynb").write_text(notebook({**RIGHT, "triple": "return 2 * x"}))
    done = dlvm("check", unit / "toy.ipynb")
    assert done.exit_code == 1
    assert "It is three times its input." in done.stdout
    assert "torch.tensor(" in done.stdout
    assert "2 of 6 points: 1 right, 1 not right yet." in done.stdout


@pytest.mark.usefixtures("here")
def test_check_exits_1_for_the_untouched_notebook_and_says_not_yet(unit: Path) -> None:
    done = dlvm("check", unit / "toy.ipynb")
    assert done.exit_code == 1
    assert "0 of 6 points: 2 not yet." in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.usefixtures("here")
def test_check_of_one_exercise_leaves_the_others_aside(unit: Path) -> None:
    (unit / "toy.ipynb").write_text(notebook({"double": RIGHT["double"]}))
    done = dlvm("check", unit / "toy.ipynb", "--exercise", "double", "--json")
    assert done.exit_code == 0
    assert [exercise["name"] for exercise in json.loads(done.stdout)["exercises"]] == ["double"]


@pytest.mark.usefixtures("here")
def test_check_prints_the_documented_json(unit: Path) -> None:
    (unit / "toy.ipynb").write_text(notebook({"double": "return 3 * x"}))
    found = json.loads(dlvm("check", unit / "toy.ipynb", "--json").stdout)
    assert {"schema", "engine", "unit", "student", "points", "max_points", "exercises"} <= set(found)
    double = found["exercises"][0]
    assert {"name", "points", "max_points", "status", "laws", "diagnosis"} <= set(double)
    assert {"name", "sentence", "evidence", "points", "witness", "message"} <= set(double["laws"][0])
    assert (double["status"], double["laws"][0]["evidence"]) == ("wrong", "broken")


def test_check_exits_2_for_an_unknown_exercise_and_names_the_nearest(unit: Path) -> None:
    done = dlvm("check", unit / "toy.ipynb", "--exercise", "duoble")
    assert done.exit_code == 2
    assert "Did you mean double?" in done.stderr


def test_check_exits_2_for_a_file_that_is_not_there(unit: Path) -> None:
    done = dlvm("check", unit / "other.ipynb")
    assert done.exit_code == 2
    assert "does not exist" in done.stderr


def test_check_exits_3_without_laws_and_says_what_to_do(unit: Path) -> None:
    (unit / "laws.py").unlink()
    done = dlvm("check", unit / "toy.ipynb")
    assert done.exit_code == 3
    assert "no laws.py beside it" in done.stderr


@pytest.mark.parametrize(
    ("laws", "said"), [("def f(:\n", "line 1"), ("x = 1\n\nx.y\n", "line 3"), ("", "declares no Unit")]
)
def test_check_exits_3_when_laws_do_not_load_and_names_the_line(unit: Path, laws: str, said: str) -> None:
    (unit / "laws.py").write_text(laws)
    done = dlvm("check", unit / "toy.ipynb")
    assert done.exit_code == 3
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("text", ["", "not JSON", "[]"])
def test_check_exits_3_for_a_file_that_is_no_notebook(unit: Path, text: str) -> None:
    (unit / "toy.ipynb").write_text(text)
    done = dlvm("check", unit / "toy.ipynb")
    assert done.exit_code == 3
    assert "toy.ipynb" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.usefixtures("here")
def test_check_exits_3_when_a_law_itself_crashes(unit: Path) -> None:
    (unit / "laws.py").write_text(LAWS.replace("return close(triple", "raise RuntimeError\n    return close(triple"))
    (unit / "toy.ipynb").write_text(notebook(RIGHT))
    assert dlvm("check", unit / "toy.ipynb").exit_code == 3


def test_check_without_a_sandbox_uses_a_plain_process_and_says_so(unit: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from autograder import sandbox

    real = sandbox.open_sandbox

    def none_here(*, plain: bool, **options: Any) -> Any:
        if not plain:
            raise sandbox.SandboxUnavailable("There is no bwrap.")
        return real(plain=True, **options)

    monkeypatch.setattr(sandbox, "open_sandbox", none_here)
    (unit / "toy.ipynb").write_text(notebook(RIGHT))
    done = dlvm("check", unit / "toy.ipynb")
    assert done.exit_code == 0
    assert "plain process" in done.stderr


def test_a_device_that_is_not_there_is_refused_in_a_sentence(unit: Path) -> None:
    assert "expected cpu, cuda or mps" in dlvm("check", unit / "toy.ipynb", "--device", "tpu").stderr
    missing = dlvm("check", unit / "toy.ipynb", DLVM_DEVICE="mps" if sys.platform != "darwin" else "cuda")
    assert missing.exit_code == 3
    assert "on this machine" in missing.stderr


def test_an_optional_exercise_may_be_left_unwritten() -> None:
    unit = SimpleNamespace(exercises={"a": SimpleNamespace(optional=False), "b": SimpleNamespace(optional=True)})

    def code(*statuses: str) -> int:
        exercises = tuple(ExerciseVerdict(name, status, 0, 0, ()) for name, status in zip("ab", statuses, strict=True))
        return cli.code_of_verdict(Verdict("toy", "", exercises), unit)  # pyright: ignore[reportArgumentType]

    assert code("correct", "not_yet") == 0
    assert code("not_yet", "correct") == 1
    assert code("correct", "wrong") == 1
    assert code("correct", "pending") == 3


# ---- list ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", [".", "solutions/..", "solutions/toy"])
def test_list_finds_units_from_a_course_or_a_unit(course: Path, where: str) -> None:
    done = dlvm("list", "--course", course / where)
    assert done.exit_code == 0
    for part in (
        "toy",
        "A toy",
        "double(x: float[n d]) -> float[n d]",
        "metres",
        "It is twice its input.",
        "1.5 hours",
    ):
        assert part in done.stdout


def test_list_as_json_has_signatures_shapes_measures_points_and_laws(course: Path) -> None:
    (unit,) = json.loads(dlvm("list", "--course", course, "--json").stdout)["units"]
    double, triple = unit["exercises"]
    assert (unit["slug"], unit["points"], unit["minutes"]) == ("toy", 6, 90)
    assert double["shapes"] == {"x": "float[n d]"}
    assert (double["returns"], double["measure"], double["points"]) == ("float[n d]", "metres", 2)
    law = {"name": "is_three_times", "sentence": "It is three times its input.", "points": 4, "decisive": True}
    assert triple["laws"] == [law]


def test_list_says_where_it_looked_when_there_is_no_unit(tmp_path: Path) -> None:
    done = dlvm("list", "--course", tmp_path)
    assert done.exit_code == 2
    assert str(tmp_path) in done.stderr


# ---- an instructor's commands -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [("release",), ("release", "--check"), ("grade", "toy"), ("bundle", "--out", "x"), ("audit",), ("demo",)],
)
def test_a_folder_that_is_no_course_is_a_usage_error(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = dlvm(*arguments, "--course", tmp_path)
    assert done.exit_code == 2
    assert "nbgrader_config.py" in done.stderr


@pytest.mark.parametrize("command", ["grade", "release", "audit"])
def test_an_unknown_unit_is_a_usage_error_that_names_the_nearest(course: Path, command: str) -> None:
    done = dlvm(command, "toi", "--course", course)
    assert done.exit_code == 2
    assert "Did you mean toy?" in done.stderr


def test_release_check_exits_1_when_stale_and_0_when_fresh(course: Path) -> None:
    stale = dlvm("release", "--check", "--course", course)
    assert stale.exit_code == 1
    assert "exercises/toy/toy.ipynb: missing" in stale.stdout
    assert not (course / "exercises").exists()
    released = dlvm("release", "--course", course)
    assert released.exit_code == 0
    assert "toy is not audited as it is now" in released.stderr
    assert dlvm("release", "--check", "--course", course).exit_code == 0


@pytest.mark.usefixtures("here")
def test_grade_shows_who_got_what_and_why_with_pending_first(course: Path) -> None:
    laws = course / "solutions/toy/laws.py"
    laws.write_text(
        laws.read_text().replace("return close(triple", "assert not (triple(x) == x).all()\n    return close(triple")
    )
    submit(course, "ada", notebook(RIGHT))
    submit(course, "bob", notebook({"double": RIGHT["double"]}))
    submit(course, "cyd", "not a notebook")
    submit(course, "dan", notebook({**RIGHT, "triple": "return x"}))
    done = dlvm("grade", "toy", "--course", course, "--json", course / "verdicts.json")
    assert done.exit_code == 3
    rows = [line.split() for line in done.stdout.splitlines()]
    assert [row[:2] for row in rows if row and row[0] in ("ada", "bob", "cyd", "dan")] == [
        ["dan", "2/6"],
        ["ada", "6/6"],
        ["bob", "2/6"],
        ["cyd", "0/6"],
    ]
    assert "every law holds" in done.stdout
    assert "triple: not yet" in done.stdout
    assert "not a notebook" in done.stdout
    assert "1 with points pending" in done.stdout
    verdicts = json.loads((course / "verdicts.json").read_text())
    assert [verdict["student"] for verdict in verdicts] == ["ada", "bob", "cyd", "dan"]


@pytest.mark.usefixtures("here")
def test_grade_exits_0_when_everyone_has_a_grade_and_json_can_go_to_stdout(course: Path) -> None:
    submit(course, "ada", notebook({}))
    done = dlvm("grade", "toy", "--course", course, "--json", "-")
    assert done.exit_code == 0
    assert [verdict["points"] for verdict in json.loads(done.stdout)] == [0]


def test_grade_without_a_sandbox_refuses_and_says_what_to_do(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from autograder import cohort, sandbox

    def none_here(**_: Any) -> Any:
        raise sandbox.SandboxUnavailable("There is no bwrap here: install bubblewrap.")

    monkeypatch.setattr(cohort, "open_sandbox", none_here)
    submit(course, "ada", notebook(RIGHT))
    done = dlvm("grade", "toy", "--course", course, "--jobs", 1)
    assert done.exit_code == 3
    assert done.stderr == "dlvm: There is no bwrap here: install bubblewrap.\n"


def test_grade_with_nothing_handed_in_says_where_it_looked(course: Path) -> None:
    done = dlvm("grade", "toy", "--course", course)
    assert done.exit_code == 2
    assert "submitted/<student>/toy/toy.ipynb" in done.stderr


def test_collect_places_what_it_knows_and_lists_the_rest(course: Path) -> None:
    archive = course / "moodle.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("Ada Doe_1234_assignsubmission_file_/toy.ipynb", notebook(RIGHT))
        file.writestr("readme.pdf", "?")
    done = dlvm("collect", archive, "toy", "--course", course)
    assert done.exit_code == 1
    assert "1 placed" in done.stdout
    assert "not placed: readme.pdf" in done.stdout
    assert len(list((course / "submitted").glob("*/toy/toy.ipynb"))) == 1


def test_collect_of_what_is_no_archive_is_a_usage_error(course: Path) -> None:
    done = dlvm("collect", course / "nbgrader_config.py", "toy", "--course", course)
    assert done.exit_code == 2
    assert "Traceback" not in done.stderr


@pytest.mark.usefixtures("here")
def test_demo_ends_with_who_did_what_and_got_what_and_where_the_pages_are(course: Path) -> None:
    done = dlvm("demo", "--course", course, "--out", course / "demo", "--students", 2)
    assert done.exit_code == 0
    rows = [line.split()[:2] for line in done.stdout.splitlines() if line.startswith("student-")]
    assert rows == [["student-01", "6/6"], ["student-02", "6/6"]]
    assert f"2 pages in {course / 'demo' / 'feedback'}" in done.stdout
    assert "Grading" in done.stderr


# ---- when things go wrong -----------------------------------------------------------------------------------------------


def test_an_error_of_our_own_shows_its_traceback_and_exits_3(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("autograder.release.release", crash)
    done = dlvm("release", "--course", course)
    assert done.exit_code == 3
    assert "ZeroDivisionError" in done.stderr
    assert "mistake in dlvm itself" in done.stderr


@pytest.mark.skipif(os.name == "nt", reason="signals are sent as POSIX has them")
def test_ctrl_c_ends_with_one_line_and_130(unit: Path) -> None:
    (unit / "laws.py").write_text("print('started', flush=True)\n[0 for _ in iter(int, 1)]\n")
    process = subprocess.Popen(
        [sys.executable, "-m", "autograder.cli", "check", str(unit / "toy.ipynb")],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a job in the background inherits that it is ignored
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "started\n"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (130, "", "dlvm: Interrupted.\n")


@pytest.mark.skipif(os.name == "nt", reason="pipes close otherwise there")
def test_a_reader_that_goes_away_is_no_error(course: Path) -> None:
    command = [sys.executable, "-m", "autograder.cli", "list", "--course", str(course)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait() == 0


# ---- words --------------------------------------------------------------------------------------------------------------


def test_terminal_escapes_of_a_student_are_shown_not_obeyed() -> None:
    assert printable("a\x1b[2Jb\r\u202ec\td\n") == "a\ufffd[2Jb\ufffd\ufffdc\td\n"


def judged(name: str, status: str, **more: Any) -> ExerciseVerdict:
    evidence = {"wrong": "broken", "pending": "undecided"}.get(status, "holds")
    return ExerciseVerdict(name, status, 0, 1, (LawVerdict("law", "It holds.", evidence, 0, 1),), **more)


@pytest.mark.parametrize(
    ("exercises", "line"),
    [
        ([judged("f", "correct")], "every law holds"),
        ([judged("f", "not_yet"), judged("g", "not_yet")], "every exercise: not yet"),
        ([judged("f", "correct"), judged("g", "not_yet"), judged("h", "not_yet")], "g, h: not yet"),
        ([judged("f", "wrong"), judged("g", "correct")], "f: breaks “It holds.”"),
        (
            [
                judged("f", "wrong", diagnosis=Diagnosis("swapped", "the order is a detail", "It is not.")),
                judged("g", "correct"),
            ],
            "f: looks like: the order is a detail",
        ),
        (
            [
                judged("e", "correct"),
                judged("f", "wrong"),
                judged("g", "not_yet"),
                judged("h", "missing", message="No h."),
            ],
            "1 right, 1 not right yet, 1 not yet, 1 not there; first f: breaks “It holds.”",
        ),
        ([judged("f", "pending"), judged("g", "correct")], "f: pending: It holds."),
        ([judged("f", "missing", message="Nobody defines f."), judged("g", "correct")], "f: Nobody defines f."),
    ],
)
def test_why_says_it_in_a_line(exercises: list[ExerciseVerdict], line: str) -> None:
    assert why(Verdict("toy", "", tuple(exercises))) == line
