"""`check` in a notebook's cell: shows the verdict, returns the points, finds the laws beside the notebook."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from autograder import check

LAWS = '''
from jaxtyping import Float
from torch import Tensor

from autograder.answer import Answer
from autograder.domains import Reals
from autograder.evidence import Evidence, close
from autograder.exercise import Unit

unit = Unit("tiny", "Tiny", minutes=1)


@unit.exercise(batch="n", measure="a number")
def double(x: Float[Tensor, "n"]) -> Float[Tensor, "n"]:
    """2x."""


@double.law(points=2.5, where=dict(x=Reals()), decisive=True)
def doubles(double: Answer, x: Tensor) -> Evidence:
    """It is twice its argument."""
    return close(double(x), 2 * x.double(), terms=x)


@double.draw
def picture(double: Answer):
    from matplotlib.figure import Figure

    figure = Figure()
    axes = figure.subplots()
    axes.plot(double(__import__("torch").arange(3.0)))
    return figure
'''


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "laws.py").write_text(LAWS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def double(x):  # the module's own name, which check("double") finds as a notebook's cell would
    return x + x


def run_cells(folder: Path, *sources: str) -> list[list[dict]]:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    NotebookClient(notebook, resources={"metadata": {"path": str(folder)}}, timeout=120).execute()
    return [cell.outputs for cell in notebook.cells]


def test_an_answer_or_its_name_gives_the_points(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(double) == 2.5
    assert check("double") == 2.5
    assert "It is twice its argument" in capsys.readouterr().out


def test_nothing_goes_to_stderr_and_plain_text_is_shown_outside_a_notebook(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    check(double)
    captured = capsys.readouterr()
    assert captured.err == ""
    assert captured.out.startswith("double: 2.5 of 2.5 points")


def test_the_points_are_a_plain_number_to_everyone_else(folder: Path) -> None:
    checked = check(double)
    assert repr(checked) == "2.5"
    assert json.dumps(checked) == "2.5"
    assert pickle.loads(pickle.dumps(checked)) == 2.5


def test_in_a_notebook_the_card_is_html_and_nbgrader_reads_the_points_from_the_text(folder: Path) -> None:
    right = "def double(x):\n    return 2 * x"
    _, _, (output,) = run_cells(folder, "from autograder import check", right, 'check("double")')
    assert output["output_type"] == "execute_result"
    assert output["data"]["text/plain"] == "2.5"
    assert "2.5 of 2.5 points" in output["data"]["text/html"]


def test_in_a_notebook_a_stub_reads_not_yet(folder: Path) -> None:
    stub = "def double(x):\n    raise NotImplementedError()"
    _, _, (output,) = run_cells(folder, "from autograder import check", stub, "check(double)")
    assert output["data"]["text/plain"] == "0.0"
    assert "Not yet" in output["data"]["text/html"]


def test_a_picture_is_drawn_and_waits_for_an_unwritten_answer(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    figure = check(double).plot()
    assert figure.axes

    def stub(x):
        raise NotImplementedError

    stub.__name__ = "double"
    assert check(stub).plot() is None
    assert "waits for double" in capsys.readouterr().out


def test_a_notebook_shows_the_picture(folder: Path) -> None:
    answer = "def double(x):\n    return x + x"
    _, _, outputs = run_cells(folder, "from autograder import check", answer, "check(double).plot()")
    assert "image/png" in outputs[-1]["data"]


def test_an_unknown_name_says_which_there_are(folder: Path) -> None:
    with pytest.raises(LookupError, match="There are: double"):
        check("triple")


def test_without_laws_it_says_where_it_looked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"looked for laws\.py"):
        check("double")


def test_a_device_that_is_not_there_is_answered_by_a_sentence(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLVM_DEVICE", "abacus")
    with pytest.raises(ValueError, match="expected cpu, cuda or mps"):
        check(double)
    assert check(double, device="cpu") == 2.5
