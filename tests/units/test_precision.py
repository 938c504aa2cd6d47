"""The verdict on every answer of every unit is what it is worth, in float32 and in float64, on the CPU and on a GPU."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from autograder.answer import Answer, LocalTransport
from autograder.audit import notebook_session
from autograder.audit.trying import Tried, answers_to
from autograder.exercise import Exercise, Unit
from autograder.judge import score, status_of, sweep
from autograder.misconceptions import load
from autograder.session import Session

SOLUTIONS = Path(__file__).parents[2] / "solutions"
UNITS = {path.parent.name: Unit.load(path.parent) for path in sorted(SOLUTIONS.glob("*/laws.py"))}
EXERCISES = [(slug, name) for slug, unit in UNITS.items() for name in unit.exercises]

of_every_exercise = pytest.mark.parametrize(
    ("slug", "name"), EXERCISES, ids=[f"{slug}-{name}" for slug, name in EXERCISES]
)


def answers(slug: str, name: str) -> list[tuple[Tried, Session]]:
    """Every right and wrong answer that the unit has; trivial ones are the same everywhere."""
    unit = UNITS[slug]
    solutions, _ = notebook_session(unit)
    pairs = answers_to(unit.exercises[name], load(SOLUTIONS / slug), solutions)
    return [(tried, session) for tried, session in pairs if tried.kind != "trivial"]


def verdict(
    exercise: Exercise, session: Session, device: str = "cpu",
    dtypes: Sequence[torch.dtype] = (torch.float64, torch.float32),
) -> tuple[str, float]:  # fmt: skip
    """Status and points, with inputs of these dtypes alone."""
    answer = Answer(exercise, LocalTransport(session), device)
    found = {law.name: sweep(law, answer, 0, dtypes=dtypes) for law in exercise.laws}
    laws = tuple(score(law, found, exercise.decisive) for law in exercise.laws)
    return status_of(laws), sum(law.points for law in laws)


@of_every_exercise
def test_right_answers_earn_all_and_wrong_ones_half_at_most_in_float32_as_in_float64(slug: str, name: str) -> None:
    exercise = UNITS[slug].exercises[name]
    for tried, session in answers(slug, name):
        double = verdict(exercise, session, dtypes=(torch.float64,))  # both together are what the audit tries
        assert double == verdict(exercise, session, dtypes=(torch.float32,)), tried.name
        if tried.right:
            assert double == ("correct", exercise.points), tried.name
        else:
            assert double[0] in ("wrong", "partial"), tried.name
            assert double[1] <= exercise.points / 2, tried.name


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device here")
@of_every_exercise
def test_the_verdict_is_the_same_on_cpu_and_gpu(slug: str, name: str) -> None:
    exercise = UNITS[slug].exercises[name]
    for tried, session in answers(slug, name):
        assert verdict(exercise, session, "cuda") == verdict(exercise, session, "cpu"), tried.name
