"""Mutants of a solution: which are made, and what becomes of them."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

from autograder.audit import audit
from autograder.audit.mutation import change, meaning, mutants_of
from autograder.audit.report import Report
from autograder.misconceptions import equivalent

from .test_audit import LAWS, MISCONCEPTIONS

SOLUTION = '''def square_sum(x):
    """The sum of squares of a row."""
    ### BEGIN SOLUTION
    return (x * x).sum(-1)
    ### END SOLUTION
'''


def unit_with(folder: Path, solution: str = SOLUTION, laws: str = LAWS, more: str = "") -> Path:
    toy = folder / "toy"
    toy.mkdir()
    (toy / "laws.py").write_text(laws, encoding="utf-8")
    (toy / "misconceptions.py").write_text(MISCONCEPTIONS + more, encoding="utf-8")
    cell = nbformat.v4.new_code_cell(
        solution,
        metadata={"nbgrader": {"grade": False, "grade_id": "square_sum", "locked": False, "schema_version": 3, "solution": True,
                               "task": False}},
    )  # fmt: skip
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("import torch"), cell])
    nbformat.write(notebook, toy / "toy.ipynb")
    return toy


EXPLAINED = """
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
    mutants = list(mutants_of("square_sum", SOLUTION))
    made = [mutant.becomes for mutant in mutants]
    assert "return (x + x).sum(-1)" in made
    assert "return (x * x).sum(+1)" in made
    assert "return (x * x).sum(1)" not in made  # the same as +1
    assert not any("<<" in line or "&" in line for line in made)
    assert all(mutant.line == 4 for mutant in mutants)
    assert len({meaning(mutant.source) for mutant in mutants} | {meaning(SOLUTION)}) == len(mutants) + 1


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


def test_a_solution_of_which_no_mutant_can_be_made_is_a_problem(tmp_path: Path) -> None:
    found = audit(unit_with(tmp_path, "square_sum = lambda x: (x * x).sum(-1)"), seeds=1).problems
    assert ["no mutant of its solution could be made" in sentence for sentence in found] == [True]
