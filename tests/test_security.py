"""What docs/security.md says of layers, families and counts is what the code and the record say."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

from autograder.attacks import FAMILIES, attacks
from autograder.sandbox.limits import LAYERS

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("attack_nbgrader", ROOT / "tools" / "attack_nbgrader.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_layer_and_every_family_is_explained() -> None:
    for name in (*LAYERS, *FAMILIES):
        assert f"| {name} |" in PAGE


def test_the_counts_against_nbgrader_are_those_on_record(tool: ModuleType) -> None:
    record = json.loads((ROOT / "docs" / "attacks.json").read_text(encoding="utf-8"))
    assert tool.as_markdown(record) in PAGE
    assert record["succeeded"] == sum(map(bool, record["by"].values()))
    assert record["tried"] == len(record["by"])
    said = f"{record['succeeded']} of the same {record['tried']} do"
    assert said in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_record_is_of_all_attacks_that_there_are() -> None:
    record = json.loads((ROOT / "docs" / "attacks.json").read_text(encoding="utf-8"))
    assert set(record["by"]) | set(record["not tried"]) == {attack.name for attack in attacks()}
    assert set(record["not tried"]) == {attack.name for attack in attacks() if attack.not_against_nbgrader}
