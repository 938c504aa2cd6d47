"""Steps about derivatives: ∇ of a sum, of a product, of a logarithm, each taken apart as far as the rule at hand goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sympy

if TYPE_CHECKING:
    from autograder.derivation.form import Form


def gradient(form: Form, body: sympy.Expr) -> sympy.Expr:
    """∇body: taken apart as far as the rule at hand goes."""
    if form.rule not in ("derivative of a sum", "derivative of a product", "derivative of a logarithm"):
        return gradient_of(form, body)
    total = sympy.Integer(0)
    terms = sympy.Add.make_args(sympy.expand(body)) if form.rule == "derivative of a sum" else (sympy.factor(body),)
    for term in terms:
        fixed, moving = sympy.Integer(1), sympy.Integer(1)
        for factor in sympy.Mul.make_args(sympy.factor(term)):  # pyright: ignore[reportArgumentType]
            if form.moves(factor):
                moving *= factor
            else:
                fixed *= factor
        total += fixed * gradient_of_moving(form, moving) if form.moves(moving) else 0
    return total


def gradient_of_moving(form: Form, body: sympy.Expr) -> sympy.Expr:
    """∇ of a product without fixed factors, by the rule at hand where it fits."""
    if form.rule == "derivative of a sum" and isinstance(body, sympy.Symbol) and body in form.sums:
        variables, inner, where = form.sums[body]
        return form.sum(variables, gradient(form, inner), where)
    if form.rule == "derivative of a product" and isinstance(body, sympy.Mul | sympy.Pow):
        factors = [factor.as_base_exp() for factor in sympy.Mul.make_args(body)]
        return sympy.Add(*(power * body / base * gradient_of(form, base) for base, power in factors))
    if form.rule == "derivative of a logarithm" and isinstance(body, sympy.Symbol) and body in form.logs:
        return gradient_of(form, form.logs[body]) / form.logs[body]
    return gradient_of(form, body)


def gradient_of(form: Form, body: sympy.Expr) -> sympy.Expr:
    """∇body as one thing, with numbers before it."""
    if not body.free_symbols:
        return sympy.Integer(0)
    number, rest = sympy.factor(body).as_coeff_Mul()  # pyright: ignore[reportAttributeAccessIssue]
    return number * form.symbol(("grad",), sympy.cancel(rest), form.free(rest))
