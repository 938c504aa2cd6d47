"""What checking one answer found, as data. `feedback/` makes it text, a terminal table or a page."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

SCHEMA = "dlvm-verdict/1"

STATUSES: dict[str, str] = {
    "correct": "every law holds",
    "partial": "the decisive law holds, some other law is broken",
    "wrong": "the decisive law is broken",
    "not_yet": "the stub is still there",
    "missing": "the submission does not define it",
    "pending": "the grader could not decide; a person will",
}
EVIDENCE: dict[str, str] = {
    "holds": "no input broke it",
    "broken": "some input breaks it, or the answer failed",
    "undecided": "the draws did not suffice to decide",
    "error": "the law itself failed: the grader's fault, never the student's",
    "not_run": "there was nothing to run it on",
}


@dataclass(frozen=True)
class Witness:
    """The smallest input found on which a law breaks."""

    code: str
    """Python to paste into a cell: makes the inputs and calls the answer."""
    got: str
    expected: str
    relation: str = "="
    what: str = ""
    note: str = ""
    shrunk: bool = False

    def to_json(self) -> dict[str, Any]:
        return {
            "code": self.code, "got": self.got, "expected": self.expected, "relation": self.relation, "what": self.what,
            "note": self.note, "shrunk": self.shrunk,
        }  # fmt: skip


@dataclass(frozen=True)
class LawVerdict:
    name: str
    sentence: str
    evidence: str
    points: float
    max_points: float
    decisive: bool = False
    message: str = ""
    witness: Witness | None = None
    margin: float = math.nan
    """Worst error over tolerance, where the evidence is deterministic."""
    false_alarm: float = 0.0
    """At most so probable is it that random numbers alone break this law for a right answer."""

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name, "sentence": self.sentence, "evidence": self.evidence, "points": self.points,
            "max_points": self.max_points, "decisive": self.decisive,
            "witness": self.witness.to_json() if self.witness else None, "message": self.message,
            "margin": number(self.margin), "false_alarm": self.false_alarm,
        }  # fmt: skip


@dataclass(frozen=True)
class Diagnosis:
    """The misconception that an answer's outputs are those of, and of no other."""

    name: str
    """The misconception's name, for class reports: `arguments_swapped`."""
    belief: str
    """What its author believes: "KL[p‖q] averages the log-ratio over q"."""
    story: str
    """What is wrong with that, in two sentences."""
    read_on: str = ""
    """Where to read on: a heading of the unit's notebook, or a work."""

    @property
    def headline(self) -> str:
        """This is consistent with: KL[p‖q] averages the log-ratio over q."""
        return f"This is consistent with: {self.belief}."

    @property
    def pointer(self) -> str:
        """Read on: “1 · Finite sets”, in this notebook."""
        return f"Read on: {self.read_on}." if self.read_on else ""

    def as_sentence(self) -> str:
        """All of it in one paragraph, for remarks."""
        return " ".join(part for part in (self.headline, self.story, self.pointer) if part)

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name, "belief": self.belief, "story": self.story, "read_on": self.read_on}


@dataclass(frozen=True)
class ExerciseVerdict:
    name: str
    status: str
    points: float
    max_points: float
    laws: tuple[LawVerdict, ...]
    message: str = ""
    """What holds for the exercise as a whole: not defined, not yet, raises…"""
    where: str = ""
    """The student's own line, where one is to blame."""
    diagnosis: Diagnosis | None = None
    printed: str = ""
    measure: str = ""
    report: str = ""
    """Where the grader itself failed: its traceback, for the instructor and nobody else."""

    @property
    def pending(self) -> bool:
        return self.status == "pending"

    def as_text(self) -> str:
        from autograder.feedback.show import as_text

        return as_text(self)

    def as_html(self) -> str:
        from autograder.feedback.show import as_html

        return as_html(self)

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name, "points": self.points, "max_points": self.max_points, "status": self.status,
            "laws": [law.to_json() for law in self.laws], "message": self.message, "where": self.where,
            "printed": self.printed, "diagnosis": self.diagnosis.to_json() if self.diagnosis else None,
        }  # fmt: skip


@dataclass(frozen=True)
class Verdict:
    """One submission's exercises, in the notebook's order."""

    unit: str
    student: str
    exercises: tuple[ExerciseVerdict, ...]
    problem: str = ""
    """A sentence when the submission as a whole could not be read or run."""
    notes: tuple[str, ...] = field(default=())
    """What went wrong while its cells were loaded, a sentence each."""

    @property
    def points(self) -> float:
        return sum(exercise.points for exercise in self.exercises)

    @property
    def max_points(self) -> float:
        return sum(exercise.max_points for exercise in self.exercises)

    @property
    def pending(self) -> bool:
        return any(exercise.pending for exercise in self.exercises)

    @property
    def false_alarm(self) -> float:
        """The submission's budget: at most so probable is it that chance alone costs a right one any points."""
        return sum(law.false_alarm for exercise in self.exercises for law in exercise.laws)

    def to_json(self) -> dict[str, Any]:
        from autograder import __version__

        return {
            "schema": SCHEMA, "engine": __version__, "unit": self.unit, "student": self.student, "points": self.points,
            "max_points": self.max_points, "false_alarm": self.false_alarm, "problem": self.problem, "notes": list(self.notes),
            "exercises": [exercise.to_json() for exercise in self.exercises],
        }  # fmt: skip

    @staticmethod
    def unreadable(unit: Any, student: str, sentence: str) -> Verdict:
        """The verdict on a submission that cannot be read or run: nothing is earned, and the sentence says why."""
        return Verdict(
            unit.slug, student, tuple(nothing(e, "missing", sentence) for e in unit.exercises.values()), sentence
        )


UNGRADED = "This could not be graded because of an error on our side. Nothing is lost: an instructor looks at it."


def nothing(exercise: Any, status: str, message: str, where: str = "", printed: str = "") -> ExerciseVerdict:
    """An exercise whose laws had nothing to run on."""
    laws = tuple(
        LawVerdict(law.name, law.sentence, "not_run", 0.0, law.points, law.decisive) for law in exercise.laws
    )  # fmt: skip
    return ExerciseVerdict(
        exercise.name, status, 0.0, exercise.points, laws, message, where, printed=printed, measure=exercise.measure
    )


def number(value: float) -> float | str:
    """JSON has no NaN and no infinity: they travel as strings."""
    return value if math.isfinite(value) else ("nan" if math.isnan(value) else "inf" if value > 0 else "-inf")
