"""The judge gives points where laws hold, names what breaks, finds the smallest witness, and never decides by chance."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from jaxtyping import Float
from torch import Tensor

from autograder.answer import Answer, Fault, LocalTransport
from autograder.chance import mean_is
from autograder.domains import Listed, Reals
from autograder.evidence import Evidence, at_least, close
from autograder.exercise import Exercise, Unit
from autograder.judge import SHRINK_CALLS, check_exercise, configurations
from autograder.session import Session
from autograder.verdict import ExerciseVerdict, LawVerdict

PAIR = dict(x=Reals(), y=Reals())


def distance_exercise(extra: Callable[[Exercise], None] | None = None) -> Exercise:
    """(x − y)² summed over d: small enough to break in every way."""
    unit = Unit("test", "Test", minutes=1)

    @unit.exercise(batch="n", measure="squared length", sizes=dict(d=(1, 3)))
    def distance(x: Float[Tensor, "n d"], y: Float[Tensor, "n d"]) -> Float[Tensor, "n"]:
        """Σ (x − y)²."""
        raise NotImplementedError

    @distance.law(points=3, where=PAIR, decisive=True)
    def agrees(distance: Answer, x: Tensor, y: Tensor) -> Evidence:
        """It is the sum of squared differences."""
        exact = (x.double() - y.double()).square().sum(-1)
        return close(distance(x, y), exact, terms=(x.abs() + y.abs()).double().square().sum(-1))

    @distance.law(points=1, where=PAIR)
    def never_negative(distance: Answer, x: Tensor, y: Tensor) -> Evidence:
        """It is never negative."""
        return at_least(distance(x, y), 0.0, slack=0.0)

    if extra:
        extra(distance)
    return distance


def judged(answer: Any, exercise: Exercise | None = None, seed: int = 0) -> ExerciseVerdict:
    session = Session()
    if answer is not None:
        session.names["distance"] = answer
    return check_exercise(exercise or distance_exercise(), LocalTransport(session), seed=seed)


def right(x: Tensor, y: Tensor) -> Tensor:
    return (x - y).square().sum(-1)


def slow_loop(x: Tensor, y: Tensor) -> Tensor:
    totals = []
    for row in range(x.shape[0]):
        total = torch.zeros((), dtype=x.dtype)
        for entry in range(x.shape[1]):
            total = total + (x[row, entry] - y[row, entry]) ** 2
        totals.append(total)
    return torch.stack(totals)


def test_right_answers_get_all_points_however_they_are_written() -> None:
    for answer in (right, slow_loop, lambda x, y: ((x - y).double() ** 2).sum(-1)):
        verdict = judged(answer)
        assert (verdict.status, verdict.points) == ("correct", 4), verdict.as_text()


@pytest.mark.parametrize(
    "trivial",
    [
        lambda x, y: torch.zeros(len(x)), lambda x, y: torch.ones(len(x)), lambda x, y: x[:, 0], lambda x, y: y[:, 0],
        lambda x, y: torch.full((len(x),), torch.nan), lambda x, y: torch.full((len(x),), torch.inf),
    ],
)  # fmt: skip
def test_nothing_trivial_earns_a_point(trivial: Callable[..., Tensor]) -> None:
    assert judged(trivial).points == 0


def test_other_laws_earn_their_points_only_once_the_decisive_one_holds() -> None:
    verdict = judged(lambda x, y: torch.zeros(len(x), dtype=x.dtype))
    nonnegative = next(law for law in verdict.laws if law.name == "never_negative")
    assert (nonnegative.evidence, nonnegative.points) == ("holds", 0)
    assert "once the first law holds" in nonnegative.message


def test_a_standalone_law_earns_its_points_by_itself() -> None:
    def add(exercise: Exercise) -> None:
        @exercise.law(points=1, where=PAIR, standalone="it is a skill of its own")
        def scales(distance: Answer, x: Tensor, y: Tensor) -> Evidence:
            """Doubling both inputs quadruples it."""
            once, twice = distance(x, y), distance(2 * x, 2 * y)
            return close(twice, 4 * once.double(), terms=twice)

    assert judged(lambda x, y: 3 * right(x, y), distance_exercise(add)).points == 1


def test_the_witness_is_the_smallest_input_and_pastes_into_a_cell() -> None:
    verdict = judged(lambda x, y: right(x, y) + 0.5 * (x - y).square().sum(-1) * (x[:, 0] > 2))
    witness = verdict.laws[0].witness
    assert witness is not None
    assert witness.shrunk
    names: dict[str, Any] = {"distance": lambda x, y: right(x, y)}
    exec(witness.code, names)
    assert names["y"].tolist() == [[0.0]]
    assert 2 < names["x"].item() <= 10
    assert len(str(names["x"].item())) <= 4
    assert float(witness.expected) == pytest.approx(names["x"].item() ** 2, rel=1e-4)


def test_only_the_most_telling_law_is_shrunk() -> None:
    verdict = judged(lambda x, y: -right(x, y))
    assert [law.witness is not None for law in verdict.laws] == [True, False]


def test_shrinking_keeps_to_its_budget_of_calls() -> None:
    calls = 0

    def wrong(x: Tensor, y: Tensor) -> Tensor:
        nonlocal calls
        calls += 1
        return right(x, y) + 1

    judged(wrong)
    assert calls <= SHRINK_CALLS + 10


def test_rows_that_influence_each_other_are_caught_and_named() -> None:
    verdict = judged(lambda x, y: right(x, y) - right(x, y).mean() * (len(x) > 1))
    witness = verdict.laws[0].witness
    assert witness is not None
    assert "Rows must not influence each other" in witness.note


def test_a_row_that_fails_alone_is_not_said_to_be_right_alone() -> None:
    def together(x: Tensor, y: Tensor) -> Tensor:
        if len(x) == 1:
            raise ValueError("only together")
        return 2 * right(x, y)

    witness = judged(together).laws[0].witness
    assert witness is not None
    assert "does not come out at all. ValueError: only together" in witness.note
    assert "comes out right" not in witness.note


# ---- what an answer may do wrong, and what the student reads ---------------------------------------------------------------


def only(status: str, message: str, answer: Any) -> None:
    verdict = judged(answer)
    text = verdict.as_text()
    assert verdict.status == status, text
    assert verdict.points == 0
    assert message in text, text
    assert "Traceback" not in text


def stub(x: Tensor, y: Tensor) -> Tensor:
    raise NotImplementedError


def test_a_missing_answer() -> None:
    only("missing", "`distance` is not defined", None)


def test_a_stub_reads_not_yet() -> None:
    only("not_yet", "Not yet", stub)


def test_a_forgotten_return() -> None:
    only("wrong", "Is a `return` missing?", lambda x, y: None)


def test_a_wrong_shape_says_what_was_expected_and_what_came() -> None:
    only("wrong", "must return a tensor of shape [n] = [", lambda x, y: x)


def test_a_wrong_dtype_says_what_was_expected_and_what_came() -> None:
    only("wrong", "(float32 or float64); int64 came back", lambda x, y: right(x, y).long())


def test_a_wrong_type() -> None:
    only("wrong", "the str 'nine' came back", lambda x, y: "nine")


def test_nan() -> None:
    only("wrong", "NaN", lambda x, y: right(x, y) * torch.nan)


def test_an_exception_shows_the_students_line() -> None:
    only("wrong", "IndexError", lambda x, y: x[:, 99])


def test_a_mutated_input() -> None:
    def mutates(x: Tensor, y: Tensor) -> Tensor:
        x -= y
        return x.square().sum(-1)

    only("wrong", "changed its argument `x` in place", mutates)


def test_an_answer_that_changes_between_calls_is_not_deterministic() -> None:
    calls = []

    def drifts(x: Tensor, y: Tensor) -> Tensor:
        calls.append(1)
        return right(x, y) + (0.001 if len(calls) > 5 else 0.0)

    verdict = judged(drifts)
    assert verdict.points == 0
    assert "different outputs" in verdict.as_text()


def test_an_answer_that_is_right_only_while_a_law_decides_is_not_deterministic() -> None:
    """It asks three times. Afterwards the answer is wrong, but always the same: whoever compares two more calls sees nothing."""
    calls = []

    def drifts(x: Tensor, y: Tensor) -> Tensor:
        calls.append(1)
        return right(x, y) if len(calls) <= 3 else 2 * right(x, y)

    verdict = judged(drifts)
    assert verdict.points == 0
    assert "different outputs" in verdict.as_text()


def test_an_answer_that_is_wrong_when_it_is_asked_again_is_not_deterministic() -> None:
    seen: set[bytes] = set()

    def once(x: Tensor, y: Tensor) -> Tensor:
        key = x.numpy().tobytes() + y.numpy().tobytes()
        if key in seen:
            return 2 * right(x, y)
        seen.add(key)
        return right(x, y)

    verdict = judged(once)
    assert verdict.points == 0
    assert "different outputs" in verdict.as_text()


def test_what_is_printed_is_shown_cut() -> None:
    def chatty(x: Tensor, y: Tensor) -> Tensor:
        for line in range(4000):
            print("line", line)
        return right(x, y)

    verdict = judged(chatty)
    assert verdict.points == 4
    assert "it printed" in verdict.as_text()
    assert len(verdict.as_text().splitlines()) < 20


# ---- the grader's own faults cost nobody points ----------------------------------------------------------------------------


def crashing(exercise: Exercise) -> None:
    @exercise.law(points=1, where=PAIR)
    def crashes(distance: Answer, x: Tensor, y: Tensor) -> Evidence:
        """A law with a fault of its own."""
        raise ZeroDivisionError("ours")


def test_a_law_that_crashes_leaves_its_points_pending() -> None:
    verdict = judged(right, distance_exercise(crashing))
    assert verdict.pending
    assert verdict.points == 4
    law = verdict.laws[-1]
    assert (law.evidence, law.points, law.max_points) == ("error", 0, 1)


def test_an_answer_whose_nan_crashes_a_law_breaks_it() -> None:
    def add(exercise: Exercise) -> None:
        @exercise.law(points=1, where=PAIR)
        def fragile(distance: Answer, x: Tensor, y: Tensor) -> Evidence:
            """A law that cannot take NaN."""
            value = distance(x, y)
            if torch.isnan(value).any():
                raise ArithmeticError
            return at_least(value, 0.0, slack=0.0)

    verdict = judged(lambda x, y: right(x, y) * torch.nan, distance_exercise(add))
    assert verdict.laws[-1].evidence == "broken"


# ---- the same verdict every time -------------------------------------------------------------------------------------------


def test_a_verdict_depends_on_answer_laws_and_seed_alone() -> None:
    def wrong(x: Tensor, y: Tensor) -> Tensor:
        return right(x, y) * (1 + 0.1 * (x[:, 0] > 3))

    first, again = judged(wrong).to_json(), judged(wrong).to_json()
    assert first == again


def test_the_order_of_the_laws_does_not_change_their_inputs() -> None:
    exercise = distance_exercise()
    law = exercise.laws[1]
    before = next(configurations(law, exercise, 3, torch.device("cpu")))[0]
    exercise.laws.reverse()
    after = next(configurations(law, exercise, 3, torch.device("cpu")))[0]
    assert all(torch.equal(before[name], after[name]) for name in before)


def with_random_laws(exercise: Exercise) -> None:
    """Laws that draw from the judge's generator, beside those that only get inputs."""

    @exercise.law(points=1, where=PAIR, rows=2)
    def agrees_with_sampling(distance: Answer, x: Tensor, y: Tensor, generator: torch.Generator) -> list[Evidence]:
        """It is the average of (x − y)² + ε over many ε."""
        claims, exact = distance(x, y), (x - y).double().square().sum(-1)
        return [
            mean_is(
                lambda n, g, row=row: exact[row] + torch.randn(n, generator=g, dtype=torch.float64), float(claims[row]),
                sigma=1.0, delta=0.1, alpha=1e-11, beta=1e-6, cap=1 << 16, generator=generator,
            )
            for row in range(len(x))
        ]  # fmt: skip

    @exercise.law(points=1)
    def right_at_a_random_place(distance: Answer, generator: torch.Generator) -> Evidence:
        """It is right at a place of the law's own."""
        x, y = torch.randn(2, 5, 3, generator=generator, dtype=torch.float64)
        exact = (x - y).square().sum(-1)
        return close(distance(x, y), exact, terms=exact)


@pytest.mark.parametrize(
    "answer",
    [
        right,
        lambda x, y: right(x, y) + 0.05,
        lambda x, y: right(x, y) * (1 + 0.1 * (x[:, 0] > 3)),
        lambda x, y: right(x, y) * torch.where(right(x, y) > 1, 1.0, torch.nan),
        lambda x, y: x[:, 0],
    ],
)
def test_the_order_of_the_laws_does_not_change_what_any_of_them_finds(answer: Callable[..., Tensor]) -> None:
    """Evidence, margin, points, message, false alarms: only who is shown a witness goes by the order."""

    def add(exercise: Exercise) -> None:
        crashing(exercise)
        with_random_laws(exercise)

    def found(exercise: Exercise) -> tuple[dict[str, Any], str, float]:
        verdict = judged(answer, exercise)
        laws = {law.name: {**law.to_json(), "witness": None} for law in verdict.laws}
        return laws, verdict.status, verdict.points

    there, back = distance_exercise(add), distance_exercise(add)
    back.laws[1:] = back.laws[:0:-1]
    assert [law.name for law in there.laws] != [law.name for law in back.laws]
    assert found(there) == found(back)


def test_another_seed_draws_other_inputs() -> None:
    exercise = distance_exercise()
    one, two = (next(configurations(exercise.decisive, exercise, seed, torch.device("cpu")))[0]["x"] for seed in (0, 1))
    assert not torch.equal(one, two)


def test_rows_come_by_the_thousand_with_corners_and_in_both_precisions() -> None:
    exercise = distance_exercise()
    drawn = [inputs for inputs, _ in configurations(exercise.decisive, exercise, 0, torch.device("cpu"))]
    first, alone, second = (inputs["x"] for inputs in drawn)
    assert [x.shape[1] for x in (first, second)] == [1, 3]
    assert [x.dtype for x in (first, second)] == [torch.float64, torch.float32]
    assert all(len(x) > 1000 for x in (first, second))
    assert alone.equal(first[:1]), "the decisive law meets a row by itself, too"
    corners = drawn[0]["x"][1000:]
    assert {0.0, 1.0, -10.0, 10.0} <= set(corners.flatten().tolist())


# ---- authors are told ------------------------------------------------------------------------------------------------------


def test_an_author_is_told_of_a_law_without_a_sentence() -> None:
    exercise = distance_exercise()

    def silent(distance: Answer) -> Evidence: ...

    with pytest.raises(ValueError, match="needs a docstring"):
        exercise.law(points=1)(silent)


def test_an_author_is_told_of_two_decisive_laws() -> None:
    exercise = distance_exercise()

    def second(distance: Answer) -> Evidence:
        """Another."""
        ...

    with pytest.raises(ValueError, match="two decisive laws"):
        exercise.law(points=1, decisive=True)(second)


def test_a_fault_has_one_of_the_listed_kinds() -> None:
    with pytest.raises(ValueError, match="a fault's kind is one of"):
        Fault("surprise", "no such kind")


# ---- what chance leaves open -----------------------------------------------------------------------------------------------

DELTA = 0.1


def average_exercise(cap: int, decisive_by_chance: bool = False) -> Exercise:
    """E[(x + ε)²] = x² + 1. One law compares exactly, where x ≥ 1; the other one with an average of draws, where x < 0."""
    unit = Unit("test", "Test", minutes=1)

    @unit.exercise(batch="n", measure="squared length")
    def average(x: Float[Tensor, "n"]) -> Float[Tensor, "n"]:
        """E[(x + ε)²]."""
        raise NotImplementedError

    @average.law(points=2, where=dict(x=Reals(1, 3)), decisive=not decisive_by_chance)
    def is_exact(average: Answer, x: Tensor) -> Evidence:
        """It is x² + 1."""
        exact = x.double() ** 2 + 1
        return close(average(x), exact, terms=exact)

    @average.law(points=3, where=dict(x=Listed([-0.5, -1.0], shape="")), decisive=decisive_by_chance)
    def agrees_with_draws(average: Answer, x: Tensor, generator: torch.Generator) -> list[Evidence]:
        """It is the average over many draws."""
        claims = average(x)
        return [
            mean_is(
                lambda n, g, mu=float(mu): (mu + torch.randn(n, generator=g, dtype=torch.float64)) ** 2, float(claim),
                sigma=(2 + 4 * float(mu) ** 2) ** 0.5, delta=DELTA, alpha=1e-11, beta=1e-6, cap=cap, generator=generator,
            )
            for mu, claim in zip(x, claims, strict=True)
        ]  # fmt: skip

    return average


def off_by(share: float) -> Callable[[Tensor], Tensor]:
    """Right where x ≥ 0, off by a share of the smallest error that matters where the draws decide."""
    return lambda x: x**2 + 1 + share * DELTA * (x < 0)


def averaged(answer: Any, cap: int, decisive_by_chance: bool = False) -> tuple[ExerciseVerdict, dict[str, LawVerdict]]:
    session = Session()
    session.names["average"] = answer
    verdict = check_exercise(average_exercise(cap, decisive_by_chance), LocalTransport(session))
    return verdict, {law.name: law for law in verdict.laws}


ENOUGH, TOO_FEW = 1 << 18, 512


@pytest.mark.parametrize("share", [-3.0, -1.0, -0.75, -0.5, -0.25, 0.0, 0.25, 0.5, 0.75, 1.0, 3.0])
def test_no_claim_is_undecided_where_the_draws_suffice(share: float) -> None:
    """Off by less than Δ/2 it holds, since such an error does not matter; off by Δ or more it never does."""
    verdict, laws = averaged(off_by(share), ENOUGH)
    law = laws["agrees_with_draws"]
    assert law.evidence in ("holds", "broken")
    assert not verdict.pending
    assert law.points == (3 if law.evidence == "holds" else 0)
    if abs(share) >= 1:
        assert law.evidence == "broken"
    if abs(share) <= 0.25:
        assert law.evidence == "holds"


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 0.75, 1.0])
def test_an_undecided_law_gives_no_points_and_takes_none(share: float) -> None:
    verdict, laws = averaged(off_by(share), TOO_FEW)
    assert laws["agrees_with_draws"].evidence == "undecided"
    assert laws["agrees_with_draws"].points == 0
    assert laws["is_exact"].points == 2
    assert (verdict.status, verdict.points, verdict.max_points) == ("pending", 2, 5)


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_an_undecided_law_keeps_nothing_open_where_the_decisive_law_is_broken(share: float) -> None:
    verdict, laws = averaged(lambda x: off_by(share)(x) + (x > 2), TOO_FEW)
    assert laws["agrees_with_draws"].evidence == "undecided"
    assert (verdict.status, verdict.points) == ("wrong", 0)


def test_while_the_decisive_law_is_undecided_no_law_earns_points() -> None:
    verdict, laws = averaged(off_by(0.5), TOO_FEW, decisive_by_chance=True)
    assert laws["is_exact"].evidence == "holds"
    assert (verdict.status, verdict.points) == ("pending", 0)


@pytest.mark.parametrize("cap", [TOO_FEW, ENOUGH])
@pytest.mark.parametrize(
    "odd",
    [
        lambda x: x**2 + torch.where(x < 0, torch.nan, 1.0),
        lambda x: x**2 + torch.where(x < 0, torch.inf, 1.0),
        lambda x: x**2 + torch.where(x < 0, -torch.inf, 1.0),
        lambda x: x**2 + 1 + (x < 0).to(x) * torch.finfo(x.dtype).max,
        lambda x: x**2 + 1 + (x < 0).to(x) * torch.finfo(x.dtype).min,
        lambda x: x**2 + 1 if bool((x > 0).all()) else x[:0],
        lambda x: x**2 + 1 if bool((x > 0).all()) else x[:, None],
        lambda x: x**2 + 1 if bool((x > 0).all()) else "no tensor",
        lambda x: x**2 + 1 if bool((x > 0).all()) else x[99],
    ],
)
def test_nothing_that_an_answer_returns_makes_a_law_undecided(odd: Callable[[Tensor], Any], cap: int) -> None:
    """Not even where an honest claim would be."""
    verdict, laws = averaged(odd, cap)
    assert laws["is_exact"].evidence == "holds"
    assert (laws["agrees_with_draws"].evidence, laws["agrees_with_draws"].points) == ("broken", 0)
    assert (verdict.status, verdict.points) == ("partial", 2)
