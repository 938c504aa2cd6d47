"""The audit finds what is wrong with a unit's laws and misconceptions: here each is made wrong on purpose."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from autograder.audit import audit
from autograder.audit.picture import as_page

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
    return 3 * x.sum(-1)

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


def test_an_optional_exercise_is_worth_nothing_and_still_lets_no_trivial_answer_through(tmp_path: Path) -> None:
    declared = "sizes=dict(d=(1, 3))"
    assert declared in LAWS
    optional = LAWS.replace(declared, declared + ", optional=True")
    assert any("What goes beyond the week earns none" in line for line in problems(tmp_path, optional))
    free = optional.replace("points=2", "points=0")
    (tmp_path / "free").mkdir()
    assert problems(tmp_path / "free", free) == []
    idle = free.replace(
        "exact = (x.double() ** 2).sum(-1)\n    return close(answer(x), exact",
        "exact = 0 * x.double().sum(-1)\n    return close(0 * answer(x).double(), exact",
    )
    assert idle != free
    (tmp_path / "idle").mkdir()
    assert any("passes the decisive law" in line for line in problems(tmp_path / "idle", idle))


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
    assert "1. is_the_sum (2, decisive, " in text
    assert "2. is_even (2, " in text
    assert "by_loop holds at" in text
    assert "toy: 0 false alarms in 4 checks of right answers" in text
    assert "no problem" in text


def test_progress_is_told_for_every_portion_of_seeds(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    report = audit(
        unit_with(tmp_path), seeds=25, jobs=1, progress=lambda item, done, total: told.append((item, done, total))
    )
    assert [(done, total) for _, done, total in told] == [(1, 3), (2, 3), (3, 3)]
    assert told[-1][0] == "square_sum: seeds 20 to 24"
    assert all(len(tried.outcomes["is_the_sum"]) == 25 for tried in report.units["toy"][0].of("misconception"))


def test_what_is_found_does_not_depend_on_the_number_of_processes(tmp_path: Path) -> None:
    folder = unit_with(tmp_path)

    def found(jobs: int) -> dict[str, Any]:
        exercise = audit(folder, seeds=7, jobs=jobs).to_json()["units"][0]["exercises"][0]
        for law in exercise["laws"]:
            del law["milliseconds"]
        return exercise

    assert found(1) == found(3)


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
    (sentence,) = found
    assert "is_the_sum ended with an error on 16 of 16 answers, such as by_loop: " in sentence
    assert "The grader's own check failed (IndexError" in sentence
    assert "A law must not raise, whatever an answer returns" in sentence


def test_a_law_that_draws_from_the_global_generator(tmp_path: Path) -> None:
    drawing = LAWS.replace("return close(answer(-x)", "x = x * torch.randn(()).sign()\n    return close(answer(-x)")
    (sentence,) = problems(tmp_path, laws=drawing)
    assert "is_even draws from torch's own generator" in sentence
    assert "Take `generator` as an argument" in sentence


def test_an_answer_that_draws_is_not_taken_for_a_law_that_does(tmp_path: Path) -> None:
    drawing = MISCONCEPTIONS.replace(
        "return 3 * x.sum(-1)", "return 3 * x.sum(-1) + 9 * torch.randn(len(x), dtype=x.dtype)"
    )
    assert not any("draws from" in sentence for sentence in problems(tmp_path, misconceptions=drawing))


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
    margins = report["units"][0]["exercises"][0]["misconceptions"][2]["least_margins"]
    assert margins["is_the_sum"] == "inf"
    assert not any(isinstance(value, float) and not math.isfinite(value) for value in margins.values())


# ---- laws that leave something to chance ----------------------------------------------------------------------------------

RANDOM_LAWS = (
    LAWS.replace(
        "from autograder.domains import Reals",
        "from autograder.chance import mean_is\nfrom autograder.domains import Listed, Reals",
    ).replace("from autograder.evidence import at_least, close", "from autograder.evidence import at_least, close")
    + '''

@square_sum.law(points=0, sizes={}, where=dict(x=Listed([[1.0, 2.0], [3.0, 0.0]])))
def agrees_with_draws(answer, x, generator):
    """It is the mean of what draws of a normal with that root say: E[(x + ε)²] − 1 in every dimension."""
    claimed = answer(x)
    return [
        mean_is(
            lambda n, g, row=row: ((x[row].double() + torch.randn(n, 2, generator=g, dtype=torch.float64)) ** 2 - 1).sum(-1),
            float(claimed[row]), sigma=float((4 * (x[row].double() ** 2).sum() + 4).sqrt()), delta=0.5,
            alpha=1e-11, beta=1e-6, cap=2**18, generator=generator, what="the sum of squares",
        )
        for row in range(len(claimed))
    ]
'''
)
RANDOM_MISCONCEPTIONS = MISCONCEPTIONS
for claimed in ('"is_even"', '"is_the_sum",'):
    RANDOM_MISCONCEPTIONS = RANDOM_MISCONCEPTIONS.replace(f"{claimed})", f'{claimed.rstrip(",")}, "agrees_with_draws")')


def test_the_error_of_each_misconception_is_told_in_deltas_at_every_configuration(tmp_path: Path) -> None:
    report = audit(unit_with(tmp_path, RANDOM_LAWS, RANDOM_MISCONCEPTIONS), seeds=2)
    assert report.problems == []
    exercise = report.to_json()["units"][0]["exercises"][0]
    errors = next(row for row in exercise["misconceptions"] if row["name"] == "mean_square")["errors_over_delta"]
    assert len(errors["agrees_with_draws"]) == 4  # two rows, in both precisions
    # The sum is 5 in the first row and 9 in the second, the mean half of that: 5 and 9 deltas of 0.5 away.
    assert errors["agrees_with_draws"]["the sum of squares (1.1)"] == pytest.approx(5, abs=1.5)
    assert errors["agrees_with_draws"]["the sum of squares (1.2)"] == pytest.approx(9, abs=2)


def test_what_a_submission_leaves_to_chance_is_added_up(tmp_path: Path) -> None:
    report = audit(unit_with(tmp_path, RANDOM_LAWS, RANDOM_MISCONCEPTIONS), seeds=2).to_json()
    assert report["units"][0]["right_answers"]["left_to_chance"] == pytest.approx(4e-11)


def test_more_chance_than_the_budget_is_a_problem(tmp_path: Path) -> None:
    careless = RANDOM_LAWS.replace("alpha=1e-11", "alpha=1e-7")
    (sentence,) = problems(tmp_path, careless, RANDOM_MISCONCEPTIONS)
    assert "the laws leave 4.0e-07 of a right submission to chance, more than 1e-07" in sentence


def test_a_configuration_at_which_everything_wrong_looks_right_is_blind(tmp_path: Path) -> None:
    blind = RANDOM_LAWS.replace("[3.0, 0.0]", "[0.0, 0.1]")
    found = problems(tmp_path, blind, RANDOM_MISCONCEPTIONS)
    assert any("agrees_with_draws is blind at the sum of squares (1.2)" in sentence for sentence in found)
    assert not any("(1.1)" in sentence for sentence in found)


def test_a_test_that_cannot_decide_on_a_right_answer_is_a_problem(tmp_path: Path) -> None:
    found = problems(tmp_path, RANDOM_LAWS.replace("cap=2**18", "cap=300"), RANDOM_MISCONCEPTIONS)
    assert any("agrees_with_draws ended undecided on a right answer, by_loop" in sentence for sentence in found)


# ---- what an author gets wrong first ---------------------------------------------------------------------------------------


def test_a_misconception_that_no_law_catches_gets_one_sentence(tmp_path: Path) -> None:
    same = MISCONCEPTIONS.replace("return (x * x).mean(-1)", "return (x * x).sum(-1)")
    (sentence,) = problems(tmp_path, misconceptions=same)
    assert "no law ever catches mean_square" in sentence


def test_what_the_release_would_refuse_is_told(tmp_path: Path) -> None:
    alike = MISCONCEPTIONS.replace("return x.norm(dim=-1)", "return (x * x).mean(-1)")
    (sentence,) = problems(tmp_path, misconceptions=alike)
    assert "norm and mean_square return the same on every probe" in sentence


def test_a_misconception_that_raises_is_told_with_its_exception(tmp_path: Path) -> None:
    typo = MISCONCEPTIONS.replace("return (x * x).mean(-1)", "return (x * x).meen(-1)")
    found = [
        sentence for sentence in problems(tmp_path, misconceptions=typo) if "mean_square returns nothing" in sentence
    ]
    assert "has no attribute 'meen'" in found[0]
    assert "A misconception returns a wrong value" in found[0]


def test_a_right_answer_that_raises_is_told_once_and_alone(tmp_path: Path) -> None:
    typo = MISCONCEPTIONS.replace('torch.einsum("nd,nd->n", x, x)', 'torch.einsun("nd,nd->n", x, x)')
    report = audit(unit_with(tmp_path, misconceptions=typo), seeds=1)
    assert ["by_product, a right answer, returns nothing wherever it is asked" in p for p in report.problems] == [True]
    assert "worst error over tolerance inf" in report.as_text()


def test_points_are_whole_and_there_are_some(tmp_path: Path) -> None:
    found = problems(tmp_path, laws=LAWS.replace("points=2, where", "points=1.5, where"))
    assert any("is_even has 1.5 points. Points are whole numbers" in sentence for sentence in found)


def test_the_folder_and_the_unit_have_one_name(tmp_path: Path) -> None:
    (sentence,) = problems(tmp_path, laws=LAWS.replace('Unit("toy"', 'Unit("tow"'))
    assert "laws.py calls the unit 'tow', and its folder is 'toy'" in sentence


def test_a_page_is_drawn_of_whatever_is_wrong(tmp_path: Path) -> None:
    nan = MISCONCEPTIONS.replace('return torch.einsum("nd,nd->n", x, x)', "return x.sum(-1) * float('nan')")
    report = audit(unit_with(tmp_path, misconceptions=nan), seeds=1)
    assert not report.ok
    assert "<b>inf</b>" in as_page(report)


def test_a_test_whose_evidence_a_law_drops_counts_all_the_same(tmp_path: Path) -> None:
    end = "for row in range(len(claimed))\n    ]"
    kept = "\n    return [close(piece.margin, 0.0, tolerance=1.0) for piece in pieces]"
    dropped = RANDOM_LAWS.replace("    return [\n        mean_is(", "    pieces = [\n        mean_is(").replace(
        end, end + kept
    )
    assert dropped != RANDOM_LAWS
    report = audit(unit_with(tmp_path, dropped, RANDOM_MISCONCEPTIONS), seeds=1)
    assert report.units["toy"][0].false_alarm == pytest.approx(4e-11)


def test_two_misconceptions_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="defines norm twice; only the last would be tried"):
        problems(tmp_path, misconceptions=MISCONCEPTIONS.replace("def mean_square", "def norm"))
