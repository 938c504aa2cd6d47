"""The vocabulary of derivations: reading a line that a student typed, and showing it as a formula.

A line is text in Python's notation, with a fixed vocabulary and nothing else:

    p(x, z)   p(z | x)   q(z | x)        probabilities: what comes behind the bar is given
    log(a)                               natural logarithm
    E(q(z | x), a)                       average of a over z, drawn from q(z | x)
    sum(z, a)   sum((z1, z2), a)         sum of a over all values
    sum(z, a, q(z) > 0)                  the same over those values only that q makes possible
    KL(q(z | x), p(z))   H(q(z | x))     Kullback-Leibler divergence, entropy
    f(z)                                 some function of z, where an exercise has one
    grad(a)                              derivative with respect to the parameter of q, where it has one
    N(x, m, v)   x   mu   pi             where variables are real: normal densities, values, parameters
    integral(z, a)                       and integrals in the place of sums
    1   2/3   a + b   a - b   a*b   a/b  a**2

Nothing of it is ever run. Python's own parser gives a tree of names and operators; this file walks over it and makes an
expression of what it knows. Everything else is refused with a sentence that says where, before it costs anything: attributes,
strings, indexing, unknown names, large numbers and exponents, long lines and deep brackets.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import NoReturn

LINE_CHARACTERS = 600
NODES = 250
DEPTH = 60
WHOLE_NUMBER = 10**6
EXPONENT = 4
NAME = re.compile(r"[a-z]{1,6}[0-9]?")


class Unreadable(Exception):
    """A line that is no expression of the vocabulary. The message is a sentence for who typed it."""


@dataclass(frozen=True)
class Expression:
    """A node. Equal trees are equal, so expressions can be looked up and compared."""


@dataclass(frozen=True)
class Number(Expression):
    value: Fraction


@dataclass(frozen=True)
class Density(Expression):
    """p(heads | given): the probability of these values of `heads` once those of `given` are known."""

    name: str
    heads: tuple[str, ...]
    given: tuple[str, ...] = ()


@dataclass(frozen=True)
class Add(Expression):
    terms: tuple[Expression, ...]


@dataclass(frozen=True)
class Multiply(Expression):
    factors: tuple[Expression, ...]


@dataclass(frozen=True)
class Power(Expression):
    """A whole power; a quotient is a product with a power of -1."""

    base: Expression
    exponent: int


@dataclass(frozen=True)
class Log(Expression):
    argument: Expression


@dataclass(frozen=True)
class Average(Expression):
    """E[body] over `under.heads`, drawn from `under`."""

    under: Density
    body: Expression


@dataclass(frozen=True)
class Sum(Expression):
    """The sum of `body` over all values of `variables`; of those with `where` > 0, if that is given."""

    variables: tuple[str, ...]
    body: Expression
    where: Density | None = None
    integral: bool = False
    """Whether the variables are real."""


@dataclass(frozen=True)
class Divergence(Expression):
    """KL[of ‖ from_]."""

    of: Density
    from_: Density


@dataclass(frozen=True)
class Entropy(Expression):
    of: Density


@dataclass(frozen=True)
class Value(Expression):
    """What a real variable or a parameter is."""

    name: str


@dataclass(frozen=True)
class Normal(Expression):
    """N(at; mean, variance): the normal density there."""

    at: Expression
    mean: Expression
    variance: Expression


@dataclass(frozen=True)
class Unknown(Expression):
    """f(z): any function of these variables."""

    name: str
    variables: tuple[str, ...]


@dataclass(frozen=True)
class Gradient(Expression):
    """The derivative of the body with respect to the parameter θ that q has."""

    body: Expression


ZERO, ONE = Number(Fraction(0)), Number(Fraction(1))


def negative(expression: Expression) -> Expression:
    return Multiply((Number(Fraction(-1)), expression))


def quotient(top: Expression, bottom: Expression) -> Expression:
    return Multiply((top, Power(bottom, -1)))


def children(expression: Expression) -> Iterator[Expression]:
    """The expressions directly inside; a density is one thing."""
    match expression:
        case Add(terms):
            yield from terms
        case Multiply(factors):
            yield from factors
        case Power(base, _):
            yield base
        case Log(argument):
            yield argument
        case Average(_, body) | Sum(_, body, _) | Gradient(body):
            yield body
        case Normal(at, mean, variance):
            yield from (at, mean, variance)


def walk(expression: Expression) -> Iterator[Expression]:
    """The expression and all inside it."""
    yield expression
    for child in children(expression):
        yield from walk(child)


def rebuilt(expression: Expression, inner: list[Expression]) -> Expression:
    """The same node around other children."""
    match expression:
        case Add():
            return Add(tuple(inner))
        case Multiply():
            return Multiply(tuple(inner))
        case Power(_, exponent):
            return Power(inner[0], exponent)
        case Log():
            return Log(inner[0])
        case Average(under, _):
            return Average(under, inner[0])
        case Sum(variables, _, where, integral):
            return Sum(variables, inner[0], where, integral)
        case Normal():
            return Normal(*inner)
        case Gradient():
            return Gradient(inner[0])
    return expression


def free(expression: Expression) -> frozenset[str]:
    """The variables that the value depends on: those that no average and no sum takes up."""
    match expression:
        case Density(_, heads, given):
            return frozenset(heads + given)
        case Average(under, body):
            return (free(body) - set(under.heads)) | set(under.given)
        case Sum(variables, body, where):
            inside = free(body) | (free(where) if where is not None else frozenset())
            return inside - set(variables)
        case Divergence(of, from_):
            return (free(of) | free(from_)) - set(of.heads)
        case Entropy(of):
            return frozenset(of.given)
        case Unknown(_, variables):
            return frozenset(variables)
        case Value(name):
            return frozenset((name,))
    return frozenset().union(*(free(child) for child in children(expression)))


def distributions(expression: Expression) -> frozenset[str]:
    """Which of p and q are spoken of."""
    match expression:
        case Density(name, _, _) | Entropy(Density(name, _, _)):
            return frozenset(name)
        case Divergence(of, from_):
            return frozenset((of.name, from_.name))
        case Average(under, body):
            return distributions(body) | {under.name}
        case Sum(_, body, where) if where is not None:
            return distributions(body) | {where.name}
    return frozenset().union(*map(distributions, children(expression)))


# ---- reading ---------------------------------------------------------------------------------------------------------


def read(text: str) -> Expression:
    """The expression that a text stands for; `Unreadable` with a sentence otherwise."""
    text = text.strip()
    if not text:
        raise Unreadable("There is no expression.")
    if len(text) > LINE_CHARACTERS:
        raise Unreadable(f"A line of {len(text):,} characters is too long: at most {LINE_CHARACTERS} are read.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python comments on some slips, which are refused below
            tree = ast.parse(text, mode="eval").body
    except SyntaxError as problem:
        place = f", near `{text[max((problem.offset or 1) - 1, 0) :][:20]}`" if problem.offset else ""
        raise Unreadable(f"This is not written in Python's notation{place}. Is a bracket or a * missing?") from None
    except (ValueError, MemoryError, RecursionError):
        raise Unreadable("This is not written in Python's notation.") from None
    return _Reader(text).expression(tree, 0)


class _Reader:
    def __init__(self, text: str) -> None:
        self.text, self.nodes = text, 0

    def refuse(self, node: ast.AST, why: str) -> NoReturn:
        shown = ast.get_source_segment(self.text, node) or ""
        raise Unreadable(f"`{shown[:40]}{'…' if len(shown) > 40 else ''}`: {why}")

    def expression(self, node: ast.expr, depth: int) -> Expression:
        self.nodes += 1
        if self.nodes > NODES or depth > DEPTH:
            raise Unreadable(f"The line is too large: at most {NODES} parts, {DEPTH} brackets deep.")
        match node:
            case ast.Constant(value=value) if type(value) is int:
                if value > WHOLE_NUMBER:
                    self.refuse(node, f"a number beyond {WHOLE_NUMBER:,} is not needed here")
                return Number(Fraction(value))
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return negative(self.expression(operand, depth + 1))
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self.expression(operand, depth + 1)
            case ast.BinOp(left=left, op=ast.Pow(), right=right):
                return Power(self.expression(left, depth + 1), self.exponent(right))
            case ast.BinOp(left=left, op=operation, right=right):
                if isinstance(operation, ast.BitOr):
                    self.refuse(node, "the bar belongs inside p(…) or q(…)")
                first, second = self.expression(left, depth + 1), self.expression(right, depth + 1)
                match operation:
                    case ast.Add():
                        return Add((first, second))
                    case ast.Sub():
                        return Add((first, negative(second)))
                    case ast.Mult():
                        return Multiply((first, second))
                    case ast.Div():
                        return quotient(first, second)
                self.refuse(node, "only + - * / and ** are known")
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
                return self.call(node, name, arguments, depth)
            case ast.Constant(value=float()):
                self.refuse(node, "write a fraction, such as 1/2, not a decimal number")
            case ast.Name(id=name) if NAME.fullmatch(name) and name not in ("p", "q", "log", "sum", "integral", "grad"):
                return Value(name)
        self.refuse(node, "this is not part of the vocabulary: p, q, log, E, sum, KL, H, whole numbers and + - * / **")

    def exponent(self, node: ast.expr) -> int:
        sign = -1 if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) else 1
        inner = node.operand if isinstance(node, ast.UnaryOp) and sign == -1 else node
        if not isinstance(inner, ast.Constant) or type(inner.value) is not int or not 1 <= inner.value <= EXPONENT:
            self.refuse(node, f"an exponent is a whole number up to {EXPONENT}")
        return sign * inner.value

    def call(self, node: ast.Call, name: str, arguments: list[ast.expr], depth: int) -> Expression:
        def expect(count: int, shape: str) -> None:
            if len(arguments) != count:
                self.refuse(node, f"expected {shape}")

        match name:
            case "p" | "q":
                return self.density(node)
            case "log":
                expect(1, "log(a), with one argument")
                return Log(self.expression(arguments[0], depth + 1))
            case "E":
                expect(2, "E(q(z), a): what is drawn from, then what is averaged")
                return Average(self.density(arguments[0]), self.expression(arguments[1], depth + 1))
            case "integral":
                expect(2, "integral(z, a)")
                return Sum(self.variables(arguments[0]), self.expression(arguments[1], depth + 1), integral=True)
            case "N":
                expect(3, "N(x, mean, variance)")
                return Normal(*(self.expression(argument, depth + 1) for argument in arguments))
            case "sum":
                if len(arguments) not in (2, 3):
                    self.refuse(node, "expected sum(z, a), or sum(z, a, q(z) > 0)")
                where = self.positive(arguments[2]) if len(arguments) == 3 else None
                return Sum(self.variables(arguments[0]), self.expression(arguments[1], depth + 1), where)
            case "KL":
                expect(2, "KL(q(z), p(z)), with a comma between the two")
                of, from_ = (self.density(argument) for argument in arguments)
                if of.heads != from_.heads:
                    self.refuse(node, "a divergence compares two distributions of the same variables")
                return Divergence(of, from_)
            case "f":
                return Unknown("f", self.variables(ast.Tuple(arguments)))
            case "grad":
                expect(1, "grad(a), with one argument")
                return Gradient(self.expression(arguments[0], depth + 1))
            case "H":
                expect(1, "H(q(z)), with one argument")
                return Entropy(self.density(arguments[0]))
        self.refuse(node, f"there is no `{name}` in the vocabulary: p, q, log, E, sum, KL, H")

    def density(self, node: ast.expr) -> Density:
        """p(x, z | y): Python reads `z | y` as one argument, and what comes behind it is given, too."""
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("p", "q")):
            self.refuse(node, "expected a distribution, such as p(x, z) or q(z | x)")
        heads: list[str] = []
        given: list[str] = []
        barred = False
        for argument in node.args:
            if isinstance(argument, ast.BinOp) and isinstance(argument.op, ast.BitOr) and not barred:
                heads.append(self.variable(argument.left))
                given.append(self.variable(argument.right))
                barred = True
            else:
                (given if barred else heads).append(self.variable(argument))
        if node.keywords or not heads or len({*heads, *given}) != len(heads) + len(given) or len(heads + given) > 6:
            self.refuse(node, "expected different variables, such as p(x, z) or q(z | x)")
        return Density(node.func.id, tuple(sorted(heads)), tuple(sorted(given)))

    def variable(self, node: ast.expr) -> str:
        if not isinstance(node, ast.Name) or not NAME.fullmatch(node.id):
            self.refuse(node, "expected the name of a variable, such as x, z or z1")
        return node.id

    def variables(self, node: ast.expr) -> tuple[str, ...]:
        names = node.elts if isinstance(node, ast.Tuple) else [node]
        found = tuple(sorted({self.variable(name) for name in names}))
        if not found or len(found) != len(names):
            self.refuse(node, "expected the variables to sum over, such as z or (z1, z2)")
        return found

    def positive(self, node: ast.expr) -> Density:
        match node:
            case ast.Compare(left=left, ops=[ast.Gt()], comparators=[ast.Constant(value=0)]):
                return self.density(left)
        self.refuse(node, "expected a condition such as q(z) > 0")


# ---- showing ---------------------------------------------------------------------------------------------------------


def latex(expression: Expression) -> str:
    """The expression as a formula."""
    return _latex(expression, 0)


SUM, PRODUCT, ATOM = 0, 1, 2
"""How tightly the place binds that a formula is put into: brackets are needed where it binds more than the formula."""


def _latex(expression: Expression, place: int) -> str:
    match expression:
        case Number(value):
            text = str(abs(value.numerator))
            text = text if value.denominator == 1 else rf"\tfrac{{{text}}}{{{value.denominator}}}"
            return _bracketed("-" + text, place > SUM) if value < 0 else text
        case Density():
            return _density(expression)
        case Add(terms):
            parts = ""
            for term in terms:
                sign, rest = _signed(term)
                shown = _latex(rest, PRODUCT if sign == "-" else SUM)
                parts += f" {sign} {shown}" if parts else ("-" if sign == "-" else "") + shown
            return _bracketed(parts, place > SUM)
        case Multiply():
            sign, rest = _signed(expression)
            if sign == "-":
                return _bracketed("-" + _latex(rest, PRODUCT), place > SUM)
            parts = [_fraction(above, below) for above, below in _fractions(expression)]
            return (
                parts[0][0]
                if len(parts) == 1 and parts[0][1]
                else _bracketed(r"\,".join(text for text, _ in parts), place > PRODUCT)
            )
        case Power(base, exponent):
            return rf"{_latex(base, ATOM)}^{{{exponent}}}"
        case Log(argument):
            inside = _latex(argument, SUM)
            plain = isinstance(argument, Density | Number)
            return _bracketed(rf"\log {inside}" if plain else rf"\log\!\left({inside}\right)", place > PRODUCT)
        case Average(under, body):
            return rf"\mathbb{{E}}_{{{_density(under)}}}\!\left[{_latex(body, SUM)}\right]"
        case Sum(variables, body, _, True):
            measure = r"\, ".join(f"d{_name(variable)}" for variable in variables)
            return _bracketed(rf"\int {_latex(body, PRODUCT)}\; {measure}", place > SUM)
        case Sum(variables, body, where):
            names = ", ".join(_name(variable) for variable in variables)
            under = names if where is None else rf"{names}:\,{_density(where)} > 0"
            return _bracketed(rf"\sum_{{{under}}} {_latex(body, PRODUCT)}", place > SUM)
        case Divergence(of, from_):
            return rf"\mathrm{{KL}}\!\left[{_density(of)} \,\Vert\, {_density(from_)}\right]"
        case Entropy(of):
            return rf"\mathrm{{H}}\!\left[{_density(of)}\right]"
        case Value(name):
            return _name(name)
        case Normal(at, mean, variance):
            return rf"\mathcal{{N}}\!\left({_latex(at, SUM)};\, {_latex(mean, SUM)},\, {_latex(variance, SUM)}\right)"
        case Unknown(name, variables):
            return f"{name}({', '.join(map(_name, variables))})"
        case Gradient(body):
            inside = _latex(body, ATOM if isinstance(body, Multiply | Add) else PRODUCT)
            return _bracketed(rf"\nabla_{{\!\theta}}\, {inside}", place > PRODUCT)
    raise TypeError(f"no formula for {expression!r}")


def _fractions(product: Expression) -> list[tuple[list[Expression], list[Expression]]]:
    """A product as it was typed, a/b · c/d: factors above and below, with a new fraction where one goes on above."""
    groups: list[tuple[list[Expression], list[Expression]]] = [([], [])]

    def put(factor: Expression) -> None:
        if isinstance(factor, Multiply) and _signed(factor)[0] == "+":
            for inner in factor.factors:
                put(inner)
        elif isinstance(factor, Power) and factor.exponent == -1:
            groups[-1][1].append(factor.base)
        elif groups[-1][1]:
            groups.append(([factor], []))
        else:
            groups[-1][0].append(factor)

    put(product)
    return groups


def _fraction(above: list[Expression], below: list[Expression]) -> tuple[str, bool]:
    """(formula, whether it needs no brackets) of one fraction, or of factors side by side."""
    top = r"\,".join(_latex(factor, PRODUCT) for factor in above)
    if not below:
        return top, False
    if len(above) == 1:
        top = _latex(above[0], SUM)
    bottom = r"\,".join(_latex(factor, PRODUCT if len(below) > 1 else SUM) for factor in below)
    return rf"\frac{{{top or '1'}}}{{{bottom}}}", True


def _signed(expression: Expression) -> tuple[str, Expression]:
    """('-', a) for −a, as subtraction is read; ('+', a) otherwise."""
    if isinstance(expression, Multiply) and expression.factors[0] == Number(Fraction(-1)):
        rest = expression.factors[1:]
        return "-", rest[0] if len(rest) == 1 else Multiply(rest)
    return "+", expression


def _bracketed(text: str, needed: bool) -> str:
    return rf"\left({text}\right)" if needed else text


def _density(density: Density) -> str:
    heads, given = (", ".join(map(_name, names)) for names in (density.heads, density.given))
    return rf"{density.name}({heads} \mid {given})" if given else f"{density.name}({heads})"


GREEK = {"mu": r"\mu", "pi": r"\pi", "theta": r"\theta", "sigma2": r"\sigma^2", "tau2": r"\tau^2"}


def _name(variable: str) -> str:
    if variable in GREEK:
        return GREEK[variable]
    letters = variable.rstrip("0123456789")
    return f"{letters}_{{{variable[len(letters) :]}}}" if letters != variable else variable
