"""A derivation as formulas, while it is being written: `formula(elbo_by_jensen)` in a cell."""

from __future__ import annotations

import html
from collections.abc import Callable

from autograder.derivation.check import RELATIONS, Wrong, lines_of
from autograder.derivation.expression import Unreadable, latex, read

SIGNS = {"=": r"=\;", "≥": r"\ge\;", "≤": r"\le\;", "": ""}


class Formula:
    """Lines of formulas, with a sentence in the place of a line that cannot be read."""

    def __init__(self, lines: list[tuple[str, str, str]], problems: list[str]) -> None:
        self.lines, self.problems = lines, problems

    def _repr_markdown_(self) -> str:
        rows = [rf"{sign} & {body}" + (rf" && \text{{{rule}}}" if rule else "") for sign, body, rule in self.lines]
        shown = "$$\\begin{aligned}\n" + " \\\\[.6em]\n".join(rows) + "\n\\end{aligned}$$" if rows else ""
        return "\n\n".join([shown, *(html.escape(problem) for problem in self.problems)]).strip()

    def __repr__(self) -> str:
        return "\n".join([*(" ".join(filter(None, line)) for line in self.lines), *self.problems])


def formula(derivation: str | Callable[[], str]) -> Formula:
    """The formulas of a derivation: of the text itself, or of the function that returns it.

    Nothing is checked here: what can be read is shown as mathematics, with the rules beside it.
    """
    if callable(derivation):
        try:
            derivation = derivation()
        except NotImplementedError:
            name = getattr(derivation, "__name__", "the derivation")
            return Formula([], [f"These formulas wait for {name}."])
    lines: list[tuple[str, str, str]] = []
    problems: list[str] = []
    try:
        for number, relation, body, rule in lines_of(str(derivation)):
            try:
                shown = latex(read(body))
            except Unreadable as problem:
                shown = r"\text{?}"
                problems.append(f"Line {number} cannot be read. {problem}")
            lines.append((SIGNS[RELATIONS.get(relation, "")], shown, escaped(rule)))
    except Wrong as problem:
        problems.append(str(problem))
    return Formula(lines, problems)


def escaped(rule: str) -> str:
    """A rule's name inside a formula's text: nothing in it is a command."""
    kept = {"−": "-", "≥": "at least", "≤": "at most"}
    return "".join(c if c.isalnum() or c in " ,.'()-" else kept.get(c, "") for c in rule)[:60]
