"""Every unit's laws, graded: what they catch, whom they would wrong, what they give for nothing, and what they give away."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import pytest
import torch

from autograder.answer import Answer, LocalTransport
from autograder.audit import audit, notebook_session, record, session_with
from autograder.domains import Domain
from autograder.exercise import Exercise, Law, Unit
from autograder.judge import check_exercise, sweep
from autograder.misconceptions import Entry, as_cell, load
from autograder.session import Session, import_file

SOLUTIONS = Path(__file__).parents[2] / "solutions"
RECORDS = Path(__file__).parents[2] / "docs" / "audit"
UNITS = {path.parent.name: Unit.load(path.parent) for path in sorted(SOLUTIONS.glob("*/laws.py"))}
EXERCISES = [(slug, name) for slug, unit in UNITS.items() for name in unit.exercises]
ENTRIES = [(slug, entry) for slug in UNITS for entry in load(SOLUTIONS / slug)]
SEEDS = 3

cell_of = cache(as_cell)
"""Which parses the whole file for one of its functions."""

of_every_exercise = pytest.mark.parametrize(
    ("slug", "name"), EXERCISES, ids=[f"{slug}-{name}" for slug, name in EXERCISES]
)
of_every_entry = pytest.mark.parametrize(
    ("slug", "entry"), ENTRIES, ids=[f"{slug}-{entry.exercise}-{entry.name}" for slug, entry in ENTRIES]
)


def audited_at_length(slug: str) -> bool:
    """Whether docs/audit holds 200 seeds of the unit and the engine as they are, without a problem."""
    found = record.read(SOLUTIONS / slug, RECORDS)
    return found is not None and found["seeds"] >= 200 and not list(record.stale(SOLUTIONS / slug, RECORDS))


AT_LENGTH = {slug for slug in UNITS if audited_at_length(slug)}


@pytest.mark.parametrize(("slug", "name"), [(slug, name) for slug, name in EXERCISES if slug not in AT_LENGTH])
def test_the_audit_finds_no_problem(slug: str, name: str) -> None:
    """The kill matrix is what misconceptions.py says, no right answer comes near a law's limit, nothing trivial earns a point, no
    misconception more than half, no law is idle and no mutant left. What is wrong is said in the audit's own sentences.

    Of units whose laws or engine were edited since docs/audit was written: of the others it says what 200 seeds found, and
    test_precision.py tries every law once on their right and wrong answers.
    """
    seeds = 1 if UNITS[slug].exercises[name].slow else SEEDS
    assert audit(SOLUTIONS / slug, seeds=seeds, only=name).problems == []


@of_every_exercise
def test_the_notebooks_own_solution_earns_every_point(slug: str, name: str) -> None:
    exercise = UNITS[slug].exercises[name]
    session, _ = notebook_session(UNITS[slug])
    assert session is not None
    verdict = check_exercise(exercise, LocalTransport(session), seed=7)
    assert (verdict.status, verdict.points) == ("correct", exercise.points)


@of_every_exercise
def test_points_are_whole_and_the_decisive_law_comes_first(slug: str, name: str) -> None:
    exercise = UNITS[slug].exercises[name]
    laws = exercise.laws
    assert laws[0].decisive
    assert (laws[0].points > 0) is not exercise.optional
    assert all(law.points == int(law.points) for law in laws)
    assert all(law.sentence.endswith(".") for law in laws)


@of_every_exercise
def test_one_variation_is_a_slow_loop(slug: str, name: str) -> None:
    ways = [entry.belief for other, entry in ENTRIES if other == slug and entry.exercise == name and entry.right]
    to_loop_over = UNITS[slug].exercises[name].parameters  # a derivation has no inputs
    assert not to_loop_over or any("loop" in way for way in ways), f"{name}: no variation says that it loops: {ways}"


@pytest.mark.parametrize("slug", UNITS)
def test_pictures_draw_the_notebooks_solutions(slug: str) -> None:
    session, _ = notebook_session(UNITS[slug])
    for exercise in UNITS[slug].exercises.values():
        if exercise.picture is not None:
            figure = exercise.picture(Answer(exercise, LocalTransport(session)))
            assert all(axes.has_data() for axes in figure.axes), exercise.name
            figure.canvas.draw()


# ---- misconceptions as people read and paste them ----------------------------------------------------------------------------


def test_stories_have_a_belief_and_two_sentences() -> None:
    for _, entry in ENTRIES:
        if not entry.right:
            assert entry.belief
            assert not entry.belief.endswith("."), entry.name
            assert len(re.findall(r"[.:](?=\s|$)", entry.story)) >= 2, entry.name
            assert entry.story.endswith("."), entry.name


@of_every_entry
def test_pasted_into_a_bare_notebook_it_is_the_same_answer(slug: str, entry: Entry) -> None:
    exercise = UNITS[slug].exercises[entry.exercise]
    pasted = Session(given=UNITS[slug].given)
    reply = pasted.handle(
        {"op": "load", "cells": [{"index": 1, "source": cell_of(entry), "locked": False}], "unit": slug}
    )
    assert reply["problems"] == []
    assert "autograder" not in cell_of(entry)
    telling = next((law for law in exercise.laws if law.name in entry.caught_by), exercise.decisive)
    there, here = (
        sweep(telling, Answer(exercise, LocalTransport(session)), 0)
        for session in (pasted, session_with(exercise, entry.function))
    )
    assert there.evidence == here.evidence == ("holds" if entry.right else "broken")
    assert there.margin == pytest.approx(here.margin, rel=1e-6, nan_ok=True)


# ---- what the released files give away ---------------------------------------------------------------------------------------


def functions_in(module: ModuleType) -> Iterator[Callable[..., Any]]:
    """Every function that can be reached from a module's names: through its own objects' attributes, containers and closures.

    What it imports is met too, but not entered: torch is the students' anyway.
    """
    seen: set[int] = set()
    pending: list[Any] = [value for name, value in vars(module).items() if not name.startswith("__")]
    while pending:
        value = pending.pop()
        if id(value) in seen or isinstance(value, str | bytes | int | float | torch.Tensor | Path | ModuleType):
            continue
        seen.add(id(value))
        if isinstance(value, Mapping):
            pending += value.values()
        elif isinstance(value, list | tuple | set | frozenset):
            pending += value
        elif isinstance(value, Unit | Exercise | Law | Domain):
            pending += vars(value).values()
        elif callable(value):
            yield value
            if getattr(value, "__module__", None) == module.__name__:
                pending += vars(value).values()
            if isinstance(value, FunctionType) and value.__module__ == module.__name__:
                pending += [cell.cell_contents for cell in value.__closure__ or ()]
                pending += [*(value.__defaults__ or ()), *(value.__kwdefaults__ or {}).values()]


@of_every_exercise
def test_no_released_function_is_an_answer(slug: str, name: str) -> None:
    """laws.py and given.py are handed to students: nothing in them, submitted under any exercise's name, earns full marks."""
    unit = UNITS[slug]
    assert unit.folder is not None
    files = [path for path in (unit.folder / "laws.py", unit.folder / "given.py") if path.exists()]
    released = [function for path in files for function in functions_in(import_file(path))]
    assert {law.check.__name__ for law in unit.exercises[name].laws} <= {getattr(f, "__name__", "") for f in released}
    exercise = unit.exercises[name]
    for function in released:
        found = sweep(exercise.decisive, Answer(exercise, LocalTransport(session_with(exercise, function))), 0)
        assert found.evidence == "broken", f"{function} answers {name}"


def test_a_function_hidden_in_a_law_would_be_found(tmp_path: Path) -> None:
    """The search above sees what hangs on a law's function, in a container, a closure or a default."""
    (tmp_path / "laws.py").write_text(
        "from autograder.exercise import Unit\n"
        "unit = Unit('u', 'U', minutes=1)\n"
        "@unit.exercise(batch='n', measure='none')\n"
        "def f(x): 'Doc.'\n"
        "def hide():\n"
        "    def in_closure(x): return x\n"
        "    def law(answer, x, other=[lambda x: x]):\n"
        "        'Law.'\n"
        "        return in_closure(x)\n"
        "    law.attribute = {'key': (lambda x: 2 * x,)}\n"
        "    return law\n"
        "law = f.law(points=1)(hide())\n",
        encoding="utf-8",
    )
    names = [function.__name__ for function in functions_in(import_file(tmp_path / "laws.py"))]
    assert sorted(names) == ["<lambda>", "<lambda>", "Unit", "f", "hide", "in_closure", "law"]
