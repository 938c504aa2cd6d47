"""The audit finds what is wrong with a unit's laws and misconceptions: here each is made wrong on purpose."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from autograder.audit import audit

LAWS = '''
import torch
from jaxtyping import Float
from torch import Tensor

from autograder.domains import Reals
from autograder.evidence import at_least, close
from autograder.exercise import Unit

unit = Unit("toy", "A toy", minutes=1)

@unit.exercise(batch="n", measure="metres", sizes=dict(d=(1, 3)), rows=50)
def square_sum(x: Float[Tensor, "n d"]) -> Float[Tensor, "n"]:
    """The sum of squares of a row."""

@square_sum.law(points=2, decisive=True, where=dict(x=Reals()))
def is_the_sum(answer, x):
    """It is x₁² + … + x_d²."""
    exact = (x.double() ** 2).sum(-1)
    return close(answer(x), exact, terms=exact)

@square_sum.law(points=2, where=dict(x=Reals()))
def is_even(answer, x):
    """−x has the same sum of squares."""
    return close(answer(-x), answer(x).double(), terms=(x.double() ** 2).sum(-1))
'''
MISCONCEPTIONS = """
import torch

from autograder.misconceptions import misconception, variation

@variation("square_sum", "a loop")
def by_loop(x):
    return torch.stack([(row * row).sum() for row in x])

@variation("square_sum", "a product")
def by_product(x):
    return torch.einsum("nd,nd->n", x, x)

@misconception("square_sum", belief="squares are optional", story="One. Two.", caught_by=("is_the_sum", "is_even"))
def plain_sum(x):
    return x.sum(-1)

@misconception("square_sum", belief="a mean is a sum", story="One. Two.", caught_by=("is_the_sum",))
def mean_square(x):
    return (x * x).mean(-1)

@misconception("square_sum", belief="the root belongs to it", story="One. Two.", caught_by=("is_the_sum",))
def norm(x):
    return x.norm(dim=-1)
"""


def unit_with(folder: Path, laws: str = LAWS, misconceptions: str = MISCONCEPTIONS) -> Path:
    (folder / "toy").mkdir()
    (folder / "toy" / "laws.py").write_text(laws, encoding="utf-8")
    (folder / "toy" / "misconceptions.py").write_text(misconceptions, encoding="utf-8")
    return folder / "toy"


def problems(folder: Path, laws: str = LAWS, misconceptions: str = MISCONCEPTIONS) -> list[str]:
    assert laws != LAWS or misconceptions != MISCONCEPTIONS, "nothing was made wrong"
    return audit(unit_with(folder, laws, misconceptions), seeds=2).problems


def test_a_sound_unit_has_no_problem(tmp_path: Path) -> None:
    report = audit(unit_with(tmp_path), seeds=2)
    assert report.problems == []
    assert report.ok
    assert any("no toy.ipynb" in remark for remark in report.advice)


def test_the_matrix_says_what_catches_what_and_what_it_would_earn(tmp_path: Path) -> None:
    (exercise,) = audit(unit_with(tmp_path), seeds=2).to_json()["units"][0]["exercises"]
    caught = {row["name"]: row["caught"] for row in exercise["misconceptions"]}
    assert caught["plain_sum"] == {"is_the_sum": "always", "is_even": "always"}
    assert caught["norm"] == {"is_the_sum": "always", "is_even": "never"}
    assert {row["points"] for row in exercise["misconceptions"]} == {0}
    assert {row["points"] for row in exercise["right"]} == {4}
    assert all(row["worst_margin"] <= 0.1 for row in exercise["right"])
    assert len(exercise["trivial"]) > 5
    assert {row["points"] for row in exercise["trivial"]} == {0}


def test_the_table_shows_marks_points_and_margins(tmp_path: Path) -> None:
    text = audit(unit_with(tmp_path), seeds=1).as_text()
    assert "plain_sum" in text
    assert "1. is_the_sum (2, decisive); 2. is_even (2)" in text
    assert "by_loop holds at" in text
    assert "no problem" in text


def test_progress_is_told_for_every_answer(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    audit(unit_with(tmp_path), seeds=1, progress=lambda item, done, total: told.append((item, done, total)))
    assert [done for _, done, _ in told] == list(range(told[-1][2] + 1))


def test_a_catch_that_is_claimed_and_does_not_happen(tmp_path: Path) -> None:
    wrong = MISCONCEPTIONS.replace('"a mean is a sum", story="One. Two.", caught_by=("is_the_sum",)',
                                   '"a mean is a sum", story="One. Two.", caught_by=("is_the_sum", "is_even")')  # fmt: skip
    (sentence,) = problems(tmp_path, misconceptions=wrong)
    assert "mean_square names is_even in caught_by, which caught it never" in sentence


def test_a_catch_that_nobody_claimed(tmp_path: Path) -> None:
    wrong = MISCONCEPTIONS.replace('caught_by=("is_the_sum", "is_even")', 'caught_by=("is_the_sum",)')
    (sentence,) = problems(tmp_path, misconceptions=wrong)
    assert "plain_sum is caught by is_even (always), which neither" in sentence


def test_a_catch_that_may_happen_is_allowed(tmp_path: Path) -> None:
    allowed = MISCONCEPTIONS.replace(
        'caught_by=("is_the_sum", "is_even")', 'caught_by=("is_the_sum",), may_break=("is_even",)'
    )
    assert problems(tmp_path, misconceptions=allowed) == []


def test_a_right_answer_that_a_law_breaks(tmp_path: Path) -> None:
    wrong = LAWS.replace("exact = (x.double() ** 2).sum(-1)", "exact = (x.double() ** 2).sum(-1) + 1e-3")
    found = problems(tmp_path, laws=wrong)
    assert any("is_the_sum is broken by a right answer, by_loop (always" in sentence for sentence in found)


def test_a_tolerance_that_is_too_tight(tmp_path: Path) -> None:
    tight = LAWS.replace("close(answer(x), exact, terms=exact)", "close(answer(x), exact, terms=exact, factor=1.5)")
    found = problems(tmp_path, laws=tight)
    assert any("holds for the right answer" in sentence and "above 0.1" in sentence for sentence in found)


def test_a_law_that_hardly_sees_what_it_catches(tmp_path: Path) -> None:
    loose = LAWS.replace("terms=exact)", "tolerance=40.0)")
    found = problems(tmp_path, laws=loose)
    assert any("by a margin of" in sentence and "below 10" in sentence for sentence in found)


def test_a_law_that_catches_nothing(tmp_path: Path) -> None:
    idle = LAWS.replace("return close(answer(-x), answer(x).double(), terms=(x.double() ** 2).sum(-1))",
                        "return at_least(answer(x), -1e9, slack=0.0)")  # fmt: skip
    assert any("is_even catches no misconception" in sentence for sentence in problems(tmp_path, laws=idle))


def test_a_misconception_that_earns_more_than_half(tmp_path: Path) -> None:
    milder = (
        MISCONCEPTIONS
        + """
@misconception("square_sum", belief="signs can be split off", story="One. Two.", caught_by=("is_even",))
def only_wrong_for_negative_first_entries(x):
    return (x * x).sum(-1) * torch.where((x < 0).all(-1) & (x > -1e-6).all(-1), 2.0, 1.0)
"""
    )
    laws = LAWS.replace("points=2, decisive", "points=3, decisive").replace(
        "close(answer(-x), answer(x).double(), terms=(x.double() ** 2).sum(-1))",
        "close(answer(0 * x - 1e-7), (0 * x + 1e-7).double().square().sum(-1), terms=(0 * x + 1e-7).double().square().sum(-1))",
    )
    found = problems(tmp_path, laws=laws, misconceptions=milder)
    assert any("earns 3 of 5 points, more than half" in sentence for sentence in found)


def test_a_trivial_answer_that_earns_points(tmp_path: Path) -> None:
    generous = LAWS.replace(
        "return close(answer(x), exact, terms=exact)", "return at_least(answer(x), 0.0, slack=1e-9)"
    )
    assert any("always 1 earns" in sentence for sentence in problems(tmp_path, laws=generous))


def test_a_law_that_fails_itself(tmp_path: Path) -> None:
    failing = LAWS.replace("exact = (x.double() ** 2).sum(-1)", "exact = (x.double() ** 2).sum(-7)")
    found = problems(tmp_path, laws=failing)
    assert any("is_the_sum ended with “error” on by_loop" in sentence for sentence in found)


def test_too_few_misconceptions(tmp_path: Path) -> None:
    few = MISCONCEPTIONS[: MISCONCEPTIONS.index('@misconception("square_sum", belief="a mean is a sum"')]
    assert problems(tmp_path, misconceptions=few) == ["square_sum: There are 1 misconceptions; write at least 3."]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('@variation("square_sum", "a loop")', '@variation("sum_square", "a loop")', "answers sum_square, which the unit"),
        ('caught_by=("is_the_sum", "is_even")', 'caught_by=("is_the_sum", "is_evn")', "names the law is_evn, which does not"),
    ],
)  # fmt: skip
def test_names_that_do_not_exist(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert any(said in sentence for sentence in problems(tmp_path, misconceptions=MISCONCEPTIONS.replace(old, new)))


def test_margins_that_are_infinite_travel_as_strings(tmp_path: Path) -> None:
    nan = MISCONCEPTIONS.replace("return x.norm(dim=-1)", "return x.norm(dim=-1) * float('nan')")
    report = audit(unit_with(tmp_path, misconceptions=nan), seeds=1).to_json()
    margins = report["units"][0]["exercises"][0]["misconceptions"][2]["margins"]
    assert margins["is_the_sum"] == "inf"
    assert not any(isinstance(value, float) and not math.isfinite(value) for value in margins.values())
