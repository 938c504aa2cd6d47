"""Every unit's misconceptions are recognised by name, however they are written; no right answer and no trivial one ever is."""

from __future__ import annotations

import ast
import html
import json
import re
import shutil
from collections.abc import Iterator
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from nbformat.v4 import new_code_cell, new_notebook

from autograder.answer import LocalTransport
from autograder.audit.trying import notebook_session, trivial_answers
from autograder.cohort import Sessions, grade_notebook
from autograder.exercise import Exercise, Unit
from autograder.fingerprints import FILE, diagnose
from autograder.in_notebook import check
from autograder.judge import check_exercise
from autograder.misconceptions import Entry, as_cell, load
from autograder.probes import differences, headings_in, stale
from autograder.sandbox import Sandbox, open_sandbox
from autograder.session import Session, import_file

SOLUTIONS = Path(__file__).parents[2] / "solutions"
RESTYLED = Path(__file__).parent / "restyled"
UNITS = {path.parent.name: Unit.load(path.parent) for path in sorted(SOLUTIONS.glob("*/laws.py"))}
ENTRIES = [(slug, entry) for slug in UNITS for entry in load(SOLUTIONS / slug)]
WRONG = [(slug, entry) for slug, entry in ENTRIES if not entry.right]
RIGHT = [(slug, entry) for slug, entry in ENTRIES if entry.right]
EXERCISES = [(slug, name) for slug, unit in UNITS.items() for name in unit.exercises]

cell_of = cache(as_cell)
"""Which parses the whole file for one of its functions."""

of_every_unit = pytest.mark.parametrize("slug", UNITS)
of_every_exercise = pytest.mark.parametrize(
    ("slug", "name"), EXERCISES, ids=[f"{slug}-{name}" for slug, name in EXERCISES]
)
of_every_misconception = pytest.mark.parametrize(
    ("slug", "entry"), WRONG, ids=[f"{slug}-{entry.exercise}-{entry.name}" for slug, entry in WRONG]
)
of_every_variation = pytest.mark.parametrize(
    ("slug", "entry"), RIGHT, ids=[f"{slug}-{entry.exercise}-{entry.name}" for slug, entry in RIGHT]
)


def pasted(slug: str, source: str) -> Session:
    """A student's session with this cell in it."""
    session = Session(given=UNITS[slug].given)
    reply = session.handle({"op": "load", "cells": [{"index": 1, "source": source, "locked": False}], "unit": slug})
    assert reply["problems"] == []
    return session


def recognised(exercise: Exercise, answer: Any) -> str | None:
    """The name of the diagnosis that a function gets, or what a session holds."""
    session = answer if isinstance(answer, Session) else Session(given=exercise.unit.given)
    if not isinstance(answer, Session):
        session.names[exercise.name] = answer
    diagnosis = diagnose(exercise, LocalTransport(session))
    return diagnosis.name if diagnosis else None


# ---- the same code, written by another hand ------------------------------------------------------------------------------


class Renamed(ast.NodeTransformer):
    """Parameters and local variables get other names."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        inside = [inner for inner in ast.walk(node) if inner is not node]
        bound = {inner.arg for inner in inside if isinstance(inner, ast.arg)}
        bound |= {inner.id for inner in inside if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store)}
        new = {name: f"my_{number}" for number, name in enumerate(sorted(bound))}
        for inner in inside:
            if isinstance(inner, ast.arg):
                inner.arg = new.get(inner.arg, inner.arg)
            elif isinstance(inner, ast.Name):
                inner.id = new.get(inner.id, inner.id)
        return node


class Restyled(ast.NodeTransformer):
    """x.sum(-1) → torch.sum(x, dim=-1); x.log() → torch.log(x); x**2 → x * x; a * b → b * a; a / b → a * (1 / b);
    a - b → -(b - a); return E → result = E; return result."""

    REDUCTIONS = ("sum", "mean", "std", "prod")
    FUNCTIONS = ("log", "exp", "sqrt", "abs", "square", "rsqrt", "det", "logdet")

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        method = node.func
        if not isinstance(method, ast.Attribute) or ast.unparse(method.value) in ("torch", "math", "torch.special"):
            return node
        function = ast.Attribute(ast.Name("torch", ast.Load()), method.attr, ast.Load())
        if method.attr in self.FUNCTIONS and not node.args:
            return ast.Call(function, [method.value], node.keywords)
        if method.attr in self.REDUCTIONS and len(node.args) <= 1:
            along = [ast.keyword("dim", argument) for argument in node.args]
            return ast.Call(function, [method.value], along + node.keywords)
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.op, ast.Pow) and isinstance(node.right, ast.Constant) and node.right.value == 2:
            return ast.BinOp(node.left, ast.Mult(), node.left)
        if isinstance(node.op, ast.Mult):
            return ast.BinOp(node.right, ast.Mult(), node.left)
        if isinstance(node.op, ast.Div):
            return ast.BinOp(node.left, ast.Mult(), ast.BinOp(ast.Constant(1), ast.Div(), node.right))
        if isinstance(node.op, ast.Sub):
            return ast.UnaryOp(ast.USub(), ast.BinOp(node.right, ast.Sub(), node.left))
        return node

    def visit_Return(self, node: ast.Return) -> Any:
        self.generic_visit(node)
        if node.value is None:
            return node
        return [ast.Assign([ast.Name("result", ast.Store())], node.value), ast.Return(ast.Name("result", ast.Load()))]


def by_another_hand(source: str) -> str:
    """Other names and other idioms, both at once."""
    tree = Renamed().visit(Restyled().visit(ast.parse(source)))
    return "import torch\n" + ast.unparse(ast.fix_missing_locations(tree))


def test_restyling_changes_what_is_written_and_nothing_else() -> None:
    source = "def f(x, y):\n    gap = (x - y) ** 2 / y\n    return (gap * x).log().sum(-1)\n"
    assert by_another_hand(source) == (
        "import torch\ndef f(my_2, my_3):\n"
        "    my_0 = -(my_3 - my_2) * -(my_3 - my_2) * (1 / my_3)\n"
        "    my_1 = torch.sum(torch.log(my_2 * my_0), dim=-1)\n"
        "    return my_1"
    )


# ---- who is recognised ---------------------------------------------------------------------------------------------------


@of_every_misconception
def test_a_misconception_is_diagnosed_by_its_name_however_it_is_written(slug: str, entry: Entry) -> None:
    exercise = UNITS[slug].exercises[entry.exercise]
    cells = {"as it is": cell_of(entry), "by another hand": by_another_hand(cell_of(entry))}
    got = {how: recognised(exercise, pasted(slug, cell)) for how, cell in cells.items()}
    assert got == dict.fromkeys(cells, entry.name)


@of_every_exercise
def test_the_verdict_carries_the_diagnosis(slug: str, name: str) -> None:
    exercise = UNITS[slug].exercises[name]
    entry = next(entry for other, entry in WRONG if (other, entry.exercise) == (slug, name))
    verdict = check_exercise(exercise, LocalTransport(pasted(slug, cell_of(entry))))
    assert verdict.diagnosis is not None
    assert (verdict.diagnosis.name, verdict.diagnosis.belief) == (entry.name, entry.belief)
    assert entry.belief in " ".join(verdict.as_text().split())
    assert entry.belief in html.unescape(verdict.as_html())
    assert json.loads(json.dumps(verdict.to_json()))["diagnosis"]["story"] == entry.story


@of_every_unit
def test_at_least_95_percent_are_recognised_when_written_by_hand_in_another_style(slug: str) -> None:
    file = RESTYLED / f"{slug}.py"
    assert file.is_file(), f"{slug}: write its misconceptions as students would, one function each, in {file.name}"
    written = vars(import_file(file))
    names = {entry.name: entry for other, entry in WRONG if other == slug}
    missing = sorted(set(names) - set(written))
    assert not missing, f"{file.name} does not have {', '.join(missing)}"
    got = {name: recognised(UNITS[slug].exercises[entry.exercise], written[name]) for name, entry in names.items()}
    amiss = {name: diagnosis for name, diagnosis in got.items() if diagnosis != name}
    print(f"{slug}: {len(got) - len(amiss)} of {len(got)} recognised by name; others: {amiss}")
    assert len(amiss) <= 0.05 * len(got), f"{len(got) - len(amiss)} of {len(got)} recognised; others got: {amiss}"
    assert set(amiss.values()) <= {None}, f"some were taken for another misconception: {amiss}"


# ---- who never is --------------------------------------------------------------------------------------------------------


@of_every_variation
def test_no_variation_is_ever_diagnosed(slug: str, entry: Entry) -> None:
    exercise = UNITS[slug].exercises[entry.exercise]
    cells = [cell_of(entry), by_another_hand(cell_of(entry))]
    assert {recognised(exercise, pasted(slug, cell)) for cell in cells} == {None}


@of_every_exercise
def test_neither_the_notebooks_solution_nor_anything_trivial_is_ever_diagnosed(slug: str, name: str) -> None:
    exercise = UNITS[slug].exercises[name]
    solutions, _ = notebook_session(UNITS[slug])
    assert solutions is not None
    assert recognised(exercise, solutions) is None
    trivial = trivial_answers(exercise)
    assert {title: recognised(exercise, answer) for title, answer in trivial.items()} == dict.fromkeys(trivial)


# ---- students and instructors see the same -------------------------------------------------------------------------------


Walled = tuple[str, Sandbox]


@pytest.fixture(scope="module", params=UNITS)
def walled(request: pytest.FixtureRequest, sandbox: Sandbox) -> Iterator[Walled]:
    """A unit and the tests' own sandbox, or another one where the unit hands something to its answers."""
    slug: str = request.param
    if UNITS[slug].given is None:
        yield slug, sandbox
    else:
        with open_sandbox(given=UNITS[slug].given) as opened:
            yield slug, opened


def those_that_fail(slug: str) -> set[str]:
    """The misconceptions whose answer raises, or returns what cannot be taken, on some probe."""
    exercises = json.loads((SOLUTIONS / slug / FILE).read_text(encoding="utf-8"))["exercises"].values()
    found = {name: item for exercise in exercises for name, item in exercise["misconceptions"].items()}
    return {name for name, item in found.items() if '"fault"' in json.dumps(item)}


def test_the_diagnosis_in_the_sandbox_is_that_in_the_notebook(walled: Walled) -> None:
    """Of each exercise its first misconception, its first variation, and whatever fails on a probe: grading goes on in another
    process then, a notebook in the same. What a notebook says of the same cells is held above."""
    slug, wall = walled
    unit = UNITS[slug]
    entries = [entry for other, entry in ENTRIES if other == slug]
    first, fail = {(entry.exercise, entry.right): entry for entry in reversed(entries)}.values(), those_that_fail(slug)
    for entry in [entry for entry in entries if entry in first or entry.name in fail]:
        cell = by_another_hand(cell_of(entry))
        with closing(Sessions(wall, slug, [{"index": 1, "source": cell, "locked": False}])) as sessions:
            there = diagnose(unit.exercises[entry.exercise], sessions)
        assert (there.name if there else None) == (None if entry.right else entry.name), entry.name


def test_a_student_reads_what_the_instructor_reads(
    walled: Walled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`check` beside what is released, with the students' seed, and `dlvm grade` with a seed of the course's own."""
    slug, wall = walled
    unit = UNITS[slug]
    for name in ("laws.py", "given.py", FILE):
        if (SOLUTIONS / slug / name).exists():
            shutil.copy(SOLUTIONS / slug / name, tmp_path)
    for file in (SOLUTIONS / slug / "handed_in").glob("*"):
        shutil.copy(file, tmp_path)
    monkeypatch.chdir(tmp_path)
    cells = {entry.exercise: cell_of(entry) for other, entry in WRONG if other == slug}
    submission = new_notebook(cells=[new_code_cell(cell) for cell in cells.values()])
    graded = grade_notebook(submission, unit, wall, seed=20_000_003)
    for exercise in graded.exercises:
        names: dict[str, Any] = {}
        exec(cells[exercise.name], names)
        assert exercise.diagnosis is not None, exercise.name
        assert check(names[exercise.name]).verdict.diagnosis == exercise.diagnosis


# ---- the file ------------------------------------------------------------------------------------------------------------


@of_every_unit
def test_fingerprints_are_those_of_todays_misconceptions(slug: str) -> None:
    word = stale(SOLUTIONS / slug)
    assert not word, f"solutions/{slug}/{FILE} is stale ({word}): run `dlvm release`"
    assert differences(SOLUTIONS / slug) == []


def strings_in(data: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """(the key it stands under, the string) for every string in JSON data."""
    if isinstance(data, dict):
        for name, value in data.items():
            yield from strings_in(value, name)
    elif isinstance(data, list):
        for value in data:
            yield from strings_in(value, key)
    elif isinstance(data, str):
        yield key, data


@of_every_unit
def test_the_file_gives_away_numbers_and_stories_and_no_code(slug: str) -> None:
    text = (SOLUTIONS / slug / FILE).read_text(encoding="utf-8")
    entries = [entry for other, entry in ENTRIES if other == slug]
    told = {entry.belief for entry in entries} | {entry.story for entry in entries}
    for key, value in strings_in(json.loads(text)):
        if key in ("belief", "story"):
            assert value in told
        elif key not in ("schema", "unit", "made_from", "read_on", "fault", "changed"):
            assert value in ("nan", "inf", "-inf"), f"{value!r} under {key!r}"
    assert len(text) < 150_000
    for name in ("misconceptions.py", f"{slug}.ipynb"):
        source = (SOLUTIONS / slug / name).read_text(encoding="utf-8")
        code = "\n".join(cell_code(source)) if name.endswith(".ipynb") else source
        for node in ast.walk(ast.parse(code)):
            if (
                isinstance(node, ast.Return | ast.Assign)
                and node.value is not None
                and len(ast.unparse(node.value)) > 8
            ):
                assert ast.unparse(node.value) not in text, f"{name}, line {node.lineno}"


def cell_code(notebook: str) -> list[str]:
    cells = [cell for cell in json.loads(notebook)["cells"] if cell["cell_type"] == "code"]
    return ["".join(cell["source"]) for cell in cells if cell["metadata"].get("nbgrader", {}).get("solution")]


@of_every_unit
def test_students_are_sent_to_headings_that_exist(slug: str) -> None:
    cells = json.loads((SOLUTIONS / slug / f"{slug}.ipynb").read_text(encoding="utf-8"))["cells"]
    headings = {
        line.lstrip("# ") for c in cells if c["cell_type"] == "markdown" for line in headings_in("".join(c["source"]))
    }
    for exercise in json.loads((SOLUTIONS / slug / FILE).read_text(encoding="utf-8"))["exercises"].values():
        for name, item in exercise["misconceptions"].items():
            named = re.fullmatch("“(.*)”, in this notebook", item["read_on"])
            assert named or re.search(r"\(\d{4}\)", item["read_on"]), f"{name}: {item['read_on']!r}"
            assert not named or named[1] in headings, f"{name} sends students to {named[1]!r}"
