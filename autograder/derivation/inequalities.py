"""Inequalities as steps: what a line may become where one fits, at one place or at several.

Whether the direction is right is not asked here: `meaning` has tried the line in concrete models.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping

import sympy

from autograder.derivation.expression import (
    ONE,
    ZERO,
    Add,
    Average,
    Density,
    Divergence,
    Expression,
    Log,
    Multiply,
    Normal,
    Number,
    Power,
    Sum,
    Value,
    children,
    negative,
    quotient,
    rebuilt,
)  # fmt: skip
from autograder.derivation.gaussian import GaussianSetting
from autograder.derivation.meaning import Setting

PLACES = 4
"""At most so many places of one line are tried together: more no derivation has."""


def weaker(expression: Expression, rule: str, setting: Setting) -> Iterator[Expression]:
    """What a line may become by an inequality rule: at each choice of places, one or more, where it fits."""
    for line in dict.fromkeys((expression, with_split_logs(expression))):
        yield from _weaker(line, rule, setting)


def _weaker(line: Expression, rule: str, setting: Setting) -> Iterator[Expression]:
    places = list(itertools.islice(fits(line, rule, (), setting), PLACES))
    for count in range(1, len(places) + 1):
        for chosen in itertools.combinations(places, count):
            paths = [path for path, _ in chosen]
            if any(a != b and a == b[: len(a)] for a in paths for b in paths) or len(set(paths)) < len(paths):
                continue  # one lies inside another, or two ways at one place
            result = line
            for path, other in chosen:
                result = replaced(result, path, other)
            yield result


def fits(
    expression: Expression, rule: str, path: tuple[int, ...], setting: Setting
) -> Iterator[tuple[tuple[int, ...], Expression]]:
    """Every place where the rule fits, as a path from the root, with what comes there instead."""
    match rule, expression:
        case "Jensen", Log(Average(under, body)):
            yield path, Average(under, Log(body))
        case "Jensen", Log(Sum(variables, body, where)):
            for factor in body.factors if isinstance(body, Multiply) else (body,):
                if isinstance(factor, Density) and factor.heads == variables:
                    yield path, Sum(variables, Multiply((factor, Log(quotient(body, factor)))), where)
                    yield path, Average(factor, Log(quotient(body, factor)))
        case "part of a sum", Sum(variables, body, Density()):
            yield path, Sum(variables, body)
        case "log t ≤ t − 1", Log(argument):
            yield path, Add((argument, negative(ONE)))
        case "a square is never negative", Power(_, exponent) if exponent > 0 and exponent % 2 == 0:
            yield path, ZERO
        case "KL is never negative", Divergence():
            yield path, ZERO
    for place, child in enumerate(children(expression)):
        if moves_one_way(expression, place, setting):
            yield from fits(child, rule, (*path, place), setting)


def moves_one_way(expression: Expression, place: int, setting: Setting) -> bool:
    """Whether a larger child makes the whole larger always, or smaller always, as anybody can see. Else an inequality about
    the child says nothing about the whole: not behind a factor of unknown sign, under a power, or under a derivative."""
    match expression:
        case Add() | Average() | Sum() | Log():
            return True
        case Multiply(factors):
            return all(sign(other, setting) is not None for i, other in enumerate(factors) if i != place)
    return False


def sign(expression: Expression, setting: Setting) -> int | None:
    """1 where it can be seen to be at least 0, −1 where at most, None where one would have to know more."""
    match expression:
        case Number(value):
            return 1 if value >= 0 else -1
        case Density() | Normal() | Value("pi"):
            return 1
        case Value(name):
            return 1 if isinstance(setting, GaussianSetting) and name in setting.positives else None
        case Power(base, exponent):
            return 1 if exponent % 2 == 0 else sign(base, setting)
        case Add(parts):
            signs = {sign(part, setting) for part in parts}
            return signs.pop() if len(signs) == 1 else None
        case Multiply(factors):
            signs = [sign(factor, setting) for factor in factors]
            return None if None in signs else math.prod(one for one in signs if one is not None)
        case Average(_, body) | Sum(_, body, _):
            return sign(body, setting)
    return None


def by_tangent(gap: sympy.Expr, logs: Mapping[sympy.Symbol, sympy.Expr]) -> bool:
    """Whether two lines differ by c·(t − 1 − log t): with the c and the t that the logarithms in their difference show, since
    arithmetic may have torn log t apart, as in ½ log v − ½ log s²."""
    gap = sympy.expand(sympy.cancel(gap))
    powers: dict[sympy.Symbol, sympy.Rational] = {}
    for log in logs:
        power = gap.coeff(log)
        if isinstance(power, sympy.Rational):
            powers |= {log: power} if power else {}
        else:
            return False
    if not powers:
        return False
    size = sympy.gcd_list([abs(power) for power in powers.values()])
    for c in (size, -size):
        t = sympy.Mul(*(logs[log] ** (-power / c) for log, power in powers.items()))
        if sympy.cancel(gap - c * (t - 1) - sum(power * log for log, power in powers.items())) == 0:
            return True
    return False


def replaced(expression: Expression, path: tuple[int, ...], other: Expression) -> Expression:
    if not path:
        return other
    inner = list(children(expression))
    inner[path[0]] = replaced(inner[path[0]], path[1:], other)
    return rebuilt(expression, inner)


def with_split_logs(expression: Expression) -> Expression:
    """log(a·b) as log a + log b everywhere: a rule for log E[…] then fits beside other factors, too."""
    inner = [with_split_logs(child) for child in children(expression)]
    expression = rebuilt(expression, inner)
    match expression:
        case Log(Multiply(factors)) if not any(isinstance(f, Number) and f.value <= 0 for f in factors):
            return Add(tuple(with_split_logs(Log(factor)) for factor in factors))
        case Log(Power(base, exponent)):
            return Multiply((Number(exponent + ZERO.value), with_split_logs(Log(base))))
    return expression
