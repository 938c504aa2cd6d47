"""A class that does not exist: right answers written in several ways, misconceptions, half-done work, and troublemakers."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from itertools import chain
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from autograder.demo.troublemakers import TROUBLEMAKERS, answer_cells, as_bytes
from autograder.misconceptions import Entry, as_cell, load
from autograder.notebook import nbgrader_metadata

cell_of = cache(as_cell)  # which parses the whole file for one of its functions
SOLUTION_MARKS = re.compile(r"^[ \t]*###[ \t]*(BEGIN|END) SOLUTION[ \t]*\n?", flags=re.MULTILINE)


@dataclass(frozen=True)
class Pupil:
    """A made-up student: what they hand in, and what they did, in a sentence."""

    student: str
    story: str
    notebook: bytes
    earns: str
    """"everything", "nothing", "the rest" (all but the first exercise), or "some"."""


def solved_from(source: NotebookNode) -> NotebookNode:
    """The author's notebook as a student would have written it: without the marks around the answers."""
    solved = deepcopy(source)
    for cell in solved.cells:
        if nbgrader_metadata(cell).get("solution"):
            cell.source = SOLUTION_MARKS.sub("", cell.source)
    return solved


def with_answers(notebook: NotebookNode, answers: dict[str, str]) -> NotebookNode:
    """The notebook with the named exercises answered by these sources."""
    changed = deepcopy(notebook)
    for cell in answer_cells(changed):
        name = nbgrader_metadata(cell)["grade_id"]
        if name in answers:
            cell.source = answers[name]
    return changed


def pupils(unit_folder: Path, released: NotebookNode, count: int) -> Iterator[Pupil]:
    """`count` students: the fixed cast first, then more students with other misconceptions.

    Everything is chosen by counting, not by chance: two demos are the same.
    """
    solved = solved_from(nbformat.read(unit_folder / f"{unit_folder.name}.ipynb", as_version=4))
    entries = load(unit_folder)
    right = by_exercise(entry for entry in entries if entry.right and not uses_the_reference(entry))
    wrong = by_exercise(entry for entry in entries if not entry.right)
    cast = chain(
        honest_work(released, solved, right, wrong),
        ((t.story, t.build(released, solved), t.earns) for t in TROUBLEMAKERS),
        more_misconceptions(solved, wrong),
    )
    for number, (story, notebook, earns) in zip(range(1, count + 1), cast, strict=False):  # the last part never ends
        yield Pupil(f"student-{number:02d}", story, notebook, earns)


def uses_the_reference(entry: Entry) -> bool:
    """Whether it stands on `reference/`, which students are not given."""
    imports = [node for node in ast.walk(ast.parse(cell_of(entry))) if isinstance(node, ast.Import | ast.ImportFrom)]
    modules = [getattr(node, "module", None) or node.names[0].name for node in imports]
    return any(module.split(".")[0] == "reference" for module in modules)


def by_exercise(entries: Iterator[Entry]) -> dict[str, list[Entry]]:
    found: dict[str, list[Entry]] = {}
    for entry in entries:
        found.setdefault(entry.exercise, []).append(entry)
    return found


Piece = tuple[str, bytes, str]


def honest_work(
    released: NotebookNode, solved: NotebookNode, right: dict[str, list[Entry]], wrong: dict[str, list[Entry]]
) -> Iterator[Piece]:
    yield "solved everything", as_bytes(solved), "everything"
    for index in range(2):
        answers = {name: cell_of(entries[index % len(entries)]) for name, entries in right.items()}
        yield (
            f"solved everything in another way (no. {index + 1})",
            as_bytes(with_answers(solved, answers)),
            "everything",
        )
    yield "handed in the notebook untouched", as_bytes(released), "nothing"
    half = {name: cell_of(entries[0]) for name, entries in list(right.items())[: len(right) // 2]}
    yield f"stopped half-way ({len(half)} of {len(right)} exercises)", as_bytes(with_answers(released, half)), "some"
    for index in range(3):
        answers = {name: cell_of(entries[index % len(entries)]) for name, entries in wrong.items()}
        work = as_bytes(with_answers(solved, answers))
        yield f"holds a misconception in every exercise (no. {index + 1} of each)", work, "some"


def more_misconceptions(solved: NotebookNode, wrong: dict[str, list[Entry]]) -> Iterator[Piece]:
    """One misconception at a time, in turn through the exercises; the rest is right."""
    index = 0
    while True:
        for name, entries in wrong.items():
            entry = entries[index % len(entries)]
            work = as_bytes(with_answers(solved, {name: cell_of(entry)}))
            yield f"{name}: believes that {entry.belief}", work, "some"
        index += 1
