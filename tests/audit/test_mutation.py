"""Mutants of a solution: which are made, and what becomes of them."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

from autograder.audit import audit
from autograder.audit.mutation import change, changes_to, meaning, parts_of
from autograder.audit.report import Report
from autograder.exercise import Unit
from autograder.misconceptions import equivalent

from .test_audit import LAWS, MISCONCEPTIONS

SOLUTION = '''def square_sum(x):
    """The sum of squares of a row."""
    ### BEGIN SOLUTION
    return (x * x).sum(-1)
    ### END SOLUTION
'''


def unit_with(
    folder: Path, solution: str = SOLUTION, laws: str = LAWS, more: str = "", first: str = "import torch"
) -> Path:
    toy = folder / "toy"
    toy.mkdir()
    (toy / "laws.py").write_text(laws, encoding="utf-8")
    (toy / "misconceptions.py").write_text(MISCONCEPTIONS + more, encoding="utf-8")
    cell = nbformat.v4.new_code_cell(
        solution,
        metadata={"nbgrader": {"grade": False, "grade_id": "square_sum", "locked": False, "schema_version": 3, "solution": True,
                               "task": False}},
    )  # fmt: skip
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(first), cell])
    nbformat.write(notebook, toy / "toy.ipynb")
    return toy


EXPLAINED = """
from autograder.exercise import Unit
from autograder.misconceptions import equivalent

EQUIVALENT = [
    equivalent(
        "square_sum", was="return (x * x).sum(-1)", becomes="return (x * x).sum(+1)", why="a matrix has two axes: −1 is 1"
    )
]
"""


def outcomes(report: Report) -> dict[str, str]:
    return {fate.mutant.becomes: fate.outcome for fate in report.units["toy"][0].fates}


def test_mutants_differ_in_what_they_do_and_none_is_made_twice() -> None:
    mutants = list(changes_to(SOLUTION))
    made = [becomes for _, _, _, becomes, _ in mutants]
    assert "return (x + x).sum(-1)" in made
    assert "return (x * x).sum(+1)" in made
    assert "return (x * x).sum(1)" not in made  # the same as +1
    assert not any("<<" in line or "&" in line for line in made)
    assert {line for line, *_ in mutants} == {4}
    assert len({meaning(source) for *_, source in mutants} | {meaning(SOLUTION)}) == len(mutants) + 1


def test_comments_docstrings_and_annotations_have_no_meaning() -> None:
    assert meaning('def f(x: int) -> int:\n    """Doc."""\n    return x  # so') == meaning("def f(x):\n    return x")
    assert meaning("def f(x):\n    return x") != meaning("def f(x):\n    return -x")


def test_a_change_is_told_by_its_line() -> None:
    assert change("a\nb = 1\nc", "a\nb = 2\nc") == (2, "b = 1", "b = 2")


def test_mutants_are_killed_and_one_that_is_as_right_as_the_solution_needs_a_reason(tmp_path: Path) -> None:
    report = audit(unit_with(tmp_path), seeds=1)
    (sentence,) = report.problems
    assert "1 mutant of the solution breaks no law" in sentence
    assert "line 4: return (x * x).sum(-1)\n          → return (x * x).sum(+1)" in sentence
    found = outcomes(report)
    assert found.pop("return (x * x).sum(+1)") == "survived"
    assert set(found.values()) == {"killed"}
    assert len(found) > 5


def test_with_its_reason_it_is_no_problem(tmp_path: Path) -> None:
    report = audit(unit_with(tmp_path, more=EXPLAINED), seeds=1)
    assert report.problems == []
    assert outcomes(report)["return (x * x).sum(+1)"] == "equivalent"
    mutants = report.to_json()["units"][0]["exercises"][0]["mutants"]
    assert mutants["made"] == mutants["killed"] + 1
    assert sum(mutants["killed_by"].values()) == mutants["killed"]
    assert mutants["alive"][0]["why"] == "a matrix has two axes: −1 is 1"


def test_a_reason_for_a_mutant_that_does_not_survive_is_a_problem(tmp_path: Path) -> None:
    stale = EXPLAINED.replace("(x * x).sum(+1)", "(x + x).sum(-1)")
    found = audit(unit_with(tmp_path, more=stale), seeds=1).problems
    assert any("is marked equivalent, but no surviving mutant makes that change" in sentence for sentence in found)


def test_a_reason_must_be_written() -> None:
    with pytest.raises(ValueError, match="say which in why="):
        equivalent("f", was="a", becomes="b", why=" ")


LOOP = SOLUTION.replace(
    "return (x * x).sum(-1)",
    "i, total = 0, 0 * x[:, 0]\n    while i < x.shape[-1]:\n        total, i = total + x[:, i] ** 2, i + 1\n    return total",
)


def test_laws_too_weak_for_a_mutant_are_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Laws that never try more than one dimension do not see a loop that stops at the first."""
    monkeypatch.setattr("autograder.audit.mutation.CPU_SECONDS", 1)
    stops = LOOP.replace("i + 1\n", "i + 1\n        continue\n")
    assert outcomes(audit(unit_with(tmp_path, stops), seeds=1))["break"] == "killed"
    (tmp_path / "weak").mkdir()
    weak = LAWS.replace("sizes=dict(d=(1, 3))", "sizes=dict(d=(1, 1))")
    assert outcomes(audit(unit_with(tmp_path / "weak", stops, weak), seeds=1))["break"] == "survived"


def test_a_mutant_that_never_ends_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autograder.audit.mutation.CPU_SECONDS", 1)
    report = audit(unit_with(tmp_path, LOOP), seeds=1)
    ended = [fate for fate in report.units["toy"][0].fates if fate.by == "it met its limit of processor time"]
    assert ended
    assert {fate.outcome for fate in ended} == {"killed"}


def test_a_mutant_that_makes_a_law_fail_is_not_killed(tmp_path: Path) -> None:
    """A law that crashes on what it gets back would leave points pending: that is the law's mistake, and a problem."""
    crashing = LAWS.replace(
        "return close(answer(x), exact, terms=exact)",
        "got = answer(x)\n    assert bool((got >= 0).all())\n    return close(0 * got, 0 * exact, terms=exact)",
    ).replace("return close(answer(-x), answer(x).double(), terms=(x.double() ** 2).sum(-1))",
        "return at_least(x[:, 0], -99.0, slack=1.0)")  # fmt: skip
    report = audit(unit_with(tmp_path, laws=crashing), seeds=1)
    assert outcomes(report)["return (x + x).sum(-1)"] == "undecided"
    assert any("brings is_the_sum to no decision: line 4" in sentence for sentence in report.problems)


def test_without_a_mutator_it_is_said_that_none_was_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autograder.audit.mutation.available", lambda: False)
    report = audit(unit_with(tmp_path), seeds=1)
    assert report.units["toy"][0].fates == []
    assert any("No mutant was tried: that needs cosmic-ray" in remark for remark in report.advice)


HELPED = """SIGN = -1

def squares(x):
    return x * x

def another_exercise(x):
    return x - 3

def square_sum(x):
    return -SIGN * added_up(squares(x))
"""


def test_helpers_and_constants_are_mutated_wherever_they_stand_and_other_exercises_are_not(tmp_path: Path) -> None:
    toy = unit_with(
        tmp_path,
        HELPED,
        first="import torch\n\ndef added_up(x):\n    return x.sum(-1)\n\ndef unused(x):\n    return x + 1",
    )
    names = [part.cell.splitlines()[part.lines[0] - 1] for part in parts_of(Unit.load(toy))]
    assert names == ["def added_up(x):", "SIGN = -1", "def squares(x):", "def square_sum(x):"]
    found = outcomes(audit(toy, seeds=1))
    assert found["return x + x"] == found["SIGN = +1"] == found["return x.sum(~1)"] == "killed"
    assert not any("3" in line or (line.startswith("return x + ") and line != "return x + x") for line in found)


SHARED_LAWS = (
    LAWS
    + """
@unit.exercise(batch="n", measure="metres", sizes=dict(d=(1, 3)), rows=50)
def zeros(x: Float[Tensor, "n d"]) -> Float[Tensor, "n"]:
    \"\"\"Nothing.\"\"\"

@zeros.law(points=1, decisive=True, where=dict(x=Reals()))
def is_zero(answer, x):
    \"\"\"It is 0.\"\"\"
    return close(answer(x), 0.0, terms=(x.double() ** 2).sum(-1))
"""
)
SHARED = """def total(x):
    return x.sum(-1)

def zeros(x):
    return total(x) - total(x)

def square_sum(x):
    return total(x ** 2)
"""


def test_a_helper_that_exercises_share_is_killed_by_the_laws_of_any(tmp_path: Path) -> None:
    """That the helper returns another total cannot be seen in `zeros`."""
    report = audit(unit_with(tmp_path, SHARED, SHARED_LAWS), seeds=1)
    shared = [fate for audited in report.units["toy"] for fate in audited.fates if fate.mutant.line == 2]
    assert {fate.mutant.judged_by for fate in shared} == {("square_sum", "zeros")}
    killed_by = {fate.mutant.becomes: fate.by for fate in shared}
    assert killed_by["return x.sum(~1)"] == "is_the_sum"
    assert {fate.mutant.exercise for fate in shared} == {"square_sum"}


def test_a_solution_of_which_no_mutant_can_be_made_is_a_problem(tmp_path: Path) -> None:
    found = audit(unit_with(tmp_path, "square_sum = eval('lambda x: (x * x).sum(-1)')"), seeds=1).problems
    assert ["no mutant of its solution could be made" in sentence for sentence in found] == [True]
