"""Every unit's notebook: solved it earns everything, untouched it earns nothing, and it asks what its laws ask."""

from __future__ import annotations

import ast
import dataclasses
import re
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat import NotebookNode

from autograder.course import Course
from autograder.exercise import Unit
from autograder.release import released_notebook

ROOT = Path(__file__).resolve().parents[2]
UNITS = sorted(path.parent.name for path in ROOT.glob("solutions/*/laws.py"))
pytestmark = pytest.mark.parametrize("slug", UNITS)


def source(slug: str) -> NotebookNode:
    return nbformat.read(ROOT / "solutions" / slug / f"{slug}.ipynb", as_version=nbformat.NO_CONVERT)


def release(slug: str) -> NotebookNode:
    return released_notebook(Course(ROOT), slug)


def declared(slug: str) -> Unit:
    return Unit.load(ROOT / "solutions" / slug)


def role(cell: NotebookNode) -> Any:
    """What nbgrader knows about a cell; empty for cells that it does not know."""
    return cell.metadata.get("nbgrader", {})


def checks(notebook: NotebookNode) -> dict[str, NotebookNode]:
    """The check cells by the exercise that they check."""
    return {
        role(cell).grade_id.removeprefix("check_"): cell
        for cell in notebook.cells
        if role(cell).get("grade_id", "").startswith("check_")
    }


def answers(notebook: NotebookNode) -> dict[str, NotebookNode]:
    return {
        role(cell).grade_id: cell for cell in notebook.cells if role(cell).get("solution") and cell.cell_type == "code"
    }


def executed(notebook: NotebookNode, slug: str, folder: Path) -> NotebookNode:
    """Run top to bottom, as 'Restart and run all' does, beside what a student has: the laws and what is given."""
    for name in ("laws.py", "given.py"):
        file = ROOT / "solutions" / slug / name
        if file.exists():
            (folder / name).write_bytes(file.read_bytes())
    client = NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(folder)}})
    return client.execute()


def outputs(notebook: NotebookNode, kind: str) -> list[NotebookNode]:
    return [
        out for cell in notebook.cells if cell.cell_type == "code" for out in cell.outputs if out.output_type == kind
    ]


def said_on_stderr(notebook: NotebookNode) -> str:
    return "".join(out.text for out in outputs(notebook, "stream") if out.name == "stderr")


def value(cell: NotebookNode) -> float:
    """The number that nbgrader takes for the score."""
    (result,) = [out for out in cell.outputs if out.output_type == "execute_result"]
    return float(result.data["text/plain"])


def test_solved_it_runs_silently_and_every_check_gives_full_marks(slug: str, tmp_path: Path) -> None:
    notebook = executed(source(slug), slug, tmp_path)
    assert not outputs(notebook, "error")
    assert said_on_stderr(notebook) == ""
    scores = {name: value(cell) for name, cell in checks(notebook).items()}
    assert scores == {name: exercise.points for name, exercise in declared(slug).exercises.items()}
    assert "waits for" not in shown(notebook)
    assert "could not be drawn" not in shown(notebook)


def test_untouched_it_runs_silently_and_every_check_gives_nothing(slug: str, tmp_path: Path) -> None:
    notebook = executed(release(slug), slug, tmp_path)
    assert not outputs(notebook, "error")
    assert said_on_stderr(notebook) == ""
    scores = {name: value(cell) for name, cell in checks(notebook).items()}
    assert scores == dict.fromkeys(declared(slug).exercises, 0.0)
    for waited in re.findall(r"This figure waits for (\w+)\.", shown(notebook)):
        assert waited in declared(slug).exercises
    assert "Traceback" not in shown(notebook)


def shown(notebook: NotebookNode) -> str:
    """All text that stands below the cells."""
    results = outputs(notebook, "execute_result") + outputs(notebook, "display_data")
    texts = [str(out.data.get(kind, "")) for out in results for kind in ("text/plain", "text/html")]
    return "\n".join([*texts, *(out.text for out in outputs(notebook, "stream"))])


def test_it_is_committed_without_outputs(slug: str) -> None:
    cells = [cell for cell in source(slug).cells if cell.cell_type == "code"]
    assert [cell.id for cell in cells if cell.outputs or cell.execution_count is not None] == []


def test_it_is_valid_and_its_cells_have_ids_that_stay(slug: str) -> None:
    notebook = source(slug)
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    ids = [cell.id for cell in notebook.cells]
    assert len(set(ids)) == len(ids)
    assert [name for name in ids if re.fullmatch("[0-9a-f]{8}", name)] == [], "random ids: name the cells"
    graded = [role(cell).grade_id for cell in notebook.cells if role(cell)]
    assert len(set(graded)) == len(graded)
    assert [cell.id for cell in release(slug).cells] == ids
    assert notebook.metadata.kernelspec.name == "python3"


def test_exercises_stand_in_the_order_of_the_laws_each_with_its_check(slug: str) -> None:
    expected = list(declared(slug).exercises)
    assert list(answers(source(slug))) == expected
    assert list(checks(source(slug))) == expected
    order = [role(cell).get("grade_id") for cell in source(slug).cells]
    assert all(order.index(name) < order.index(f"check_{name}") for name in expected)


def test_every_check_cell_is_locked_and_worth_the_points_of_its_laws(slug: str) -> None:
    unit = declared(slug)
    for name, cell in checks(source(slug)).items():
        assert cell.source in (f'check("{name}")', f"check({name})")
        assert (role(cell).locked, role(cell).grade, role(cell).solution) == (True, True, False)
        assert role(cell).points == unit.exercises[name].points, name


def test_the_stub_has_the_signature_that_the_laws_declare(slug: str) -> None:
    unit = declared(slug)
    for name, cell in answers(release(slug)).items():
        names = dict(
            vars(sys.modules[unit.exercises[name].declaration.__module__])
        )  # the words of the laws' own signatures
        del names[name]
        exec(cell.source, names)
        asked = dataclasses.replace(unit.exercises[name], declaration=names[name])
        assert asked.signature == unit.exercises[name].signature


def test_every_exercise_is_stated_in_words_and_hides_its_answer(slug: str) -> None:
    for name, cell in answers(release(slug)).items():
        (definition,) = ast.parse(cell.source).body
        assert isinstance(definition, ast.FunctionDef | ast.ClassDef)
        assert ast.get_docstring(definition), f"{name} has no docstring"
        assert "raise NotImplementedError()" in cell.source
        assert "SOLUTION" not in cell.source
    prose = "\n".join(cell.source for cell in source(slug).cells if cell.cell_type == "markdown")
    for name in answers(source(slug)):
        assert f"`{name}`" in prose


def test_what_must_not_change_is_locked_and_cells_that_show_are_one_call(slug: str) -> None:
    for cell in source(slug).cells:
        if cell.cell_type != "code" or role(cell).get("solution"):
            continue
        statements = ast.parse(cell.source).body
        if cell.source.startswith(("import", "from")):
            assert role(cell).get("locked") is True, cell.id
        else:
            assert len(statements) == 1, cell.id
            assert isinstance(statements[0], ast.Expr), cell.id


def test_the_time_that_it_announces_adds_up(slug: str) -> None:
    table = next(cell.source for cell in source(slug).cells if "| minutes |" in cell.source)
    assert sum(int(minutes) for minutes in re.findall(r"\| (\d+) \|$", table, re.MULTILINE)) == declared(slug).minutes
