"""What an audit found, as data, as JSON and for a terminal. `picture.py` makes it a page."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from autograder.audit import mutation
from autograder.audit.mutation import Fate
from autograder.audit.trying import Kind, Tried
from autograder.exercise import Exercise, Law
from autograder.misconceptions import Equivalent
from autograder.verdict import number

SCHEMA = "dlvm-audit/2"


@dataclass
class ExerciseAudit:
    """One exercise: every answer that was tried, and every mutant of its solution."""

    exercise: Exercise
    tried: list[Tried] = field(default_factory=list)
    fates: list[Fate] = field(default_factory=list)
    equivalents: Sequence[Equivalent] = ()
    mutants_wanted: bool = False
    """Whether there is a notebook whose solution should have had mutants."""

    def of(self, *kinds: Kind) -> list[Tried]:
        return [tried for tried in self.tried if tried.kind in kinds]

    def catches(self, law: Law) -> list[str]:
        """The misconceptions that a law caught for some seed."""
        return [tried.name for tried in self.of("misconception") if tried.broken(law.name) != "never"]

    def tests_of(self, law: Law) -> list[str]:
        """The law's tests on random numbers, by what they compare and the configuration they are made at."""
        return list(dict.fromkeys(place for tried in self.tried for place in tried.errors.get(law.name, {})))

    def milliseconds(self, law: Law) -> float:
        """How long one sweep of a law takes with the fastest right answer: the law's own time, nearly."""
        times = [
            tried.seconds[law.name] / len(tried.outcomes[law.name])
            for tried in self.tried
            if tried.right and law.name in tried.seconds
        ]
        return 1000 * min(times, default=math.nan)

    @property
    def checks(self) -> int:
        return sum(tried.checks for tried in self.of("solution", "variation"))

    @property
    def alarms(self) -> int:
        return sum(tried.alarms for tried in self.of("solution", "variation"))

    @property
    def worst_margin(self) -> float:
        return max((tried.worst_margin() for tried in self.of("solution", "variation")), default=0.0)

    @property
    def false_alarm(self) -> float:
        """What this exercise's laws leave to chance, at most, for any right answer."""
        return max((tried.false_alarm for tried in self.of("solution", "variation")), default=0.0)

    @property
    def best_misconception(self) -> float:
        return max((tried.points for tried in self.of("misconception")), default=0.0)

    @property
    def best_trivial(self) -> float:
        return max((tried.points for tried in self.of("trivial")), default=0.0)


@dataclass
class Report:
    """What the audit of one or more units found."""

    seeds: int
    units: dict[str, list[ExerciseAudit]] = field(default_factory=dict)
    problems_of: dict[str, list[str]] = field(default_factory=dict)
    """By unit, sentences: which law or misconception is wrong, and what to do."""
    advice: list[str] = field(default_factory=list)
    """What is worth a look, and no error."""
    seconds: float = 0.0

    @property
    def problems(self) -> list[str]:
        return [problem for problems in self.problems_of.values() for problem in problems]

    @property
    def ok(self) -> bool:
        return not self.problems

    def to_json(self) -> dict[str, Any]:
        from autograder import __version__

        return {
            "schema": SCHEMA, "engine": __version__, "seeds": self.seeds, "problems": self.problems, "advice": self.advice,
            "units": [unit_json(slug, exercises) for slug, exercises in self.units.items()],
        }  # fmt: skip

    def as_table(self) -> Any:
        """The kill matrices and the problems, for a terminal."""
        from rich.console import Group
        from rich.text import Text

        parts: list[Any] = []
        for slug, exercises in self.units.items():
            for audited in exercises:
                parts += [*matrix(slug, audited), Text("")]
            parts += [Text(line) for line in summary(slug, exercises)] + [Text("")]
        parts += [Text(f"problem: {problem}", style="red") for problem in self.problems]
        parts += [Text(f"advice: {remark}", style="yellow") for remark in self.advice]
        count = sum(len(exercises) for exercises in self.units.values())
        found = (
            "no problem" if self.ok else "1 problem" if len(self.problems) == 1 else f"{len(self.problems)} problems"
        )
        parts.append(
            Text(
                f"{counted(count, 'exercise')}, {counted(self.seeds, 'seed')}, {self.seconds:.0f} s: {found}.",
                style="bold",
            )
        )
        return Group(*parts)

    def as_text(self, width: int = 120) -> str:
        from rich.console import Console

        out = io.StringIO()
        Console(file=out, width=width, color_system=None).print(self.as_table())
        return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


def counted(number: int, what: str) -> str:
    return f"{number:,} {what}" + ("" if number == 1 else "s")


# ---- as data -------------------------------------------------------------------------------------------------------------


def unit_json(slug: str, exercises: Sequence[ExerciseAudit]) -> dict[str, Any]:
    return {
        "unit": slug,
        "right_answers": {
            "checks": sum(audited.checks for audited in exercises),
            "false_alarms": sum(audited.alarms for audited in exercises),
            "worst_margin": number(max((audited.worst_margin for audited in exercises), default=0.0)),
            "left_to_chance": sum(audited.false_alarm for audited in exercises),
        },
        "exercises": [exercise_json(audited) for audited in exercises],
    }


def exercise_json(audited: ExerciseAudit) -> dict[str, Any]:
    laws = audited.exercise.laws
    return {
        "name": audited.exercise.name,
        "points": audited.exercise.points,
        "laws": [
            {
                "name": law.name, "points": law.points, "decisive": law.decisive, "catches": audited.catches(law),
                "milliseconds": number(round(audited.milliseconds(law), 2)),
            }
            for law in laws
        ],
        "misconceptions": [
            {
                "name": tried.name, "belief": tried.says, "points": tried.points,
                "caught": {law.name: tried.broken(law.name) for law in laws},
                "least_margins": {law.name: number(min(tried.margins[law.name])) for law in laws},
                "errors_over_delta": {
                    law: {place: number(error) for place, error in errors.items()}
                    for law, errors in tried.errors.items()
                },
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
        "mutants": mutation.to_json(audited.fates),
    }  # fmt: skip


# ---- for a terminal ------------------------------------------------------------------------------------------------------

MARKS = {"always": "●", "sometimes": "◐", "never": "·"}


def matrix(slug: str, audited: ExerciseAudit) -> list[Any]:
    """One exercise: its laws by number, the misconceptions they catch, and how near the right answers came to their limits."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    exercise, laws = audited.exercise, audited.exercise.laws
    table = Table(
        title=f"{slug} · {exercise.name} ({exercise.points:g} points)", title_justify="left", box=box.SIMPLE_HEAD
    )
    table.add_column("misconception", overflow="fold")
    for place in range(len(laws)):
        table.add_column(str(place + 1), justify="center")
    table.add_column("earns", justify="right")
    for tried in audited.of("misconception"):
        table.add_row(tried.name, *(MARKS[tried.broken(law.name)] for law in laws), f"{tried.points:g}")
    table.add_section()
    table.add_row("catches any", *("●" if audited.catches(law) else "idle" for law in laws), "")
    named = [
        f"{place}. {law.name} ({law.points:g}{', decisive' if law.decisive else ''}, {audited.milliseconds(law):.1f} ms)"
        for place, law in enumerate(laws, start=1)
    ]
    right = [
        f"{tried.name} {'holds' if not tried.alarms else 'BREAKS'} at {tried.worst_margin():.2g}"
        for tried in audited.of("solution", "variation")
    ]
    lines = [
        "laws: " + "; ".join(named),
        "right answers, worst error over tolerance: " + ("; ".join(right) or "none"),
        f"trivial answers: {len(audited.of('trivial'))} tried, the best earns {audited.best_trivial:g}",
        *tests_in_words(audited),
        "mutants of the solution: " + mutants_in_words(audited.fates),
    ]
    return [table, *(Text(line, style="dim") for line in lines)]


def tests_in_words(audited: ExerciseAudit) -> list[str]:
    """For each test on random numbers, how far off its delta the misconceptions are that its law always catches."""
    lines = []
    for law in audited.exercise.laws:
        for place in audited.tests_of(law):
            errors = [
                tried.errors[law.name][place]
                for tried in audited.of("misconception")
                if tried.entry and law.name in tried.entry.caught_by and place in tried.errors.get(law.name, {})
            ]
            if errors:
                lines.append(
                    f"{law.name}, {place}: errors of {min(errors):.3g} to {max(errors):.3g} deltas in what it always catches"
                )
    return lines


def mutants_in_words(fates: Sequence[Fate]) -> str:
    if not fates:
        return "none tried"
    counts = {
        outcome: sum(fate.outcome == outcome for fate in fates)
        for outcome in ("killed", "equivalent", "sometimes", "undecided", "survived")
    }
    words = {"killed": "killed", "equivalent": "explained", "sometimes": "caught sometimes", "undecided": "undecided",
             "survived": "alive"}  # fmt: skip
    return ", ".join(f"{count} {words[outcome]}" for outcome, count in counts.items() if count)


def summary(slug: str, exercises: Sequence[ExerciseAudit]) -> list[str]:
    """The quality of a unit's grading in a few numbers."""
    unit = unit_json(slug, exercises)["right_answers"]
    fates = [fate for audited in exercises for fate in audited.fates]
    best = max(
        (audited.best_misconception / audited.exercise.points for audited in exercises if audited.exercise.points),
        default=0.0,
    )
    misconceptions = sum(len(audited.of("misconception")) for audited in exercises)
    chance = sum(audited.false_alarm for audited in exercises)
    worst = max((audited.worst_margin for audited in exercises), default=0.0)
    left = f"left to chance at most {chance:.1e} a submission" if chance else "nothing is left to chance"
    return [
        f"{slug}: {unit['false_alarms']:,} false alarms in {unit['checks']:,} checks of right answers, "
        f"worst error over tolerance {worst:.2g}; {left}",
        f"{slug}: {misconceptions} misconceptions, the best earns {best:.0%} of an exercise; "
        f"the best trivial answer earns {max((audited.best_trivial for audited in exercises), default=0.0):g}; "
        f"{len(fates):,} mutants: {mutants_in_words(fates)}",
    ]
