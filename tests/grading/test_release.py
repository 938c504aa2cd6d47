"""exercises/ is what nbgrader makes of solutions/, byte for byte, and holds no answer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from autograder.course import Course, NotACourse
from autograder.release import ReleaseFailed, differences, release, stale, stale_fingerprints

REPOSITORY = Path(__file__).parents[2]


def run(course: Course, *command: str) -> str:
    """One of nbgrader's own commands, in the course folder, as a person runs it."""
    env = {
        **os.environ,
        "PYTHONPATH": str(REPOSITORY),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", *command],
        cwd=course.root,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def known(course: Course) -> tuple:
    """Everything that the gradebook knows about the unit."""
    from nbgrader.api import Gradebook

    with Gradebook(course.db_url) as gradebook:
        unit = gradebook.find_notebook("toy", "toy")
        cells = [(c.name, c.max_score, c.cell_type) for c in unit.grade_cells]
        sources = [(c.name, c.source, c.checksum, c.locked, c.cell_type) for c in unit.source_cells]
        return sorted(cells), sorted(c.name for c in unit.solution_cells), sorted(sources), unit.kernelspec


def test_plain_nbgrader_makes_the_same_bytes_and_the_same_gradebook(course: Course, tmp_path: Path) -> None:
    release(course)
    recorded = known(course)
    ours = course.release("toy").rename(tmp_path / "ours")
    (course.root / "gradebook.db").unlink()
    run(course, "generate_assignment", "toy")
    assert differences(ours, course.release("toy")) == []
    assert known(course) == recorded


def test_a_release_holds_the_stubs_and_no_answer(course: Course) -> None:
    assert release(course, record=False) == ["toy"]
    names = sorted(path.name for path in course.release("toy").iterdir())
    assert names == ["laws.py", "toy.ipynb"]
    text = (course.release("toy") / "toy.ipynb").read_text()
    assert "NotImplementedError" in text
    nbformat.validate(nbformat.reads(text, as_version=4))
    assert not any(answer in text for answer in ("return 2 * x", "Because.", "BEGIN SOLUTION"))


def test_releasing_again_changes_nothing_and_a_stale_release_is_told_file_by_file(course: Course) -> None:
    release(course, record=False)
    assert release(course, record=False) == []
    assert stale(course) == []
    (course.release("toy") / "__pycache__").mkdir()
    (course.release("toy") / "__pycache__" / "laws.pyc").write_bytes(b"")
    assert stale(course) == []
    (course.release("toy") / "laws.py").write_text("# edited by hand")
    (course.release("toy") / "misconceptions.py").write_text("# leaked")
    (course.root / "exercises" / "gone").mkdir()
    assert stale(course) == [
        "toy/laws.py: out of date",
        "toy/misconceptions.py: not part of the release",
        "gone/: there is no such unit in solutions/",
    ]
    assert release(course, record=False) == ["toy"]
    assert not (course.release("toy") / "misconceptions.py").exists()


def test_a_unit_that_does_not_generate_leaves_its_old_release(course: Course) -> None:
    release(course, record=False)
    before = (course.release("toy") / "toy.ipynb").read_bytes()
    source = course.source("toy") / "toy.ipynb"
    notebook = json.loads(source.read_text())
    notebook["cells"][2]["source"] = "### BEGIN SOLUTION\nx = 1"
    source.write_text(json.dumps(notebook))
    with pytest.raises(ReleaseFailed, match="no end solution"):
        release(course, record=False)
    assert (course.release("toy") / "toy.ipynb").read_bytes() == before


def test_a_folder_that_is_no_course_and_a_unit_that_is_not_there_are_sentences(tmp_path: Path, course: Course) -> None:
    with pytest.raises(NotACourse, match=r"expected an nbgrader_config\.py"):
        Course(tmp_path)
    with pytest.raises(NotACourse, match="There is: toy"):
        release(course, ["tyo"])


def test_the_courses_own_settings_are_nbgraders_and_ours(course: Course) -> None:
    course.config_file.write_text(
        course.config_file.read_text() + "\nget_config().CourseDirectory.submitted_directory = 'in'\n"
    )
    assert Course(course.root).folder("submitted", "jdoe", "toy") == course.root / "in" / "jdoe" / "toy"


def test_the_seed_is_made_once_for_its_owner_alone(course: Course) -> None:
    first = course.seed()
    assert course.seed() == Course(course.root).seed() == first
    assert course.seed_file.stat().st_mode & 0o777 == 0o600
    course.seed_file.write_text("tampered")
    with pytest.raises(NotACourse, match="one whole number"):
        course.seed()


TOY_MISCONCEPTIONS = """
from autograder.misconceptions import misconception, variation

@variation("double", "a sum")
def added(x):
    return x + x

@misconception("double", belief="double means square", story="It is squared. It is asked twice.", caught_by=("is_twice",))
def squared(x):
    return x * x
"""


def test_releasing_takes_the_misconceptions_fingerprints_and_students_get_them(course: Course) -> None:
    (course.source("toy") / "misconceptions.py").write_text(TOY_MISCONCEPTIONS)
    assert stale_fingerprints(course) == ["toy/fingerprints.json: missing"]
    assert release(course, record=False) == ["toy"]
    taken = (course.source("toy") / "fingerprints.json").read_bytes()
    assert (course.release("toy") / "fingerprints.json").read_bytes() == taken
    assert not (course.release("toy") / "misconceptions.py").exists()
    assert b"double means square" in taken
    assert b"x * x" not in taken
    assert release(course, record=False) == stale_fingerprints(course) == stale(course) == []


def test_fingerprints_of_other_misconceptions_are_stale_until_the_next_release(course: Course) -> None:
    (course.source("toy") / "misconceptions.py").write_text(TOY_MISCONCEPTIONS)
    release(course, record=False)
    (course.source("toy") / "misconceptions.py").write_text(TOY_MISCONCEPTIONS.replace("x * x", "x * x + x"))
    assert stale_fingerprints(course) == ["toy/fingerprints.json: out of date"]
    assert release(course, record=False) == ["toy"]
    assert stale_fingerprints(course) == []


@pytest.mark.parametrize(
    ("misconceptions", "said"),
    [
        (TOY_MISCONCEPTIONS.replace("x * x", "2 * x"), "squared returns the same as the notebook's solution"),
        ("import nothing_of_this_name", "could not be taken"),
    ],
)
def test_misconceptions_that_nothing_could_recognise_are_not_released(
    course: Course, misconceptions: str, said: str
) -> None:
    release(course, record=False)
    (course.source("toy") / "misconceptions.py").write_text(misconceptions)
    with pytest.raises(ReleaseFailed, match=said):
        release(course, record=False)
    assert not (course.source("toy") / "fingerprints.json").exists()
