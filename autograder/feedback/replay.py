"""A replay as a page: how a grade came about, in words that an instructor can send to the student who asked.

The seed, which would tell what the checks of the weeks to come ask, is not on it; nor is anything of another student's.
"""

from __future__ import annotations

import hashlib
import math
import textwrap
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from rich.text import Text

from autograder.feedback.show import MARKS, comparison, first_lines, headline, law_message, message, points, score_of
from autograder.feedback.terminal import STYLES, printable, summary
from autograder.record import verdict_of

if TYPE_CHECKING:
    from autograder.replay import Replay, Score
    from autograder.verdict import ExerciseVerdict, LawVerdict


def page(again: Replay, width: int = 100) -> Text:
    """The whole of it, to be read by the student too: the seed, which would tell what the next checks ask, is not in it."""
    lines = [*heading(again), "", *verdict_lines(again), *gradebook_lines(again), *conclusion(again)]
    text = Text()
    for line in lines:
        for part in wrapped(line, width):
            text.append(part + "\n", style=style_of(part))
    text.rstrip()
    return text


def wrapped(line: str, width: int) -> list[str]:
    """The line in pieces of at most `width`, indented as it is; code (behind a bar) is kept as it stands."""
    line = printable(line)
    body = line.lstrip()
    indent = line[: len(line) - len(body)]
    if body.startswith(BAR):
        return [line]
    hang = "  " if body[:2] in {f"{mark} " for mark in [*MARKS.values(), "-"]} else ""
    return textwrap.wrap(
        body, width, initial_indent=indent, subsequent_indent=indent + hang, break_on_hyphens=False
    ) or [""]


BAR = "│ "


def style_of(line: str) -> str:
    if line and not line.startswith(" "):
        return "bold"
    return STYLES.get(line[2:3], "") if line.startswith("  ") and line[3:4] == " " else ""


def heading(again: Replay) -> Iterator[str]:
    """Who, what, when, and by which versions."""
    name = f" ({again.gradebook.name})" if again.gradebook and again.gradebook.name else ""
    part = f", {again.exercise}" if again.exercise else ""
    yield f"How the grade came about: {again.student}{name}, {again.unit}{part}"
    if again.record is None:
        why = again.remark or "This was graded before dlvm kept records, or not at all."
        yield f"  {why} There is nothing to compare with: what follows is the verdict now."
    source = again.record or again.again
    assert source is not None
    graded = source.get("graded", {})
    when = []
    if again.gradebook and again.gradebook.handed_in:
        when.append(f"handed in on {day(again.gradebook.handed_in)}")
    if graded.get("date"):
        when.append(f"graded on {day(graded['date'])}")
    if when:
        said = "; ".join(when)
        yield f"  {said[0].upper()}{said[1:]}."
    if graded.get("engine"):
        yield (
            f"  By dlvm {graded['engine']} with torch {graded['torch']} and Python {graded['python']}, on {graded['device']}. "
            f"The inputs were drawn from the course's seed, here called {seed_name(graded['seed'])}: with it every step repeats."
        )
    if graded.get("failed"):
        yield "  The grader itself failed on this submission: its points are pending, and cost nobody anything."


def seed_name(seed: int) -> str:
    """A seed by a name that tells two apart and gives neither away."""
    return hashlib.sha256(f"dlvm seed {seed}".encode()).hexdigest()[:8]


def day(stamp: str) -> str:
    """2026-11-12T11:31:00Z → 12 November 2026, 11:31 UTC."""
    try:
        moment = datetime.strptime(stamp, "%Y-%m-%dT%H:%M:%SZ")
    except ValueError:
        return stamp
    return f"{moment.day} {moment:%B %Y, %H:%M} UTC"


def verdict_lines(again: Replay) -> Iterator[str]:
    """The recorded verdict (without one, today's), exercise by exercise."""
    source = again.record or again.again
    assert source is not None
    verdict = verdict_of(source)
    if verdict.problem:
        yield "About the submission"
        yield f"  {verdict.problem}"
        yield ""
    if verdict.notes:
        yield "What did not run while the notebook was loaded"
        for note in verdict.notes:
            yield f"  - {note}"
        yield ""
    for exercise in verdict.exercises:
        yield from exercise_lines(exercise)
        yield ""
    if len(verdict.exercises) > 1:
        yield f"Together {summary(verdict)}"
        yield ""


def exercise_lines(verdict: ExerciseVerdict) -> Iterator[str]:
    yield f"{verdict.name}: {score_of(verdict)}. {headline(verdict)}"
    for sentence in (message(verdict), f"In your line: {verdict.where}" if verdict.where else ""):
        if sentence:
            yield f"  {sentence}"
    if verdict.diagnosis:
        yield f"  {verdict.diagnosis.as_sentence()}"
    if verdict.status not in ("not_yet", "missing"):
        for law in verdict.laws:
            yield from law_lines(verdict, law)
    if verdict.printed:
        yield "  It printed:"
        for line in first_lines(verdict.printed).splitlines():
            yield f"    {BAR}{line[:200]}"


def law_lines(verdict: ExerciseVerdict, law: LawVerdict) -> Iterator[str]:
    """A law's sentence, its points, how clearly it holds or breaks, and the witness with what came back."""
    worth = f"{points(law.points)} of {points(law.max_points)} points" if law.max_points else ""
    remarks = [worth, "the decisive law" if law.decisive else "", how_clearly(law)]
    yield f"  {MARKS[law.evidence]} {law.sentence} [{'; '.join(filter(None, remarks)) or 'no points'}]"
    if said := law_message(verdict, law):
        yield f"      {said}"
    witness = law.witness
    if witness is None:
        return
    if witness.code:
        yield "      The smallest input found that breaks it:" if witness.shrunk else "      An input that breaks it:"
        for line in witness.code.splitlines():
            yield f"        {BAR}{line}"
    for label, value in comparison(law):
        yield f"      {label.replace('got', 'came back', 1) if label.startswith('got') else label}: {value}"
    if witness.note and witness.note != said:
        yield f"      {witness.note}"


def how_clearly(law: LawVerdict) -> str:
    """The error in units of what the law tolerates; for random draws, how seldom they wrong a right answer."""
    if law.evidence not in ("holds", "broken") or math.isnan(law.margin):
        return ""
    if law.false_alarm and law.margin in (0, math.inf):
        return f"by random draws, which wrong a right answer at most once in {1 / law.false_alarm:.0e}".replace(
            "e+", "e"
        )
    if law.margin in (0, math.inf):  # a condition, an exception or NaN: there is no size to it
        return ""
    if law.margin <= 1:
        share = f"{100 * law.margin:.0f} %" if law.margin >= 0.01 else "less than 1 %"
        return f"the error is {share} of the tolerance"
    if law.margin < 1e6:
        return f"the error is {float(f'{law.margin:.2g}'):,g} times the tolerance"
    power = f"{law.margin:.0e}".split("e")[1].lstrip("+0").translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"the error is 10{power} times the tolerance"


def gradebook_lines(again: Replay) -> Iterator[str]:
    """What the gradebook has: the laws' points, what a person gave instead or besides, the penalty for being late."""
    entry = again.gradebook
    if entry is None:
        return
    source = again.record or again.again
    assert source is not None
    by_laws = {f"check_{exercise['name']}": exercise["points"] for exercise in source["exercises"]}
    yield "In the gradebook"
    shown = [score for score in entry.scores if not again.exercise or score.cell == f"check_{again.exercise}"]
    for score in shown:
        yield f"  {score.cell.removeprefix('check_')}: {points(score.counts)} of {points(score.worth)} points{how(score)}"
        recorded = by_laws.get(score.cell)
        if recorded is not None and score.by_laws is not None and score.by_laws != recorded:
            there, here = points(score.by_laws), points(recorded)
            yield f"      The gradebook has {there} points from the laws here, this verdict gives {here}."
        if score.comment:
            yield f"      Comment: {score.comment}"
    if entry.penalty:
        yield f"  late: −{points(entry.penalty)} points"
    if not again.exercise:
        yield f"  counts: {points(entry.counts)} points"
    yield ""


def how(score: Score) -> str:
    said = []
    if score.by_hand is not None:
        said.append(
            "given by a person"
            + (f", in the place of {points(score.by_laws)} by the laws" if score.by_laws is not None else "")
        )
    elif score.by_laws is not None:
        said.append("by the laws" if score.cell.startswith("check_") else "left unanswered")
    if score.extra:
        said.append(f"{points(score.extra)} of them extra")
    if score.waits:
        said.append("waits for a person")
    return f" ({'; '.join(said)})" if said else ""


def conclusion(again: Replay) -> Iterator[str]:
    """What changed since; then whether the verdict is the same."""
    yield "Graded again, now"
    if again.changed:
        yield f"  Since then: {'; '.join(change.as_sentence() for change in again.changed)}."
    elif again.record is not None and not again.had_failed:
        yield "  The submission, the laws, the seed and the versions are those of then."
    if again.again is None:
        yield "  Nothing could be graded again."
        return
    if again.failed:
        yield "  The grader itself failed this time, so nothing can be said (--json has its report)."
        return
    if again.record is None:
        yield "  There is no record to compare this verdict with."
        return
    now, was = verdict_of(again.again), verdict_of(again.record)
    if again.had_failed:
        yield f"  The grader failed then, and does not now: {summary(now)}"
        return
    if again.same:
        yield f"  The verdict is the same, law by law: {summary(now)}"
        if again.details:
            places = dict.fromkeys(f"{d.what} of {d.law or d.exercise}" for d in again.details)
            yield f"  What is shown differs: {', '.join(places)}."
        return
    if again.same is None:
        yield f"  So the two verdicts cannot be compared: {points(was.points)} points then, {points(now.points)} points now."
    else:
        yield f"  The verdict differs: {points(was.points)} points then, {points(now.points)} points now."
        if not again.changed:
            yield (
                "  Nothing that a verdict depends on has changed, so this answer must depend on something else: the time, random "
                "numbers of its own, or how much memory there is."
            )
    for difference in again.differences:
        yield f"  - {difference.as_sentence()}"
