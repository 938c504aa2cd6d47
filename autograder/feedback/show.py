"""One exercise's verdict as plain text and as HTML: what holds, what breaks, on which input, and what to do."""

from __future__ import annotations

import textwrap
from functools import cache

from jinja2 import Environment, PackageLoader, Template, select_autoescape

from autograder.verdict import ExerciseVerdict, LawVerdict

DIAGNOSED = "▸"
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


def score_of(verdict: ExerciseVerdict) -> str:
    """3 of 4 points; or that there are none."""
    return (
        f"{points(verdict.points)} of {points(verdict.max_points)} points"
        if verdict.max_points
        else "no points, optional"
    )


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


SCREENFUL = 40
"""So many lines are read at a glance; beyond them the laws that say least are only counted."""


def as_text(verdict: ExerciseVerdict, width: int = 100) -> str:
    """At most a screenful, readable without colour: the diagnosis, then the broken law with its witness, then the rest."""
    everything = _text(verdict, verdict.laws, width)
    shown = telling(verdict)
    if len(everything) <= SCREENFUL or len(shown) == len(verdict.laws):
        return "\n".join(everything)
    return "\n".join(_text(verdict, shown, width))


def telling(verdict: ExerciseVerdict) -> tuple[LawVerdict, ...]:
    """The laws to show where not all can be: the decisive one, which gates the points, and that with the witness.

    All of them where nothing else explains what is wrong.
    """
    if verdict.diagnosis is None and not any(law.witness for law in verdict.laws):
        return verdict.laws
    shown = tuple(law for law in verdict.laws if law.decisive or law.witness or law.evidence in ("undecided", "error"))
    broken = next((law for law in verdict.laws if law.evidence == "broken"), None)
    return shown if broken is None or any(law.evidence == "broken" for law in shown) else (*shown, broken)


def remaining(verdict: ExerciseVerdict, shown: tuple[LawVerdict, ...]) -> str:
    """4 more laws: 1 holds, 3 broken."""
    rest = [law for law in verdict.laws if law not in shown]
    words = {
        "holds": "hold",
        "broken": "broken",
        "undecided": "undecided",
        "error": "not decided",
        "not_run": "not run",
    }
    counts = {word: sum(law.evidence == evidence for law in rest) for evidence, word in words.items()}
    said = ["1 holds" if (count, word) == (1, "hold") else f"{count} {word}" for word, count in counts.items() if count]
    return f"{len(rest)} more law{'s' if len(rest) > 1 else ''}: {', '.join(said)}" if rest else ""


def _text(verdict: ExerciseVerdict, laws: tuple[LawVerdict, ...], width: int) -> list[str]:
    """The lines, with these laws in full and the others counted."""

    def wrapped(text: str, first: str, rest: str) -> list[str]:
        return textwrap.wrap(text, width, initial_indent=first, subsequent_indent=rest)

    lines = [f"{verdict.name}: {score_of(verdict)}. {headline(verdict)}"]
    if verdict.diagnosis:
        lines += wrapped(verdict.diagnosis.headline, f"  {DIAGNOSED} ", "    ")
        for sentence in (verdict.diagnosis.story, verdict.diagnosis.pointer):
            lines += wrapped(sentence, "    ", "    ")
    for sentence in (message(verdict), verdict.where):
        lines += wrapped(sentence, "  ", "  ")
    if verdict.status not in ("not_yet", "missing"):
        for law in laws:
            earned = f" [{points(law.points)}/{points(law.max_points)}]" if law.max_points else ""
            lines += wrapped(f"{MARKS[law.evidence]} {law.sentence}{earned}", "  ", "    ")
            said = law_message(verdict, law)
            lines += wrapped(said, "      ", "      ")
            if law.witness is not None and law.witness.code:
                lines.append(
                    "      the smallest input found that breaks it:"
                    if law.witness.shrunk
                    else "      an input that breaks it:"
                )
                lines += [f"        {line}" for line in law.witness.code.splitlines()]
            lines += [f"        {label}: {value}" for label, value in comparison(law)]
            if law.witness is not None and law.witness.note and law.witness.note != said:
                lines += wrapped(law.witness.note, "        ", "        ")
        if rest := remaining(verdict, laws):
            lines.append(f"  … and {rest}")
    if verdict.printed:
        lines.append("  it printed:")
        lines += [f"    | {line[:width]}" for line in first_lines(verdict.printed).splitlines()]
    return lines


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


MANY_LAWS = 3
"""A card with a witness or a diagnosis folds so many other laws, or more."""


def as_html(verdict: ExerciseVerdict) -> str:
    """A card for a notebook's output; everything that came from a student is escaped."""
    shown = telling(verdict)
    if len(verdict.laws) - len(shown) < MANY_LAWS:
        shown = verdict.laws
    return template("verdict.html.j2").render(
        verdict=verdict, marks=MARKS, score=score_of(verdict), headline=headline(verdict),
        comparison=comparison, first_lines=first_lines,
        message=message(verdict), message_of=lambda law: law_message(verdict, law),
        shown=shown, folded=[law for law in verdict.laws if law not in shown], remaining=remaining(verdict, shown),
        quiet=verdict.status in ("not_yet", "missing"),
        colour=COLOURS.get(verdict.status, "#777777"), law_colours=LAW_COLOURS,
    )  # fmt: skip
