"""docs/audit/ says what an audit over 200 seeds found in every unit as it is now, and that nothing fell short."""

from __future__ import annotations

from pathlib import Path

import pytest

from autograder.audit.record import read, stale
from autograder.exercise import Unit

ROOT = Path(__file__).parents[2]
RECORDS = ROOT / "docs" / "audit"
UNITS = sorted(path.stem for path in RECORDS.glob("*.json"))
"""The units that the syllabus calls complete (tests/test_readme.py): those that were audited."""


@pytest.mark.parametrize("slug", UNITS)
def test_the_record_is_of_these_laws_misconceptions_and_solutions(slug: str) -> None:
    """The engine may have changed since (`dlvm audit --check docs/audit` says so): the audits over few seeds guard it here."""
    assert list(stale(ROOT / "solutions" / slug, RECORDS, engine=False)) == []


@pytest.mark.parametrize("slug", UNITS)
def test_nothing_on_record_falls_short(slug: str) -> None:
    record, unit = read(ROOT / "solutions" / slug, RECORDS), Unit.load(ROOT / "solutions" / slug)
    assert record is not None
    assert record["seeds"] >= 200
    assert record["problems"] == []
    right = record["right_answers"]
    assert right["false_alarms"] == 0
    assert right["checks"] == record["seeds"] * sum(len(e["laws"]) * len(e["right"]) for e in record["exercises"])
    assert right["worst_margin"] <= 0.1
    assert right["left_to_chance"] <= 1e-7
    for exercise in record["exercises"]:
        assert all(law["catches"] for law in exercise["laws"]), exercise["name"]
        assert all(wrong["points"] <= exercise["points"] / 2 for wrong in exercise["misconceptions"]), exercise["name"]
        assert all(trivial["points"] == 0 for trivial in exercise["trivial"]), exercise["name"]
        asked = unit.exercises[exercise["name"]]
        assert exercise["mutants"]["made"] > 0 or asked.is_text or asked.hands_in  # there may be nothing to change
        assert all(m["outcome"] == "equivalent" and m["why"] for m in exercise["mutants"]["alive"]), exercise["name"]


def test_there_is_no_record_of_a_unit_that_is_gone() -> None:
    assert set(UNITS) <= {path.parent.name for path in (ROOT / "solutions").glob("*/laws.py")}
