"""Derivations of the units: every right route passes, and a wrong one fails at the line that is wrong, and says why."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from autograder.answer import LocalTransport
from autograder.derivation.check import Task, lines_of, read_derivation
from autograder.exercise import Unit
from autograder.judge import check_exercise
from autograder.session import Session, import_file

SOLUTIONS = Path(__file__).parents[2] / "solutions"
ROUTES = Path(__file__).parent / "routes"
FILES = {
    path.stem: import_file(path)
    for path in sorted(ROUTES.glob("*.py"))
    if (SOLUTIONS / path.stem / "laws.py").is_file()
}
RIGHT = [(unit, name, text) for unit, file in FILES.items() for name, texts in file.RIGHT.items() for text in texts]
WRONG = [(unit, name, *one) for unit, file in FILES.items() for name, many in file.WRONG.items() for one in many]
LAWS = {unit: import_file(SOLUTIONS / unit / "laws.py") for unit in FILES}


def task(unit: str, name: str) -> Task:
    return getattr(LAWS[unit], FILES[unit].TASK[name])


@pytest.mark.parametrize(
    "folder", sorted(path.parent for path in SOLUTIONS.glob("*/laws.py")), ids=lambda path: path.name
)
def test_every_derivation_of_a_unit_has_its_routes(folder: Path) -> None:
    asked = {name for name, value in vars(import_file(folder / "laws.py")).items() if isinstance(value, Task)}
    assert asked == (set(FILES[folder.name].TASK.values()) if folder.name in FILES else set())


@pytest.mark.parametrize(("unit", "name"), [(unit, name) for unit, file in FILES.items() for name in file.TASK])
def test_there_are_five_right_routes_and_ten_wrong_ones_at_least(unit: str, name: str) -> None:
    right = {" ".join(text.split()) for text in FILES[unit].RIGHT[name]}
    wrong = {" ".join(text.split()) for *_, text in FILES[unit].WRONG[name]}
    assert len(right) >= 5
    assert len(wrong) >= 10
    assert len({what for what, *_ in FILES[unit].WRONG[name]}) == len(FILES[unit].WRONG[name])


@pytest.mark.parametrize(("unit", "name", "text"), RIGHT)
def test_a_right_route_passes(unit: str, name: str, text: str) -> None:
    assert str(task(unit, name).wrong(text) or "") == ""


@pytest.mark.parametrize(("unit", "name", "text"), RIGHT)
def test_it_fails_when_any_one_relation_or_rule_is_spoilt(unit: str, name: str, text: str) -> None:
    """Each line but the first matters: without its rule, and with its relation turned round, the derivation no longer passes."""
    asked = task(unit, name)
    lines = [f"{relation} {body}  # {rule}" for _, relation, body, rule in lines_of(text)]
    lines[0] = lines[0].partition("#")[0]
    for step in read_derivation(text, asked.setting)[1:]:
        line = lines[step.number - 1]
        nameless = "\n".join([*lines[: step.number - 1], line.partition("#")[0], *lines[step.number :]])
        wrong = asked.wrong(nameless)
        assert wrong is not None
        assert (wrong.line, wrong.kind) == (step.number, "rule")
        if step.relation != "=":
            turned = re.sub(r"^[<>]=", "<=" if step.relation == "≥" else ">=", line)
            wrong = asked.wrong("\n".join([*lines[: step.number - 1], turned, *lines[step.number :]]))
            assert wrong is not None
            assert wrong.line == step.number


@pytest.mark.parametrize(
    ("unit", "name", "what", "line", "kind", "text"), WRONG, ids=lambda value: str(value)[:40].strip()
)
def test_a_wrong_one_fails_at_its_line(unit: str, name: str, what: str, line: int, kind: str, text: str) -> None:
    wrong = task(unit, name).wrong(text)
    assert wrong is not None, what
    assert (wrong.line, wrong.kind) == (line, kind), str(wrong)
    if kind == "false":
        told = re.search(r"comes to (\S+) and line \d+ to (\S+?)\. The model: (.+)\.$", wrong.sentence)
        assert told is not None, wrong.sentence
        assert told[1] != told[2]
        assert "=" in told[3]


@pytest.mark.parametrize(("unit", "name", "what", "line", "kind", "text"), WRONG[:3] + WRONG[-3:])
def test_a_student_reads_the_line_and_the_reason_and_earns_half_at_most(
    unit: str, name: str, what: str, line: int, kind: str, text: str
) -> None:
    session = Session()
    session.names[name] = lambda: text
    verdict = check_exercise(Unit.load(SOLUTIONS / unit).exercises[name], LocalTransport(session))
    assert verdict.points <= verdict.max_points / 2, what
    assert f"Line {line}: " in verdict.as_text(), kind
