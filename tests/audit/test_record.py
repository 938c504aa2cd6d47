"""A record is stale as soon as what was audited means something else, and only then."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from autograder.audit import audit
from autograder.audit.picture import as_page
from autograder.audit.record import SCHEMA, as_markdown, stale, write

from .test_mutation import EXPLAINED, SOLUTION, unit_with


@pytest.fixture
def recorded(tmp_path: Path) -> tuple[Path, Path]:
    """A unit, and the folder with its record."""
    folder = unit_with(tmp_path, more=EXPLAINED)
    write(audit(folder, seeds=2), [folder], tmp_path / "records")
    return folder, tmp_path / "records"


def test_a_record_holds_what_was_found_and_no_times(recorded: tuple[Path, Path]) -> None:
    folder, records = recorded
    data = json.loads((records / "toy.json").read_text(encoding="utf-8"))
    assert (data["schema"], data["unit"], data["seeds"], data["problems"]) == (SCHEMA, "toy", 2, [])
    assert data["right_answers"]["false_alarms"] == 0
    assert data["exercises"][0]["misconceptions"][0]["caught"] == {"is_the_sum": "always", "is_even": "always"}
    assert "milliseconds" not in json.dumps(data)
    assert list(stale(folder, records)) == []


def test_without_a_record_there_is_no_table(recorded: tuple[Path, Path]) -> None:
    folder, records = recorded
    assert as_markdown([folder], records).count("\n") == 2
    assert as_markdown([folder], records / "none") == ""
    assert "has no record" in next(stale(folder, records / "none"))


def test_auditing_again_writes_the_same_bytes(recorded: tuple[Path, Path]) -> None:
    folder, records = recorded
    before = (records / "toy.json").read_bytes()
    write(audit(folder, seeds=2, jobs=1), [folder], records)
    assert (records / "toy.json").read_bytes() == before


@pytest.mark.parametrize("file", ["laws.py", "misconceptions.py", "toy.ipynb"])
def test_a_change_of_what_was_audited_is_noticed(recorded: tuple[Path, Path], file: str) -> None:
    folder, records = recorded
    text = (folder / file).read_text(encoding="utf-8")
    changed = {"laws.py": ("points=2, decisive", "points=3, decisive"), "misconceptions.py": ("(x * x).mean", "(x + x).mean"),
               "toy.ipynb": ("(x * x).sum(-1)", "(x * x).sum(1)")}[file]  # fmt: skip
    assert changed[0] in text
    (folder / file).write_text(text.replace(*changed), encoding="utf-8")
    (sentence,) = stale(folder, records)
    assert "have changed since they were audited" in sentence
    assert "--seeds 200" in sentence


def test_a_comment_or_a_sentence_is_no_change(recorded: tuple[Path, Path]) -> None:
    folder, records = recorded
    text = (folder / "laws.py").read_text(encoding="utf-8")
    (folder / "laws.py").write_text("# why\n" + text.replace("It is x₁²", "This is x₁²"), encoding="utf-8")
    notebook = (folder / "toy.ipynb").read_text(encoding="utf-8")
    assert SOLUTION.splitlines()[1].strip().replace('"', '\\"') in notebook
    (folder / "toy.ipynb").write_text(notebook.replace("squares of a row", "a row's squares"), encoding="utf-8")
    assert list(stale(folder, records)) == []


def test_another_engine_is_noticed_unless_only_the_unit_is_asked_for(
    recorded: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, records = recorded
    monkeypatch.setattr("autograder.audit.record.audited_engine", lambda: "another")
    assert ["the engine has changed" in sentence for sentence in stale(folder, records)] == [True]
    assert list(stale(folder, records, engine=False)) == []


@pytest.mark.parametrize("content", [None, "", "{}", '{"schema": "another"}', "[]"])
def test_a_record_that_is_missing_or_damaged_is_no_record(recorded: tuple[Path, Path], content: str | None) -> None:
    folder, records = recorded
    if content is None:
        (records / "toy.json").unlink()
    else:
        (records / "toy.json").write_text(content, encoding="utf-8")
    (sentence,) = stale(folder, records)
    assert "has no record in" in sentence


def test_a_record_with_problems_is_not_up_to_date(tmp_path: Path) -> None:
    folder = unit_with(tmp_path)
    write(audit(folder, seeds=1), [folder], tmp_path)
    assert ["has problems" in sentence for sentence in stale(folder, tmp_path)] == [True]


# ---- as a page -------------------------------------------------------------------------------------------------------------


def test_the_page_shows_every_answer_and_law_and_needs_nothing_else(tmp_path: Path) -> None:
    page = as_page(audit(unit_with(tmp_path, more=EXPLAINED), seeds=2))
    for shown in ("plain_sum", "mean_square", "by_loop", "the notebook&#39;s solution", "is_the_sum", "is_even"):
        assert shown in page
    assert 'aria-label="is_even: caught 2 of 2 times' in page
    assert 'aria-label="is_even: caught 0 of 2 times' in page
    assert "<b>0</b><span>of 10 mutants alive and unexplained" in page
    for foreign in ("<script", "http://", "https://", "src="):
        assert foreign not in page


def test_what_an_author_writes_is_shown_as_text(tmp_path: Path) -> None:
    folder = unit_with(tmp_path)
    source = (folder / "misconceptions.py").read_text(encoding="utf-8")
    (folder / "misconceptions.py").write_text(
        source.replace("squares are optional", '<b onclick=x>&\\"'), encoding="utf-8"
    )
    page = as_page(audit(folder, seeds=1))
    assert "<b onclick" not in page
    assert "&lt;b onclick=x&gt;&amp;" in page
