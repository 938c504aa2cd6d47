"""Trying: every answer that the audit has, right, wrong and trivial, against every law, over the seeds."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import torch

from autograder.answer import Answer, LocalTransport
from autograder.domains import Listed
from autograder.exercise import ArraySpec, Exercise, Law, TupleSpec, Unit
from autograder.judge import Found, repeat, score, sweep
from autograder.misconceptions import Entry
from autograder.notebook import cells_to_load, read
from autograder.session import Session

Kind = Literal["misconception", "variation", "solution", "trivial"]
Frequency = Literal["always", "sometimes", "never"]


@dataclass
class Trials:
    """What trying one answer over some seeds found."""

    outcomes: dict[str, list[str]] = field(default_factory=dict)
    """By law: its evidence for every seed."""
    margins: dict[str, list[float]] = field(default_factory=dict)
    messages: dict[str, str] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)
    """By law: the kind of fault (answer.FAULTS) that it first met in the answer, where it met one."""
    errors: dict[str, dict[str, float]] = field(default_factory=dict)
    """By law and test on random numbers: the smallest error over the seeds, in units of the test's Δ."""
    drew: set[str] = field(default_factory=set)
    """The laws that drew from torch's own generator."""
    false_alarm: float = 0.0
    """The most that the laws of one seed leave to chance: Σα of their tests."""
    points: float = 0.0
    """The most it would be given over the seeds."""
    seconds: dict[str, float] = field(default_factory=dict)

    def note(self, law: str, found: Found) -> None:
        self.outcomes.setdefault(law, []).append(found.evidence)
        self.margins.setdefault(law, []).append(found.margin)
        if found.evidence != "holds":
            self.messages.setdefault(law, found.message)
        if found.fault is not None:
            self.faults.setdefault(law, found.fault.kind)
        for place, configuration in enumerate(found.tests):
            for number, test in enumerate(configuration):
                key = f"{test.what or 'the output'} ({place + 1}.{number + 1})"
                error = abs(test.error) if math.isfinite(test.error) else math.inf
                seen = self.errors.setdefault(law, {})
                seen[key] = min(seen.get(key, math.inf), error)

    def absorb(self, later: Trials) -> None:
        """Add the trials of further seeds."""
        for law, outcomes in later.outcomes.items():
            self.outcomes.setdefault(law, []).extend(outcomes)
            self.margins.setdefault(law, []).extend(later.margins[law])
            self.seconds[law] = self.seconds.get(law, 0.0) + later.seconds.get(law, 0.0)
        for law, message in later.messages.items():
            self.messages.setdefault(law, message)
        for law, kind in later.faults.items():
            self.faults.setdefault(law, kind)
        for law, errors in later.errors.items():
            seen = self.errors.setdefault(law, {})
            for key, error in errors.items():
                seen[key] = min(seen.get(key, math.inf), error)
        self.drew |= later.drew
        self.false_alarm = max(self.false_alarm, later.false_alarm)
        self.points = max(self.points, later.points)


@dataclass
class Tried(Trials):
    """One answer against every law of its exercise, over the seeds."""

    name: str = ""
    kind: Kind = "misconception"
    says: str = ""
    """The belief of a misconception; how a variation is written."""
    entry: Entry | None = None

    @property
    def right(self) -> bool:
        return self.kind in ("variation", "solution")

    def broken(self, law: str) -> Frequency:
        found = [outcome == "broken" for outcome in self.outcomes[law]]
        return "always" if all(found) else "sometimes" if any(found) else "never"

    def worst_margin(self) -> float:
        """The largest over laws and seeds: how near a right answer came to being called wrong."""
        return max((margin for margins in self.margins.values() for margin in margins), default=0.0)

    @property
    def raises(self) -> str:
        """What it raises, if it raises wherever it is asked, or is not there at all."""
        kinds = [self.faults.get(law) for law in self.outcomes]
        everywhere = all(kind in ("raised", "not_defined", "not_yet") for kind in kinds)
        return next(iter(self.messages.values()), "") if kinds and everywhere else ""

    @property
    def checks(self) -> int:
        """How many times some law was tried."""
        return sum(len(outcomes) for outcomes in self.outcomes.values())

    @property
    def alarms(self) -> int:
        """How often a law did not hold."""
        return sum(outcome != "holds" for outcomes in self.outcomes.values() for outcome in outcomes)


# ---- the answers ---------------------------------------------------------------------------------------------------------


def answers_to(exercise: Exercise, entries: Sequence[Entry], solutions: Session | None) -> list[tuple[Tried, Session]]:
    """Every answer to try, each in a session of its own: right ones first."""
    answers: list[tuple[Tried, Session]] = []
    if solutions is not None:
        answers.append((Tried(name="the notebook's solution", kind="solution"), solutions))
    for entry in sorted((e for e in entries if e.exercise == exercise.name), key=lambda entry: not entry.right):
        kind: Kind = "variation" if entry.right else "misconception"
        tried = Tried(name=entry.name, kind=kind, says=entry.belief, entry=entry)
        answers.append((tried, session_with(exercise, entry.function)))
    for name, function in trivial_answers(exercise).items():
        answers.append((Tried(name=name, kind="trivial"), session_with(exercise, function)))
    return answers


def session_with(exercise: Exercise, function: Callable[..., Any]) -> Session:
    session = Session(given=exercise.unit.given)
    session.names[exercise.name] = function
    return session


def notebook_session(unit: Unit) -> tuple[Session | None, list[str]]:
    """A session that has loaded the unit's own notebook, solutions and all; and what did not load, a sentence each."""
    assert unit.folder is not None
    path = unit.folder / f"{unit.slug}.ipynb"
    if not path.exists():
        return None, []
    session = Session(given=unit.given)
    reply = session.handle({"op": "load", "cells": cells_to_load(read(path)), "unit": unit.slug})
    problems = reply.get("problems", [])
    return session, [f"{unit.slug}: cell {p['cell']} of the notebook does not load: {p['message']}" for p in problems]


def trivial_answers(exercise: Exercise) -> dict[str, Callable[..., Any]]:
    """What somebody hands in who has not tried: a constant, or an argument given back."""
    if exercise.is_class:
        return {}

    def fill(
        spec: Any, make: Callable[[tuple[str, ...], dict[str, int], torch.dtype], torch.Tensor]
    ) -> Callable[..., Any]:
        def answer(*args: Any, **kwargs: Any) -> Any:
            sent = exercise.arrange(args, kwargs)

            def build(inner: Any) -> Any:
                if isinstance(inner, TupleSpec):
                    return tuple(build(item) for item in inner.items)
                return make(inner.axes, sent.sizes, sent.precision) if isinstance(inner, ArraySpec) else 0.0

            # A constant that autograd can differentiate, to zero: whoever hands it in may have clamped all there was.
            reals = (v for v in (*args, *kwargs.values()) if isinstance(v, torch.Tensor) and v.is_floating_point())
            nothing = sum(0 * value.nan_to_num(0.0, 0.0, 0.0).sum() for value in reals)
            return plus(build(spec), nothing)

        return answer

    def plus(value: Any, nothing: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(plus(item, nothing) for item in value)
        return value + nothing if isinstance(value, torch.Tensor) and value.is_floating_point() else value

    def constant(value: float) -> Callable[..., Any]:
        def make(axes: tuple[str, ...], sizes: dict[str, int], dtype: torch.dtype) -> torch.Tensor:
            shape = [int(axis) if axis.isdigit() else sizes.get(axis, 1) for axis in axes]
            return torch.full(shape, value, dtype=dtype)

        return fill(exercise.returns, make)

    def argument(name: str, reduce: Callable[[torch.Tensor], torch.Tensor]) -> Callable[..., Any]:
        def answer(*args: Any, **kwargs: Any) -> Any:
            value = {**dict(zip(exercise.parameters, args, strict=False)), **kwargs}[name]

            def make(axes: tuple[str, ...], sizes: dict[str, int], dtype: torch.dtype) -> torch.Tensor:
                del sizes, dtype
                return reduce(value.flatten(len(axes))) if value.dim() > len(axes) else value

            return fill(exercise.returns, make)(*args, **kwargs)

        return answer

    answers = {
        f"always {value:g}": constant(value)
        for value in (0.0, 1.0, -1.0, 0.5, 1e200, -1e200, float("nan"), float("inf"), float("-inf"))
    }
    for name, spec in exercise.parameters.items():
        if isinstance(spec, ArraySpec):
            answers[f"the first of {name}"] = argument(name, lambda value: value[..., 0])
            answers[f"the sum of {name}"] = argument(name, lambda value: value.sum(-1))
    return answers


class Leaves(LocalTransport):
    """An answer that leaves torch's own generator as it found it: whoever else draws from it shows."""

    def request(self, request: dict[str, Any]) -> dict[str, Any]:
        before = torch.get_rng_state()
        try:
            return super().request(request)
        finally:
            torch.set_rng_state(before)


# ---- trying them ---------------------------------------------------------------------------------------------------------


def try_over_seeds(
    exercise: Exercise, answers: Sequence[tuple[Tried, Session]], seeds: Iterable[int]
) -> list[Trials]:  # fmt: skip
    """Sweep every law for every seed and answer; nothing is shrunk, nobody reads the witnesses.

    A law whose inputs are listed, and which draws nothing itself, asks the same of a deterministic answer whatever the seed:
    it is asked once and its evidence counts for all of these seeds. Trivial answers are tried at the first seed.
    """
    trials = [Trials() for _ in answers]
    kept: list[dict[str, Found]] = [{} for _ in answers]
    for place, seed in enumerate(seeds):  # all answers before the next seed: a seed's inputs are drawn once
        for (tried, session), trial, known in zip(answers, trials, kept, strict=True):
            if tried.kind == "trivial" and place > 0:
                continue
            answer = Answer(exercise, Leaves(session))
            found = try_once(exercise, answer, seed, trial, known)
            known |= {
                law.name: found[law.name] for law in exercise.laws if law.name in found and asks_the_same(law, exercise)
            }
    return trials


def asks_the_same(law: Law, exercise: Exercise) -> bool:
    """Whether a law's question does not depend on the seed."""
    listed = all(isinstance(domain, Listed) for domain in law.where.values())
    return exercise.deterministic and listed and not law.takes_generator


def try_once(
    exercise: Exercise, answer: Answer, seed: int, trial: Trials, known: dict[str, Found]
) -> dict[str, Found]:  # fmt: skip
    """One answer at one seed, noted in `trial`."""
    found: dict[str, Found] = {}
    decisive = exercise.decisive
    for law in exercise.laws:
        start, state = time.perf_counter(), torch.get_rng_state()
        found[law.name] = known[law.name] if law.name in known else sweep(law, answer, seed, thorough=True)
        trial.seconds[law.name] = trial.seconds.get(law.name, 0.0) + time.perf_counter() - start
        if not torch.equal(state, torch.get_rng_state()):
            trial.drew.add(law.name)
    if exercise.deterministic and found[decisive.name].evidence == "holds":
        found[decisive.name] = repeat(decisive, answer, seed, found[decisive.name])
    for name, result in found.items():
        trial.note(name, result)
    spent = sum(test.alpha for result in found.values() for tests in result.tests for test in tests)
    trial.false_alarm = max(trial.false_alarm, spent)
    trial.points = max(trial.points, sum(score(law, found, decisive).points for law in exercise.laws))
    return found
