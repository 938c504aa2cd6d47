"""Symbolic answers cross as data, are refused when they are hostile, and are equal where numbers say so."""

from __future__ import annotations

from typing import Any

import pytest
import sympy

from autograder.answer import Fault
from autograder.symbolic import first_difference, from_tree, to_tree

X, Y = sympy.Symbol("x", positive=True), sympy.Symbol("y", real=True)
SYMBOLS = {"x": X, "y": Y}

EXPRESSIONS = [
    X + Y / 3,
    sympy.log(1 + sympy.exp(Y)),
    sympy.sqrt(X) * sympy.pi,
    sympy.Rational(1, 2) * (X**2 - 1 - sympy.log(X)),
    sympy.Float("0.1") + X,
]


@pytest.mark.parametrize("expression", EXPRESSIONS, ids=str)
def test_an_expression_survives_the_crossing(expression: sympy.Expr) -> None:
    assert first_difference(from_tree(to_tree(expression), SYMBOLS), expression) is None


HOSTILE: dict[str, Any] = {
    "tower of powers": ["Pow", ["Pow", ["number", "9", "1"], ["number", "9", "1"]], ["number", "99", "1"]],
    "huge exponent": ["Pow", ["number", "9", "1"], ["number", "999999", "1"]],
    "huge number": ["number", "9" * 500, "1"],
    "not a number": ["number", "__import__('os')", "1"],
    "unknown symbol": ["symbol", "z"],
    "unknown node": ["Lambda", ["symbol", "x"]],
    "attribute": ["__class__"],
    "a million nodes": ["Add", *[["symbol", "x"]] * 1_000_000],
    "no tree": "x + y",
    "nothing": None,
    "empty": [],
}


def deep(levels: int) -> list:
    tree: list = ["symbol", "x"]
    for _ in range(levels):
        tree = ["Add", tree, ["number", "1", "1"]]
    return tree


@pytest.mark.parametrize("tree", [*HOSTILE.values(), deep(500)], ids=[*HOSTILE, "deeply nested"])
def test_hostile_trees_are_refused_with_a_sentence(tree: Any) -> None:
    with pytest.raises(Fault) as caught:
        from_tree(tree, SYMBOLS)
    assert caught.value.kind in ("refused", "wrong_type")
    assert caught.value.message.endswith(".")


def test_a_node_outside_the_vocabulary_does_not_leave_the_session() -> None:
    with pytest.raises(ValueError, match="cannot be used"):
        to_tree(sympy.Integral(X, X))


def test_identities_on_which_simplify_gives_up_are_equal() -> None:
    left = sympy.log(sympy.exp(X) + sympy.exp(Y))
    right = X + sympy.log(1 + sympy.exp(Y - X))
    assert first_difference(left, right) is None


def test_a_tiny_difference_is_found_and_the_point_returned() -> None:
    point = first_difference(X + sympy.Rational(1, 10**12), X)
    assert point is not None
    assert set(point) == {"x"}


def power_tower(height: int) -> list[Any]:
    tree: list[Any] = ["number", "2", "1"]
    for _ in range(height):
        tree = ["Pow", tree, ["number", "64", "1"]]
    return tree


@pytest.mark.parametrize(
    "tree",
    [
        power_tower(6),
        ["number", "--5", "1"],
        ["number", "1", "0"],
        ["symbol", ["x"]],
        ["log"],
        ["sin", ["symbol", "x"], ["symbol", "x"]],
        ["Pow", ["symbol", "x"], ["number", "0", "0"]],
        ["exp", ["exp", ["exp", ["number", "1000000", "1"]]]],
    ],
    ids=str,
)
def test_a_tree_that_makes_no_sense_or_explodes_is_refused(tree: list[Any]) -> None:
    """It would keep the deciding process busy for ever, or make a law fail."""
    with pytest.raises(Fault):
        first_difference(from_tree(tree, {"x": sympy.Symbol("x", positive=True)}), sympy.Integer(1))
