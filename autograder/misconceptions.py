"""Wrong answers with the belief behind each, and right answers written another way.

A unit's `misconceptions.py` holds plain functions, each with the signature of its exercise:

    @misconception("kl_gaussian", belief="…", story="Two sentences.", caught_by=("agrees_with_torch",), may_break=(…))
    def half_on_the_first_term(mu_q, log_var_q, mu_p, log_var_p): …

    @variation("kl_gaussian", "a loop over rows")
    def row_by_row(mu_q, log_var_q, mu_p, log_var_p): …

The audit runs them against the laws; `as_cell` gives one as the source of a notebook cell, so that a class can be made of them.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.session import import_file


@dataclass(frozen=True)
class Entry:
    """One answer, right or wrong, to one exercise."""

    exercise: str
    name: str
    function: Callable[..., Any]
    belief: str
    """A misconception: what its author believes. A variation: how it is written."""
    story: str = ""
    caught_by: tuple[str, ...] = ()
    """The laws that always catch it. A variation is caught by none."""
    may_break: tuple[str, ...] = ()
    """The laws that catch it for some seeds, or may."""
    read_on: str = ""
    """A misconception: a heading of the unit's notebook, or a work with its year, where to read on."""

    @property
    def right(self) -> bool:
        return not self.caught_by

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(*args, **kwargs)


def misconception(
    exercise: str, *, belief: str, story: str, caught_by: Sequence[str], may_break: Sequence[str] = (), read_on: str = ""
) -> Callable[[Callable[..., Any]], Entry]:  # fmt: skip
    """Declare a wrong answer: the belief it stands for, its story in two sentences, the laws that always catch it.

    `read_on` says where to read on: a heading of the unit's notebook, word for word ("6 · When there is no formula"), or a
    work with its year in parentheses. Without it students are sent to the section that asks the exercise.
    """
    if isinstance(caught_by, str) or isinstance(may_break, str) or not caught_by:
        raise ValueError(
            f'“{belief}”: caught_by and may_break are tuples of law names, one law with its comma, as in ("name",); and some '
            "law must always catch it"
        )

    def declare(function: Callable[..., Any]) -> Entry:
        return Entry(exercise, function.__name__, function, belief, story, tuple(caught_by), tuple(may_break), read_on)

    return declare


def variation(exercise: str, how: str) -> Callable[[Callable[..., Any]], Entry]:
    """Declare a right answer written another way, such as "a loop over rows"."""

    def declare(function: Callable[..., Any]) -> Entry:
        return Entry(exercise, function.__name__, function, how)

    return declare


@dataclass(frozen=True)
class Equivalent:
    """A mutant of a solution that is as right as the solution itself, and why."""

    exercise: str
    was: str
    """The solution's line, as it is written there."""
    becomes: tuple[str, ...]
    """What a mutator makes of it, one line or several."""
    why: str


def equivalent(exercise: str, *, was: str, becomes: str | Sequence[str], why: str) -> Equivalent:
    """Mark surviving mutants as no mistake. A unit's `misconceptions.py` lists them: `EQUIVALENT = [equivalent(…), …]`."""
    if not why.strip():
        raise ValueError(f"`{was}`: a mutant is equivalent for a reason; say which in why=")
    return Equivalent(exercise, was, (becomes,) if isinstance(becomes, str) else tuple(becomes), why)


def load_equivalents(folder: str | Path) -> list[Equivalent]:
    """The mutants that a unit's `misconceptions.py` explains."""
    path = Path(folder) / "misconceptions.py"
    lists = [value for value in vars(import_file(path)).values() if isinstance(value, list)] if path.exists() else []
    return [item for items in lists for item in items if isinstance(item, Equivalent)]


def load(folder: str | Path) -> list[Entry]:
    """The entries of a unit's `misconceptions.py`, in the file's order; none where it has no such file."""
    path = Path(folder) / "misconceptions.py"
    if not path.exists():
        return []
    names = [name for s in ast.parse(path.read_text(encoding="utf-8")).body if isinstance(s, ast.FunctionDef | ast.ClassDef)
             for name in names_bound(s)]  # fmt: skip
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(
            f"{path.name} defines {', '.join(twice)} twice; only the last would be tried. Give each a name."
        )
    return [value for value in vars(import_file(path)).values() if isinstance(value, Entry)]


# ---- as the source of a cell ---------------------------------------------------------------------------------------------


def as_cell(entry: Entry) -> str:
    """The source to paste into a notebook: the imports and helpers that the function needs, and the function itself without
    its decorator, under the exercise's name."""
    path = Path(entry.function.__code__.co_filename)
    source = path.read_text(encoding="utf-8")
    makers: dict[str, ast.stmt] = {}
    for statement in ast.parse(source).body:
        for name in names_bound(statement):
            makers[name] = statement
    own = makers[entry.function.__name__]
    assert isinstance(own, ast.FunctionDef)

    needed: list[ast.stmt] = []
    pending: list[ast.stmt] = [own]
    while pending:
        statement = pending.pop()
        if statement in needed:
            continue
        if statement is not own and isinstance(statement, ast.FunctionDef) and statement.decorator_list:
            raise ValueError(
                f"{path.name}: {own.name} uses {statement.name}, an entry itself: share a plain helper instead"
            )
        needed.append(statement)
        # Everything of a function but its decorators.
        body = [*statement.body, statement.args] if isinstance(statement, ast.FunctionDef) else [statement]
        used = {node.id for part in body for node in ast.walk(part) if isinstance(node, ast.Name)}
        if own.name in used:
            raise ValueError(f"{path.name}: {own.name} calls itself, which a renamed copy cannot")
        pending += [makers[name] for name in used if name in makers]

    imports = [text_of(source, s) for s in needed if isinstance(s, ast.Import | ast.ImportFrom)]
    helpers = sorted(
        (s for s in needed if not isinstance(s, ast.Import | ast.ImportFrom) and s is not own), key=lambda s: s.lineno
    )
    definition = text_of(source, own).replace(f"def {own.name}(", f"def {entry.exercise}(", 1)
    blocks = ["\n".join(sorted(imports)), *(text_of(source, helper) for helper in helpers), definition]
    return "\n\n\n".join(block for block in blocks if block) + "\n"


def text_of(source: str, statement: ast.stmt) -> str:
    """The statement as it is written, from its first line to its last, without decorators."""
    assert statement.end_lineno is not None
    return "\n".join(source.splitlines()[statement.lineno - 1 : statement.end_lineno])


def names_bound(statement: ast.stmt) -> list[str]:
    """The names that a top-level import, definition or assignment binds."""
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return [statement.name]
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return [(alias.asname or alias.name).split(".")[0] for alias in statement.names]
    if isinstance(statement, ast.Assign):
        return [node.id for target in statement.targets for node in ast.walk(target) if isinstance(node, ast.Name)]
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        return [statement.target.id]
    return []
