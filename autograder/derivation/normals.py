"""Steps about normal densities: which are the same, what a product of them is, and averages of polynomials under one.

Each is a function of the `Form` (normal forms under one rule) in which it is needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sympy

from autograder.derivation.expression import Density, Normal, Value, free
from autograder.derivation.gaussian import GaussianSetting

if TYPE_CHECKING:
    from autograder.derivation.form import Form


def normal_density(form: Form, normal: Normal) -> sympy.Symbol:
    """The symbol for a normal density: the same for equal places, means and variances, however they are written."""
    parts = tuple(form.of(part) for part in (normal.at, normal.mean, normal.variance))
    known = [symbol for symbol, other in form.normals.items() if all(
        sympy.cancel(a - form.of(b)) == 0 for a, b in zip(parts, (other.at, other.mean, other.variance), strict=True)
    )]  # fmt: skip
    if known:
        return known[0]
    symbol = form.symbol(("normal", len(form.normals)), sympy.Integer(0), free(normal) & form.setting.sizes_of.keys())
    form.normals[symbol] = normal
    return symbol


def one_exponent(form: Form, product: sympy.Expr) -> sympy.Expr:
    """A product of normal densities as one symbol for the sum of their logarithms, where that is the rule."""
    if form.rule != "completing the square" or not isinstance(form.setting, GaussianSetting):
        return product
    exponent, rest = sympy.Integer(0), sympy.Integer(1)
    for factor in sympy.Mul.make_args(product):
        base, power = factor.as_base_exp()
        if isinstance(base, sympy.Symbol) and base in form.normals:
            exponent += power * form.of(form.setting.log_of_normal(form.normals[base]))
        elif isinstance(base, sympy.Symbol) and base in form.exponents:
            exponent += power * form.exponents[base]
        else:
            rest *= factor
    if exponent == 0:
        return rest
    exponent = sympy.cancel(exponent)
    symbol = form.symbol(("gauss",), exponent, form.free(exponent))
    form.exponents[symbol] = exponent
    return rest * symbol


def average_of_polynomial(form: Form, under: Density, inside: sympy.Expr) -> sympy.Expr | None:
    """E[polynomial] under a normal factor, if it is one of degree 4 or less."""
    normal = form.setting.normal(under) if isinstance(form.setting, GaussianSetting) else None
    if normal is None or len(under.heads) != 1:
        return None
    x = form.of(Value(under.heads[0]))
    top, bottom = sympy.fraction(sympy.cancel(inside))
    heads = frozenset(under.heads)
    if form.free(bottom) & heads or any(form.depends[s] & heads for s in top.free_symbols if s != x):  # type: ignore[index]
        return None
    m, v = map(form.of, normal)
    known = [sympy.Integer(1), m, m**2 + v, m**3 + 3 * m * v, m**4 + 6 * m**2 * v + 3 * v**2]
    polynomial = sympy.Poly(top, x)
    if polynomial.degree() >= len(known):
        return None
    return sympy.cancel(sum(c * known[power[0]] for power, c in polynomial.terms()) / bottom)
