"""Which step a rule licenses.

An equality rule is a way to rewrite: `Form(rule).of(line)` applies it to a line wherever it can, on top of plain arithmetic,
and gives a normal form. A step from one line to the next follows by a rule if both have the same normal form: so it may be
used as often as one likes, in either direction, and grouping and order are free. Plain arithmetic is the field operations, the
logarithm of products, quotients and powers, and signs and numbers in front of averages and sums.

An inequality rule replaces some of the places that it fits (`weaker`), and must give the other line by arithmetic alone.
Whether the direction is right is not asked here: `meaning` has tried the line in concrete models.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import sympy

from autograder.derivation.expression import (
    ONE,
    ZERO,
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
    children,
    free,
    negative,
    quotient,
    rebuilt,
)  # fmt: skip
from autograder.derivation.gaussian import GaussianSetting
from autograder.derivation.meaning import Setting


@dataclass(frozen=True)
class Rule:
    """What a student may name beside a line."""

    name: str
    says: str
    """What it permits, as the table in the notebook shows it."""
    inequality: bool = False
    also: tuple[str, ...] = ()
    """Other names for it."""


RULES = {
    rule.name: rule
    for rule in (
        Rule("arithmetic", "+, −, ·, /, and log ab = log a + log b", also=("algebra", "log rules", "logarithm")),
        Rule(
            "product rule", "p(a, b) = p(a | b) p(b)",
            also=("bayes", "bayes rule", "conditional probability", "chain rule"),
        ),
        Rule("marginal", "Σ_b p(a, b) = p(a)", also=("marginalise", "marginalize", "sum rule", "marginalisation")),
        Rule("normalisation", "Σ_a p(a) = 1, and E[c] = c", also=("normalization", "sums to one", "average of a constant")),
        Rule(
            "expectation", "E_q[f] = Σ q·f, over what q makes possible",
            also=("definition of expectation", "definition of an average", "definition of the average"),
        ),
        Rule("linearity", "E[a·f + g] = a·E[f] + E[g], for sums too", also=("linearity of expectation",)),
        Rule("definition of KL", "KL[q‖p] = E_q[log q/p]", also=("kl", "kl divergence")),
        Rule("definition of entropy", "H[q] = −E_q[log q]", also=("entropy",)),
        Rule("iterated expectation", "E_q(a, b)[f] = E_q(a)[E_q(b | a)[f]]", also=("tower rule", "tower")),
        Rule("the model", "p and q as they factorise here", also=("model", "factorisation", "factorization")),
        Rule(
            "derivative of a sum", "∇Σf = Σ∇f, ∇(c·f) = c·∇f, ∇c = 0",
            also=("linearity of the derivative", "derivative of a constant"),
        ),
        Rule("derivative of a product", "∇(f·g) = f·∇g + g·∇f", also=("leibniz", "leibniz rule")),
        Rule("derivative of a logarithm", "∇log f = ∇f / f", also=("log derivative", "log derivative trick")),
        Rule(
            "density of a normal", "log N(x; m, v) = −½ log 2πv − (x − m)²/2v",
            also=("normal density", "gaussian density", "density"),
        ),
        Rule("moments", "E[x] = m and E[x²] = m² + v for x from N(m, v)", also=("gaussian moments", "moments of a normal")),
        Rule(
            "completing the square", "products of normal densities with the same exponents and factors are equal",
            also=("product of gaussians", "product of normals", "gaussian algebra"),
        ),
        Rule("Jensen", "log E[f] ≥ E[log f]", inequality=True, also=("jensen inequality", "jensens inequality")),
        Rule("part of a sum", "fewer terms, none negative: a smaller sum", inequality=True, also=("support",)),
        Rule("log t ≤ t − 1", "the logarithm lies below its tangent", inequality=True, also=("log t <= t - 1", "tangent")),
        Rule("a square is never negative", "t² ≥ 0", inequality=True, also=("squares are never negative", "square", "squares")),
        Rule(
            "KL is never negative", "KL[q‖p] ≥ 0", inequality=True,
            also=("kl >= 0", "kl ≥ 0", "gibbs", "gibbs inequality"),
        ),
    )
}  # fmt: skip


def plainly(name: str) -> str:
    """A rule's name without what does not matter: case, spaces, hyphens, apostrophes, "by" and a full stop."""
    words = name.lower().replace("−", " ").replace("-", " ").replace("'", "").replace("’", "").rstrip(" .").split()
    return " ".join(words[1:] if words[:1] == ["by"] else words)


NAMES = {plainly(name): rule for rule in RULES.values() for name in (rule.name, *rule.also)}


def rule_named(text: str) -> Rule | None:
    """The rule that a student wrote down."""
    return NAMES.get(plainly(text))


# ---- equality ----------------------------------------------------------------------------------------------------------


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
                return self.gauss(sympy.cancel(sympy.Mul(*(self.of(factor) for factor in factors))))
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
                return self.gradient(self.of(body))
            case Value(name):
                return self.symbol(("value", name), ZERO_FORM, free(expression) & self.setting.sizes_of.keys())
            case Normal():
                return self.gauss(self.normal(expression))
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

    # ---- normal densities --------------------------------------------------------------------------------------------

    def normal(self, normal: Normal) -> sympy.Symbol:
        parts = tuple(self.of(part) for part in (normal.at, normal.mean, normal.variance))
        known = [symbol for symbol, other in self.normals.items() if all(
            sympy.cancel(a - self.of(b)) == 0 for a, b in zip(parts, (other.at, other.mean, other.variance), strict=True)
        )]  # fmt: skip
        if known:
            return known[0]
        symbol = self.symbol(("normal", len(self.normals)), ZERO_FORM, free(normal) & self.setting.sizes_of.keys())
        self.normals[symbol] = normal
        return symbol

    def gauss(self, form: sympy.Expr) -> sympy.Expr:
        """A product of normal densities as one symbol for the sum of their logarithms, where that is the rule."""
        if self.rule != "completing the square" or not isinstance(self.setting, GaussianSetting):
            return form
        exponent, rest = sympy.Integer(0), sympy.Integer(1)
        for factor in sympy.Mul.make_args(form):
            base, power = factor.as_base_exp()
            if isinstance(base, sympy.Symbol) and base in self.normals:
                exponent += power * self.of(self.setting.log_of_normal(self.normals[base]))
            elif isinstance(base, sympy.Symbol) and base in self.exponents:
                exponent += power * self.exponents[base]
            else:
                rest *= factor
        if exponent == 0:
            return rest
        exponent = sympy.cancel(exponent)
        symbol = self.symbol(("gauss",), exponent, self.free(exponent))
        self.exponents[symbol] = exponent
        return rest * symbol

    def moments(self, under: Density, inside: sympy.Expr) -> sympy.Expr | None:
        """E[polynomial] under a normal factor, if it is one of degree 4 or less."""
        normal = self.setting.normal(under) if isinstance(self.setting, GaussianSetting) else None
        if normal is None or len(under.heads) != 1:
            return None
        x = self.of(Value(under.heads[0]))
        top, bottom = sympy.fraction(sympy.cancel(inside))
        heads = frozenset(under.heads)
        if self.free(bottom) & heads or any(self.depends[s] & heads for s in top.free_symbols if s != x):  # type: ignore[index]
            return None
        m, v = map(self.of, normal)
        known = [sympy.Integer(1), m, m**2 + v, m**3 + 3 * m * v, m**4 + 6 * m**2 * v + 3 * v**2]
        polynomial = sympy.Poly(top, x)
        if polynomial.degree() >= len(known):
            return None
        return sympy.cancel(sum(c * known[power[0]] for power, c in polynomial.terms()) / bottom)

    def factorised(self, density: Density) -> sympy.Expr:
        """A density as a product of the setting's factors, where that is what it is; normal ones as the densities they are."""
        product = sympy.Integer(1)
        left = set(density.heads)
        for factor in reversed(self.setting.factors(density.name)):
            rest = (left | set(density.given)) - set(factor.heads)
            if set(factor.heads) <= left and set(factor.given) <= rest:
                left -= set(factor.heads)
                normal = self.setting.normal(factor) if isinstance(self.setting, GaussianSetting) else None
                product *= self.atom(factor) if normal is None else self.normal(Normal(Value(factor.heads[0]), *normal))
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

    # ---- derivatives -------------------------------------------------------------------------------------------------

    def gradient(self, body: sympy.Expr) -> sympy.Expr:
        """∇body: taken apart as far as the rule at hand goes."""
        if self.rule not in ("derivative of a sum", "derivative of a product", "derivative of a logarithm"):
            return self.gradient_of(body)
        total = sympy.Integer(0)
        terms = sympy.Add.make_args(sympy.expand(body)) if self.rule == "derivative of a sum" else (sympy.factor(body),)
        for term in terms:
            fixed, moving = sympy.Integer(1), sympy.Integer(1)
            for factor in sympy.Mul.make_args(sympy.factor(term)):
                if self.moves(factor):
                    moving *= factor
                else:
                    fixed *= factor
            total += fixed * self.gradient_of_moving(moving) if self.moves(moving) else 0
        return total

    def gradient_of_moving(self, body: sympy.Expr) -> sympy.Expr:
        if self.rule == "derivative of a sum" and isinstance(body, sympy.Symbol) and body in self.sums:
            variables, inner, where = self.sums[body]
            return self.sum(variables, self.gradient(inner), where)
        if self.rule == "derivative of a product" and isinstance(body, sympy.Mul | sympy.Pow):
            factors = [factor.as_base_exp() for factor in sympy.Mul.make_args(body)]
            return sympy.Add(*(power * body / base * self.gradient_of(base) for base, power in factors))
        if self.rule == "derivative of a logarithm" and isinstance(body, sympy.Symbol) and body in self.logs:
            return self.gradient_of(self.logs[body]) / self.logs[body]
        return self.gradient_of(body)

    def gradient_of(self, body: sympy.Expr) -> sympy.Expr:
        """∇body as one thing, with numbers before it."""
        if not body.free_symbols:
            return sympy.Integer(0)
        number, rest = sympy.factor(body).as_coeff_Mul()
        return number * self.symbol(("grad",), sympy.cancel(rest), self.free(rest))

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
        if self.rule == "moments" and (closed := self.moments(under, inside)) is not None:
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
        for factor in sympy.Mul.make_args(sympy.factor(term)):
            if self.free(factor) & heads:
                inside *= factor
            else:
                out *= factor
        return out, inside


ZERO_FORM = sympy.Integer(0)


# ---- inequalities --------------------------------------------------------------------------------------------------------

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


def follows(before: Expression, after: Expression, rule: Rule, setting: Setting) -> bool:
    """Whether one of two lines is the other by this rule."""
    if not rule.inequality:
        return Form(rule.name, setting).same(before, after)
    plain = Form("arithmetic", setting)
    return any(
        plain.same(changed, other)
        for line, other in ((before, after), (after, before))
        for changed in weaker(line, rule.name)
    )
