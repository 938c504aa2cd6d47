"""Verdicts in a terminal: one submission as coloured text, a class as a table of who got what and why.

What a student's code printed or raised may hold terminal escapes; nothing of it reaches the terminal as such.
"""

from __future__ import annotations

import textwrap
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from autograder.feedback.show import DIAGNOSED, points

if TYPE_CHECKING:
    from autograder.cohort import Grade
    from autograder.exercise import Unit
    from autograder.verdict import ExerciseVerdict, Verdict

STYLES = {DIAGNOSED: "bold yellow", "✓": "green", "✗": "red", "?": "yellow", "!": "magenta"}
REASON = 110
"""A reason in the table is cut at so many characters; the whole of it is in the student's feedback."""


def printable(text: str) -> str:
    """The text without anything that a terminal would obey rather than show."""
    return "".join(
        c if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cf", "Cs") else "\N{REPLACEMENT CHARACTER}"
        for c in text
    )


# ---- one submission ------------------------------------------------------------------------------------------------------


def exercise_text(verdict: ExerciseVerdict) -> Text:
    """`as_text`, with its headline bold and its marks coloured."""
    text = Text()
    for number, line in enumerate(printable(verdict.as_text()).splitlines()):
        style = "bold" if number == 0 else STYLES.get(line[2:3] if line.startswith("  ") else "", "")
        text.append(line + "\n", style=style)
    return text


def summary(verdict: Verdict) -> str:
    """12 of 40 points: 3 right, 1 partly right, 2 not right yet, 2 not yet."""
    return f"{points(verdict.points)} of {points(verdict.max_points)} points: {count_by_status(verdict)}."


# ---- a class -------------------------------------------------------------------------------------------------------------


def grades_table(grades: Iterable[Grade], stories: Mapping[str, str] | None = None) -> Table:
    """Who got what and why, those first who wait for a person. `stories` says what a made-up student did."""
    table = Table("student", box=None, pad_edge=False, header_style="bold")
    table.add_column("points", justify="right", no_wrap=True)
    if stories is not None:
        table.add_column("did", ratio=2)
    table.add_column("why", ratio=3)
    for grade in sorted(grades, key=lambda grade: (not grade.pending, grade.student)):
        verdict = grade.verdict
        score = f"{points(verdict.points)}/{points(verdict.max_points)}" + (" ?" if grade.pending else "")
        reason = f"the grader failed: {last_line(grade.failed)}" if grade.failed else why(verdict)
        story = [] if stories is None else [stories.get(grade.student, "")]
        cells = [grade.student, score, *story, reason]
        table.add_row(*(Text(printable(cell)) for cell in cells), style="yellow" if grade.pending else "")
    return table


def why(verdict: Verdict) -> str:
    """A submission's verdict in a line or two: exercises with one reason are named together, many reasons are counted."""
    if verdict.problem:
        return short(verdict.problem)
    names_by_reason: dict[str, list[str]] = {}
    for exercise in verdict.exercises:
        if exercise.status != "correct":
            names_by_reason.setdefault(reason_for(exercise), []).append(exercise.name)
    if not names_by_reason:
        return "every law holds"
    reason, names = next(iter(names_by_reason.items()))
    if len(names) == len(verdict.exercises):
        return f"every exercise: {reason}"
    if len(names_by_reason) <= 2:
        return "; ".join(f"{', '.join(names)}: {reason}" for reason, names in names_by_reason.items())
    return f"{count_by_status(verdict)}; first {names[0]}: {reason}"


def count_by_status(verdict: Verdict) -> str:
    """3 right, 1 partly right, 2 not right yet."""
    words = {
        "correct": "right", "partial": "partly right", "wrong": "not right yet", "not_yet": "not yet",
        "missing": "not there", "pending": "undecided",
    }  # fmt: skip
    counts = {word: sum(e.status == status for e in verdict.exercises) for status, word in words.items()}
    return ", ".join(f"{count} {word}" for word, count in counts.items() if count)


def reason_for(exercise: ExerciseVerdict) -> str:
    if exercise.status == "not_yet":
        return "not yet"
    if exercise.diagnosis:
        return short(f"looks like: {exercise.diagnosis.belief}")
    if exercise.status == "pending":
        open_laws = [law for law in exercise.laws if law.evidence in ("undecided", "error")]
        return short("pending: " + (open_laws[0].message or open_laws[0].sentence if open_laws else exercise.message))
    if exercise.message:
        return short(exercise.message)
    broken = [law for law in exercise.laws if law.evidence == "broken"]
    return short(f"breaks “{broken[0].sentence}”") if broken else "not there"


def short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= REASON else line[: REASON - 1].rstrip() + "…"


def last_line(text: str) -> str:
    return short((text.strip().splitlines() or [""])[-1])


MOST_COMMON = 10
"""So many beliefs are listed; what a single student believes of the rest is in their feedback."""


def misunderstood(verdicts: Iterable[Verdict]) -> str:
    """What the class did not understand: the beliefs that answers were consistent with, by how many students showed each."""
    counts = Counter(
        (exercise.name, exercise.diagnosis.belief)
        for verdict in verdicts for exercise in verdict.exercises if exercise.diagnosis
    )  # fmt: skip
    if not counts:
        return ""
    ranked = sorted(counts.items(), key=lambda item: -item[1])
    width = len(str(ranked[0][1]))
    lines = [f"  {count:>{width}} × {exercise}: {belief}" for (exercise, belief), count in ranked[:MOST_COMMON]]
    more = len(ranked) - MOST_COMMON
    rest = [f"  … and {more} more belief{'s' if more > 1 else ''}, each at most as frequent"] if more > 0 else []
    return "\n".join(["What the class did not understand:", *lines, *rest])


# ---- what there is to do -------------------------------------------------------------------------------------------------


def unit_text(unit: Unit, width: int = 0) -> Text:
    """A unit's exercises with signatures, units of measure, points and laws; wrapped to `width` if it is given."""

    def wrapped(line: str, indent: int, first: str = "") -> str:
        start = first.rjust(indent) if first else " " * indent
        if not width:
            return f"{start}{line}\n"
        return textwrap.fill(line, width, initial_indent=start, subsequent_indent=" " * indent) + "\n"

    text = Text()
    hours = f", about {counted(unit.minutes / 60, 'hour')}" if unit.minutes else ""
    text.append(unit.slug, style="bold")
    text.append(f"  {unit.title}: {counted(len(unit.exercises), 'exercise')}, {points(unit.points)} points{hours}\n")
    for exercise in unit.exercises.values():
        text.append("\n" + wrapped(exercise.signature, 2), style="bold")
        text.append(wrapped(" ".join(exercise.doc.split()), 4))
        rows = f"; rows along {exercise.batch} are independent" if exercise.batch else ""
        optional = "; optional" if exercise.optional else ""
        beside = f" Hand in {exercise.hands_in} beside the notebook." if exercise.hands_in else ""
        text.append(
            wrapped(f"{points(exercise.points)} points{optional}. In {exercise.measure}{rows}.{beside}", 4), style="dim"
        )
        for law in exercise.laws:
            sentence = f"{law.sentence} (decisive)" if law.decisive else law.sentence
            text.append(wrapped(sentence, 8, f"{points(law.points) if law.points else '·'}  "))
    return text


def counted(number: float, what: str) -> str:
    """1 hour, 4 hours."""
    return f"{number:g} {what}" + ("" if number == 1 else "s")


def unit_json(unit: Unit) -> dict[str, object]:
    return {
        "slug": unit.slug,
        "title": unit.title,
        "minutes": unit.minutes,
        "points": unit.points,
        "exercises": list(_exercises(unit)),
    }


def _exercises(unit: Unit) -> Iterator[dict[str, object]]:
    for exercise in unit.exercises.values():
        yield {
            "name": exercise.name, "signature": exercise.signature, "doc": exercise.doc,
            "shapes": {name: str(spec) for name, spec in exercise.parameters.items()}, "returns": str(exercise.returns),
            "batch": exercise.batch, "measure": exercise.measure, "points": exercise.points, "optional": exercise.optional,
            "hands_in": exercise.hands_in,
            "laws": [
                {"name": law.name, "sentence": law.sentence, "points": law.points, "decisive": law.decisive}
                for law in exercise.laws
            ],
        }  # fmt: skip
