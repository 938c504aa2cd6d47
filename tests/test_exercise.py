"""What an exercise's declaration means for its answers: precision of what comes back, and how much a slow one is asked."""

from __future__ import annotations

import pytest
import torch
from jaxtyping import Float
from torch import Tensor

from autograder.answer import Answer, Fault, LocalTransport
from autograder.domains import Positive, Simplex
from autograder.evidence import at_least
from autograder.exercise import Exercise, Unit
from autograder.judge import check_exercise, configurations, generator_for
from autograder.session import Session

unit = Unit("precision", "Precision", minutes=1)


@unit.exercise(batch="n", measure="none", rows=10)
def many(x: Float[Tensor, "n 2"]) -> Float[Tensor, "n"]:  # pyright: ignore
    """A number a row."""


@unit.exercise(measure="none", rows=5, slow=True)
def one(x: Float[Tensor, "2"]) -> Float[Tensor, ""]:  # pyright: ignore
    """One number."""


@unit.exercise(measure="none", rows=5)
def size(x: Float[Tensor, "2"]) -> float:  # pyright: ignore
    """A number that is no tensor."""


@unit.exercise(measure="none", rows=5)
def word(x: Float[Tensor, "2"]) -> str:  # pyright: ignore
    """A word."""


for exercise in (many, one):

    @exercise.law(points=1, decisive=True, where=dict(x=Positive()))
    def is_positive(answer, x):
        """The number is positive."""
        return at_least(answer(x), 1.0, slack=0.0)

    @exercise.law(points=1, where=dict(x=Positive()))
    def is_still_positive(answer, x):
        """The number is positive."""
        return at_least(answer(x), 1.0, slack=0.0)


def answer_to(exercise: Exercise, function: object) -> Answer:
    session = Session()
    session.names[exercise.name] = function
    return Answer(exercise, LocalTransport(session))


def test_a_result_coarser_than_its_inputs_is_refused_with_a_reason() -> None:
    double = torch.ones(3, 2, dtype=torch.float64)
    with pytest.raises(Fault, match="must return float64 where its inputs are float64; float32 came back") as caught:
        answer_to(many, lambda x: torch.zeros(len(x)))(double)
    assert caught.value.kind == "wrong_dtype"


def test_a_result_finer_than_its_inputs_counts_at_their_precision() -> None:
    got = answer_to(many, lambda x: x.double().sum(-1))(torch.ones(3, 2))
    assert got.dtype == torch.float32


def test_a_single_number_may_have_any_precision() -> None:
    double = torch.ones(2, dtype=torch.float64)
    for function in (lambda x: float(x.sum()), lambda x: x.sum().float(), lambda x: x.sum()):
        assert float(answer_to(one, function)(double)) == 2.0


def test_a_number_or_a_word_is_one_and_one_a_row() -> None:
    row, rows = torch.ones(2), torch.ones(3, 2)
    for function in (lambda x: float(x.sum()), lambda x: x.sum()):
        assert answer_to(size, function)(row) == 2.0
        assert answer_to(size, function)(rows).tolist() == [2.0] * 3
    assert answer_to(word, lambda x: "two")(row) == "two"
    assert answer_to(word, lambda x: "two")(rows) == ["two"] * 3


@pytest.mark.parametrize("returned", ["two", None, [2.0], torch.ones(2), {"two": 2.0}])
def test_what_is_no_number_is_refused_where_one_is_declared(returned: object) -> None:
    for inputs in (torch.ones(2), torch.ones(3, 2)):
        with pytest.raises(Fault, match=r"must return a float; .* came back") as caught:
            answer_to(size, lambda x: returned)(inputs)
        assert caught.value.kind == "wrong_type"
    with pytest.raises(Fault, match="must return a float; the bool"):
        answer_to(size, lambda x: True)(torch.ones(2))
    with pytest.raises(Fault, match="must return a str"):
        answer_to(word, lambda x: 2.0)(torch.ones(2))


def test_without_listed_sizes_both_dtypes_are_tried() -> None:
    for exercise, law, dtypes in (
        (many, many.laws[0], [torch.float64, torch.float64, torch.float32]),  # decisive: a batch of one row, too
        (many, many.laws[1], [torch.float64, torch.float32]),
        (one, one.laws[0], [torch.float64, torch.float32]),
        (one, one.laws[1], [torch.float64]),  # an answer that searches is asked once
    ):
        tried = [inputs["x"] for inputs, _ in configurations(law, exercise, 0, torch.device("cpu"))]
        assert [x.dtype for x in tried] == dtypes
        assert [len(x) for x in tried].count(1) == (law is many.laws[0])


def test_a_slow_exercise_gets_its_rows_without_corners_and_is_not_shrunk() -> None:
    calls = 0

    def wrong(x: Tensor) -> float:
        nonlocal calls
        calls += 1
        return 0.0

    verdict = check_exercise(one, LocalTransport(answer_to(one, wrong).transport.session))  # type: ignore[attr-defined]
    assert verdict.status == "wrong"
    assert verdict.laws[0].witness is not None
    assert calls == 5 + 5 + 1  # both laws in float64, and the broken row once more by itself


def test_no_entry_of_a_simplex_is_below_its_smallest() -> None:
    generator = generator_for(many, many.laws[0], 0, 0)
    rows = Simplex(zeros=True, smallest=0.05).sample((5000, 4), generator)
    assert torch.allclose(rows.sum(-1), torch.ones(5000, dtype=torch.float64))
    assert float(rows[rows > 0].min()) >= 0.05 - 1e-12
    assert bool((rows == 0).any())
    assert float(Simplex(smallest=0.05).sample((5000, 4), generator).min()) >= 0.05 - 1e-12
