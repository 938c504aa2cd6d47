"""A typed line is read as data: the vocabulary is understood, everything else refused with a sentence, and nothing runs."""

from __future__ import annotations

import time
from fractions import Fraction

import pytest

from autograder.derivation.expression import (
    LINE_CHARACTERS,
    Average,
    Density,
    Divergence,
    Log,
    Number,
    Sum,
    Unreadable,
    free,
    latex,
    quotient,
    read,
)

Q = Density("q", ("z",), ("x",))
JOINT = Density("p", ("x", "z"))


def test_the_vocabulary_is_read() -> None:
    assert read("E(q(z | x), log(p(x, z)/q(z | x)))") == Average(Q, Log(quotient(JOINT, Q)))
    assert read("KL(q(z | x), p(z))") == Divergence(Q, Density("p", ("z",)))
    assert read("sum((z2, z1), p(z1, z2))") == Sum(("z1", "z2"), Density("p", ("z1", "z2")))
    assert read("sum(z, p(z), q(z) > 0)") == Sum(("z",), Density("p", ("z",)), Density("q", ("z",)))
    assert read("7") == Number(Fraction(7))


def test_order_of_variables_does_not_matter_and_what_is_behind_the_bar_is_given() -> None:
    assert read("p(z, x)") == read("p(x, z)") == JOINT
    assert read("p(z | x, y)") == Density("p", ("z",), ("x", "y"))
    assert read("p(x, z | y)") == Density("p", ("x", "z"), ("y",))


def test_averages_and_sums_take_up_their_variables() -> None:
    assert free(read("E(q(z | x), log(p(x, z)))")) == {"x"}
    assert free(read("sum((x, z), p(x, z))")) == set()
    assert free(read("KL(q(z | x), p(z))")) == {"x"}
    assert free(read("log(p(x | z))")) == {"x", "z"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no expression"),
        ("log p(x)", r"Is a bracket or a \* missing"),
        ("x[0]", "not part of the vocabulary"),
        ("p(x).grad", "not part of the vocabulary"),
        ("'p(x)'", "not part of the vocabulary"),
        ("__import__('os').system('true')", "not part of the vocabulary"),
        ("eval('1')", "there is no `eval`"),
        ("exp(log(p(x)))", "there is no `exp`"),
        ("[p(x)][0]", "not part of the vocabulary"),
        ("(lambda: 1)()", "not part of the vocabulary"),
        ("p(x) if 1 else 2", "not part of the vocabulary"),
        ("9**9**9", "an exponent is a whole number up to 4"),
        ("2**p(x)", "an exponent is a whole number"),
        ("99999999999999999999", "a number beyond"),
        ("0.5*p(x)", "write a fraction"),
        ("p(x) // 2", r"only \+ - \* / and \*\*"),
        ("p(z) | x", "the bar belongs inside"),
        ("KL(q(z) | p(z))", "with a comma between"),
        ("KL(q(z), p(x))", "the same variables"),
        ("E(q(z))", "what is drawn from, then what is averaged"),
        ("E(log(p(z)), 1)", "expected a distribution"),
        ("p(x, x)", "different variables"),
        ("p(x=1)", "not part of the vocabulary"),
        ("p(3)", "the name of a variable"),
        ("sum(z, p(z), q(z) >= 0)", "a condition such as"),
        ("sum((), p(z))", "the variables to sum over"),
        ("log(p(x), 2)", "with one argument"),
        ("\0", "Python's notation"),
        ("p(\ud800)", "Python's notation"),
        ("1(2)", "not part of the vocabulary"),
        (r"'\d'", "not part of the vocabulary"),
    ],
)
def test_what_is_not_of_the_vocabulary_is_refused_with_a_sentence(text: str, said: str) -> None:
    with pytest.raises(Unreadable, match=said):
        read(text)


@pytest.mark.parametrize(
    "text",
    ["(" * 250 + "1" + ")" * 250, "-" * 500 + "1", "log(" * 100 + "1" + ")" * 100, "+".join("1" * 290), "1" * 599,
     "p(x)*" * 119 + "1", "9**9**9**9", "x" * 10_000_000, "{}".format("[" * 300)],
)  # fmt: skip
def test_hostile_lines_are_refused_within_milliseconds(text: str) -> None:
    began = time.process_time()
    with pytest.raises(Unreadable):
        read(text)
    assert time.process_time() - began < 0.05


def test_a_line_of_the_longest_kind_is_read() -> None:
    text = "E(q(z | x), " + " + ".join(["log(p(x, z))"] * 30) + ")"
    assert LINE_CHARACTERS / 2 < len(text) <= LINE_CHARACTERS
    assert free(read(text)) == {"x"}


@pytest.mark.parametrize(
    ("text", "formula"),
    [
        ("log(p(x))", r"\log p(x)"),
        ("p(x1, z | y)", r"p(x_{1}, z \mid y)"),
        ("E(q(z), log(p(x, z)/q(z)))", r"\mathbb{E}_{q(z)}\!\left[\log\!\left(\frac{p(x, z)}{q(z)}\right)\right]"),
        ("log(p(x)) - KL(q(z), p(z))", r"\log p(x) - \mathrm{KL}\!\left[q(z) \,\Vert\, p(z)\right]"),
        ("1 - (p(x) - 2)", r"1 - \left(p(x) - 2\right)"),
        ("2*(p(x) + 1)", r"2\,\left(p(x) + 1\right)"),
        ("-log(1)", r"-\log 1"),
        ("p(x)**2", r"p(x)^{2}"),
        ("sum(z, p(z) + 1, q(z) > 0)", r"\sum_{z:\,q(z) > 0} \left(p(z) + 1\right)"),
        ("1/2", r"\frac{1}{2}"),
        ("p(x)/p(z) * q(z)/p(x)", r"\frac{p(x)}{p(z)}\,\frac{q(z)}{p(x)}"),
        ("p(x)*p(z)/q(z)", r"\frac{p(x)\,p(z)}{q(z)}"),
        ("(p(x) + 1)/2", r"\frac{p(x) + 1}{2}"),
        ("1/(p(x)*p(z))", r"\frac{1}{p(x)\,p(z)}"),
        ("H(q(z | x))", r"\mathrm{H}\!\left[q(z \mid x)\right]"),
    ],
)
def test_it_is_shown_as_a_formula_that_means_the_same(text: str, formula: str) -> None:
    assert latex(read(text)) == formula
