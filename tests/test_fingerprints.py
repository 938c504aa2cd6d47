"""An answer is recognised by what it does on the probes: values, shapes, changed inputs, slopes. Doubt means no diagnosis."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from autograder.answer import Fault, LocalTransport
from autograder.exercise import Exercise, Unit
from autograder.fingerprints import FILE, Outcome, apart, diagnose, tensor_from_json, tensor_to_json
from autograder.judge import check_exercise
from autograder.misconceptions import load
from autograder.probes import Indistinct, differences, generated, refresh, stale
from autograder.session import Session

LAWS = '''
import torch
from jaxtyping import Float
from torch import Tensor
from autograder.answer import tensor_claimed
from autograder.domains import Reals
from autograder.evidence import at_least, close, combine, true
from autograder.exercise import Unit

unit = Unit("tiny", "Tiny", minutes=5)
PAIR = dict(x=Reals(-3, 3), y=Reals(-3, 3))


@unit.exercise(batch="n", measure="squared length", sizes=dict(d=(1, 3)), rows=50)
def gap(x: Float[Tensor, "n d"], y: Float[Tensor, "n d"]) -> Float[Tensor, "n"]:
    """Σ (x − y)²."""


@gap.law(points=2, decisive=True, where=PAIR)
def is_the_sum_of_squares(gap, x, y):
    """It is Σ (x − y)²."""
    exact = (x.double() - y.double()).square().sum(-1)
    return close(gap(x, y), exact, terms=(x.abs() + y.abs()).double().square().sum(-1))


@gap.law(points=1, where=PAIR)
def slope_is_twice_the_difference(gap, x, y):
    """Its slope in y is 2(y − x)."""
    exact = 2 * (y.double() - x.double())
    return close(gap.gradient(x, y, wrt="y"), exact, terms=8 + 0 * exact)


@unit.exercise(measure="the mean of all that was seen")
class RunningMean:
    """update(x) takes numbers; mean() is the mean of all so far."""

    def __init__(self) -> None: ...


@RunningMean.law(points=1, where=dict(x=Reals(shape="6")), rows=4, decisive=True)
def remembers(RunningMean, x):
    """After two batches the mean is that of all numbers."""
    return close(torch.stack([after_two(RunningMean, row) for row in x]), x.double().mean(-1), terms=x.abs().sum(-1))


def after_two(RunningMean, row):
    running = RunningMean()
    running.update(row[:1])
    running.update(row[1:])
    return tensor_claimed(running.mean()).to(row.dtype)


@RunningMean.probe()
def means_of_two_streams(RunningMean):
    """The means of two streams, one after the other: what is kept between instances shows in the second."""
    streams = torch.tensor([[1.0, 2.5, -4.0, 0.25], [3.0, 0.5, 7.0, 7.0]], dtype=torch.float64)
    return [after_two(RunningMean, stream) for stream in streams]


@unit.exercise(measure="draws", deterministic=False)
def noise(scale: Float[Tensor, ""], count: int) -> Float[Tensor, "count"]:
    """Draws of N(0, scale²)."""


@noise.law(points=1, decisive=True)
def is_spread(noise, generator):
    """The mean square is scale²; within 5 of its standard errors of √(2/count)·scale²."""
    draws = noise.seeded(0)(torch.tensor(2.0, dtype=torch.float64), 20_000)
    return true((draws.square().mean() - 4.0).abs().reshape(1) < 0.2, what="the mean square is scale²")


@noise.probe(tolerance=0.3)
def second_and_fourth_moment(noise):
    """Of 20,000 draws at scale 1. The fourth moment of normal ones has a standard error of √(96/20000) = 0.07: four of these."""
    draws = noise.seeded(3)(torch.tensor(1.0, dtype=torch.float64), 20_000)
    return draws.square().mean(), draws.pow(4).mean()
'''

HEAD = """
import torch
from autograder.misconceptions import misconception, variation


def wrong(exercise, belief, **more):
    return misconception(exercise, belief=belief, story=f"The story of: {belief}.", caught_by=("a law",), **more)


@variation("gap", "a norm")
def norm(x, y):
    return torch.linalg.vector_norm(x - y, dim=-1) ** 2
"""

GAPS = """
@wrong("gap", "dimensions are averaged")
def mean_over_dimensions(x, y):
    return ((x - y) ** 2).mean(-1)


@wrong("gap", "the sum is somebody else's business")
def not_summed(x, y):
    return (x - y) ** 2


@wrong("gap", "two numbers are better than one")
def two_results(x, y):
    return ((x - y) ** 2).sum(-1), (x - y).abs().sum(-1)


@wrong("gap", "y is a constant")
def detached(x, y):
    return ((x - y.detach()) ** 2).sum(-1)


@wrong("gap", "inputs may be written to")
def in_place(x, y):
    x -= y
    return (x * x).sum(-1)


@wrong("gap", "the batch has one loss")
def one_for_the_batch(x, y):
    return ((x - y) ** 2).sum(-1).mean().expand(len(x))


@wrong("gap", "an expectation must be sampled")
def sampled(x, y):
    return ((x - y) ** 2).sum(-1) * (1 + 0.01 * torch.randn(len(x)))
"""

MEANS = """
@variation("RunningMean", "a list")
class Listed:
    def __init__(self):
        self.seen = []

    def update(self, x):
        self.seen.append(x)

    def mean(self):
        return torch.cat(self.seen).mean()


@wrong("RunningMean", "a mean of means is a mean")
class OfMeans:
    def __init__(self):
        self.means = []

    def update(self, x):
        self.means.append(x.mean())

    def mean(self):
        return torch.stack(self.means).mean()


@wrong("RunningMean", "a class attribute belongs to the instance")
class Shared:
    seen = []

    def update(self, x):
        self.seen.append(x)

    def mean(self):
        return torch.cat(self.seen[-4:]).mean()
"""

NOISES = """
@variation("noise", "torch.normal")
def with_normal(scale, count):
    return torch.normal(torch.zeros(count, dtype=scale.dtype), scale)


@wrong("noise", "noise is noise")
def uniform(scale, count):
    return scale * 3**0.5 * (2 * torch.rand(count, dtype=scale.dtype) - 1)


@wrong("noise", "the scale is a variance")
def root_of_scale(scale, count):
    return 2 * scale.sqrt() * torch.randn(count, dtype=scale.dtype)
"""

MISCONCEPTIONS = HEAD + GAPS + MEANS + NOISES


def write(folder: Path, misconceptions: str = MISCONCEPTIONS, laws: str = LAWS) -> Path:
    folder = folder / "tiny"
    folder.mkdir()
    (folder / "laws.py").write_text(laws, encoding="utf-8")
    (folder / "misconceptions.py").write_text(misconceptions, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write(tmp_path_factory.mktemp("fingerprints"))
    assert refresh(folder)
    return folder


def named(folder: Path, name: str, answer: Any) -> str | None:
    """The name of the diagnosis that this answer to the exercise `name` gets."""
    session = Session()
    session.names[name] = answer
    diagnosis = diagnose(Unit.load(folder).exercises[name], LocalTransport(session))
    return diagnosis.name if diagnosis else None


# ---- recognised ----------------------------------------------------------------------------------------------------------


def test_every_misconception_is_recognised_and_no_variation(tiny: Path) -> None:
    got = {entry.name: named(tiny, entry.exercise, entry.function) for entry in load(tiny)}
    assert got == {entry.name: None if entry.right else entry.name for entry in load(tiny)}


def loop(x: Tensor, y: Tensor) -> Tensor:
    rows = [
        sum((a - b) ** 2 for a, b in zip(p, q, strict=True)) / len(p)
        for p, q in zip(x.tolist(), y.tolist(), strict=True)
    ]
    return torch.tensor(rows, dtype=x.dtype)


def squares(x: Tensor, y: Tensor) -> Tensor:
    return x * x - 2 * x * y + y * y


def writes(x: Tensor, y: Tensor) -> Tensor:
    x.sub_(y).square_()
    return torch.einsum("nd->n", x)


def draws(x: Tensor, y: Tensor) -> Tensor:
    return ((x - y + torch.randn(100, *x.shape, dtype=x.dtype)) ** 2).sum(-1).mean(0) - x.shape[1]


@pytest.mark.parametrize(
    ("answer", "name"),
    [
        (loop, "mean_over_dimensions"),
        (squares, "not_summed"),
        (lambda x, y: [squares(x, y).sum(-1), torch.linalg.vector_norm(x - y, ord=1, dim=1)], "two_results"),
        (lambda x, y: squares(x, y.clone().detach()).sum(-1), "detached"),
        (writes, "in_place"),
        (lambda x, y: squares(x, y).sum() / len(x) + torch.zeros(len(x), dtype=x.dtype), "one_for_the_batch"),
        (draws, "sampled"),
    ],
)
def test_written_another_way_it_is_still_recognised(tiny: Path, answer: Callable[..., Any], name: str) -> None:
    assert named(tiny, "gap", answer) == name


def test_a_class_is_recognised_by_the_authors_own_probe(tiny: Path) -> None:
    class Averages:
        def __init__(self) -> None:
            self.total, self.count = 0.0, 0

        def update(self, x: Tensor) -> None:
            self.total, self.count = self.total + x.sum() / len(x), self.count + 1

        def mean(self) -> Any:
            return self.total / self.count

    assert named(tiny, "RunningMean", Averages) == "OfMeans"


def test_a_sampler_is_recognised_within_the_stated_tolerance(tiny: Path) -> None:
    def by_sum(scale: Tensor, count: int) -> Tensor:
        return scale * 12**0.5 * (torch.rand(count, dtype=scale.dtype) - 0.5)

    def triangular(scale: Tensor, count: int) -> Tensor:
        return scale * 6**0.5 * (torch.rand(count, dtype=scale.dtype) - torch.rand(count, dtype=scale.dtype))

    assert named(tiny, "noise", by_sum) == "uniform"
    assert named(tiny, "noise", triangular) is None  # its fourth moment is 2.4: neither 1.8 nor 3


# ---- never recognised ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        lambda x, y: squares(x, y).sum(-1),
        lambda x, y: squares(x, y).sum(-1) * 1.001,
        lambda x, y: squares(x, y).mean(-1) * (1 + 1e-6),
        lambda x, y: squares(x, y).mean(-1).float(),
        lambda x, y: squares(x, y).mean(-1, keepdim=True),
        lambda x, y: squares(x.detach(), y).sum(-1),
        lambda x, y: torch.zeros(len(x), dtype=x.dtype),
        lambda x, y: None,
        lambda x, y: "nine",
        lambda x, y: {"gap": squares(x, y)},
        lambda x, y: x[:, 99],
        lambda x, y: (_ for _ in ()).throw(MemoryError()),
    ],
    ids=["right", "like nothing", "nearly", "coarse", "another shape", "the other one detached", "zeros", "nothing returned",
         "a word", "a dictionary", "an exception", "a limit"],
)  # fmt: skip
def test_what_is_like_no_misconception_is_not_diagnosed(tiny: Path, answer: Callable[..., Any]) -> None:
    assert named(tiny, "gap", answer) is None


def test_what_is_not_there_is_not_diagnosed(tiny: Path) -> None:
    assert diagnose(Unit.load(tiny).exercises["gap"], LocalTransport(Session())) is None


def edited(tiny: Path, tmp_path: Path, edit: Callable[[dict[str, Any]], None]) -> Path:
    """The unit with its fingerprints changed."""
    folder = write(tmp_path)
    data = json.loads((tiny / FILE).read_text(encoding="utf-8"))
    edit(data)
    (folder / FILE).write_text(json.dumps(data), encoding="utf-8")
    return folder


def test_where_two_misconceptions_match_there_is_no_guess(tiny: Path, tmp_path: Path) -> None:
    def twice(data: dict[str, Any]) -> None:
        known = data["exercises"]["gap"]["misconceptions"]
        known["its_twin"] = known["mean_over_dimensions"]

    assert named(edited(tiny, tmp_path, twice), "gap", loop) is None


def test_only_a_broken_exercise_is_diagnosed(tiny: Path, tmp_path: Path) -> None:
    """Were the file so wrong that a right answer looked like a misconception, its verdict would still say that it is right."""

    def right_for_wrong(data: dict[str, Any]) -> None:
        known = data["exercises"]["gap"]
        known["misconceptions"] = {"detached": {**known["misconceptions"]["detached"], "slopes": {}}}

    folder = edited(tiny, tmp_path, right_for_wrong)

    def right(x: Tensor, y: Tensor) -> Tensor:
        return squares(x, y).sum(-1)

    assert named(folder, "gap", right) == "detached"
    assert verdict_on(folder, right).diagnosis is None
    assert verdict_on(folder, right).status == "correct"


def verdict_on(folder: Path, answer: Any) -> Any:
    session = Session()
    session.names["gap"] = answer
    return check_exercise(Unit.load(folder).exercises["gap"], LocalTransport(session))


def test_the_verdict_carries_belief_story_and_where_to_read_on(tiny: Path) -> None:
    diagnosis = verdict_on(tiny, loop).diagnosis
    assert diagnosis.to_json() == {
        "name": "mean_over_dimensions", "belief": "dimensions are averaged",
        "story": "The story of: dimensions are averaged.", "read_on": "",
    }  # fmt: skip


# ---- grading goes on whatever happens ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "", "not JSON", "[]", "{}", '{"schema": "dlvm-fingerprints/1"}', '{"schema": "another"}', "[" * 100_000,
        '{"schema": "dlvm-fingerprints/1", "exercises": {"gap": {"probes": [{"inputs": 3}], "misconceptions": []}}}',
        '{"schema": "dlvm-fingerprints/1", "exercises": {"gap": {"probes": [], "misconceptions": {"a": null}}}}',
    ],
)  # fmt: skip
def test_a_damaged_file_costs_the_diagnosis_and_nothing_else(tmp_path: Path, text: str) -> None:
    folder = write(tmp_path)
    (folder / FILE).write_text(text, encoding="utf-8")
    verdict = verdict_on(folder, loop)
    assert (verdict.status, verdict.diagnosis) == ("wrong", None)


def test_any_entry_left_out_of_the_file_costs_the_diagnosis_at_most(tiny: Path, tmp_path: Path) -> None:
    keys = ["probes", "misconceptions", "slopes"]
    for number, key in enumerate(keys):
        (tmp_path / str(number)).mkdir()
        folder = edited(tiny, tmp_path / str(number), lambda data, key=key: data["exercises"]["gap"].pop(key))
        assert named(folder, "gap", loop) in (None, "mean_over_dimensions")
        assert verdict_on(folder, loop).status == "wrong"


def test_a_unit_without_fingerprints_is_judged_as_ever(tmp_path: Path) -> None:
    assert verdict_on(write(tmp_path), loop).status == "wrong"


def test_an_answer_that_fails_only_when_probed_keeps_its_verdict(tiny: Path) -> None:
    """The probes are no secret: an answer may know them, and gains nothing by it."""
    known = json.loads((tiny / FILE).read_text(encoding="utf-8"))["exercises"]["gap"]["probes"][0]["inputs"]["x"][0][0]

    class Dies(LocalTransport):
        def request(self, request: dict[str, Any]) -> dict[str, Any]:
            if request["op"] == "call" and bool((request["args"][0] == known).any()):
                raise Fault("died", "Its process ended.")
            return super().request(request)

    session = Session()
    session.names["gap"] = loop
    exercise = Unit.load(tiny).exercises["gap"]
    dead, alive = check_exercise(exercise, Dies(session)), check_exercise(exercise, LocalTransport(session))
    assert (dead.diagnosis, alive.diagnosis is not None) == (None, True)
    assert [law.to_json() for law in dead.laws] == [law.to_json() for law in alive.laws]


def test_a_broken_answer_is_asked_a_few_times_at_most(tiny: Path) -> None:
    calls = []

    def counted(x: Tensor, y: Tensor) -> Tensor:
        calls.append(len(x))
        return squares(x, y).sum(-1) + 1

    assert named(tiny, "gap", counted) is None
    assert len(calls) <= 3  # twice the same, since one misconception changes from call to call, and the first probe


def test_what_is_printed_while_probing_is_not_shown(tiny: Path) -> None:
    calls = []

    def chatty(x: Tensor, y: Tensor) -> Tensor:
        calls.append(1)
        print(f"call {len(calls)}")
        return loop(x, y)

    verdict = verdict_on(tiny, chatty)
    assert verdict.diagnosis is not None
    assert f"call {len(calls)}" not in verdict.printed


# ---- how far apart -------------------------------------------------------------------------------------------------------


def one(values: Any, dtype: torch.dtype = torch.float64, fault: str = "") -> Outcome:
    return Outcome((torch.tensor(values, dtype=dtype),), fault)


@pytest.mark.parametrize(
    ("known", "other", "same"),
    [
        (one([1.0, 2.0]), one([1.0 + 1e-9, 2.0 - 1e-8]), True),
        (one([1.0, 2.0]), one([1.0 + 1e-7, 2.0]), False),
        (one([0.0, 2.0]), one([1e-17, 2.0]), True),
        (one([1e20, 1e-20]), one([1e20, 2e-20]), True),  # far below what a right answer is in that row: rounding
        (one([math.inf, math.nan]), one([math.inf, math.nan]), True),
        (one([math.inf, 1.0]), one([-math.inf, 1.0]), False),
        (one([math.inf, 1.0]), one([1e308, 1.0]), False),
        (one([math.nan, 1.0]), one([1.0, 1.0]), False),
        (one([1.0, 2.0]), one([1.0, 2.0], torch.float32), False),
        (one([1.0, 2.0], torch.float32), one([1.0, 2.0]), True),
        (one([1, 2], torch.int64), one([1.0, 2.0]), False),
        (one([1, 2], torch.int64), one([1, 2], torch.int32), True),
        (one([1, 2], torch.int64), one([1, 3], torch.int64), False),
        (one([[1.0], [2.0]]), one([1.0, 2.0]), False),
        (one([[1.0], [1.0]]), one([1.0, 1.0]), False),
        (one([1.0, 2.0]), one([1.0, 2.0], fault="wrong_shape"), False),
        (one([1.0, 2.0]), None, False),
        (None, None, True),
    ],
)
def test_outcomes_are_the_same_up_to_rounding_and_no_further(
    known: Outcome | None, other: Outcome | None, same: bool
) -> None:
    scales = [torch.tensor([1.0, 1.0], dtype=torch.float64)]
    assert bool((apart(known, other, scales, None, 2) <= 1).all()) == same


def test_a_stated_tolerance_is_absolute() -> None:
    distance = apart(one([100.0]), one([100.3]), [], 0.1, 1)
    assert distance.tolist() == pytest.approx([3.0])


@pytest.mark.parametrize(
    "value",
    [
        torch.tensor([1.5, math.inf, -math.inf, math.nan], dtype=torch.float64), torch.tensor(2.0, dtype=torch.float64),
        torch.tensor([[1, 2], [3, 4]]), torch.tensor([True, False]), torch.tensor([0.1], dtype=torch.float32),
        torch.zeros(2, 0, dtype=torch.float64),
    ],
)  # fmt: skip
def test_a_tensor_survives_the_file(value: Tensor) -> None:
    back = tensor_from_json(json.loads(json.dumps(tensor_to_json(value), allow_nan=False)))
    assert (back.dtype, back.shape) == (value.dtype, value.shape)
    assert torch.allclose(back.double(), value.double(), rtol=1e-11, equal_nan=True)


# ---- the file ------------------------------------------------------------------------------------------------------------


def test_made_twice_it_is_the_same_and_small(tiny: Path) -> None:
    text = (tiny / FILE).read_text(encoding="utf-8")
    assert generated(tiny) == text
    assert len(text) < 20_000
    assert not refresh(tiny)
    assert stale(tiny) == ""
    assert differences(tiny) == []


def test_it_is_stale_when_what_it_was_made_from_changes(tmp_path: Path) -> None:
    folder = write(tmp_path)
    assert stale(folder) == "missing"
    refresh(folder)
    assert stale(folder) == ""
    for name in ("laws.py", "misconceptions.py"):
        before = (folder / name).read_text(encoding="utf-8")
        (folder / name).write_text(before + "\n# changed\n", encoding="utf-8")
        assert stale(folder) == "out of date"
        (folder / name).write_text(before, encoding="utf-8")
    (folder / FILE).write_text("{", encoding="utf-8")
    assert stale(folder) == "damaged"
    (folder / "misconceptions.py").unlink()
    assert "no misconceptions" in stale(folder)
    assert refresh(folder)
    assert not (folder / FILE).exists()
    assert stale(folder) == ""


def test_what_misconceptions_return_today_is_compared_with_the_file(tiny: Path, tmp_path: Path) -> None:
    def change(data: dict[str, Any]) -> None:
        known = data["exercises"]["gap"]["misconceptions"]
        known["mean_over_dimensions"]["returns"][0][0][0] *= 1 + 1e-6
        known["detached"]["slopes"]["x"] = [[1.0, 2.0, 3.0]]
        known["not_summed"]["story"] = "Another story."
        del known["in_place"]
        known["unknown"] = known["two_results"]

    assert differences(edited(tiny, tmp_path, change)) == [
        "gap: in_place is not in it",
        "gap: unknown is in it and no misconception",
        "gap: detached returns something else now",
        "gap: mean_over_dimensions returns something else now",
        "gap: not_summed says something else now",
    ]


# ---- authors are told ----------------------------------------------------------------------------------------------------


def refused(tmp_path: Path, misconception: str, laws: str = LAWS) -> str:
    with pytest.raises(Indistinct) as found:
        generated(write(tmp_path, HEAD + misconception, laws))
    return str(found.value)


def test_a_misconception_that_is_right_is_refused(tmp_path: Path) -> None:
    said = refused(tmp_path, '@wrong("gap", "b")\ndef arguments_swapped(x, y):\n    return ((y - x) ** 2).sum(-1)\n')
    assert "gap: arguments_swapped returns the same as the variation norm on every probe, slopes included" in said
    assert (
        "give the decisive law, or another that draws all of the exercise's arguments, a domain that shows it" in said
    )


def test_two_that_cannot_be_told_apart_are_refused_by_name(tmp_path: Path) -> None:
    mean = '@wrong("gap", "b")\ndef {name}(x, y):\n    return {how}\n'
    both = mean.format(name="first", how="((x - y) ** 2).mean(-1)")
    both += mean.format(name="second", how="((x - y) ** 2).sum(-1) / x.shape[1]")
    assert "gap: second and first return the same on every probe, slopes included" in refused(tmp_path, both)


@pytest.mark.parametrize("nothing", ["torch.zeros(len(x), dtype=x.dtype)", "(0 * (x + y)).sum(-1)"])
def test_one_that_equals_a_trivial_answer_is_refused(tmp_path: Path, nothing: str) -> None:
    said = refused(tmp_path, f'@wrong("gap", "b")\ndef nothing(x, y):\n    return {nothing}\n')
    assert "the trivial answer “always 0”" in said


def test_one_that_always_raises_is_refused(tmp_path: Path) -> None:
    said = refused(tmp_path, '@wrong("gap", "b")\ndef raises(x, y):\n    return x[:, 99]\n')
    assert "gap: raises raises on every probe" in said


@pytest.mark.parametrize(
    ("probe", "wrong", "name"),
    [("@RunningMean.probe()", MEANS, "RunningMean"), ("@noise.probe(tolerance=0.3)", NOISES, "noise")],
)
def test_what_cannot_be_called_on_tensors_needs_a_probe(tmp_path: Path, probe: str, wrong: str, name: str) -> None:
    said = refused(tmp_path, wrong, LAWS.replace(probe, ""))
    assert f"{name}: it does not take tensors alone" in said
    assert f"@{name}.probe(): a function of the answer that returns tensors" in said


def test_a_probe_whose_tolerance_blurs_two_misconceptions_is_refused(tmp_path: Path) -> None:
    said = refused(tmp_path, NOISES, LAWS.replace("tolerance=0.3", "tolerance=10.0"))
    assert "noise: uniform returns the same as the variation with_normal on the author's probe" in said
    assert "state a smaller tolerance" in said


def test_a_tolerance_is_a_positive_number() -> None:
    exercise: Exercise = Unit("u", "U", minutes=1).exercise(measure="none")(loop)
    for tolerance in (0.0, -1.0, math.nan, math.inf):
        with pytest.raises(ValueError, match="expected a number > 0"):
            exercise.probe(tolerance=tolerance)


NOTEBOOK = {
    "nbformat": 4, "nbformat_minor": 5, "metadata": {},
    "cells": [
        {"cell_type": "markdown", "id": "a", "metadata": {}, "source": "# Tiny\n\n## 1 · Gaps\n\ntext\n\n### Exercise: `gap`"},
        {"cell_type": "code", "id": "b", "metadata": {"nbgrader": {"solution": True, "grade_id": "gap"}}, "outputs": [],
         "execution_count": None, "source": "def gap(x, y):\n    return ((x - y) * (x - y)).sum(-1)"},
        {"cell_type": "markdown", "id": "c", "metadata": {}, "source": "## 2 · Later"},
    ],
}  # fmt: skip
MEAN = '@wrong("gap", "b"{more})\ndef mean(x, y):\n    return ((x - y) ** 2).mean(-1)\n'


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("", "“1 · Gaps”, in this notebook"),
        (', read_on="2 · Later"', "“2 · Later”, in this notebook"),
        (', read_on="Kingma & Welling (2014), appendix B"', "Kingma & Welling (2014), appendix B"),
    ],
)
def test_students_are_sent_to_the_exercises_section_or_where_the_author_says(
    tmp_path: Path, more: str, expected: str
) -> None:
    folder = write(tmp_path, HEAD + MEAN.format(more=more))
    (folder / "tiny.ipynb").write_text(json.dumps(NOTEBOOK), encoding="utf-8")
    data = json.loads(generated(folder) or "")
    assert data["exercises"]["gap"]["misconceptions"]["mean"]["read_on"] == expected


def test_a_heading_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    folder = write(tmp_path, HEAD + MEAN.format(more=', read_on="3 · Never"'))
    (folder / "tiny.ipynb").write_text(json.dumps(NOTEBOOK), encoding="utf-8")
    with pytest.raises(Indistinct, match="'3 · Never', which is no heading of the notebook"):
        generated(folder)
