"""Damaged submissions: the damage is what it says, and whatever falls over is found."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from random import Random
from typing import Any

import pytest

from autograder import cohort, gradebook, notebook
from autograder.attacks import fuzz
from autograder.attacks.fuzz import Fuzzing, Report, main, quick_place, run
from autograder.attacks.mutations import MUTATORS, STAGES, Unfit, mutated
from autograder.attacks.place import BYSTANDERS, Place

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the sandbox needs Linux")


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    """One course for all: it takes seconds to start."""
    with quick_place() as opened:
        yield opened


@pytest.fixture(scope="module")
def fuzzing(place: Place) -> Fuzzing:
    return Fuzzing(place)


SMALL = json.dumps({
    "nbformat": 4, "nbformat_minor": 5, "metadata": {},
    "cells": [
        {"cell_type": "markdown", "id": "title", "source": ["# A title"],
         "metadata": {"nbgrader": {"grade_id": "title", "locked": True, "solution": False, "grade": False}}},
        {"cell_type": "code", "id": "setup", "source": ["import torch"], "outputs": [], "execution_count": None, "metadata": {}},
        {"cell_type": "code", "id": "noise", "source": ["def noise(n):\n", "    return n"], "outputs": [],
         "execution_count": None,
         "metadata": {"nbgrader": {"grade_id": "noise", "locked": False, "solution": True, "grade": False}}},
        {"cell_type": "code", "id": "check", "source": ["check('noise')"], "outputs": [], "execution_count": None,
         "metadata": {"nbgrader": {"grade_id": "check_noise", "locked": True, "solution": False, "grade": True}}},
    ],
}).encode()  # fmt: skip


# ---- the damage


@pytest.mark.parametrize("name", MUTATORS)
def test_every_mutator_changes_the_notebook_and_says_how(name: str) -> None:
    mutator = MUTATORS[name]
    before = json.dumps(json.loads(SMALL), indent=1)
    changes = 0
    for seed in range(1 if mutator.alone else 8):
        what = {"notebook": json.loads(before), "text": before, "bytes": before.encode()}[mutator.stage]
        try:
            changed, sentence = mutator.change(what, Random(seed))
        except Unfit:
            continue
        after = json.dumps(changed, indent=1) if mutator.stage == "notebook" else changed
        changes += after != (before if mutator.stage != "bytes" else before.encode())
        assert sentence.endswith(".")
        assert len(sentence) < 300
        assert sentence.isascii(), "what a report quotes can be read anywhere"
    assert changes


def test_there_are_many_kinds_for_every_stage() -> None:
    assert len(MUTATORS) >= 40
    assert {mutator.stage for mutator in MUTATORS.values()} == set(STAGES)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others() -> None:
    first = [mutated(SMALL, seed) for seed in range(120)]
    again = [mutated(SMALL, seed) for seed in reversed(range(120))]
    assert first == again[::-1], "and none depends on those before it"
    assert len({mutation.data for mutation in first}) > 110
    assert {len(mutation.mutators) for mutation in first} == {1, 2, 3, 4}


def test_the_same_seed_gives_the_same_bytes_in_another_process() -> None:
    here = mutated(SMALL, 1_000_007)
    program = (
        "import sys, hashlib\nfrom autograder.attacks.mutations import mutated\n"
        "print(hashlib.sha256(mutated(sys.stdin.buffer.read(), 1_000_007).data).hexdigest())"
    )
    said = subprocess.run(
        [sys.executable, "-c", program], input=SMALL, capture_output=True, check=True,
        env={**os.environ, "PYTHONHASHSEED": "7"},
    ).stdout.decode()  # fmt: skip
    assert said.strip() == hashlib.sha256(here.data).hexdigest()


def test_leaving_one_out_does_not_change_what_the_others_do() -> None:
    for seed in range(60):
        whole = mutated(SMALL, seed)
        assert whole.sentence.count(".") >= len(whole.mutators), "what was done is said"
        again = mutated(SMALL, seed, whole.mutators)
        assert again.data == whole.data
        for name in whole.mutators:
            assert mutated(SMALL, seed, (name,)).mutators in ((name,), ())


# ---- what becomes of it


def test_damaged_submissions_are_graded_or_refused(place: Place) -> None:
    report = run(100, seed=0, place=place)
    assert report.ok, report.as_text()
    assert report.graded + report.refused == report.count == 100
    assert report.graded > 30
    assert report.refused > 20
    assert report.harmless > 20
    assert sum(report.refusals.values()) == report.refused
    assert report.neighbours == 2 * len(BYSTANDERS)
    assert report.slowest < fuzz.LONGEST


def test_honest_notebooks_of_all_and_of_some_points_are_damaged(fuzzing: Fuzzing) -> None:
    every, some = fuzzing.points
    assert 0 < some.points < every.points


# ---- planted defects


def seed_of(fuzzing: Fuzzing, first: str, held: str, count: int) -> int:
    """A seed at which this mutator comes first, of so many, and the file holds this."""
    place = list(MUTATORS).index(first)
    for seed in range(place, place + 1_000 * len(MUTATORS), len(MUTATORS)):
        mutation = fuzzing.mutation(seed)
        if mutation.mutators[:1] == (first,) and held.encode() in mutation.data and len(mutation.mutators) == count:
            return seed
    raise AssertionError(f"{first} never does that")


def test_a_reader_that_fails_is_found_with_the_damage_that_is_enough(
    fuzzing: Fuzzing, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fragile(path: Path) -> Any:
        data = path.read_bytes()
        if b'"source": null' in data:
            len(None)  # type: ignore[arg-type]
        return notebook.read(path)

    seed = seed_of(fuzzing, "source of no text", '"source": null', 3)
    monkeypatch.setattr(cohort, "read", fragile)
    report = run(1, place=fuzzing.place, only=seed)
    (failure,) = report.failures
    assert failure.seed == seed
    assert len(failure.mutators) == 3
    assert failure.smallest == ("source of no text",)
    assert any("TypeError" in sentence for sentence in failure.wrong)
    assert any("pending" in sentence for sentence in failure.wrong)
    assert f"{seed}: source of no text + " in report.as_text()
    assert "(source of no text would do)" in report.as_text()
    assert report.to_json()["failures"][0]["mutators"] == list(failure.mutators)


def test_a_writer_that_fails_is_found(fuzzing: Fuzzing, monkeypatch: pytest.MonkeyPatch) -> None:
    def fragile(cell: Any) -> Any:
        raise RecursionError("too deep")

    monkeypatch.setattr(gradebook, "harmless_cell", fragile)
    failure = fuzzing.attempt(seed_of(fuzzing, "a script in a text", "", 1), Report(0))
    assert failure is not None
    assert failure.wrong[0].startswith("Grading it raised RecursionError: too deep (gradebook.py, line ")


def test_points_that_are_lost_for_nothing_are_found(fuzzing: Fuzzing, monkeypatch: pytest.MonkeyPatch) -> None:
    real = cohort.cells_to_load
    monkeypatch.setattr(cohort, "cells_to_load", lambda *notebooks: real(*notebooks)[:3])
    failure = fuzzing.attempt(seed_of(fuzzing, "an odd schema", "", 1), Report(0))
    assert failure is not None
    assert any(sentence.startswith("No answer was touched, and it got ") for sentence in failure.wrong)


def test_points_that_only_the_gradebook_has_are_found(fuzzing: Fuzzing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gradebook, "points_of", lambda exercise, worth: float(worth))
    seed = seed_of(fuzzing, "all cells emptied", "", 1)
    (failure,) = run(1, place=fuzzing.place, only=seed).failures
    assert failure.wrong == (
        "The graded notebook says 14 points, and the verdict 0.", "The gradebook has 14.0 points, and the verdict 0.",
    )  # fmt: skip


def test_grading_without_end_is_found(fuzzing: Fuzzing, monkeypatch: pytest.MonkeyPatch) -> None:
    def endless(path: Path) -> Any:
        time.sleep(30)

    monkeypatch.setattr(fuzz, "LONGEST", 0.2)
    monkeypatch.setattr(cohort, "read", endless)
    failure = fuzzing.attempt(seed_of(fuzzing, "an odd schema", "", 1), Report(0))
    assert failure is not None
    assert any("did not end within 0.2 s" in sentence for sentence in failure.wrong)


def test_a_neighbour_that_suffers_is_found(fuzzing: Fuzzing, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Path] = []

    def forgetful(path: Path) -> Any:
        if BYSTANDERS[0] in path.parts and seen:
            raise notebook.Unreadable("There is no room left.")
        seen.append(path)
        return notebook.read(path)

    monkeypatch.setattr(cohort, "read", forgetful)
    (failure,) = run(1, place=fuzzing.place, only=seed_of(fuzzing, "an odd schema", "", 1)).failures
    assert failure.sentence.startswith(f"{BYSTANDERS[0]}, an honest neighbour")
    assert failure.wrong == ("The verdict is another one now.",)


@pytest.mark.parametrize(
    ("problem", "note", "message", "said"),
    [
        ("Could not", "", "x", "no sentence"),
        ("Long. " * 500 + "End.", "", "x", "no sentence"),
        ("A bell \x07 rings.", "", "x", "A terminal would obey"),
        ("", "Traceback (most recent call last)", "x", "An error of ours shows, 'Traceback'"),
        ("", 'File "/x/autograder/session.py"', "x", "An error of ours shows, 'autograder/s'"),
        ("", "", "CpuLimit()", "An error of ours shows, 'CpuLimit'"),
        ("", "", "", "nothing says why"),
    ],
)
def test_what_a_student_must_not_read(problem: str, note: str, message: str, said: str) -> None:
    exercise = {"name": "noise", "status": "missing", "message": message, "where": "", "laws": []}
    verdict = {"problem": problem, "notes": [note], "exercises": [exercise]}
    (wrong,) = fuzz.badly_said(verdict)
    assert said in wrong


def test_what_a_student_may_read() -> None:
    exercise = {"name": "noise", "status": "wrong", "message": "", "where": "", "laws": [{"message": "Its mean is 3."}]}
    assert list(fuzz.badly_said({"problem": "", "notes": ["NameError: x"], "exercises": [exercise]})) == []


# ---- the command line


@pytest.fixture
def at_hand(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command uses the place that is open already."""
    monkeypatch.setattr(fuzz, "quick_place", lambda: nullcontext(place))


@pytest.mark.usefixtures("at_hand")
def test_one_can_be_repeated_and_looked_at(
    fuzzing: Fuzzing, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seed = seed_of(fuzzing, "an odd schema", "", 1)
    assert main(["--only", str(seed), "--keep", str(tmp_path)]) == 0
    assert "1 damaged submission (seed " in capsys.readouterr().out
    assert (tmp_path / f"{seed}.ipynb").read_bytes() == fuzzing.mutation(seed).data


@pytest.mark.usefixtures("at_hand")
def test_json_and_the_exit_code_of_a_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fragile(path: Path) -> Any:
        raise TypeError("planted")

    monkeypatch.setattr(Fuzzing, "neighbour", lambda *_: ())
    monkeypatch.setattr(Fuzzing, "_points", lambda *_: fuzz.Reported(14.0))
    monkeypatch.setattr(cohort, "read", fragile)
    assert main(["--count", "2", "--seed", "3", "--json"]) == 1
    captured = capsys.readouterr()
    said = json.loads(captured.out)
    assert captured.err == ""
    assert [failure["seed"] for failure in said["failures"]] == [3_000_000, 3_000_001]
    assert (said["count"], said["graded"], said["refused"]) == (2, 0, 0)


@pytest.mark.usefixtures("at_hand")
def test_ctrl_c_keeps_what_was_found(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    real = Fuzzing.attempt

    def interrupted(self: Fuzzing, number: int, report: Report) -> Any:
        if number == 2:
            raise KeyboardInterrupt
        return real(self, number, report)

    monkeypatch.setattr(Fuzzing, "attempt", interrupted)
    assert main(["--count", "100"]) == 130
    captured = capsys.readouterr()
    assert captured.out.count("2 damaged submissions") == 1
    assert captured.err == "Interrupted.\n"


@pytest.mark.parametrize("asked", [["--count", "0"], ["--seed", "-1"], ["--only", "-3"], ["--keep", "/no/such/folder"]])
def test_what_cannot_be_asked(asked: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(asked)
    assert left.value.code == 2
    assert "error: " in capsys.readouterr().err
