"""Normal forms under a rule: what two lines have in common if one follows from the other by it.

`Form(rule).of(line)` applies an equality rule to a line wherever it can, on top of plain arithmetic, and gives a quotient of
polynomials in symbols, one for each density, logarithm, average or sum that is left. A step follows by a rule if both lines
have the same normal form: so a rule may be used as often as one likes, in either direction, and grouping and order are free.
"""

from __future__ import annotations

from collections.abc import Iterator

import sympy

from autograder.derivation.derivatives import gradient
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
    Value,
    free,
    negative,
    quotient,
)  # fmt: skip
from autograder.derivation.gaussian import GaussianSetting
from autograder.derivation.meaning import Setting
from autograder.derivation.normals import average_of_polynomial, normal_density, one_exponent


class Form:
    """Normal forms under one rule. Two lines are compared in the same `Form`: it remembers which averages and sums it has
    met, and gives equal ones the same symbol."""

    def __init__(self, rule: str, setting: Setting) -> None:
        self.rule, self.setting = rule, setting
        self.depends: dict[sympy.Symbol, frozenset[str]] = {}
        self.densities: dict[sympy.Symbol, Density] = {}
        self.met: dict[tuple[object, ...], list[tuple[sympy.Expr, sympy.Symbol]]] = {}
        self.normals: dict[sympy.Symbol, Normal] = {}
        self.logs: dict[sympy.Symbol, sympy.Expr] = {}
        self.exponents: dict[sympy.Symbol, sympy.Expr] = {}
        self.moving: set[sympy.Symbol] = set()
        """The symbols that depend on the parameter θ."""
        self.sums: dict[sympy.Symbol, tuple[tuple[str, ...], sympy.Expr, Density | None]] = {}

    def same(self, a: Expression, b: Expression) -> bool:
        return sympy.cancel(self.of(a) - self.of(b)) == 0

    def of(self, expression: Expression) -> sympy.Expr:
        """The normal form: a quotient of polynomials in symbols for densities, logarithms, averages and sums."""
        match expression:
            case Number(value):
                return sympy.Rational(value.numerator, value.denominator)
            case Density():
                return self.density(expression)
            case Add(terms):
                return sympy.cancel(sympy.Add(*(self.of(term) for term in terms)))
            case Multiply(factors):
                return one_exponent(self, sympy.cancel(sympy.Mul(*(self.of(factor) for factor in factors))))
            case Power(base, exponent):
                return sympy.cancel(self.of(base) ** exponent)
            case Log(argument):
                return self.log(self.of(argument), free(argument))
            case Average(under, body):
                return self.average(under, body)
            case Sum(variables, body, where):
                return self.sum(variables, self.of(body), where)
            case Divergence(of, from_):
                if self.rule == "definition of KL":
                    return self.of(Average(of, Log(quotient(of, from_))))
                return self.symbol(("KL", of, from_), ZERO_FORM, free(expression))
            case Entropy(of):
                if self.rule == "definition of entropy":
                    return self.of(negative(Average(of, Log(of))))
                return self.symbol(("H", of), ZERO_FORM, free(expression))
            case Unknown():
                return self.symbol(("function", expression), ZERO_FORM, free(expression))
            case Gradient(body):
                return gradient(self, self.of(body))
            case Value(name):
                return self.symbol(("value", name), ZERO_FORM, free(expression) & self.setting.sizes_of.keys())
            case Normal():
                return one_exponent(self, normal_density(self, expression))
        raise TypeError(f"no form for {expression!r}")

    # ---- symbols -----------------------------------------------------------------------------------------------------

    def symbol(self, key: tuple[object, ...], body: sympy.Expr, depends: frozenset[str]) -> sympy.Symbol:
        """The symbol for this kind of thing around this body: the one from before if that body was equal."""
        known = self.met.setdefault(key, [])
        for other, symbol in known:
            if other == body or sympy.cancel(other - body) == 0:
                return symbol
        symbol = sympy.Symbol(f"{len(self.depends):04d}", positive=True)
        known.append((body, symbol))
        self.depends[symbol] = depends
        about_q = any(isinstance(part, Density) and part.name == "q" for part in key)
        if self.setting.moves and (about_q or self.moves(body)):
            self.moving.add(symbol)
        return symbol

    def moves(self, form: sympy.Expr) -> bool:
        return bool(form.free_symbols & self.moving)

    def free(self, form: sympy.Expr) -> frozenset[str]:
        return frozenset().union(*(self.depends[symbol] for symbol in form.free_symbols))  # type: ignore[index]

    def density(self, density: Density) -> sympy.Expr:
        heads, given = set(density.heads), set(density.given)
        base = self.setting.base(density.name)
        if self.rule == "product rule" and given - base:
            joint = Density(density.name, tuple(sorted(heads | (given - base))), tuple(sorted(base)))
            alone = Density(density.name, tuple(sorted(given - base)), tuple(sorted(base)))
            return self.atom(joint) / self.atom(alone)
        if self.rule == "the model":
            return self.factorised(density)
        return self.atom(density)

    def atom(self, density: Density) -> sympy.Symbol:
        symbol = self.symbol(("density", density), ZERO_FORM, free(density))
        self.densities[symbol] = density
        return symbol

    def factorised(self, density: Density) -> sympy.Expr:
        """A density as a product of the setting's factors, where that is what it is; normal ones as the densities they are."""
        product = sympy.Integer(1)
        left = set(density.heads)
        for factor in reversed(self.setting.factors(density.name)):
            rest = (left | set(density.given)) - set(factor.heads)
            if set(factor.heads) <= left and set(factor.given) <= rest:
                left -= set(factor.heads)
                normal = self.setting.normal(factor) if isinstance(self.setting, GaussianSetting) else None
                product *= (
                    self.atom(factor)
                    if normal is None
                    else normal_density(self, Normal(Value(factor.heads[0]), *normal))
                )
            elif set(factor.heads) & (left | set(density.given)):
                break  # what depends on this one cannot be left out
        return self.atom(density) if left else product

    def log(self, argument: sympy.Expr, depends: frozenset[str]) -> sympy.Expr:
        """The logarithm, of each factor by itself."""
        total = sympy.Integer(0)
        top, bottom = sympy.fraction(sympy.cancel(argument))
        for part, sign in ((top, 1), (bottom, -1)):
            number, factors = sympy.factor_list(part)  # pyright: ignore[reportAssignmentType]
            if number.is_Rational and number > 0:
                for prime, power in sympy.factorrat(number).items():  # pyright: ignore[reportAttributeAccessIssue]
                    total += sign * power * self.symbol(("log",), sympy.Integer(prime), frozenset())
            elif number != 1:
                factors = [(number, 1), *factors]
            for factor, power in factors:
                normal = self.normals.get(factor)
                if (
                    normal is not None
                    and self.rule == "density of a normal"
                    and isinstance(self.setting, GaussianSetting)
                ):
                    total += sign * power * self.of(self.setting.log_of_normal(normal))
                    continue
                symbol = self.symbol(("log",), factor, self.free(factor) or depends)
                self.logs[symbol] = factor
                total += sign * power * symbol
        return total

    # ---- averages and sums -------------------------------------------------------------------------------------------

    def average(self, under: Density, body: Expression) -> sympy.Expr:
        if self.rule == "iterated expectation" and isinstance(body, Average):
            inner = body.under
            if inner.name == under.name and not set(inner.heads) & set(under.heads):
                given = set(under.given) | (set(inner.given) - set(under.heads))
                joint = Density(under.name, tuple(sorted((*under.heads, *inner.heads))), tuple(sorted(given)))
                return self.average(joint, body.body)
        inside = self.of(body)
        if self.rule == "expectation":
            return self.sum(under.heads, sympy.cancel(self.atom(under) * inside), under)
        heads = frozenset(under.heads)
        if self.rule == "moments" and (closed := average_of_polynomial(self, under, inside)) is not None:
            return closed
        if self.rule == "normalisation" and not self.free(inside) & heads:
            return inside
        if self.rule == "marginal" and (used := self.free(inside) & heads) and used != heads:
            under = Density(under.name, tuple(sorted(used)), under.given)
        total = sympy.Integer(0)
        for outside, rest in self.split(inside, heads):
            total += outside * (1 if rest == 1 and self.rule == "linearity" else self.average_of(under, rest))
        return total

    def average_of(self, under: Density, inside: sympy.Expr) -> sympy.Expr:
        depends = (self.free(inside) - set(under.heads)) | set(under.given)
        return self.symbol(("E", under), inside, frozenset(depends))

    def sum(self, variables: tuple[str, ...], body: sympy.Expr, where: Density | None) -> sympy.Expr:
        body = sympy.cancel(body)
        if where is not None and (not self.setting.zeros or self.vanishes(body, where)):
            where = None
        if where is None and isinstance(body, sympy.Symbol) and body in self.sums:
            inner, innermost, condition = self.sums[body]
            if condition is None and not set(inner) & set(variables):
                return self.sum(tuple(sorted({*variables, *inner})), innermost, None)
        heads = frozenset(variables)
        total = sympy.Integer(0)
        for outside, rest in self.split(body, heads):
            needless = where is not None and self.vanishes(rest, where)
            total += outside * self.sum_of(variables, rest, None if needless else where)
        return total

    def sum_of(self, variables: tuple[str, ...], body: sympy.Expr, where: Density | None) -> sympy.Expr:
        heads = frozenset(variables)
        if self.rule in ("marginal", "normalisation") and where is None:
            outside, rest = self.outside(body, heads)
            density = self.densities.get(rest) if isinstance(rest, sympy.Symbol) else None
            normal = self.normals.get(rest) if isinstance(rest, sympy.Symbol) else None
            if (
                normal is not None
                and self.rule == "normalisation"
                and isinstance(normal.at, Value)
                and heads == {normal.at.name}
            ):
                if not (free(normal.mean) | free(normal.variance)) & heads:
                    return outside
            if density is not None and heads <= set(density.heads):
                left = tuple(sorted(set(density.heads) - heads))
                if left and self.rule == "marginal":
                    return outside * self.atom(Density(density.name, left, density.given))
                if not left:
                    return outside
        depends = self.free(body) | (free(where) if where is not None else frozenset())
        symbol = self.symbol(("sum", variables, where), body, depends - heads)
        self.sums[symbol] = variables, body, where
        return symbol

    def vanishes(self, body: sympy.Expr, where: Density) -> bool:
        """Whether the terms left out by the condition would be zero anyhow."""
        weight = self.symbol(("density", where), ZERO_FORM, free(where))
        top, bottom = sympy.fraction(sympy.cancel(body / weight))
        del top
        return not bottom.has(weight)

    def split(self, body: sympy.Expr, heads: frozenset[str]) -> Iterator[tuple[sympy.Expr, sympy.Expr]]:
        """(outside, inside) pairs whose products add up to the body: term by term by linearity; else only a number comes out."""
        if self.rule == "linearity":
            for term in sympy.Add.make_args(sympy.expand(body)):
                yield self.outside(term, heads)
        elif body != 0:
            number = sympy.Add.make_args(sympy.expand(body))
            first = min(number, key=sympy.default_sort_key).as_coeff_Mul()[0]
            yield first, sympy.cancel(body / first)

    def outside(self, term: sympy.Expr, heads: frozenset[str]) -> tuple[sympy.Expr, sympy.Expr]:
        """A term's factors that do not depend on `heads`, and the rest."""
        out, inside = sympy.Integer(1), sympy.Integer(1)
        for factor in sympy.Mul.make_args(sympy.factor(term)):  # pyright: ignore[reportArgumentType]
            if self.free(factor) & heads:
                inside *= factor
            else:
                out *= factor
        return out, inside


ZERO_FORM = sympy.Integer(0)
