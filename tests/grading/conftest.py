"""A course of one tiny unit, `toy`, in a temporary folder, and students who hand in what a test wants them to."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from autograder.course import Course

LAWS = '''
"""Two exercises, so that one going wrong can be seen not to touch the other."""
from jaxtyping import Float
from torch import Tensor

from autograder.domains import Reals
from autograder.evidence import close
from autograder.exercise import Unit

unit = Unit("toy", "A toy", minutes=5)


@unit.exercise(batch="n", measure="metres", sizes=dict(d=(1, 2)))
def double(x: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
    """Twice x."""


@double.law(points=2, where=dict(x=Reals(-8, 8)), decisive=True)
def is_twice(double, x):
    """It is twice its input."""
    return close(double(x), 2 * x, tolerance=1e-4)


@double.law(points=1, where=dict(x=Reals(-8, 8)))
def is_odd(double, x):
    """Turning the input around turns the output around."""
    return close(double(-x), -double(x), tolerance=1e-4)


@unit.exercise(batch="n", measure="metres", sizes=dict(d=(1, 2)))
def triple(x: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
    """Three times x."""


@triple.law(points=4, where=dict(x=Reals(-8, 8)), decisive=True)
def is_three_times(triple, x):
    """It is three times its input."""
    if CRASHES:
        raise RuntimeError("the law itself is broken")
    return close(triple(x), 3 * x, tolerance=1e-4)


CRASHES = False
'''

CONFIG = """
from autograder.course import configure

configure(get_config(), __file__)
"""


def marked(
    cell: NotebookNode, grade_id: str, *, grade=False, solution=False, locked=False, points=None
) -> NotebookNode:
    metadata = {
        "schema_version": 3,
        "grade_id": grade_id,
        "grade": grade,
        "solution": solution,
        "locked": locked,
        "task": False,
    }
    if points is not None:
        metadata["points"] = points
    cell.metadata["nbgrader"] = metadata
    cell["id"] = f"cell-{grade_id}"
    return cell


def stub(name: str, factor: int) -> NotebookNode:
    source = f"def {name}(x):\n    ### BEGIN SOLUTION\n    return {factor} * x\n    ### END SOLUTION"
    return marked(new_code_cell(source), name, solution=True)


def source_notebook() -> NotebookNode:
    """The toy unit's notebook as its author writes it."""
    return new_notebook(
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        cells=[
            marked(new_markdown_cell("# A toy"), "title", locked=True),
            marked(new_code_cell("import torch\n\nfrom autograder import check"), "setup", locked=True),
            stub("double", 2),
            marked(new_code_cell('check("double")'), "check_double", grade=True, locked=True, points=3),
            stub("triple", 3),
            marked(new_code_cell('check("triple")'), "check_triple", grade=True, locked=True, points=4),
            marked(
                new_markdown_cell("### BEGIN SOLUTION\nBecause.\n### END SOLUTION"),
                "proof",
                grade=True,
                solution=True,
                points=5,
            ),
        ],
    )


@pytest.fixture(scope="session")
def empty_gradebook(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A gradebook as nbgrader makes it, made once: it starts another Python for it."""
    from nbgrader.api import Gradebook

    from autograder.course import have_alembic_on_path

    have_alembic_on_path()
    path = tmp_path_factory.mktemp("gradebook") / "gradebook.db"
    Gradebook(f"sqlite:///{path}").close()
    return path


@pytest.fixture
def course(tmp_path: Path, empty_gradebook: Path) -> Course:
    """An instructor's course folder with the toy unit, nothing released or submitted yet."""
    root = tmp_path / "course"
    unit = root / "solutions" / "toy"
    unit.mkdir(parents=True)
    (root / "nbgrader_config.py").write_text(CONFIG)
    shutil.copy(empty_gradebook, root / "gradebook.db")
    (unit / "laws.py").write_text(LAWS)
    (unit / "misconceptions.py").write_text("SECRET = 'a wrong answer, written out'\n")
    (unit / "questions.py").write_text("SECRET = 'an exam question'\n")
    nbformat.write(source_notebook(), unit / "toy.ipynb")
    return Course(root)


@pytest.fixture
def release(course: Course) -> NotebookNode:
    """The toy notebook as students get it."""
    from autograder.release import released_notebook

    return released_notebook(course, "toy")


RIGHT = {"double": "def double(x):\n    return x + x", "triple": "def triple(x):\n    return 3 * x"}


def answered(release: NotebookNode, answers: dict[str, str]) -> NotebookNode:
    """The release with these answers (by grade_id) written into their cells."""
    notebook: Any = nbformat.from_dict(json.loads(nbformat.writes(release)))
    for cell in notebook.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        cell.source = answers.get(name, cell.source)
    return notebook


Submit = Callable[..., Path]


@pytest.fixture
def submit(course: Course, release: NotebookNode) -> Submit:
    """`submit(student, answers)` hands in the toy notebook; `content=` hands in a notebook, text or bytes as they are."""

    def hand_in(student: str, answers: dict[str, str] = RIGHT, *, content: Any = None, timestamp: str = "") -> Path:
        folder = course.folder("submitted", student, "toy")
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "toy.ipynb"
        if content is None:
            content = answered(release, answers)
        if isinstance(content, NotebookNode):
            content = json.dumps(content)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        if timestamp:
            (folder / "timestamp.txt").write_text(timestamp)
        return path

    return hand_in


class Here:
    """Sessions in this very process: no wall at all, but the same answers, and no seconds to warm up."""

    def session(self) -> Any:
        from autograder.answer import LocalTransport
        from autograder.session import Session

        return LocalTransport(Session(None))


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Grade in this process, for tests of what happens around grading."""

    @contextmanager
    def open_here(**_: Any) -> Iterator[Here]:
        yield Here()

    monkeypatch.setattr("autograder.cohort.open_sandbox", open_here)
