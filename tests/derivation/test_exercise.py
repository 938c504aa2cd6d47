"""A derivation as an exercise: its laws, its points, and how slips are recognised."""

from __future__ import annotations

import torch

from autograder.answer import LocalTransport
from autograder.derivation.check import Flawed, Task
from autograder.derivation.exercise import derivation, flaw
from autograder.derivation.expression import Density
from autograder.derivation.meaning import Setting
from autograder.exercise import Unit
from autograder.judge import check_exercise
from autograder.session import Session

TASK = Task(
    start="p(x)", relation="=", end="sum(z, p(x | z)*p(z))", rules=("marginal", "product rule"),
    setting=Setting((("x", 2), ("z", 3)), (Density("p", ("z",)), Density("p", ("x",), ("z",)))),
)  # fmt: skip
RIGHT = """
    p(x)
    = sum(z, p(x, z))          # marginal
    = sum(z, p(x | z)*p(z))    # product rule
"""
FALSE = RIGHT.replace("p(x | z)*p(z)", "p(x | z)")
TOO_BIG = "p(x)\n= sum(z, p(x | z)*p(z))  # marginal"


def unit() -> Unit:
    week = Unit("week", "A week", minutes=10)

    @derivation(week, TASK, points=4)
    def evidence() -> str:
        """p(x), by the values of z."""
        ...

    @flaw(week, Flawed(TASK, FALSE, line=3), optional=True)
    def find_the_flaw() -> tuple[int, str]:
        """The line that is wrong, mended."""
        ...

    return week


def points(name: str, answer: object) -> tuple[float, list[str]]:
    session = Session()
    session.names[name] = lambda: answer
    verdict = check_exercise(unit().exercises[name], LocalTransport(session))
    return verdict.points, [law.name for law in verdict.laws if law.evidence == "broken"]


def test_points_are_halved_between_truth_and_steps() -> None:
    assert points("evidence", RIGHT) == (4.0, [])
    assert points("evidence", FALSE) == (0.0, ["every_line_is_true", "every_line_follows"])
    assert points("evidence", TOO_BIG) == (2.0, ["every_line_follows"])


def test_the_sentence_that_a_student_reads_says_what_is_asked() -> None:
    sentence = unit().exercises["evidence"].decisive.sentence
    assert "p(x) = sum(z, p(x | z)*p(z))" in sentence


def test_an_optional_one_is_worth_nothing_and_is_judged_all_the_same() -> None:
    right = (3, "= sum(z, p(x | z)*p(z))  # product rule")
    assert unit().exercises["find_the_flaw"].points == 0
    assert points("find_the_flaw", right) == (0.0, [])
    assert points("find_the_flaw", (2, right[1]))[1] == ["the_line_is_the_wrong_one", "mended_it_is_a_derivation"]
    assert points("find_the_flaw", (3, "= sum(z, p(x | z))  # product rule"))[1] == ["mended_it_is_a_derivation"]


def test_the_same_slip_by_two_routes_has_one_fingerprint() -> None:
    ask = unit().exercises["evidence"].own_probe
    assert ask is not None
    again = "\n" + FALSE.replace("p(x)\n", "p(x)\n    = p(x)    # arithmetic\n", 1)
    assert torch.equal(ask.ask(lambda: FALSE), ask.ask(lambda: again))
    assert not torch.equal(ask.ask(lambda: FALSE), ask.ask(lambda: TOO_BIG))
