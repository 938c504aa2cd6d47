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
    if form.rule == "derivative of a logarithm":
        number, rest = sympy.factor(body).as_coeff_Mul()  # pyright: ignore[reportAttributeAccessIssue]
        inside = under_the_logarithm(form, rest)
        return gradient_of(form, body) if inside is None else number * gradient_of(form, inside) / inside
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
    return gradient_of(form, body)


def under_the_logarithm(form: Form, body: sympy.Expr) -> sympy.Expr | None:
    """Π aᵢ^kᵢ where the body is Σ kᵢ log aᵢ with whole kᵢ: one logarithm, as it was before arithmetic split it."""
    product = sympy.Integer(1)
    for term in sympy.Add.make_args(sympy.expand(body)):
        power, log = term.as_coeff_Mul()
        if not power.is_Integer or not isinstance(log, sympy.Symbol) or log not in form.logs:
            return None
        product *= form.logs[log] ** power
    return sympy.cancel(product)


def gradient_of(form: Form, body: sympy.Expr) -> sympy.Expr:
    """∇body as one thing, with numbers before it."""
    if not body.free_symbols:
        return sympy.Integer(0)
    number, rest = sympy.factor(body).as_coeff_Mul()  # pyright: ignore[reportAttributeAccessIssue]
    return number * form.symbol(("grad",), sympy.cancel(rest), form.free(rest))
