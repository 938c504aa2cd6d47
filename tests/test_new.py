"""`dlvm new` makes a unit that passes everything units must pass, or says in a sentence why it made none."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import tomllib
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import nbformat
import pytest

from autograder import cli
from autograder.course import Course
from autograder.exercise import Unit
from autograder.new import EXERCISE, SLUG, TITLE, NotMade, make, unit_files
from autograder.release import release

ROOT = Path(__file__).resolve().parent.parent
CONFIG = "from autograder.course import configure\n\nconfigure(get_config(), __file__)\n"

RESTYLED = """
import torch


def mean_over_coins(chances):
    surprise = [torch.xlogy(c, c) for c in (chances, 1 - chances)]
    return torch.mean(-surprise[0] - surprise[1], dim=1)


def only_heads(chances):
    total = 0
    for coin in range(chances.shape[1]):
        total = total - torch.xlogy(chances[:, coin], chances[:, coin])
    return total


def in_bits(chances):
    heads, tails = torch.special.entr(chances), torch.special.entr(1 - chances)
    return (heads + tails).sum(1) / torch.log(torch.tensor(2.0, dtype=chances.dtype))


def zeros_become_nan(chances):
    tails = 1 - chances
    return (-chances * torch.log(chances) - tails * torch.log(tails)).sum(dim=-1)
"""
"""The template's misconceptions as students might write them: what the units' tests ask every author for."""


@pytest.fixture
def course(tmp_path: Path) -> Course:
    """A course with nothing in it yet."""
    root = tmp_path / "course"
    (root / "solutions").mkdir(parents=True)
    (root / "nbgrader_config.py").write_text(CONFIG)
    return Course(root)


def dlvm(*arguments: object) -> tuple[int, str, str]:
    """Run the command line in this process: exit code, stdout, stderr."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as ended:
        cli.app([str(argument) for argument in arguments], prog_name="dlvm")
    assert isinstance(ended.value.code, int)
    return ended.value.code, out.getvalue(), err.getvalue()


def test_a_new_unit_passes_every_test_of_the_units(course: Course) -> None:
    """The tests in tests/units run on a course that has this one unit, made, released and nothing else done to it: the audit,
    both notebooks from top to bottom, stubs, points, ids, minutes, diagnosis."""
    code, out, err = dlvm("new", "latent_codes", "--title", 'Codes "within" & \\ beyond', "--course", course.root)
    assert (code, err) == (0, "")
    assert "made solutions/latent_codes: latent_codes.ipynb, laws.py, misconceptions.py" in out.replace("\\", "/")
    assert release(course, record=False) == ["latent_codes"]
    assert run_tests_of_the_units(course.root, {"latent_codes": RESTYLED}) > 30


def run_tests_of_the_units(root: Path, restyled: dict[str, str]) -> int:
    """Run the tests in tests/units on another course; how many passed, once all of them did.

    Only the records of 200 seeds are left aside: `make audit` makes those.
    """
    left = shutil.ignore_patterns("restyled", "__pycache__", "test_audit_records.py")
    shutil.copytree(ROOT / "tests/units", root / "tests/units", ignore=left)
    shutil.copy(ROOT / "tests/conftest.py", root / "tests")
    (root / "tests/units/restyled").mkdir()
    for slug, source in restyled.items():
        (root / f"tests/units/restyled/{slug}.py").write_text(source, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", str(ROOT / "pyproject.toml"),
               "--rootdir", str(root), str(root / "tests")]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-6000:]
    return int(done.stdout.rsplit(" passed", 1)[0].rsplit(maxsplit=1)[-1])


def test_the_commands_that_it_names_next_are_content(course: Course) -> None:
    _, out, _ = dlvm("new", "latent_codes", "--course", course.root)
    named = [line.removeprefix("Next: ").split(", ") for line in out.splitlines() if line.startswith("Next: ")]
    assert named == [["dlvm audit latent_codes", "dlvm release latent_codes"]]
    code, out, _ = dlvm("audit", "latent_codes", "--seeds", 2, "--course", course.root)
    assert code == 0, out
    assert dlvm("release", "latent_codes", "--course", course.root)[0] == 0
    assert dlvm("release", "--check", "--course", course.root)[0] == 0


def test_slug_and_title_stand_everywhere_and_nothing_of_the_template_is_left(course: Course) -> None:
    folder = make(course, "latent_codes", 'What "codes" \\say')
    assert sorted(path.name for path in folder.iterdir()) == ["latent_codes.ipynb", "laws.py", "misconceptions.py"]
    unit = Unit.load(folder)
    assert (unit.slug, unit.title, list(unit.exercises)) == ("latent_codes", 'What "codes" \\say', [EXERCISE])
    notebook = nbformat.read(folder / "latent_codes.ipynb", as_version=nbformat.NO_CONVERT)
    assert notebook.cells[0].source.startswith('# What "codes" \\say\n')
    for path in folder.iterdir():
        text = path.read_text(encoding="utf-8")
        assert SLUG not in text
        assert TITLE not in text


def test_without_a_title_the_slug_is_one(course: Course) -> None:
    assert Unit.load(make(course, "latent_codes")).title == "Latent codes"


def test_making_it_again_gives_the_same_bytes_with_the_same_ids(course: Course) -> None:
    folder = make(course, "codes", "Codes")
    first = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert first == {name: text.encode() for name, text in unit_files("codes", "Codes").items()}
    folder.rename(folder.with_name("elsewhere"))
    assert {path.name: path.read_bytes() for path in make(course, "codes", "Codes").iterdir()} == first


def test_the_template_is_written_as_jupyter_would_write_it() -> None:
    text = (ROOT / f"autograder/new/template/{SLUG}.ipynb").read_text(encoding="utf-8")
    assert text == nbformat.v4.writes(nbformat.reads(text, as_version=nbformat.NO_CONVERT)) + "\n"


# ---- what is refused -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("slug", "says"),
    [
        ("", "is no slug"),
        ("Codes", "is no slug"),
        ("latent-codes", "is no slug"),
        ("latent codes", "is no slug"),
        ("latent__codes", "is no slug"),
        ("_codes", "is no slug"),
        ("codes_", "is no slug"),
        ("2codes", "is no slug"),
        ("códes", "is no slug"),
        ("codes\n", "is no slug"),
        ("../codes", "is no slug"),
        ("a" * 41, "at most 40"),
        ("lambda", "Python's own"),
        ("match", "Python's own"),
        ("con", "Windows keeps for itself"),
        ("com1", "Windows keeps for itself"),
        ("lpt9", "Windows keeps for itself"),
    ],
)
def test_a_bad_slug_is_refused_in_a_sentence(course: Course, slug: str, says: str) -> None:
    code, out, err = dlvm("new", "--course", course.root, "--", slug)
    assert (code, out) == (2, "")
    assert says in err
    assert err.count("\n") == 1
    assert list((course.root / "solutions").iterdir()) == []


@pytest.mark.parametrize(
    ("title", "says"), [("two\nlines", "line break"), ("\x1b[2J", "line break"), ("x" * 81, "at most 80")]
)
def test_a_bad_title_is_refused_in_a_sentence(course: Course, title: str, says: str) -> None:
    code, _, err = dlvm("new", "codes", "--title", title, "--course", course.root)
    assert code == 2
    assert says in err
    assert list((course.root / "solutions").iterdir()) == []


def test_what_is_there_is_never_overwritten(course: Course) -> None:
    laws = make(course, "codes") / "laws.py"
    laws.write_text("years of work")
    with pytest.raises(NotMade, match="is there already"):
        make(course, "codes")
    assert laws.read_text() == "years of work"
    (course.root / "solutions/a_file").write_text("")
    with pytest.raises(NotMade, match="is there already"):
        make(course, "a_file")


def test_a_folder_that_cannot_be_written_is_a_sentence_and_leaves_nothing(course: Course) -> None:
    (course.root / "solutions").rmdir()
    (course.root / "solutions").write_text("a file in the way")
    code, _, err = dlvm("new", "codes", "--course", course.root)
    assert code == 2
    assert "cannot be written" in err
    assert "Traceback" not in err


def test_a_course_without_solutions_gets_the_folder(course: Course) -> None:
    (course.root / "solutions").rmdir()
    make(course, "codes")
    assert course.units() == ["codes"]


def test_outside_a_course_nothing_is_made(tmp_path: Path) -> None:
    code, _, err = dlvm("new", "codes", "--course", tmp_path)
    assert code == 2
    assert "nbgrader_config.py" in err
    assert list(tmp_path.iterdir()) == []


def test_the_template_travels_with_the_package() -> None:
    """hatchling takes everything in a package that git does not ignore; so nothing of the template may be ignored."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert "autograder" in project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    ask = (
        "from hatchling.builders.wheel import WheelBuilder; import json, sys; b = WheelBuilder(sys.argv[1]); "
        "print(json.dumps([f.distribution_path for f in b.recurse_included_files()]))"
    )
    done = subprocess.run([sys.executable, "-c", ask, str(ROOT)], check=True, capture_output=True, text=True)
    inside = {Path(path).as_posix() for path in json.loads(done.stdout)}
    assert {f"autograder/new/template/{name}" for name in (f"{SLUG}.ipynb", "laws.py", "misconceptions.py")} <= inside
