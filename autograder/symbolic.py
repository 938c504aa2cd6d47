"""Symbolic answers: expressions that travel as trees of whitelisted nodes, and are equal where numbers say so.

Nothing that a student wrote is ever passed to `eval`, `sympify` or `parse_expr`. Inside, a sympy expression becomes a tree of
lists; outside, the tree is checked (size, depth, node names, sizes of numbers) and built again. Equality is decided at
random rational points to 50 digits: `simplify` gives up on true identities.
"""

from __future__ import annotations

import random
from fractions import Fraction
from typing import Any

import sympy

from autograder.answer import Fault

NODES_AT_MOST = 2000
DEPTH_AT_MOST = 60
INTEGER_AT_MOST = 10**12
EXPONENT_AT_MOST = 64
DIGITS_AT_MOST = 1000
EXP_AT_MOST = 10_000
POINTS = 20
DIGITS = 50

OPERATIONS: dict[str, Any] = {
    "Add": sympy.Add, "Mul": sympy.Mul, "Pow": sympy.Pow, "exp": sympy.exp, "log": sympy.log, "Abs": sympy.Abs,
    "sin": sympy.sin, "cos": sympy.cos, "tanh": sympy.tanh, "Max": sympy.Max, "Min": sympy.Min,
}  # fmt: skip
CONSTANTS: dict[str, Any] = {"Pi": sympy.pi, "Exp1": sympy.E, "Infinity": sympy.oo, "NegativeInfinity": -sympy.oo}


def to_tree(expression: Any) -> list[Any]:
    """The expression as nested lists of names and whole numbers; ValueError for a node that is not on the list."""
    if isinstance(expression, sympy.Symbol):
        return ["symbol", str(expression.name)[:40]]
    if isinstance(expression, sympy.Rational):
        return ["number", str(int(expression.p)), str(int(expression.q))]
    if isinstance(expression, sympy.Float):
        top, bottom = Fraction(str(expression)).as_integer_ratio()
        return ["number", str(top), str(bottom)]
    name = type(expression).__name__
    if name in CONSTANTS:
        return [name]
    if name not in OPERATIONS:
        raise ValueError(
            f"{name} cannot be used in an answer; expected numbers, symbols, + − · / and {', '.join(OPERATIONS)}"
        )
    return [name, *(to_tree(argument) for argument in expression.args)]


def from_tree(tree: Any, symbols: dict[str, sympy.Symbol]) -> sympy.Expr:
    """The expression for a tree that crossed the wire; a Fault that says why it is refused otherwise."""
    budget = [NODES_AT_MOST]

    def build(node: Any, depth: int) -> Any:
        budget[0] -= 1
        if budget[0] < 0 or depth > DEPTH_AT_MOST:
            raise Fault("refused", f"The expression is too large: at most {NODES_AT_MOST} nodes, {DEPTH_AT_MOST} deep.")
        if not isinstance(node, list) or not node or not isinstance(node[0], str):
            raise Fault("wrong_type", "Expected a symbolic expression; something else came back.")
        name, *rest = node
        if name == "symbol":
            if len(rest) != 1 or not isinstance(rest[0], str) or rest[0] not in symbols:
                raise Fault("refused", f"Unknown symbol {str(rest)[:40]}; expected one of {', '.join(symbols)}.")
            return symbols[rest[0]]
        if name == "number":
            top, bottom = (whole(part) for part in rest) if len(rest) == 2 else refuse("a malformed number")
            return sympy.Rational(top, bottom) if bottom else refuse("a division by zero")
        if name in CONSTANTS and not rest:
            return CONSTANTS[name]
        if name not in OPERATIONS:
            return refuse(f"the node {name[:40]!r}")
        arguments = [build(item, depth + 1) for item in rest]
        if name == "Pow":
            exponent = arguments[1] if len(arguments) == 2 else refuse("a power without exponent")
            if exponent.is_number and not abs(exponent) <= EXPONENT_AT_MOST:
                return refuse(f"an exponent beyond ±{EXPONENT_AT_MOST}")
            if exponent.is_number and digits_of(arguments[0]) * abs(exponent) > DIGITS_AT_MOST:
                return refuse(f"a number of more than {DIGITS_AT_MOST} digits")  # powers of powers: sizes multiply
        if (
            name == "exp"
            and len(arguments) == 1
            and arguments[0].is_number
            and not abs(arguments[0].evalf(5)) <= EXP_AT_MOST
        ):
            return refuse(f"the exponential of a number beyond ±{EXP_AT_MOST}")
        return OPERATIONS[name](*arguments)

    try:
        return build(tree, 0)
    except (ArithmeticError, AttributeError, MemoryError, RecursionError, TypeError, ValueError) as problem:
        raise Fault(
            "refused", f"This is no expression that makes sense ({type(problem).__name__}: {problem})."
        ) from None


def digits_of(base: sympy.Expr) -> int:
    """How many digits the largest whole number in an expression has."""
    return max(
        (len(str(abs(part))) for number in base.atoms(sympy.Rational) for part in (number.p, number.q)), default=1
    )


def whole(text: Any) -> int:
    if (
        not isinstance(text, str)
        or len(text) > 14
        or not text.lstrip("-").isdecimal()
        or abs(int(text)) > INTEGER_AT_MOST
    ):
        return refuse(f"a whole number beyond ±{INTEGER_AT_MOST:.0e}")
    return int(text)


def refuse(what: str) -> Any:
    raise Fault("refused", f"The expression holds {what}, which is not allowed here.")


def first_difference(got: sympy.Expr, expected: sympy.Expr, seed: int = 0) -> dict[str, sympy.Rational] | None:
    """A rational point at which the two differ beyond 30 of 50 digits, or None; positive symbols take positive values."""
    rng = random.Random(seed)
    symbols = sorted(got.free_symbols | expected.free_symbols, key=lambda symbol: symbol.name)  # type: ignore[attr-defined]
    for _ in range(POINTS):
        point: dict[Any, Any] = {}
        for symbol in symbols:
            value = sympy.Rational(rng.randint(1, 400), rng.randint(50, 150))
            point[symbol] = value if symbol.is_positive or rng.random() < 0.5 else -value
        scale = 1 + abs(sympy.N(expected.subs(point), DIGITS))
        try:
            gap = sympy.N((got - expected).subs(point), DIGITS)
        except (
            ArithmeticError,
            MemoryError,
            RecursionError,
            TypeError,
            ValueError,
        ):  # no number at all: then not this one
            gap = sympy.nan
        if not gap.is_number or gap.has(sympy.nan, sympy.oo, sympy.zoo) or abs(gap) > scale * sympy.Float(10) ** -30:
            return {symbol.name: value for symbol, value in point.items()}
    return None
