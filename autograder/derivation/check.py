"""A derivation against what was asked: does it say something true in every line, and does every line follow?

A derivation is text, one line after the other: the first an expression, each further one a relation, an expression, and behind
a # the rule by which it follows from the line before.

    log(p(x))
    =  log(sum(z, p(x, z)))                       # marginal
    =  log(sum(z, q(z | x) * p(x, z)/q(z | x)))   # arithmetic
    =  log(E(q(z | x), p(x, z)/q(z | x)))         # expectation
    >= E(q(z | x), log(p(x, z)/q(z | x)))         # Jensen

It is checked twice. By meaning: each relation is tried in concrete models, and the first that is false is shown with the numbers
of one. By step: each line must follow from the one before by the rule that it names and plain arithmetic; any route will do.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from autograder.derivation.expression import (
    Add,
    Average,
    Density,
    Divergence,
    Entropy,
    Expression,
    Log,
    Multiply,
    Power,
    Sum,
    Unreadable,
    children,
    negative,
    read,
)  # fmt: skip
from autograder.derivation.meaning import Counterexample, Meaningless, Setting, counterexample, number_at, shown
from autograder.derivation.rules import RULES, Rule, follows, rule_named
from autograder.evidence import Evidence, true

LINES = 30
CHARACTERS = 12_000
TERMS = 120
"""What a line may have when it is multiplied out: a derivation needs a dozen."""
DEGREE = 12
WORK = 3_000
"""So many values may have to be added up for a line, in one model."""

RELATIONS = {"=": "=", "==": "=", ">=": "≥", "≥": "≥", "=>": "≥", "<=": "≤", "≤": "≤", "=<": "≤"}
FLIPPED = {"=": "=", "≥": "≤", "≤": "≥"}


class Wrong(Exception):
    """What is wrong with a derivation: in which line (from 1), what kind of thing, and a sentence for who wrote it."""

    def __init__(self, line: int, kind: str, sentence: str) -> None:
        self.line, self.kind, self.sentence = line, kind, sentence
        super().__init__(f"Line {line}: {sentence}" if line else sentence)


@dataclass(frozen=True)
class Step:
    """One line. The first has neither relation nor rule."""

    number: int
    relation: str
    expression: Expression
    rule: str
    """As it was written."""


def lines_of(text: str) -> Iterator[tuple[int, str, str, str]]:
    """(number, relation, expression, rule) of every line. What starts with + - * or / continues the line above."""
    if len(text) > CHARACTERS:
        raise Wrong(0, "unreadable", f"A derivation of {len(text):,} characters is too long: at most {CHARACTERS:,}.")
    found: list[tuple[str, str, str]] = []
    for line in text.splitlines():
        body, _, rule = (part.strip() for part in line.partition("#"))
        if not body:
            continue
        relation = next((sign for sign in sorted(RELATIONS, key=len, reverse=True) if body.startswith(sign)), "")
        if found and not relation and body[0] in "+-*/":
            before = found.pop()
            found.append((before[0], f"{before[1]} {body}", rule or before[2]))
        else:
            found.append((relation, body[len(relation) :].strip(), rule))
        if len(found) > LINES:
            raise Wrong(len(found), "unreadable", f"A derivation has at most {LINES} lines.")
    for number, (relation, body, rule) in enumerate(found, 1):
        yield number, relation, body, rule


def read_derivation(text: str, setting: Setting) -> list[Step]:
    """The steps of a derivation; `Wrong` says which line cannot be read, and why."""
    steps = []
    for number, relation, body, rule in lines_of(text):
        if number == 1 and relation:
            raise Wrong(1, "unreadable", f"The first line is an expression by itself, without {relation}.")
        if number > 1 and not relation:
            raise Wrong(number, "unreadable", "A line starts with =, >= or <=.")
        if any(sign in body for sign in RELATIONS):
            raise Wrong(number, "unreadable", "There is one relation a line: begin a new line with the next.")
        try:
            expression = read(body)
            setting.check(expression)
        except (Unreadable, Meaningless) as problem:
            raise Wrong(number, "unreadable", str(problem)) from None
        if too_much(expression, setting):
            raise Wrong(number, "unreadable", "The line is too large when it is multiplied out. Take smaller steps.")
        steps.append(Step(number, RELATIONS.get(relation, ""), expression, rule))
    if not steps:
        raise Wrong(0, "unreadable", "There is no line yet.")
    return steps


def too_much(expression: Expression, setting: Setting) -> bool:
    """Whether evaluating or multiplying out a line would take long: known before it is tried."""

    def size(node: Expression) -> tuple[int, int, int, int]:
        """(terms above, terms below, degree, values to add up) of the node as one fraction, multiplied out."""
        inner = [size(child) for child in children(node)]
        above, below, degree, work = (max((s[i] for s in inner), default=1) for i in range(4))
        total = sum(s[3] for s in inner) + 1
        match node:
            case Add():
                common = bounded(math.prod(s[1] for s in inner))
                return bounded(sum(s[0] * (common // s[1]) for s in inner)), common, degree, total
            case Multiply():
                top, bottom = (bounded(math.prod(s[i] for s in inner)) for i in (0, 1))
                return top, bottom, sum(s[2] for s in inner), total
            case Power(_, exponent):
                top, bottom = (bounded(terms ** abs(exponent)) for terms in (above, below))
                return (
                    (top, bottom, degree * exponent, total)
                    if exponent > 0
                    else (bottom, top, -degree * exponent, total)
                )
            case Average(Density(_, variables, _), _) | Sum(variables, _, _):
                return above, below, degree, bounded(work * values(variables))
            case Divergence(Density(_, variables, _), _) | Entropy(Density(_, variables, _)):
                return 1, 1, 1, values(variables)
            case Log():
                return above, below, 1, total
        return above, below, degree, total

    def bounded(number: int) -> int:
        return min(number, 10**9)

    def values(variables: tuple[str, ...]) -> int:
        return math.prod(setting.sizes_of[variable] for variable in variables)

    above, below, degree, work = size(expression)
    return above > TERMS or below > TERMS or degree > DEGREE or work > WORK


# ---- what is asked -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Task:
    """From where to where, in which setting, by which rules."""

    start: str
    relation: str
    end: str
    setting: Setting
    rules: tuple[str, ...]
    """The rules that may be named. Plain arithmetic always may; the conclusion itself is none."""

    def __post_init__(self) -> None:
        if unknown := set(self.rules) - set(RULES):
            raise ValueError(f"there is no rule {min(unknown)!r}; expected some of {', '.join(RULES)}")

    def means(self, text: str) -> Evidence:
        """Broken by the first line that is false, and by a derivation that leads from elsewhere or to elsewhere."""
        return self._evidence(text, truth=True)

    def follows(self, text: str) -> Evidence:
        """Broken by the first line that does not follow from the one before by the rule that it names."""
        return self._evidence(text, truth=False)

    def _evidence(self, text: str, truth: bool) -> Evidence:
        wrong = self.wrong(text, truth=truth, steps=not truth)
        return replace(true(torch.tensor(wrong is None), what="the derivation"), note=str(wrong or ""))

    def wrong(self, text: str, *, truth: bool = True, steps: bool = True) -> Wrong | None:
        """The first thing that is wrong: in what it says (`truth`), in how it gets there (`steps`), or in either."""
        try:
            lines = read_derivation(text, self.setting)
            if truth:
                _, relation, end = self._asked(lines)
            for before, after in itertools.pairwise(lines):
                if truth:
                    self._true(before, after)
                    self._leads(after, relation)
                if steps:
                    self._licensed(before, after)
            if truth and not self._same(lines[-1].expression, read(end)):
                raise Wrong(len(lines), "end", f"the derivation ends elsewhere than asked. It should arrive at {end}.")
            if steps and len(lines) == 1:
                raise Wrong(1, "step", "there is no step yet.")
        except Wrong as problem:
            return problem
        return None

    # ---- meaning -----------------------------------------------------------------------------------------------------

    def _asked(self, lines: list[Step]) -> tuple[str, str, str]:
        """(start, relation, end) as asked; or the other way round, which is as good, if that is where it starts."""
        relation = RELATIONS[self.relation]
        if self._same(lines[0].expression, read(self.start)):
            return self.start, relation, self.end
        if self._same(lines[0].expression, read(self.end)):
            return self.end, FLIPPED[relation], self.start
        raise Wrong(1, "start", f"the derivation starts elsewhere than asked. Start with {self.start}.")

    def _true(self, before: Step, after: Step) -> None:
        try:
            found = tried(before.expression, after.relation, after.expression, self.setting)
        except (ArithmeticError, ValueError) as problem:  # what a student divides by is no error of the grader's
            raise Wrong(after.number, "unreadable", NO_VALUE) from problem
        if found is not None:
            raise Wrong(
                after.number, "false",
                f"{after.relation} is false here. In one model line {before.number} comes to {shown(found.left)} and line "
                f"{after.number} to {shown(found.right)}. The model: {found.told()}.",
            )  # fmt: skip

    def _leads(self, step: Step, relation: str) -> None:
        if step.relation not in ("=", relation):
            raise Wrong(
                step.number, "direction",
                f"{step.relation} is true here, but leads the other way: with it nothing follows about the first line {relation} "
                "the last.",
            )  # fmt: skip

    def _same(self, a: Expression, b: Expression) -> bool:
        return licensed(a, b, RULES["arithmetic"], self.setting)

    # ---- steps -------------------------------------------------------------------------------------------------------

    def allowed(self) -> list[Rule]:
        return [RULES["arithmetic"], *(RULES[name] for name in self.rules if name != "arithmetic")]

    def _licensed(self, before: Step, after: Step) -> None:
        number = after.number
        may = ", ".join(rule.name for rule in self.allowed())
        if not after.rule:
            raise Wrong(number, "rule", f"no rule is named. Write one behind a #: {may}.")
        rule = rule_named(after.rule)
        if rule is None:
            raise Wrong(number, "rule", f"there is no rule {after.rule[:40]!r}. Those that may be used here: {may}.")
        if rule not in self.allowed():
            raise Wrong(
                number, "rule",
                f"{rule.name} is no rule here: it says what is to be shown, or more. Those that may be used: {may}.",
            )  # fmt: skip
        if rule.inequality and after.relation == "=":
            raise Wrong(number, "step", f"{rule.name} gives an inequality, and this line says =.")
        if licensed(before.expression, after.expression, rule, self.setting):
            return
        others = [
            other for other in self.allowed()
            if other != rule and not (other.inequality and after.relation == "=")
            and licensed(before.expression, after.expression, other, self.setting)
        ]  # fmt: skip
        if others:
            raise Wrong(number, "step", f"{rule.name} does not give this. It follows by {others[0].name}.")
        support = rule.name == "expectation" and self.setting.zeros
        inside = self._inside(before.expression, after.expression)
        if inside is not None:
            raise Wrong(
                number, "step",
                f"{rule.name} does not give this line. The integrals are equal, but what is integrated is not: in one model "
                f"it is {shown(inside.left)} in line {before.number} and {shown(inside.right)} in line {number}. The model: "
                f"{inside.told()}.",
            )  # fmt: skip
        raise Wrong(
            number, "step",
            f"{rule.name} ({rule.says}) does not give this line, nor does any other rule alone. "
            + ("A sum over some values only is written sum(x, …, p(x) > 0). " if support else "")
            + "If it is true, it is too big a step: put a line in between.",
        )  # fmt: skip

    def _inside(self, before: Expression, after: Expression) -> Counterexample | None:
        """Where two equal integrals over the same variables have different integrands. Any density comes to 1, so a wrong one
        under an integral is false in no model."""
        match before, after:
            case Sum(heads, body, None), Sum(others, other, None) if heads == others and self.setting.continuous:
                return tried(body, "=", other, self.setting)
        return None

    # ---- recognising -------------------------------------------------------------------------------------------------

    def fingerprint(self, text: str) -> Tensor:
        """What is wrong, as numbers that do not depend on the route: the kind of problem, and both sides of the line in one
        model, their difference where there is one. Two derivations with the same slip have the same."""
        wrong = self.wrong(text)
        numbers = [0.0] * 4
        if wrong is not None:
            numbers[0] = 1.0 + KINDS.index(wrong.kind)
        if wrong is not None and wrong.kind in ("false", "direction", "step", "end"):
            lines = read_derivation(text, self.setting)
            after = lines[wrong.line - 1]
            before = lines[max(wrong.line - 2, 0)].expression if wrong.kind != "end" else read(self.end)
            found = tried(before, after.relation, after.expression, self.setting) if wrong.kind == "false" else None
            then = after.expression
            inside = self._inside(before, then) if wrong.kind == "step" else None
            if inside is not None and isinstance(before, Sum) and isinstance(then, Sum):
                found, before, then = inside, before.body, then.body
            model, at = (found.model, found.at) if found is not None else (self.setting.models()[0], None)
            gaps = number_at(Add((then, negative(before))), model, at)
            numbers[1:3] = [round(gap, 12) if math.isfinite(gap) else 1e3 for gap in (gaps + gaps)[:2]]
            numbers[3] = float(("=", "≥", "≤", "").index(after.relation))
        return torch.tensor(numbers, dtype=torch.float64)


KINDS = ("unreadable", "start", "false", "direction", "end", "rule", "step")
"""What can be wrong with a line."""


NO_VALUE = "it, or the line before, has no value in some model. Is something divided by zero?"


@functools.lru_cache(maxsize=4096)
def tried(left: Expression, relation: str, right: Expression, setting: Setting) -> Counterexample | None:
    """A class writes many lines more than once."""
    return counterexample(left, relation, right, setting.models())


@functools.lru_cache(maxsize=4096)
def licensed(before: Expression, after: Expression, rule: Rule, setting: Setting) -> bool:
    return follows(before, after, rule, setting)


# ---- a flaw to find ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Flawed:
    """A derivation with one wrong line, to be named and mended."""

    task: Task
    text: str
    line: int
    """The line that is wrong, from 1."""

    def named(self, number: int) -> Evidence:
        """Broken by another number than that of the wrong line."""
        note = "" if number == self.line else f"Line {number} is right: it follows from line {number - 1}."
        if number > self.line:
            note = "What is wrong comes before this line."
        if not 2 <= number <= len(list(lines_of(self.text))):
            note = f"There is no line {number} that could be wrong; lines count from 1, and the first only says where to start."
        return replace(true(torch.tensor(number == self.line), what="the number of the line"), note=note)

    def mended(self, number: int, line: str) -> Evidence:
        """Broken unless the derivation is right with this line in the place of the wrong one."""
        if len(line.strip().splitlines()) != 1 or number != self.line:
            note = "One line is wrong: name it, and write one line in its place."
            return replace(true(torch.tensor(False), what="the mended derivation"), note=note)
        wrong = self.task.wrong(self.with_line(number, line))
        return replace(true(torch.tensor(wrong is None), what="the mended derivation"), note=str(wrong or ""))

    def with_line(self, number: int, line: str) -> str:
        """The derivation with another line in this place."""
        lines = [f"{relation} {body}  # {rule}" for _, relation, body, rule in lines_of(self.text)]
        if 1 <= number <= len(lines):
            lines[number - 1] = line.strip()
        return "\n".join(lines)

    def fingerprint(self, number: int, line: str) -> Tensor:
        """The number that was named, and what is wrong with the derivation then."""
        rest = self.task.fingerprint(self.with_line(number, line))
        return torch.cat([torch.tensor([float(min(max(number, -1), LINES))], dtype=torch.float64), rest])
