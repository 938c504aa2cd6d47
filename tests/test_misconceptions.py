"""Entries of a misconceptions.py: declared, loaded, and pasted as the source of a cell."""

from __future__ import annotations

from pathlib import Path

import pytest

from autograder.misconceptions import as_cell, load, misconception

SOURCE = '''
import math

import torch
from torch.distributions import Normal

from autograder.misconceptions import misconception, variation

TWO = 2.0
half: float = 1 / TWO

def helper(x):
    return math.sqrt(2) * other(x)

def other(x):
    """Uses no name of the module."""
    return x + 1

@variation("f", "with a helper")
def right(x, y=half):
    return helper(x) + torch.zeros(())

@misconception("f", belief="b", story="One. Two.", caught_by=("law",), may_break=("other_law",), read_on="1 · A heading")
def wrong(x):
    return Normal(0.0, 1.0).log_prob(x)

@variation("f", "calls itself")
def recursive(x):
    return recursive(x - 1) if x > 0 else x

@variation("f", "leans on another entry")
def leaning(x):
    return right(x)
'''


def write(folder: Path) -> Path:
    (folder / "misconceptions.py").write_text(SOURCE, encoding="utf-8")
    return folder


def test_entries_are_loaded_in_order_with_what_they_declare(tmp_path: Path) -> None:
    entries = load(write(tmp_path))
    assert [entry.name for entry in entries] == ["right", "wrong", "recursive", "leaning"]
    wrong = entries[1]
    assert (wrong.exercise, wrong.belief, wrong.right) == ("f", "b", False)
    assert (wrong.caught_by, wrong.may_break, wrong.read_on) == (("law",), ("other_law",), "1 · A heading")
    assert entries[0].right


def test_a_folder_without_the_file_has_none(tmp_path: Path) -> None:
    assert load(tmp_path) == []


def test_a_cell_holds_what_the_function_needs_and_nothing_else(tmp_path: Path) -> None:
    right, wrong, *_ = load(write(tmp_path))
    cell = as_cell(right)
    assert cell == (
        "import math\nimport torch\n\n\nTWO = 2.0\n\n\nhalf: float = 1 / TWO\n\n\n"
        "def helper(x):\n    return math.sqrt(2) * other(x)\n\n\n"
        'def other(x):\n    """Uses no name of the module."""\n    return x + 1\n\n\n'
        "def f(x, y=half):\n    return helper(x) + torch.zeros(())\n"
    )
    names: dict[str, object] = {}
    exec(cell, names)
    assert as_cell(wrong).startswith("from torch.distributions import Normal\n\n\ndef f(x):")


def test_a_cell_cannot_hold_what_would_not_work_there(tmp_path: Path) -> None:
    *_, recursive, leaning = load(write(tmp_path))
    with pytest.raises(ValueError, match="recursive calls itself"):
        as_cell(recursive)
    with pytest.raises(ValueError, match="leaning uses right, an entry itself"):
        as_cell(leaning)


def test_a_misconception_must_be_caught_by_something() -> None:
    with pytest.raises(ValueError, match="some law must always catch it"):
        misconception("f", belief="b", story="s", caught_by=())
    with pytest.raises(ValueError, match="tuples of law names"):
        misconception("f", belief="b", story="s", caught_by="law")
