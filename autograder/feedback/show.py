"""One exercise's verdict as plain text and as HTML: what holds, what breaks, on which input, and what to do."""

from __future__ import annotations

import textwrap
from functools import cache

from jinja2 import Environment, PackageLoader, Template, select_autoescape

from autograder.verdict import ExerciseVerdict, LawVerdict

MARKS = {"holds": "✓", "broken": "✗", "undecided": "?", "error": "!", "not_run": "·"}

COLOURS = {"correct": "#117733", "partial": "#b8860b", "wrong": "#b03a4a", "pending": "#5566aa"}
LAW_COLOURS = {"holds": "#2a9a55", "broken": "#c8505f", "undecided": "#7788cc", "error": "#7788cc"}

HEADLINES = {
    "correct": "Right: every law holds.",
    "partial": "The value is right, but not everything that must hold does.",
    "wrong": "Not right yet.",
    "not_yet": "Not yet: this one still waits for your code.",
    "missing": "This one is not there.",
    "pending": "Undecided: a person will look at this. It costs you nothing.",
}


def points(value: float) -> str:
    """3.0 → "3", 2.5 → "2.5"."""
    return f"{value:g}"


def headline(verdict: ExerciseVerdict) -> str:
    return HEADLINES[verdict.status]


def message(verdict: ExerciseVerdict) -> str:
    """What is said for the exercise as a whole, unless the headline says it already."""
    return "" if verdict.message == f"`{verdict.name}` is not written yet." else verdict.message


def law_message(verdict: ExerciseVerdict, law: LawVerdict) -> str:
    return "" if verdict.message and verdict.message in law.message else law.message


def comparison(law: LawVerdict) -> list[tuple[str, str]]:
    """The witness's numbers as (label, value) lines."""
    witness = law.witness
    if witness is None or not witness.got:
        return []
    what = f" ({witness.what})" if witness.what else ""
    wanted = {"=": "expected", "≥": "expected at least", "≤": "expected at most", "≈": "sampling gives"}.get(
        witness.relation, "expected"
    )
    return [(f"got{what}", witness.got), (wanted, witness.expected)]


def first_lines(text: str, count: int = 5) -> str:
    lines = text.splitlines()
    return "\n".join(lines[:count]) + (f"\n… ({len(lines) - count:,} more lines)" if len(lines) > count else "")


def as_text(verdict: ExerciseVerdict, width: int = 100) -> str:
    """At most a screenful, readable without colour."""
    lines = [f"{verdict.name}: {points(verdict.points)} of {points(verdict.max_points)} points. {headline(verdict)}"]
    for sentence in (message(verdict), verdict.where):
        if sentence:
            lines += textwrap.wrap(sentence, width, initial_indent="  ", subsequent_indent="  ")
    if verdict.diagnosis:
        lines += textwrap.wrap(verdict.diagnosis, width, initial_indent="  ", subsequent_indent="  ")
    if verdict.status not in ("not_yet", "missing"):
        for law in verdict.laws:
            earned = f" [{points(law.points)}/{points(law.max_points)}]" if law.max_points else ""
            lines += textwrap.wrap(
                f"{MARKS[law.evidence]} {law.sentence}{earned}", width, initial_indent="  ", subsequent_indent="    "
            )
            said = law_message(verdict, law)
            if said:
                lines += textwrap.wrap(said, width, initial_indent="      ", subsequent_indent="      ")
            if law.witness is not None and law.witness.code:
                lines.append(
                    "      the smallest input found that breaks it:"
                    if law.witness.shrunk
                    else "      an input that breaks it:"
                )
                lines += [f"        {line}" for line in law.witness.code.splitlines()]
            lines += [f"        {label}: {value}" for label, value in comparison(law)]
            if law.witness is not None and law.witness.note and law.witness.note != said:
                lines += textwrap.wrap(law.witness.note, width, initial_indent="        ", subsequent_indent="        ")
    if verdict.printed:
        lines.append("  it printed:")
        lines += [f"    | {line[:width]}" for line in first_lines(verdict.printed).splitlines()]
    return "\n".join(lines)


@cache
def environment() -> Environment:
    made = Environment(
        loader=PackageLoader("autograder", "feedback"),
        autoescape=select_autoescape(default=True),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["points"] = points
    return made


@cache
def template(name: str) -> Template:
    return environment().get_template(name)


def as_html(verdict: ExerciseVerdict) -> str:
    """A card for a notebook's output; everything that came from a student is escaped."""
    return template("verdict.html.j2").render(
        verdict=verdict, marks=MARKS, headline=headline(verdict), comparison=comparison, first_lines=first_lines,
        message=message(verdict), message_of=lambda law: law_message(verdict, law),
        quiet=verdict.status in ("not_yet", "missing"),
        colour=COLOURS.get(verdict.status, "#777777"), law_colours=LAW_COLOURS,
    )  # fmt: skip
