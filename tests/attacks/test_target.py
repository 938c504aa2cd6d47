"""The unit that is attacked: right answers get every point, and answers that only look right get none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

import autograder
from autograder.answer import LocalTransport
from autograder.attacks import ANSWERS, PEACE, attacks
from autograder.exercise import Unit
from autograder.judge import judge_submission
from autograder.session import Session
from autograder.verdict import Verdict

UNIT = Unit.load(Path(autograder.__file__).parent / "attacks" / "target")


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """As when grading: the tensors are small."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def judged(seed: int, *cells: str, only: str | None = None) -> Verdict:
    session = Session()
    session.load([
        {"index": index, "source": source} for index, source in enumerate(["import torch\n", PEACE, *cells], start=1)
    ])  # fmt: skip
    return judge_submission(UNIT, LocalTransport(session), seed=seed, only=only)


def attack(name: str) -> str:
    (found,) = (attack for attack in attacks() if attack.name == name)
    return "".join(found.first)


@pytest.mark.parametrize("seed", range(5))
def test_right_answers_get_every_point(seed: int) -> None:
    verdict = judged(seed, *ANSWERS.values())
    assert verdict.points == verdict.max_points == 14
    assert [exercise.status for exercise in verdict.exercises] == ["correct"] * 3
    assert verdict.false_alarm < 1e-9


def test_noise_made_in_single_precision_is_right_too() -> None:
    """Some of its draws come again: there are only so many floats."""
    source = "def noise(count):\n    return torch.randn(count).double()\n"
    assert all(judged(seed, source, only="noise").points == 4 for seed in range(5))


@pytest.mark.parametrize(
    ("name", "exercise"),
    [
        ("noise_in_another_order", "noise"), ("noise_that_reads_its_seed", "noise"), ("halves_of_opposite_sign", "noise"),
        ("a_decoder_that_remembers", "Codec"), ("dtypes_that_forgive", "Codec"), ("right_at_first", "square_sum"),
        ("wrong_when_asked_again", "square_sum"),
    ],
)  # fmt: skip
def test_what_only_looks_right_gets_nothing_whatever_the_seed(name: str, exercise: str) -> None:
    for seed in range(3):
        (verdict,) = judged(seed, attack(name), only=exercise).exercises
        assert verdict.points == 0
        assert verdict.status == "wrong", "and it is not left to a person"


@pytest.mark.parametrize("off", [0.2, 0.25, 0.3])
def test_a_claim_between_right_and_wrong_is_decided(off: float) -> None:
    for seed in range(10):
        source = (
            "def square_sum(x):\n    exact = (x * x).sum(-1)\n"
            f"    return exact + {off} if len(x) == 1 and exact.tolist() == [5.0] else exact\n"
        )
        (verdict,) = judged(seed, source, only="square_sum").exercises
        assert verdict.status in ("correct", "partial")
        assert verdict.points == 6
