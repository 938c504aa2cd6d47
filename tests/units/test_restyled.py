"""What restyled/ holds are the misconceptions, all of them, each in other words: else recognising them would prove nothing."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from autograder.answer import Answer, LocalTransport
from autograder.audit import session_with
from autograder.exercise import Exercise, Unit
from autograder.judge import configurations, sweep
from autograder.misconceptions import Entry, load
from autograder.session import import_file

SOLUTIONS = Path(__file__).parents[2] / "solutions"
RESTYLED = Path(__file__).parent / "restyled"
FILES = {path.stem: path for path in sorted(RESTYLED.glob("*.py"))}
UNITS = {slug: Unit.load(SOLUTIONS / slug) for slug in FILES}
WRITTEN = {slug: vars(import_file(path)) for slug, path in FILES.items()}
WRONG = [(slug, entry) for slug in FILES for entry in load(SOLUTIONS / slug) if not entry.right]

COMPARABLE = [(slug, entry) for slug, entry in WRONG if UNITS[slug].exercises[entry.exercise].own_probe is None]
"""Those that have one value to return. Searches, say, end where their method takes them; the diagnosis compares these."""

of_every_misconception = pytest.mark.parametrize(
    ("slug", "entry"), WRONG, ids=[f"{slug}-{entry.exercise}-{entry.name}" for slug, entry in WRONG]
)
of_every_comparable_misconception = pytest.mark.parametrize(
    ("slug", "entry"), COMPARABLE, ids=[f"{slug}-{entry.exercise}-{entry.name}" for slug, entry in COMPARABLE]
)


def of(slug: str, entry: Entry) -> tuple[Exercise, Callable[..., Any]]:
    return UNITS[slug].exercises[entry.exercise], WRITTEN[slug][entry.name]


def answered(exercise: Exercise, function: Callable[..., Any]) -> Answer:
    return Answer(exercise, LocalTransport(session_with(exercise, function)))


# ---- complete ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("slug", FILES)
def test_every_misconception_is_there_and_every_function_is_one_or_helps_one(slug: str) -> None:
    names = {entry.name for other, entry in WRONG if other == slug}
    tree = ast.parse(FILES[slug].read_text(encoding="utf-8"))
    functions = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    assert len(functions) == len(set(functions))
    assert names <= set(functions), f"write {sorted(names - set(functions))} as a student would"
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert set(functions) - names <= used, f"{sorted(set(functions) - names - used)}: of no misconception's name"


# ---- another hand --------------------------------------------------------------------------------------------------------


class InOrder(ast.NodeTransformer):
    """Parameters and local variables are called by the order in which they appear; docstrings and decorators go."""

    def __init__(self, function: ast.FunctionDef) -> None:
        own = [node.arg for node in ast.walk(function) if isinstance(node, ast.arg)]
        own += [n.id for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
        self.names = {name: f"name_{place}" for place, name in enumerate(dict.fromkeys(own))}

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        self.generic_visit(node)
        node.name, node.decorator_list = "function", []
        if ast.get_docstring(node) is not None:
            node.body = node.body[1:]
        return node

    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.arg, node.annotation = self.names[node.arg], None
        return node

    def visit_Name(self, node: ast.Name) -> ast.Name:
        node.id = self.names.get(node.id, node.id)
        return node


def shape_of(source: str) -> str:
    """A function's syntax tree without its names: the same for two that differ in names, comments and layout alone."""
    function = ast.parse(textwrap.dedent(source)).body[0]
    assert isinstance(function, ast.FunctionDef)
    return ast.dump(InOrder(function).visit(function))


def test_names_comments_and_decorators_make_no_other_style() -> None:
    one = '@misconception("f", belief="b")\ndef f(p, q):\n    "Doc."\n    r = p / q\n    return (p * r.log()).sum(-1)\n'
    renamed = "def g(first, q):  # mine\n    ratio = first / q\n    return (\n        first * ratio.log()).sum(-1)\n"
    another = "def g(first, q):\n    return (first * (first / q).log()).sum(-1)\n"
    swapped = "def g(q, p):\n    r = p / q\n    return (p * r.log()).sum(-1)\n"
    assert shape_of(one) == shape_of(renamed)
    assert len({shape_of(source) for source in (one, another, swapped)}) == 3


@of_every_misconception
def test_it_is_written_in_other_words_and_with_other_names(slug: str, entry: Entry) -> None:
    exercise, function = of(slug, entry)
    source = inspect.getsource(function)
    assert shape_of(source) != shape_of(inspect.getsource(entry.function))
    mine, asked = list(inspect.signature(function).parameters), list(exercise.parameters)
    assert len(mine) == len(asked)
    assert not set(mine) & set(asked)
    assert not ast.parse(textwrap.dedent(source)).body[0].decorator_list  # type: ignore[attr-defined]


def test_a_file_takes_nothing_from_the_misconceptions() -> None:
    for slug, path in FILES.items():
        imports = [
            n
            for n in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(n, ast.Import | ast.ImportFrom)
        ]
        modules = {alias.name for n in imports if isinstance(n, ast.Import) for alias in n.names}
        modules |= {str(n.module) for n in imports if isinstance(n, ast.ImportFrom)}
        assert all(module.split(".")[0] in ("math", "sympy", "torch") for module in modules), (
            f"{slug}: {sorted(modules)}"
        )


# ---- the same mistake ----------------------------------------------------------------------------------------------------


@of_every_misconception
def test_the_same_laws_catch_it(slug: str, entry: Entry) -> None:
    exercise, function = of(slug, entry)
    answer = answered(exercise, function)
    laws = {law.name: law for law in exercise.laws}
    assert {name: sweep(laws[name], answer, 0).evidence for name in entry.caught_by} == dict.fromkeys(
        entry.caught_by, "broken"
    )


@of_every_comparable_misconception
def test_it_returns_what_the_misconception_returns(slug: str, entry: Entry) -> None:
    """On the decisive law's inputs, to half of float64's digits of the largest number in a row."""
    exercise, function = of(slug, entry)
    there, here = answered(exercise, entry.function), answered(exercise, function)
    half = torch.finfo(torch.float64).eps ** 0.5
    cpu = torch.device("cpu")
    for inputs, _ in configurations(exercise.decisive, exercise, 0, cpu, (torch.float64,)):
        arguments = [inputs[name] for name in exercise.parameters]
        # Large numbers may cancel: two ways to add them then differ by their rounding, however small what is left.
        largest = max(1.0, *(float(x[x.isfinite()].abs().max()) for x in arguments))
        atol = torch.finfo(torch.float64).eps * 64 * largest if largest > 1 / half else half
        torch.testing.assert_close(here(*arguments), there(*arguments), rtol=half, atol=atol, equal_nan=True)
