"""Mutation testing: small changes to a unit's own solutions, which the laws must notice.

The changes are cosmic-ray's: an operator replaced by another, a number off by one, a condition negated, a loop left out. Every
mutant is judged in a fork of the warm process, on its exercise's laws, and counts as killed at the first that breaks.
"""

from __future__ import annotations

import ast
import difflib
import importlib.util
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from autograder.answer import Answer, LocalTransport
from autograder.audit.forks import Ended, in_forks
from autograder.exercise import Exercise, Unit
from autograder.judge import sweep
from autograder.misconceptions import Equivalent
from autograder.notebook import is_locked, is_solution, read
from autograder.session import Session

SEEDS_A_MUTANT = 3
"""A mutant that breaks no law at the first seed gets so many seeds in all; caught by some of them only, it is not killed."""
CPU_SECONDS = 10
"""A mutant that runs longer (a loop that no longer ends) is killed: in grading a single call has no more."""

ON_NUMBERS = {"Add", "Sub", "Mul", "Div", "FloorDiv", "Mod", "Pow"}
"""Binary operators that real numbers have. Shifts and bits of a float raise at once: such mutants would only flatter."""


@dataclass(frozen=True)
class Mutant:
    """One change to a solution."""

    exercise: str
    """The exercise that it is counted under."""
    operator: str
    line: int
    """The line within the solution's cell, from 1."""
    was: str
    becomes: str
    source: str
    """The whole cell with the change in it."""
    judged_by: tuple[str, ...] = ()
    """The exercises whose laws may notice it: more than one where they share a helper."""

    def __str__(self) -> str:
        return f"line {self.line}, `{self.was}` → `{self.becomes}`"


@dataclass(frozen=True)
class Fate:
    """What became of a mutant."""

    mutant: Mutant
    outcome: str
    """killed, sometimes (by some seeds only), survived, equivalent (survived, and somebody wrote why), or undecided: no law was
    broken, and one came to no decision or failed itself."""
    by: str = ""
    """What killed it: a law's name, or how it ended; for an equivalent one, the reason written."""


def available() -> bool:
    return importlib.util.find_spec("cosmic_ray") is not None


# ---- making them -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Part:
    """A statement of the solved notebook that answers are made of: an exercise's function, or a helper or constant of it."""

    cell: str
    """The source of its whole cell."""
    lines: range
    """Where it stands in the cell, from 1."""
    exercises: tuple[str, ...]
    """Whose answers need it; the exercise that it defines comes first."""


def parts_of(unit: Unit) -> list[Part]:
    """What the notebook's solutions are made of: the functions, and whatever of the notebook's own they use, in its order.

    Locked cells are the release's and no answer; in cells that are not marked as solutions only functions and classes count.
    """
    assert unit.folder is not None
    path = unit.folder / f"{unit.slug}.ipynb"
    found: list[tuple[str, ast.stmt]] = []
    for cell in read(path).cells if path.exists() else []:
        if cell.cell_type != "code" or is_locked(cell):
            continue
        try:
            statements = ast.parse(cell.source).body
        except SyntaxError:  # a magic, for instance
            continue
        kinds = DEFINING if is_solution(cell) else DEFINING[:2]
        found += [(cell.source, statement) for statement in statements if isinstance(statement, kinds)]
    needed = {name: needed_by(name, [statement for _, statement in found]) for name in unit.exercises}
    parts = []
    for source, statement in found:
        users = [name for name, names in needed.items() if names & defined_by(statement)]
        users.sort(key=lambda name: name not in defined_by(statement))
        if users:
            first = min([statement.lineno, *(d.lineno for d in getattr(statement, "decorator_list", []))])
            parts.append(Part(source, range(first, (statement.end_lineno or first) + 1), tuple(users)))
    return parts


DEFINING = (ast.FunctionDef, ast.ClassDef, ast.Assign, ast.AnnAssign)


def defined_by(statement: ast.stmt) -> set[str]:
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return {statement.name}
    return {n.id for n in ast.walk(statement) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}


def needed_by(name: str, statements: Sequence[ast.stmt]) -> set[str]:
    """The names that the definition of `name` uses, and those that these use in turn."""
    needed, last = {name}, set()
    while needed != last:
        last = set(needed)
        for statement in statements:
            if defined_by(statement) & needed:
                needed |= {n.id for n in ast.walk(statement) if isinstance(n, ast.Name)}
    return needed


def mutants_of(parts: Sequence[Part]) -> Iterator[Mutant]:
    """Every different mutant of the statements that answers are made of, cell by cell."""
    for cell in dict.fromkeys(part.cell for part in parts):
        for line, operator, was, becomes, mutated in changes_to(cell):
            for part in parts:
                if part.cell == cell and line in part.lines:
                    yield Mutant(part.exercises[0], operator, line, was, becomes, mutated, part.exercises)


def changes_to(source: str) -> Iterator[tuple[int, str, str, str, str]]:
    """Every different mutant of a cell, in the order of cosmic-ray's operators: (line, operator, was, becomes, source)."""
    from cosmic_ray.ast import ast_nodes, get_ast
    from cosmic_ray.mutating import mutate_code
    from cosmic_ray.plugins import get_operator, operator_names

    seen = {meaning(source)}
    nodes = list(ast_nodes(get_ast(source)))
    for name in operator_names():
        short = name.split("/")[-1]
        if not on_numbers(short) or short.startswith("Variable"):  # those replace by random numbers
            continue
        operator = get_operator(name)()
        for occurrence in range(sum(1 for node in nodes for _ in operator.mutation_positions(node))):
            mutated = mutate_code(source, operator, occurrence)
            if mutated is None or (means := meaning(mutated)) in seen:
                continue
            seen.add(means)
            line, was, becomes = change(source, mutated)
            yield line, short, was, becomes, mutated


def on_numbers(operator: str) -> bool:
    kind, _, parts = operator.partition("_")
    return kind != "ReplaceBinaryOperator" or set(parts.split("_")) <= ON_NUMBERS


def meaning(source: str, annotations: bool = False) -> str:
    """What the code does, whatever its comments, docstrings and (unless they are wanted: in laws.py they are the exercise)
    annotations say; the source itself if it is not Python."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return source
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
        if isinstance(node, ast.FunctionDef) and not annotations:
            node.returns = None
        if isinstance(node, ast.arg) and not annotations:
            node.annotation = None
    return ast.dump(Folded().visit(tree))


class Folded(ast.NodeTransformer):
    """Signed numbers as numbers: +1 and 1 are one mutant, ~8 and -9 another."""

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        self.generic_visit(node)
        if not isinstance(node.operand, ast.Constant) or not isinstance(node.operand.value, int):
            return node
        value = node.operand.value
        signed = {ast.UAdd: +value, ast.USub: -value, ast.Invert: ~value}
        return ast.Constant(signed[type(node.op)]) if type(node.op) in signed else node


def change(before: str, after: str) -> tuple[int, str, str]:
    """The first line that differs, from 1, with its text before and after."""
    old, new = before.splitlines(), after.splitlines()
    for tag, start, stop, there, until in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag != "equal":
            return (
                start + 1,
                " ".join("\n".join(old[start:stop]).split()),
                " ".join("\n".join(new[there:until]).split()),
            )
    return 1, "", ""


# ---- judging them ----------------------------------------------------------------------------------------------------------


def try_mutants(
    unit: Unit, session: Session, mutants: Sequence[Mutant], equivalents: Iterable[Equivalent], jobs: int | None,
    progress: Callable[[Mutant, int], None] | None = None,
) -> list[Fate]:  # fmt: skip
    """What becomes of each mutant of a unit whose solved notebook is loaded in `session`."""
    reasons = {(e.exercise, squeezed(e.was), squeezed(becomes)): e.why for e in equivalents for becomes in e.becomes}
    fates: list[Fate | None] = [None] * len(mutants)
    tasks = [task(unit, session, mutant) for mutant in mutants]
    for done, (place, result) in enumerate(in_forks(tasks, jobs, CPU_SECONDS), start=1):
        mutant = mutants[place]
        outcome, by = ("killed", result.reason) if isinstance(result, Ended) else result
        why = reasons.get((mutant.exercise, squeezed(mutant.was), squeezed(mutant.becomes)))
        fates[place] = Fate(mutant, "equivalent", why) if outcome == "survived" and why else Fate(mutant, outcome, by)
        if progress is not None:
            progress(mutant, done)
    return [fate for fate in fates if fate is not None]


def squeezed(line: str) -> str:
    return "".join(line.split())


def task(unit: Unit, session: Session, mutant: Mutant) -> Callable[[], tuple[str, str]]:
    """In a fork, where nothing else is harmed: put the mutant in the solution's place and try its exercise's laws."""

    def judge() -> tuple[str, str]:
        for statement in ast.parse(mutant.source).body:  # what no longer loads must not stay as it was
            for name in defined_by(statement):
                session.names.pop(name, None)
        cell = {"index": 1, "source": mutant.source, "locked": False}
        session.handle({"op": "load", "cells": [cell], "unit": unit.slug})
        for seed in range(SEEDS_A_MUTANT):
            open_questions = ""
            for name in mutant.judged_by:
                broken, undecided = first_that_does_not_hold(unit.exercises[name], session, seed)
                if broken:
                    return ("killed" if seed == 0 else "sometimes"), broken
                open_questions = open_questions or undecided
            if open_questions:
                return "undecided", open_questions
        return "survived", ""

    return judge


def first_that_does_not_hold(exercise: Exercise, session: Session, seed: int) -> tuple[str, str]:
    """The first law that the answer in this session breaks, or else the first that came to no decision."""
    answer = Answer(exercise, LocalTransport(session))
    undecided = ""
    for law in exercise.laws:
        evidence = sweep(law, answer, seed).evidence
        if evidence == "broken":
            return law.name, ""
        if evidence != "holds":
            undecided = undecided or law.name
    return "", undecided


def forgotten(equivalents: Iterable[Equivalent], fates: Sequence[Fate]) -> Iterator[str]:
    """Reasons written for mutants that do not survive, or are no longer made."""
    kept = {
        (f.mutant.exercise, squeezed(f.mutant.was), squeezed(f.mutant.becomes))
        for f in fates
        if f.outcome == "equivalent"
    }
    for entry in equivalents:
        for becomes in entry.becomes:
            if (entry.exercise, squeezed(entry.was), squeezed(becomes)) not in kept:
                yield (
                    f"`{entry.was}` → `{becomes}` is marked equivalent, but no surviving mutant makes that change. "
                    "Take the entry out of misconceptions.py, or correct its lines."
                )


def to_json(fates: Sequence[Fate]) -> dict[str, Any]:
    """Counts, what killed how many, and every mutant that lived."""
    killed = [fate for fate in fates if fate.outcome == "killed"]
    by = {name: sum(fate.by == name for fate in killed) for name in sorted({fate.by for fate in killed})}
    return {
        "made": len(fates), "killed": len(killed), "killed_by": by,
        "alive": [
            {
                "outcome": fate.outcome, "line": fate.mutant.line, "was": fate.mutant.was, "becomes": fate.mutant.becomes,
                "operator": fate.mutant.operator, "why": fate.by,
            }
            for fate in fates
            if fate.outcome != "killed"
        ],
    }  # fmt: skip
