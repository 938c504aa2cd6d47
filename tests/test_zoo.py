"""Every kind of exercise that a unit may ask for is judged rightly, and equally in this process and behind the wall."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest

from autograder.answer import LocalTransport
from autograder.cohort import Sessions
from autograder.exercise import Unit
from autograder.judge import judge_submission
from autograder.sandbox import Sandbox, find_bwrap, open_sandbox
from autograder.session import Session
from autograder.verdict import Verdict

HERE = Path(__file__).parent / "zoo"
UNIT = Unit.load(HERE)
spec = importlib.util.spec_from_file_location("zoo_answers", HERE / "answers.py")
assert spec is not None
assert spec.loader is not None
answers = importlib.util.module_from_spec(spec)
spec.loader.exec_module(answers)


def judged_locally(submission: dict[str, str], only: str | None = None, unit: Unit = UNIT) -> Verdict:
    session = Session(given=UNIT.given)
    session.handle({"op": "load", "cells": answers.cells(submission)})
    return judge_submission(unit, LocalTransport(session), only=only)


@pytest.fixture(scope="module")
def right() -> Verdict:
    return judged_locally(answers.RIGHT)


@pytest.fixture(scope="module")
def wrong() -> Verdict:
    return judged_locally(answers.WRONG)


@pytest.mark.parametrize("name", list(UNIT.exercises))
def test_a_right_answer_of_every_kind_gets_all_points(right: Verdict, name: str) -> None:
    verdict = next(exercise for exercise in right.exercises if exercise.name == name)
    assert verdict.status == "correct", verdict.as_text()
    assert verdict.points == verdict.max_points


@pytest.mark.parametrize("name", list(UNIT.exercises))
def test_a_wrong_answer_of_every_kind_is_caught(wrong: Verdict, name: str) -> None:
    verdict = next(exercise for exercise in wrong.exercises if exercise.name == name)
    assert verdict.status in ("wrong", "partial"), verdict.as_text()
    assert verdict.points <= verdict.max_points / 2


@pytest.mark.parametrize("name", list(answers.WRONG_SAMPLERS))
def test_a_wrong_sampler_is_found_by_the_laws_that_are_about_its_error(name: str) -> None:
    exercise, laws, _ = answers.WRONG_SAMPLERS[name]
    (verdict,) = judged_locally(answers.wrong_sampler(name), only=exercise).exercises
    assert {law.name for law in verdict.laws if law.evidence == "broken"} == laws, verdict.as_text()
    assert {law.name for law in verdict.laws if law.evidence == "holds"} == {law.name for law in verdict.laws} - laws
    assert verdict.points < verdict.max_points


@pytest.mark.parametrize("which", ["RIGHT", "WRONG"])
def test_the_order_of_the_laws_does_not_change_what_they_find(which: str, right: Verdict, wrong: Verdict) -> None:
    unit = Unit.load(HERE)
    for exercise in unit.exercises.values():
        exercise.laws[1:] = exercise.laws[:0:-1]
    found = judged_locally(getattr(answers, which), unit=unit)
    for there, here in zip(found.exercises, {"RIGHT": right, "WRONG": wrong}[which].exercises, strict=True):
        laws = [{law.name: {**law.to_json(), "witness": None} for law in verdict.laws} for verdict in (there, here)]
        assert laws[0] == laws[1]
        assert (there.status, there.points) == (here.status, here.points)


@pytest.fixture(scope="module", params=["sandbox", "plain subprocess"])
def elsewhere(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """A session that is not in this process, behind the wall or without one."""
    if request.param == "sandbox" and find_bwrap() is None:
        pytest.skip("needs a sandbox")
    with open_sandbox(given=UNIT.given, plain=request.param != "sandbox") as opened:
        yield opened


@pytest.mark.parametrize("which", ["RIGHT", "WRONG"])
def test_the_verdict_is_the_same_elsewhere(elsewhere: Sandbox, which: str, right: Verdict, wrong: Verdict) -> None:
    here = {"RIGHT": right, "WRONG": wrong}[which]
    session = Sessions(elsewhere, UNIT.slug, answers.cells(getattr(answers, which)))
    try:
        there = judge_submission(UNIT, session)
    finally:
        session.close()
    assert there.to_json() == here.to_json()


@pytest.mark.parametrize("name", list(answers.WRONG_SAMPLERS))
def test_the_verdict_on_a_wrong_sampler_is_the_same_behind_the_wall(sandbox: Sandbox, name: str) -> None:
    exercise, _, _ = answers.WRONG_SAMPLERS[name]
    session = Sessions(sandbox, UNIT.slug, answers.cells(answers.wrong_sampler(name)))
    try:
        there = judge_submission(UNIT, session, only=exercise)
    finally:
        session.close()
    assert there.to_json() == judged_locally(answers.wrong_sampler(name), only=exercise).to_json()
