"""The grader, graded: what the laws of a unit catch, what they let through, and whom they would wrong.

Over several seeds every misconception, every right answer (the variations and the notebook's own solutions) and every trivial
answer is tried against every law of its exercise; then every mutant of the solutions. The result is the kill matrix, and a
list of sentences that say what is wrong with a law or a misconception and what to do about it:

    report = audit(Path("solutions/kl_divergence"), seeds=5)
    report.ok, report.problems, report.as_table(), report.to_json()

`trying.py` tries answers, `mutation.py` mutants, both in forks of the warm process (`forks.py`); `findings.py` judges,
`report.py` and `picture.py` show, `record.py` keeps.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from autograder.answer import Answer, LocalTransport
from autograder.audit import findings, mutation
from autograder.audit.forks import Ended, cores, in_forks, one_thread
from autograder.audit.report import ExerciseAudit, Report
from autograder.audit.trying import (
    Trials,
    Tried,
    answers_to,
    notebook_session,
    session_with,
    trivial_answers,
    try_over_seeds,
)
from autograder.exercise import Unit
from autograder.judge import sweep
from autograder.misconceptions import load, load_equivalents
from autograder.session import Session

__all__ = [
    "ExerciseAudit", "Report", "Tried", "audit", "notebook_session", "session_with", "trivial_answers",
]  # fmt: skip

Progress = Callable[[Any, int, int], None]

SEEDS_A_TASK = 10


def audit(
    folders: Path | Iterable[Path], seeds: int = 5, progress: Progress | None = None, only: str | None = None,
    mutants: bool = True, jobs: int | None = None,
) -> Report:  # fmt: skip
    """Audit one unit's folder, or several; with `only`, one exercise.

    `progress` is told (what was tried last, how many are done, how many there are). `jobs` forks work at a time, by default
    one for each processor; what is found does not depend on it.
    """
    start = time.perf_counter()
    report = Report(seeds)
    units = [Unit.load(folder) for folder in ([folders] if isinstance(folders, Path) else folders)]
    if mutants and not mutation.available():
        mutants = False
        report.advice.append(
            "No mutant was tried: that needs cosmic-ray. Install it with `pip install 'dlvm-course[audit]'`."
        )
    plans = [plan(unit, report, only, mutants) for unit in units]
    total = sum(len(chunks(seeds, jobs)) * len(p.exercises) + len(p.mutants) for p in plans)
    done = 0

    def step(what: str) -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(what, done, total)

    for prepared in plans:
        with one_thread():
            warm_up(prepared)
        try_answers(prepared, seeds, jobs, step)
        try_mutants(prepared, jobs, step)
        slug, problems = prepared.unit.slug, report.problems_of[prepared.unit.slug]
        report.units[slug] = prepared.exercises
        for audited in prepared.exercises:
            problems += findings.problems_of(audited)
            report.advice += findings.advice_on(audited, seeds)
        problems += findings.over_budget(slug, sum(audited.false_alarm for audited in prepared.exercises))
        if only is None and not problems:
            assert prepared.unit.folder is not None
            problems += fingerprints_of(prepared.unit.folder)
    report.seconds = time.perf_counter() - start
    return report


class Plan:
    """What there is to try in one unit."""

    def __init__(self, unit: Unit, exercises: list[ExerciseAudit], solutions: Session | None) -> None:
        self.unit, self.exercises, self.solutions = unit, exercises, solutions
        self.answers: list[list[tuple[Tried, Session]]] = []
        self.mutants: list[mutation.Mutant] = []


def plan(unit: Unit, report: Report, only: str | None, mutants: bool) -> Plan:
    assert unit.folder is not None
    entries, equivalents = load(unit.folder), load_equivalents(unit.folder)
    solutions, unloadable = notebook_session(unit)
    report.problems_of[unit.slug] = [*findings.strangers(unit, entries, equivalents), *unloadable]
    if solutions is None:
        report.advice.append(f"{unit.slug}: there is no {unit.slug}.ipynb yet, so its solutions could not be tried.")
    chosen = [exercise for exercise in unit.exercises.values() if only in (None, exercise.name)]
    prepared = Plan(unit, [ExerciseAudit(exercise, equivalents=equivalents) for exercise in chosen], solutions)
    prepared.answers = [answers_to(exercise, entries, solutions) for exercise in chosen]
    if mutants and solutions is not None:
        for audited in prepared.exercises:
            audited.mutants_wanted = True
        names = {exercise.name for exercise in chosen}
        prepared.mutants = [m for m in mutation.mutants_of(mutation.parts_of(unit)) if m.exercise in names]
    return prepared


def fingerprints_of(folder: Path) -> list[str]:
    """What the release would refuse: misconceptions that nothing could tell apart, or that cannot be asked."""
    from autograder import probes

    if not probes.stale(folder):
        return []
    try:
        probes.generated(folder)
    except probes.Indistinct as found:
        return found.problems
    except Exception as problem:  # whatever the author's own probe raises
        return [
            f"{folder.name}: its misconceptions could not be asked their probes ({type(problem).__name__}: {problem}). "
            "Mend the probe in laws.py, or the misconception."
        ]
    return []


def chunks(seeds: int, jobs: int | None) -> list[range]:
    """The seeds in portions small enough that every processor gets some."""
    size = max(1, min(SEEDS_A_TASK, seeds // (jobs or cores())))
    return [range(first, min(first + size, seeds)) for first in range(0, seeds, size)]


def warm_up(prepared: Plan) -> None:
    """Ask every decisive law once before the forks: they inherit the libraries that this loads and the inputs it draws."""
    if prepared.solutions is not None:
        for audited in prepared.exercises:
            sweep(audited.exercise.decisive, Answer(audited.exercise, LocalTransport(prepared.solutions)), 0)


def try_answers(prepared: Plan, seeds: int, jobs: int | None, step: Callable[[str], None]) -> None:
    work = [
        (audited, answers, portion)
        for audited, answers in zip(prepared.exercises, prepared.answers, strict=True)
        for portion in chunks(seeds, jobs)
    ]
    tasks = [
        functools.partial(try_over_seeds, audited.exercise, answers, portion) for audited, answers, portion in work
    ]
    results: list[Sequence[Trials]] = [()] * len(tasks)
    for place, found in in_forks(tasks, jobs):
        if isinstance(found, Ended):
            raise RuntimeError(f"The audit of {work[place][0].exercise.name} came to no end: {found.reason}.")
        results[place] = found
        step(f"{work[place][0].exercise.name}: seeds {work[place][2].start} to {work[place][2].stop - 1}")
    for (audited, answers, _), trials in zip(work, results, strict=True):
        audited.tried = [tried for tried, _ in answers]
        for tried, trial in zip(audited.tried, trials, strict=True):
            tried.absorb(trial)


def try_mutants(prepared: Plan, jobs: int | None, step: Callable[[str], None]) -> None:
    if prepared.solutions is None or not prepared.mutants:
        return
    equivalents = prepared.exercises[0].equivalents
    fates = mutation.try_mutants(
        prepared.unit, prepared.solutions, prepared.mutants, equivalents, jobs,
        progress=lambda mutant, _: step(f"{mutant.exercise}: {mutant}"),
    )  # fmt: skip
    for audited in prepared.exercises:
        audited.fates = [fate for fate in fates if fate.mutant.exercise == audited.exercise.name]
