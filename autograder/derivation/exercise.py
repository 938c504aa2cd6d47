"""Derivations as exercises: what a unit's laws.py says once for each.

    @derivation(unit, SPLIT, points=4)
    def evidence_splits() -> str:
        \"\"\"log p(x) as the ELBO and what it lacks, line by line, each with the rule by which it follows.\"\"\"

    @flaw(unit, FLAWED, optional=True)
    def find_the_flaw() -> tuple[int, str]:
        \"\"\"The number of the line that is wrong, and the line as it should be, with its rule.\"\"\"

The exercise is an ordinary one: two laws, half of the points each, and a probe by which slips are recognised.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autograder.derivation.check import RELATIONS, Flawed, Task
from autograder.exercise import Exercise, Unit

Declare = Callable[[Callable[..., Any]], Exercise]


def derivation(unit: Unit, task: Task, *, points: float = 0, optional: bool = False) -> Declare:
    """Declare a derivation: a function without arguments whose result is its text."""
    goal = f"{task.start} {RELATIONS[task.relation]} {task.end}"

    def declare(function: Callable[..., Any]) -> Exercise:
        exercise = unit.exercise(measure="a derivation", optional=optional)(function)

        def every_line_is_true(text: Any) -> Any:
            return task.means(text())

        def every_line_follows(text: Any) -> Any:
            return task.follows(text())

        def first_slip(text: Any) -> Any:
            return task.fingerprint(text())

        every_line_is_true.__doc__ = (
            f"It leads from one side of {goal} to the other, and every line is true in every model."
        )
        every_line_follows.__doc__ = (
            "Each line follows from the one before by the rule beside it, and plain arithmetic."
        )
        exercise.law(points=points / 2, decisive=True)(every_line_is_true)
        exercise.law(points=points / 2)(every_line_follows)
        exercise.probe()(first_slip)
        return exercise

    return declare


def flaw(unit: Unit, flawed: Flawed, *, points: float = 0, optional: bool = False) -> Declare:
    """Declare a derivation with one wrong line: a function without arguments whose result is (its number, the line mended)."""

    def declare(function: Callable[..., Any]) -> Exercise:
        exercise = unit.exercise(measure="a line number and a line", optional=optional)(function)

        def the_line_is_the_wrong_one(answer: Any) -> Any:
            return flawed.named(int(answer()[0]))

        def mended_it_is_a_derivation(answer: Any) -> Any:
            number, line = answer()
            return flawed.mended(int(number), line)

        def what_is_still_wrong(answer: Any) -> Any:
            number, line = answer()
            return flawed.fingerprint(int(number), line)

        the_line_is_the_wrong_one.__doc__ = "It is this line that does not follow from the one before."
        mended_it_is_a_derivation.__doc__ = "With your line in its place every line is true and follows."
        exercise.law(points=points / 2, decisive=True)(the_line_is_the_wrong_one)
        exercise.law(points=points / 2)(mended_it_is_a_derivation)
        exercise.probe()(what_is_still_wrong)
        return exercise

    return declare
