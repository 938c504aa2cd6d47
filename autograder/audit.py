"""The grader, graded: what the laws of a unit catch, what they let through, and whom they would wrong.

Over several seeds every misconception, every right answer (the variations and the notebook's own solutions) and every trivial
answer is tried against every law of its exercise. The result is the kill matrix, and a list of sentences that say what is
wrong with a law or a misconception and what to do about it:

    report = audit(Path("solutions/kl_divergence"), seeds=5)
    report.ok, report.problems, report.as_table(), report.to_json()
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch

from autograder.answer import Answer, LocalTransport
from autograder.exercise import ArraySpec, Exercise, Law, TupleSpec, Unit
from autograder.judge import repeat, score, sweep
from autograder.misconceptions import Entry, load
from autograder.notebook import cells_to_load, read
from autograder.session import Session
from autograder.verdict import number

SCHEMA = "dlvm-audit/1"

HOLDS_BELOW = 0.1
"""The margin (error over tolerance) that a right answer may reach: beyond it the tolerance is too tight."""
BREAKS_ABOVE = 10.0
"""The margin that a misconception must reach on a law that always catches it: below it the law might miss a milder one."""
LEAST_MISCONCEPTIONS, LEAST_VARIATIONS = 3, 2
ENOUGH_SEEDS = 20
"""From so many seeds on, "always" and "never" in may_break are worth a remark."""

Kind = Literal["misconception", "variation", "solution", "trivial"]
Frequency = Literal["always", "sometimes", "never"]
Progress = Callable[[Any, int, int], None]


@dataclass
class Tried:
    """One answer against every law of its exercise, over the seeds."""

    name: str
    kind: Kind
    says: str = ""
    """The belief of a misconception; how a variation is written."""
    entry: Entry | None = None
    outcomes: dict[str, list[str]] = field(default_factory=dict)
    margins: dict[str, list[float]] = field(default_factory=dict)
    messages: dict[str, str] = field(default_factory=dict)
    points: float = 0.0
    """The most it would be given over the seeds."""

    @property
    def right(self) -> bool:
        return self.kind in ("variation", "solution")

    def broken(self, law: str) -> Frequency:
        found = [outcome == "broken" for outcome in self.outcomes[law]]
        return "always" if all(found) else "sometimes" if any(found) else "never"

    def worst_margin(self) -> float:
        """The largest over laws and seeds: how near a right answer came to being called wrong."""
        return max((margin for margins in self.margins.values() for margin in margins), default=0.0)


@dataclass
class ExerciseAudit:
    exercise: Exercise
    tried: list[Tried] = field(default_factory=list)

    def of(self, *kinds: Kind) -> list[Tried]:
        return [tried for tried in self.tried if tried.kind in kinds]

    def catches(self, law: Law) -> list[str]:
        """The misconceptions that a law caught for some seed."""
        return [tried.name for tried in self.of("misconception") if tried.broken(law.name) != "never"]


@dataclass
class Report:
    """What the audit of one or more units found."""

    seeds: int
    units: dict[str, list[ExerciseAudit]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    """Sentences: which law or misconception is wrong, and what to do."""
    advice: list[str] = field(default_factory=list)
    """What is worth a look, and no error."""

    @property
    def ok(self) -> bool:
        return not self.problems

    def to_json(self) -> dict[str, Any]:
        from autograder import __version__

        return {
            "schema": SCHEMA, "engine": __version__, "seeds": self.seeds, "problems": self.problems, "advice": self.advice,
            "units": [
                {"unit": slug, "exercises": [exercise_json(audited) for audited in exercises]}
                for slug, exercises in self.units.items()
            ],
        }  # fmt: skip

    def as_table(self) -> Any:
        """The kill matrices and the problems, for a terminal."""
        from rich.console import Group
        from rich.text import Text

        parts: list[Any] = []
        for slug, exercises in self.units.items():
            for audited in exercises:
                parts += [*matrix(slug, audited), Text("")]
        parts += [Text(f"problem: {problem}", style="red") for problem in self.problems]
        parts += [Text(f"advice: {remark}", style="yellow") for remark in self.advice]
        count = sum(len(exercises) for exercises in self.units.values())
        found = (
            "no problem" if self.ok else "1 problem" if len(self.problems) == 1 else f"{len(self.problems)} problems"
        )
        parts.append(Text(f"{count} exercises, {self.seeds} seeds: {found}.", style="bold"))
        return Group(*parts)

    def as_text(self, width: int = 120) -> str:
        from rich.console import Console

        out = io.StringIO()
        Console(file=out, width=width, color_system=None).print(self.as_table())
        return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


# ---- trying --------------------------------------------------------------------------------------------------------------


def audit(
    folders: Path | Iterable[Path], seeds: int = 5, progress: Progress | None = None, only: str | None = None
) -> Report:  # fmt: skip
    """Audit one unit's folder, or several; with `only`, one exercise.

    `progress` is told (what is tried next, how many are done, how many there are).
    """
    report = Report(seeds)
    work: list[tuple[ExerciseAudit, Tried, Session]] = []
    for folder in [folders] if isinstance(folders, Path) else folders:
        unit = Unit.load(folder)
        entries = load(folder)
        report.problems += strangers(unit, entries)
        solutions = notebook_session(unit, report)
        chosen = [exercise for exercise in unit.exercises.values() if only in (None, exercise.name)]
        report.units[unit.slug] = [ExerciseAudit(exercise) for exercise in chosen]
        for audited in report.units[unit.slug]:
            work += [(audited, *pair) for pair in answers_to(audited.exercise, entries, solutions)]
    for done, (audited, tried, session) in enumerate(work):
        if progress is not None:
            progress(f"{audited.exercise.name}: {tried.name}", done, len(work))
        try_over_seeds(audited.exercise, tried, session, range(seeds))
        audited.tried.append(tried)
    if progress is not None:
        progress("", len(work), len(work))
    for exercises in report.units.values():
        for audited in exercises:
            report.problems += problems_of(audited)
            report.advice += advice_on(audited, seeds)
    return report


def answers_to(exercise: Exercise, entries: Sequence[Entry], solutions: Session | None) -> list[tuple[Tried, Session]]:
    """Every answer to try, each in a session of its own: right ones first."""
    answers: list[tuple[Tried, Session]] = []
    if solutions is not None:
        answers.append((Tried("the notebook's solution", "solution"), solutions))
    for entry in sorted((e for e in entries if e.exercise == exercise.name), key=lambda entry: not entry.right):
        kind: Kind = "variation" if entry.right else "misconception"
        answers.append((Tried(entry.name, kind, entry.belief, entry), session_with(exercise, entry.function)))
    for name, function in trivial_answers(exercise).items():
        answers.append((Tried(name, "trivial"), session_with(exercise, function)))
    return answers


def session_with(exercise: Exercise, function: Callable[..., Any]) -> Session:
    session = Session(given=exercise.unit.given)
    session.names[exercise.name] = function
    return session


def notebook_session(unit: Unit, report: Report) -> Session | None:
    """A session that has loaded the unit's own notebook, solutions and all."""
    assert unit.folder is not None
    path = unit.folder / f"{unit.slug}.ipynb"
    if not path.exists():
        report.advice.append(f"{unit.slug}: there is no {path.name} yet, so its solutions could not be tried.")
        return None
    session = Session(given=unit.given)
    reply = session.handle({"op": "load", "cells": cells_to_load(read(path)), "unit": unit.slug})
    for problem in reply.get("problems", []):
        report.problems.append(
            f"{unit.slug}: cell {problem['cell']} of the notebook does not load: {problem['message']}"
        )
    return session


def try_over_seeds(exercise: Exercise, tried: Tried, session: Session, seeds: Iterable[int]) -> None:
    """Sweep every law for every seed; nothing is shrunk, nobody reads the witnesses."""
    for seed in seeds:
        answer = Answer(exercise, LocalTransport(session))
        found = {law.name: sweep(law, answer, seed) for law in exercise.laws}
        decisive = exercise.decisive
        if exercise.deterministic and found[decisive.name].evidence == "holds":
            found[decisive.name] = repeat(decisive, answer, seed, found[decisive.name])
        for name, result in found.items():
            tried.outcomes.setdefault(name, []).append(result.evidence)
            tried.margins.setdefault(name, []).append(result.margin)
            if result.evidence != "holds":
                tried.messages.setdefault(name, result.message)
        tried.points = max(tried.points, sum(score(law, found, decisive).points for law in exercise.laws))


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

            return build(spec)

        return answer

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
        for value in (0.0, 1.0, -1.0, 0.5, float("nan"), float("inf"), float("-inf"))
    }
    for name, spec in exercise.parameters.items():
        if isinstance(spec, ArraySpec):
            answers[f"the first of {name}"] = argument(name, lambda value: value[..., 0])
            answers[f"the sum of {name}"] = argument(name, lambda value: value.sum(-1))
    return answers


# ---- judging -------------------------------------------------------------------------------------------------------------


def strangers(unit: Unit, entries: Sequence[Entry]) -> list[str]:
    """Entries for exercises, and names of laws, that the unit does not have."""
    problems = []
    for entry in entries:
        if entry.exercise not in unit.exercises:
            problems.append(
                f"{unit.slug}: {entry.name} answers {entry.exercise}, which the unit does not have. Check the name."
            )
            continue
        laws = {law.name for law in unit.exercises[entry.exercise].laws}
        for law in (*entry.caught_by, *entry.may_break):
            if law not in laws:
                problems.append(
                    f"{entry.exercise}: {entry.name} names the law {law}, which does not exist. Check the name."
                )
    return problems


def problems_of(audited: ExerciseAudit) -> list[str]:
    exercise = audited.exercise
    problems: list[str] = []
    for tried in audited.tried:
        for law in exercise.laws:
            odd = next((outcome for outcome in tried.outcomes[law.name] if outcome not in ("holds", "broken")), None)
            if odd:
                problems.append(
                    f"{law.name} ended with “{odd}” on {tried.name}: {tried.messages[law.name]} Mend the law: no answer may have "
                    "that effect, and points would stay pending."
                )
        if tried.right:
            problems += false_alarms(tried)
        elif tried.kind == "trivial" and tried.points:
            problems.append(
                f"{tried.name} earns {tried.points:g} of {exercise.points:g} points. Make the decisive law see it."
            )
        elif tried.entry is not None:
            problems += [*wrong_claims(tried, tried.entry, exercise)]
    problems += [
        f"{law.name} catches no misconception. Write the one that it is there for, or leave the law out."
        for law in exercise.laws
        if not audited.catches(law)
    ]
    few = [
        (LEAST_MISCONCEPTIONS, "misconceptions", len(audited.of("misconception"))),
        (LEAST_VARIATIONS, "variations", len(audited.of("variation"))),
    ]
    problems += [f"There are {count} {what}; write at least {least}." for least, what, count in few if count < least]
    return [f"{exercise.name}: {problem}" for problem in problems]


def false_alarms(tried: Tried) -> list[str]:
    """Laws that a right answer breaks, or comes too near to breaking."""
    problems = []
    for law in tried.outcomes:
        worst = max(tried.margins[law])
        if tried.broken(law) != "never":
            problems.append(
                f"{law} is broken by a right answer, {tried.name} ({tried.broken(law)}; margin {worst:.3g}). "
                f"{tried.messages[law]} Derive the law's tolerance again, or the answer is not right."
            )
        elif worst > HOLDS_BELOW:
            problems.append(
                f"{law} holds for the right answer {tried.name}, but at {worst:.2g} of its tolerance, above {HOLDS_BELOW:g}. "
                "A term of its rounding is missing in the law's tolerance."
            )
    return problems


def wrong_claims(tried: Tried, entry: Entry, exercise: Exercise) -> Iterable[str]:
    """Where `caught_by` and `may_break` are not what happens, and points that a misconception should not get."""
    for law in exercise.laws:
        often = tried.broken(law.name)
        if law.name in entry.caught_by:
            least = min(tried.margins[law.name])
            if often != "always":
                yield (
                    f"{tried.name} names {law.name} in caught_by, which caught it {often}. "
                    "Move it to may_break, or make the law try what shows it."
                )
            elif least < BREAKS_ABOVE:
                yield (
                    f"{law.name} catches {tried.name} by a margin of {least:.2g} only, below {BREAKS_ABOVE:g}. "
                    "Move it to may_break, or give the law inputs that tell more."
                )
        elif often != "never" and law.name not in entry.may_break:
            yield (
                f"{tried.name} is caught by {law.name} ({often}), which neither its caught_by nor its may_break names. "
                "Add it there, or find out why."
            )
    if tried.points > exercise.points / 2:
        yield (
            f"{tried.name} earns {tried.points:g} of {exercise.points:g} points, more than half. "
            "Give the laws that catch it more of the points."
        )


def advice_on(audited: ExerciseAudit, seeds: int) -> list[str]:
    if seeds < ENOUGH_SEEDS:
        return []
    remarks = []
    for tried in audited.of("misconception"):
        assert tried.entry is not None
        for law in tried.entry.may_break:
            often = tried.broken(law) if law in tried.outcomes else "sometimes"
            if often == "never":
                remarks.append(f"{tried.name} was never caught by {law} in {seeds} seeds: it may leave may_break.")
            elif often == "always" and min(tried.margins[law]) >= BREAKS_ABOVE:
                remarks.append(f"{tried.name} was always caught by {law} in {seeds} seeds: it may move to caught_by.")
    return [f"{audited.exercise.name}: {remark}" for remark in remarks]


# ---- showing -------------------------------------------------------------------------------------------------------------


def exercise_json(audited: ExerciseAudit) -> dict[str, Any]:
    laws = audited.exercise.laws
    return {
        "name": audited.exercise.name,
        "points": audited.exercise.points,
        "laws": [
            {"name": law.name, "points": law.points, "decisive": law.decisive, "catches": audited.catches(law)} for law in laws
        ],
        "misconceptions": [
            {
                "name": tried.name, "belief": tried.says, "points": tried.points,
                "caught": {law.name: tried.broken(law.name) for law in laws},
                "margins": {law.name: number(min(tried.margins[law.name])) for law in laws},
            }
            for tried in audited.of("misconception")
        ],
        "right": [
            {
                "name": tried.name, "how": tried.says, "points": tried.points, "worst_margin": number(tried.worst_margin()),
                "margins": {law.name: number(max(tried.margins[law.name])) for law in laws},
            }
            for tried in audited.of("solution", "variation")
        ],
        "trivial": [{"name": tried.name, "points": tried.points} for tried in audited.of("trivial")],
    }  # fmt: skip


def matrix(slug: str, audited: ExerciseAudit) -> list[Any]:
    """One exercise: its laws by number, the misconceptions they catch, and how near the right answers came to their limits."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    exercise, laws = audited.exercise, audited.exercise.laws
    mark = {"always": "●", "sometimes": "◐", "never": "·"}
    table = Table(
        title=f"{slug} · {exercise.name} ({exercise.points:g} points)", title_justify="left", box=box.SIMPLE_HEAD
    )
    table.add_column("misconception", overflow="fold")
    for place in range(len(laws)):
        table.add_column(str(place + 1), justify="center")
    table.add_column("earns", justify="right")
    for tried in audited.of("misconception"):
        table.add_row(tried.name, *(mark[tried.broken(law.name)] for law in laws), f"{tried.points:g}")
    caught = ["●" if audited.catches(law) else "idle" for law in laws]
    table.add_section()
    table.add_row("catches any", *caught, "")
    named = [
        f"{place}. {law.name} ({law.points:g}{', decisive' if law.decisive else ''})"
        for place, law in enumerate(laws, start=1)
    ]
    right = [
        f"{tried.name} {'holds' if tried.worst_margin() <= 1 else 'BREAKS'} at {tried.worst_margin():.2g}"
        for tried in audited.of("solution", "variation")
    ]
    best = max((tried.points for tried in audited.of("trivial")), default=0.0)
    return [
        table,
        Text("laws: " + "; ".join(named), style="dim"),
        Text("right answers, worst margin: " + ("; ".join(right) or "none"), style="dim"),
        Text(f"trivial answers: {len(audited.of('trivial'))} tried, the best earns {best:g}", style="dim"),
    ]
