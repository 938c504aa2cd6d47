"""A verdict as data: the documented keys and words, valid JSON, numbers that JSON lacks as strings."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from autograder.answer import FAULTS
from autograder.verdict import EVIDENCE, STATUSES, ExerciseVerdict, LawVerdict, Verdict, Witness, number

DESIGN = (Path(__file__).resolve().parent.parent / "docs" / "design.md").read_text()

WITNESS = Witness("f(0)", "inf", "1", shrunk=True)
LAW = LawVerdict("agrees", "It agrees.", "broken", 0.0, 2.0, decisive=True, witness=WITNESS, margin=math.inf)
EXERCISE = ExerciseVerdict("f", "wrong", 0.0, 2.0, (LAW,))


def test_the_keys_are_the_documented_ones_and_all_of_it_is_strict_json() -> None:
    text = json.dumps(Verdict("unit", "student-01", (EXERCISE,)).to_json(), allow_nan=False)
    verdict = json.loads(text)
    assert {"schema", "engine", "unit", "student", "points", "max_points", "exercises"} <= set(verdict)
    (exercise,) = verdict["exercises"]
    assert {"name", "points", "max_points", "status", "laws", "diagnosis"} <= set(exercise)
    (law,) = exercise["laws"]
    assert {"name", "sentence", "evidence", "points", "witness", "message"} <= set(law)
    assert law["margin"] == "inf"
    for key in {*verdict, *exercise, *law, *law["witness"]}:
        assert f'"{key}"' in DESIGN, f"docs/design.md does not name {key}"


@pytest.mark.parametrize(("words", "table"), [(STATUSES, "status"), (EVIDENCE, "evidence")])
def test_the_closed_lists_are_documented_word_for_word(words: dict[str, str], table: str) -> None:
    rows = "\n".join(f"| {word} | {meaning} |" for word, meaning in words.items())
    assert f"| {table} | meaning |\n| --- | --- |\n{rows}\n" in DESIGN


@pytest.mark.parametrize(("value", "told"), [(math.nan, "nan"), (math.inf, "inf"), (-math.inf, "-inf"), (1.5, 1.5)])
def test_numbers_that_json_lacks_are_strings(value: float, told: float | str) -> None:
    assert number(value) == told


def test_every_fault_says_what_it_is() -> None:
    assert all(meaning and not meaning.endswith(".") for meaning in FAULTS.values())
