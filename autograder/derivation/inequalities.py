"""Inequalities as steps: what a line may become where one fits, at one place or at several.

Whether the direction is right is not asked here: `meaning` has tried the line in concrete models.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

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
    Number,
    Power,
    Sum,
    children,
    negative,
    quotient,
    rebuilt,
)  # fmt: skip

PLACES = 4
"""At most so many places of one line are tried together: more no derivation has."""


def weaker(expression: Expression, rule: str) -> Iterator[Expression]:
    """What a line may become by an inequality rule: at each choice of places, one or more, where it fits."""
    for line in dict.fromkeys((expression, with_split_logs(expression))):
        yield from _weaker(line, rule)


def _weaker(line: Expression, rule: str) -> Iterator[Expression]:
    places = list(itertools.islice(fits(line, rule, ()), PLACES))
    for count in range(1, len(places) + 1):
        for chosen in itertools.combinations(places, count):
            paths = [path for path, _ in chosen]
            if any(a != b and a == b[: len(a)] for a in paths for b in paths) or len(set(paths)) < len(paths):
                continue  # one lies inside another, or two ways at one place
            result = line
            for path, other in chosen:
                result = replaced(result, path, other)
            yield result


def fits(expression: Expression, rule: str, path: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], Expression]]:
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
        yield from fits(child, rule, (*path, place))


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
