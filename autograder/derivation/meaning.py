"""What an expression means: its value in small concrete models, to fifty digits.

A `Setting` says which variables there are, how many values each has, and how p and q factorise. A `Model` of it is a table of
rational probabilities for every factor. Every expression of the vocabulary then has a value for every value of its free
variables, by summing over all there is. Two lines that differ in one model differ; no simplification is asked for.

Conventions, as everywhere in the course: 0 log 0 = 0; an average is over what can be drawn; log 0 = −∞.
"""

from __future__ import annotations

import functools
import itertools
import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Any, TypeAlias

import mpmath

from autograder.derivation.expression import (
    Add,
    Average,
    Density,
    Divergence,
    Entropy,
    Expression,
    Gradient,
    Log,
    Multiply,
    Normal,
    Number,
    Power,
    Sum,
    Unknown,
    children,
    distributions,
    free,
    quotient,
    walk,
)
from autograder.derivation.expression import (
    Value as ValueOf,
)

DIGITS = 50
AGREE = 30
"""Two values are equal that agree in so many of fifty digits."""

Value: TypeAlias = Fraction | Any  # or mpmath.mpf, where a logarithm is in it
Assignment = Mapping[str, int]


class Meaningless(Exception):
    """An expression that has no value in this setting. The message is a sentence for who typed it."""


@dataclass(frozen=True)
class Setting:
    """Which variables there are, and how p and q are made of them."""

    sizes: tuple[tuple[str, int], ...]
    """Each variable, and how many values it has: 0, 1, …"""
    p: tuple[Density, ...]
    """The factors of the joint p, each after those that it depends on: p(z), then p(x | z)."""
    q: tuple[Density, ...] = ()
    """The factors of q, likewise. What no factor has as a head, such as x in q(z | x), is always given."""
    functions: tuple[Unknown, ...] = ()
    """Functions that may be any: f(z)."""
    moves: bool = False
    """Whether q depends on a parameter θ, with respect to which derivatives are taken. p and functions never do."""
    zeros: bool = False
    """Whether probabilities may be zero, so that p and q need not be possible at the same places."""

    @property
    def sizes_of(self) -> dict[str, int]:
        return dict(self.sizes)

    def factors(self, name: str) -> tuple[Density, ...]:
        return self.p if name == "p" else self.q

    def heads(self, name: str) -> frozenset[str]:
        return frozenset(variable for factor in self.factors(name) for variable in factor.heads)

    def base(self, name: str) -> frozenset[str]:
        """What the whole distribution is conditional on: x for q(z | x), nothing for p."""
        return frozenset(v for factor in self.factors(name) for v in factor.given) - self.heads(name)

    def check(self, expression: Expression) -> None:
        """Raise `Meaningless` where a variable or a distribution is not of this setting."""
        densities: list[Density] = []
        match expression:
            case Density():
                densities = [expression]
            case Average(under, _):
                densities = [under]
            case Sum(variables, _, where, integral):
                densities = [where] if where is not None else []
                if integral != self.continuous:
                    raise Meaningless(
                        "Variables are real here: write integral(…)." if self.continuous else "Write sum(…) here."
                    )
                for variable in variables:
                    self._known(variable)
            case Divergence(of, from_):
                densities = [of, from_]
            case Entropy(of):
                densities = [of]
            case ValueOf(name):
                self.value_exists(name)
            case Normal():
                self.value_exists("N")
            case Unknown() if expression not in self.functions:
                known = ", ".join(f"{f.name}({', '.join(f.variables)})" for f in self.functions) or "none"
                raise Meaningless(f"There is no such function here; expected: {known}.")
            case Gradient(body):
                if not self.moves:
                    raise Meaningless("There is no parameter here to take a derivative with respect to.")
                if any(isinstance(inner, Gradient) for inner in walk(body)):
                    raise Meaningless("A derivative of a derivative is not needed here.")
        for density in densities:
            self._exists(density)
        for child in children(expression):
            self.check(child)

    continuous = False

    def value_exists(self, name: str) -> None:
        """Raise `Meaningless` unless a value of this name, or normal densities (N), may stand in an expression."""
        if name == "N":
            raise Meaningless("There are no normal densities here.")
        raise Meaningless(f"A value of `{name}` alone means nothing here; write p({name}), or log(p({name})).")

    def places(self, variables: tuple[str, ...]) -> Iterator[dict[str, int]]:
        """All values of these variables."""
        return assignments(variables, self)

    def models(self) -> Sequence[Any]:
        """Concrete models to try a line in."""
        return models(self)

    def _known(self, variable: str) -> None:
        if variable not in self.sizes_of:
            raise Meaningless(f"There is no variable `{variable}` here, only {', '.join(self.sizes_of)}.")

    def _exists(self, density: Density) -> None:
        for variable in density.heads + density.given:
            self._known(variable)
        if density in self.factors(density.name):
            return
        heads, base = self.heads(density.name), self.base(density.name)
        known = ", ".join(map(written, self.factors(density.name))) or "nothing"
        if not set(density.heads) <= heads or not set(density.given) <= heads | base or not base <= set(density.given):
            raise Meaningless(f"There is no {written(density)} here: {density.name} is made of {known}.")


def written(density: Density) -> str:
    """The density as a student types it."""
    given = f" | {', '.join(density.given)}" if density.given else ""
    return f"{density.name}({', '.join(density.heads)}{given})"


@dataclass
class Model:
    """A table of probabilities for each factor of a setting."""

    setting: Setting
    tables: dict[Density, dict[tuple[int, ...], Fraction]]
    """For each factor, the probability at each value of its heads and then of what is given."""
    functions: dict[Unknown, dict[tuple[int, ...], Fraction]] = field(default_factory=dict)
    slopes: dict[Density, dict[tuple[int, ...], Fraction]] = field(default_factory=dict)
    """The derivatives of the tables of q with respect to θ, where q moves: each row of them sums to zero."""
    _known: dict[tuple[Density, tuple[int, ...]], Fraction] = field(default_factory=dict, repr=False)

    def probability(self, density: Density, at: Assignment) -> Fraction | None:
        """p(heads | given) at these values; None where what is given never happens."""
        key = density, tuple(at[variable] for variable in density.heads + density.given)
        if key not in self._known:
            together = self._mass(density.name, {v: at[v] for v in density.heads + density.given})
            alone = self._mass(density.name, {v: at[v] for v in density.given})
            if alone == 0:
                return None
            self._known[key] = together / alone
        return self._known[key]

    def _mass(self, name: str, fixed: Assignment) -> Fraction:
        """The probability of these values, all others summed over."""
        names, joint = self.joint[name]
        wanted = [(place, fixed[variable]) for place, variable in enumerate(names) if variable in fixed]
        return sum((mass for values, mass in joint.items() if all(values[i] == v for i, v in wanted)), Fraction(0))

    @cached_property
    def joint(self) -> dict[str, tuple[tuple[str, ...], dict[tuple[int, ...], Fraction]]]:
        """For p and for q: the order of the variables, and the product of the factors at each of their values."""
        joints = {}
        for name in ("p", "q"):
            factors = self.setting.factors(name)
            names = tuple(sorted(self.setting.heads(name) | self.setting.base(name)))
            table = {}
            for at in assignments(names, self.setting):
                mass = Fraction(1)
                for factor in factors:
                    mass *= self.tables[factor][tuple(at[v] for v in factor.heads + factor.given)]
                table[tuple(at[v] for v in names)] = mass
            joints[name] = names, table
        return joints

    # ---- values ------------------------------------------------------------------------------------------------------

    def value(self, expression: Expression, at: Assignment) -> Value:
        """The value at this assignment of the free variables: a fraction where it is one."""
        match expression:
            case Number(number):
                return number
            case Density():
                probability = self.probability(expression, at)
                return mpmath.nan if probability is None else probability
            case Add(terms):
                total: Value = Fraction(0)
                for term in terms:
                    total = _together(total, self.value(term, at), "+")
                return total
            case Multiply(factors):
                values = [self.value(factor, at) for factor in factors]
                if any(isinstance(v, Fraction) and v == 0 for v in values):
                    return Fraction(0)  # 0 log 0 = 0
                product: Value = Fraction(1)
                for each in values:
                    product = _together(product, each, "*")
                return product
            case Power(base, exponent):
                inner = self.value(base, at)
                return inner**exponent if inner or exponent > 0 else mpmath.inf
            case Log(argument):
                inner = self.value(argument, at)
                if isinstance(inner, Fraction):
                    if inner < 0:
                        return mpmath.nan
                    if inner == 1:
                        return Fraction(0)
                    return mpmath.log(mpmath.mpf(inner.numerator) / inner.denominator) if inner else -mpmath.inf
                return mpmath.nan if mpmath.isnan(inner) or inner < 0 else mpmath.log(inner)
            case Average(under, body):
                return self._sum(under.heads, body, under, at, weight=under)
            case Sum(variables, body, where):
                return self._sum(variables, body, where, at)
            case Divergence(of, from_):
                return self._sum(of.heads, Log(quotient(of, from_)), of, at, weight=of)
            case Entropy(of):
                return _together(Fraction(-1), self._sum(of.heads, Log(of), of, at, weight=of), "*")
            case Unknown(_, variables):
                return self.functions[expression][tuple(at[variable] for variable in variables)]
            case Gradient(body):
                return self.slope(body, at)
        raise TypeError(f"no value for {expression!r}")

    def slope(self, expression: Expression, at: Assignment) -> Value:
        """The derivative with respect to θ: by the rules of calculus, from the derivatives of q's tables."""

        def total(values: Iterator[Value]) -> Value:
            return functools.reduce(lambda a, b: _together(a, b, "+"), values, Fraction(0))

        match expression:
            case Number() | Unknown():
                return Fraction(0)
            case Density(name, heads, given):
                if name == "p":
                    return Fraction(0)
                alone = {v: at[v] for v in given}
                both = alone | {v: at[v] for v in heads}
                top, bottom = self._mass(name, both), self._mass(name, alone)
                return (self._mass_slope(both) * bottom - top * self._mass_slope(alone)) / bottom**2
            case Add(terms):
                return total(self.slope(term, at) for term in terms)
            case Multiply(factors):
                products = []
                for place, factor in enumerate(factors):
                    others = Multiply((*factors[:place], *factors[place + 1 :]))
                    products.append(_together(self.slope(factor, at), self.value(others, at), "*"))
                return total(iter(products))
            case Power(base, exponent):
                outer = _together(Fraction(exponent), self.value(Power(base, exponent - 1), at), "*")
                return _together(outer, self.slope(base, at), "*")
            case Log(argument):
                return _together(self.slope(argument, at), self.value(Power(argument, -1), at), "*")
            case Average(under, body):
                return self.slope(Sum(under.heads, Multiply((under, body))), at)
            case Sum(variables, body, _):
                return total(self.slope(body, {**at, **inner}) for inner in assignments(variables, self.setting))
            case Divergence(of, from_):
                return self.slope(Average(of, Log(quotient(of, from_))), at)
            case Entropy(of):
                return self.slope(Sum(of.heads, Multiply((Number(Fraction(-1)), of, Log(of)))), at)
        raise TypeError(f"no derivative for {expression!r}")

    def _mass_slope(self, fixed: Assignment) -> Fraction:
        """The derivative of the probability under q of these values."""
        factors = self.setting.q
        rest = tuple(sorted((self.setting.heads("q") | self.setting.base("q")) - set(fixed)))
        sum_ = Fraction(0)
        for inner in assignments(rest, self.setting):
            here = {**fixed, **inner}
            values = [self.tables[f][tuple(here[v] for v in f.heads + f.given)] for f in factors]
            slopes = [self.slopes[f][tuple(here[v] for v in f.heads + f.given)] for f in factors]
            for place, slope in enumerate(slopes):
                sum_ += slope * math.prod(values[:place] + values[place + 1 :], start=Fraction(1))
        return sum_

    def _sum(
        self, variables: tuple[str, ...], body: Expression, where: Density | None, at: Assignment, weight: Density | None = None
    ) -> Value:  # fmt: skip
        total: Value = Fraction(0)
        for inner in assignments(variables, self.setting):
            here = {**at, **inner}
            if where is not None and not self.probability(where, here):
                continue
            term = self.value(body, here)
            if weight is not None:
                term = _together(self.value(weight, here), term, "*")
            total = _together(total, term, "+")
        return total

    def holds(self, a: Value, relation: str, b: Value) -> bool:
        return _holds(a, relation, b)

    def told(self, at: Assignment, names: frozenset[str] = frozenset("pq")) -> str:
        """The model in a sentence: the tables of these distributions, and where we are."""
        tables = []
        for factor, table in self.tables.items():
            for given in assignments(factor.given, self.setting) if factor.name in names else ():
                behind = ", ".join(f"{name} = {given[name]}" for name in factor.given)
                row = ", ".join(
                    str(table[(*(inner[v] for v in factor.heads), *(given[v] for v in factor.given))])
                    for inner in assignments(factor.heads, self.setting)
                )
                tables.append(f"{factor.name}({', '.join(factor.heads)}{' | ' + behind if behind else ''}) = ({row})")
        for function, table in self.functions.items():
            tables.append(f"{function.name}({', '.join(function.variables)}) = ({', '.join(map(str, table.values()))})")
        for factor, table in self.slopes.items():
            tables.append(f"d{factor.name}/dθ = ({', '.join(map(str, table.values()))})")
        here = " and ".join(f"{name} = {value}" for name, value in sorted(at.items()))
        return f"{'; '.join(tables)}{f'; at {here}' if here else ''}"


def _together(a: Value, b: Value, operation: str) -> Value:
    if isinstance(a, Fraction) and isinstance(b, Fraction):
        return a + b if operation == "+" else a * b
    first, second = _real(a), _real(b)
    return first + second if operation == "+" else first * second


def _real(value: Value) -> Any:
    return mpmath.mpf(value.numerator) / value.denominator if isinstance(value, Fraction) else value


def assignments(variables: tuple[str, ...], setting: Setting) -> Iterator[dict[str, int]]:
    """All values of these variables."""
    for values in itertools.product(*(range(setting.sizes_of[variable]) for variable in variables)):
        yield dict(zip(variables, values, strict=True))


# ---- models ----------------------------------------------------------------------------------------------------------

MODELS = 12


@functools.lru_cache(maxsize=64)
def models(setting: Setting) -> tuple[Model, ...]:
    """Models of a setting, always the same ones: a false line that is true in all of them by accident would have to agree in
    thirty digits in each. The first is the simplest to read: its probabilities are twentieths."""
    rng = random.Random(20)
    totals = (20, *(rng.randint(25, 60) for _ in range(MODELS - 1)))
    return tuple(_model(setting, total, rng, setting.zeros and number > 0) for number, total in enumerate(totals))


def _model(setting: Setting, total: int, rng: random.Random, zeros: bool) -> Model:
    """Rational probabilities: for every value of what is given, a total that is cut into whole numbers at random.

    No two rows are made of the same numbers: divergences of one row from another would be the same both ways round.
    """
    tables: dict[Density, dict[tuple[int, ...], Fraction]] = {}
    had: set[tuple[int, ...]] = set()
    for factor in (*setting.p, *setting.q):
        places = [tuple(at[v] for v in factor.heads) for at in assignments(factor.heads, setting)]
        tables[factor] = {}
        for given in assignments(factor.given, setting):
            weights = _row(len(places), total, rng, had)
            if zeros and rng.random() < 0.7:
                empty, other = rng.sample(range(len(weights)), 2)
                weights[empty], weights[other] = 0, weights[other] + weights[empty]
            for place, weight in zip(places, weights, strict=True):
                tables[factor][(*place, *(given[v] for v in factor.given))] = Fraction(weight, total)
    functions = {
        f: {tuple(at.values()): Fraction(rng.randint(-9, 9) or 5, 4) for at in assignments(f.variables, setting)}
        for f in setting.functions
    }
    return Model(setting, tables, functions, {f: _slopes(f, setting, rng) for f in setting.q} if setting.moves else {})


def _slopes(factor: Density, setting: Setting, rng: random.Random) -> dict[tuple[int, ...], Fraction]:
    """Derivatives of a factor's rows: as the rows keep their sum, these sum to zero."""
    table: dict[tuple[int, ...], Fraction] = {}
    places = [tuple(at[v] for v in factor.heads) for at in assignments(factor.heads, setting)]
    for given in assignments(factor.given, setting):
        slopes = [rng.choice((-5, -3, -2, -1, 1, 2, 3, 5)) for _ in places[1:]]
        for place, slope in zip(places, [*slopes, -sum(slopes)], strict=True):
            table[(*place, *(given[v] for v in factor.given))] = Fraction(slope, 10)
    return table


def _row(count: int, total: int, rng: random.Random, had: set[tuple[int, ...]]) -> list[int]:
    """So many positive whole numbers with this sum, not the ones that were had before, nor all equal."""
    while True:
        cuts = sorted(rng.sample(range(1, total), count - 1))
        weights = [after - before for before, after in itertools.pairwise([0, *cuts, total])]
        if tuple(sorted(weights)) not in had and len({*weights}) > 1:
            had.add(tuple(sorted(weights)))
            return weights


@dataclass(frozen=True)
class Counterexample:
    """A model in which a relation between two lines is false, and what both come to there."""

    model: Any
    at: Assignment
    left: Value
    right: Value

    names: frozenset[str]
    """Which of p and q the two lines are about."""

    def told(self) -> str:
        return self.model.told(self.at, self.names)


def shown(value: Value) -> str:
    """A number as people read it."""
    if isinstance(value, Fraction):
        return (str(value) if value.denominator < 100 else f"{float(value):.4g}").replace("-", "−")
    value = float(value)
    if math.isnan(value):
        return "undefined"
    return ("∞" if value > 0 else "−∞") if math.isinf(value) else f"{value:.4g}".replace("-", "−")


def counterexample(left: Expression, relation: str, right: Expression, worlds: Sequence[Any]) -> Counterexample | None:
    """Where `left relation right` is false, if that is anywhere; relation is one of = ≥ ≤. With finite numbers, if it can be."""
    infinite = None
    with mpmath.workdps(DIGITS):
        for model in worlds:
            variables = (free(left) | free(right)) & model.setting.sizes_of.keys()
            for at in model.setting.places(tuple(sorted(variables))):
                a, b = model.value(left, at), model.value(right, at)
                if not model.holds(a, relation, b):
                    found = Counterexample(model, at, a, b, distributions(left) | distributions(right))
                    if math.isfinite(a) and math.isfinite(b):
                        return found
                    infinite = infinite or found
    return infinite


def number_at(expression: Expression, model: Any, at: Assignment | None = None) -> list[float]:
    """The values as floats: at one assignment of the free variables, or at all of them."""
    with mpmath.workdps(DIGITS):
        variables = tuple(sorted(free(expression) & model.setting.sizes_of.keys()))
        places = model.setting.places(variables) if at is None else [at]
        return [float(model.value(expression, place)) for place in places]


def _holds(a: Value, relation: str, b: Value) -> bool:
    if isinstance(a, Fraction) and isinstance(b, Fraction):
        return a == b if relation == "=" else a >= b if relation == "≥" else a <= b
    first, second = _real(a), _real(b)
    if mpmath.isnan(first) or mpmath.isnan(second):
        return False
    if mpmath.isinf(first) or mpmath.isinf(second):
        return first == second if relation == "=" else first >= second if relation == "≥" else first <= second
    gap = first - second
    slack = (1 + abs(first) + abs(second)) * mpmath.mpf(10) ** -AGREE
    return abs(gap) <= slack if relation == "=" else gap >= -slack if relation == "≥" else gap <= slack
