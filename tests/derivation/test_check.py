"""Whatever a student types is checked in bounded time, and nothing of it is an error of the grader's."""

from __future__ import annotations

import time

import pytest
import torch

from autograder.derivation.check import Flawed, Task
from autograder.derivation.expression import Density
from autograder.derivation.gaussian import GaussianSetting
from autograder.derivation.meaning import Setting

LATENT = Setting(
    (("x", 2), ("z", 3)), (Density("p", ("z",)), Density("p", ("x",), ("z",))), (Density("q", ("z",), ("x",)),)
)
TASK = Task(
    "log(p(x))", ">=", "E(q(z | x), log(p(x, z)/q(z | x)))", LATENT, ("marginal", "expectation", "linearity", "Jensen")
)
JENSEN = """
    log(p(x))
    =  log(sum(z, p(x, z)))                       # marginal
    =  log(E(q(z | x), p(x, z)/q(z | x)))         # expectation
    >= E(q(z | x), log(p(x, z)/q(z | x)))         # Jensen
"""


def after(line: str, rule: str = "linearity") -> str:
    return f"log(p(x))\n= {line}  # {rule}"


@pytest.mark.parametrize(
    "line",
    [
        " + ".join(f"1/(log(p(x)+{i})+log(p(z)+{i}))" for i in range(1, 14)),
        "*".join(f"(log(p(x)+{i})+log(p(z)+{i}))" for i in range(1, 14)),
        "log(" + "*".join(f"(p(x)+{i})" for i in range(1, 40)) + ")",
        "(((p(x)**4)**4)**4)**4",
        "((p(x)+p(z))**4)**4",
        "+".join(["p(x)"] * 110),
        "sum(x, sum(z, " * 6 + "1" + "))" * 6,
    ],
)
def test_a_line_that_would_take_long_is_refused_before_it_is_tried(line: str) -> None:
    began = time.process_time()
    wrong = TASK.wrong(after(line))
    assert wrong is not None
    assert (wrong.line, wrong.kind) == (2, "unreadable")
    assert "too large" in wrong.sentence
    assert time.process_time() - began < 0.2


@pytest.mark.parametrize(
    "line",
    [
        "log(" * 25 + "p(x)+1" + ")" * 25,
        "E(q(z | x), " + " + ".join(f"log(p(x)+{i})" for i in range(30)) + ")",
        "log(" + " + ".join(f"p(x)**{i % 4 + 1}*p(z)**{i * 7 % 4 + 1}" for i in range(1, 25)) + ")",
        "log(p(x)+p(z)+p(x,z)+q(z|x))/(log(p(x))+log(p(z))+log(q(z|x)))**3",
    ],
)
def test_the_largest_lines_that_are_tried_take_seconds(line: str) -> None:
    began = time.process_time()
    assert TASK.wrong(after(line)) is not None
    assert TASK.wrong(after(line), truth=False) is not None
    assert time.process_time() - began < 10


@pytest.mark.parametrize(
    "line",
    ["1/0", "1/log(1)", "log(0)", "log(-1)", "1/(p(x)-p(x))", "KL(q(z | x), q(z | x))**-1", "(p(x)/0/p(z))**-1",
     "E(q(z | x), 1/0)", "sum(z, log(0)*p(z))", "log(1/0)", "0**-1 - 0**-1"],
)  # fmt: skip
def test_a_division_by_zero_is_wrong_and_no_error_of_the_graders(line: str) -> None:
    for text in (after(line), f"{line}\n= log(p(x))  # linearity", after(line) + f"\n>= {line}  # Jensen"):
        assert TASK.means(text).outcome == "broken"
        assert TASK.follows(text).outcome == "broken"
        assert TASK.fingerprint(text).isfinite().all()


def test_a_line_that_smuggles_in_others_does_not_mend_a_flaw() -> None:
    flawed = Flawed(TASK, JENSEN.replace(">=", "<="), line=4)
    right = ">= E(q(z | x), log(p(x, z)/q(z | x)))  # Jensen"
    assert flawed.mended(4, right).outcome == "holds"
    for between in ("\n", "\r", "\u2028"):
        assert (
            flawed.mended(4, f"{right}{between}= E(q(z | x), log(p(x, z)/q(z | x)))  # arithmetic").outcome == "broken"
        )
    assert flawed.mended(3, right).outcome == "broken"
    assert flawed.named(10**30).outcome == "broken"


def test_two_relations_in_a_line_are_told_apart_from_a_misspelling() -> None:
    wrong = TASK.wrong("log(p(x)) = log(sum(z, p(x, z)))  # marginal")
    assert wrong is not None
    assert (wrong.line, wrong.kind) == (1, "unreadable")
    assert "one relation a line" in wrong.sentence


def test_whoever_names_another_line_than_the_wrong_one_hears_where_to_look() -> None:
    task = Task("p(x)", "=", "p(x)", LATENT, ("marginal", "product rule"))
    text = """
        p(x)
        = sum(z, p(x, z))          # marginal
        = sum(z, p(x | z))         # product rule
        = sum(z, p(x | z)*p(z))    # product rule
        = p(x)                     # marginal
    """
    flawed = Flawed(task, text, line=3)
    assert "Line 2 is right" in flawed.named(2).note
    assert "before this line" in flawed.named(4).note
    assert "There is no line 9" in flawed.named(9).note


def test_a_wrong_density_under_an_integral_is_told_though_the_integrals_are_equal() -> None:
    """Any density comes to 1, so no model shows that it is another one."""
    setting = GaussianSetting(
        (("x", 40), ("z", 40)), (Density("p", ("z",)), Density("p", ("x",), ("z",))), (),
        normals=((Density("p", ("z",)), "0", "1"), (Density("p", ("x",), ("z",)), "w*z", "sigma2")),
        reals=("w",), positives=("sigma2",),
    )  # fmt: skip
    task = Task(
        "p(x)",
        "=",
        "N(x, 0, w**2 + sigma2)",
        setting,
        ("marginal", "product rule", "the model", "completing the square"),
    )
    lines = """
        p(x)
        = integral(z, p(x, z))                   # marginal
        = integral(z, p(x | z)*p(z))             # product rule
        = integral(z, N(x, w*z, sigma2)*N(z, 0, 1))     # the model
        = integral(z, N(x, 0, w**2 + sigma2)*N(z, w*x/(w**2 + sigma2), {}))   # completing the square
    """
    right, wide = task.wrong(lines.format("sigma2/(w**2 + sigma2)")), task.wrong(lines.format("1/(w**2 + sigma2)"))
    assert right is not None
    assert right.kind == "end"
    assert wide is not None
    assert (wide.line, wide.kind) == (5, "step")
    assert "The integrals are equal, but what is integrated is not" in wide.sentence
    shifted = task.fingerprint(lines.format("1/(w**2 + sigma2)").replace("w*x/(", "x/("))
    assert not torch.equal(task.fingerprint(lines.format("1/(w**2 + sigma2)")), shifted)
