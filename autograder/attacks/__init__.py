"""Hostile submissions: what a class may hand in, and what each of them must not achieve.

    for attack in attacks():        every attack there is, family by family
        attack.title, attack.story  what it tries
    with Place() as place:          a course of its own, with secrets, tripwires, listeners and bystanders (place.py)
        outcome = place.try_(attack)
        outcome.breaches            what it achieved, a sentence each: none, if the walls hold

An attack is a file in one of the folders beside this one: a docstring that says what it tries, some remarks, and cells.

    # seen: its process ended     words that the report on it must hold: an instructor sees what was there
    # answers: square_sum         the honest answers that it hands in besides (all of them, if nothing is said)
    # layer: system calls         the wall without which it succeeds
    # not against nbgrader: why   where it would mean nothing there
    # %% attack                   a cell; `# %% attack, last` comes after the answers
    # %% twin                     what stands in its benign twin instead

Honest answers call `mischief()` before they answer: an attack cell says what that does, and in the twin it does nothing. In
the cells `place` says where what is worth stealing lies, and `escaped(what)` says that it was reached. What is wrong with the
file and not with its cells (links, encodings, sizes) is in `handed_in.py`, a function each.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

FAMILIES = {
    "forging": "answers that lie about themselves",
    "tampering": "changing the grader or what it holds on to",
    "reading": "secrets: solutions, seeds, grades, other people's work",
    "writing": "changing files that are not the submission's own",
    "network": "reaching anybody outside",
    "exhaustion": "taking so much that others starve",
    "confusion": "behaving otherwise when it counts",
    "text": "words that would run on the instructor's side",
}
ANSWERS = {
    "square_sum": "def square_sum(x):\n    mischief()\n    return (x * x).sum(-1)\n",
    "Codec": (
        "class Codec:\n    def encode(self, x):\n        mischief()\n        return x[:, 0]\n\n"
        "    def decode(self, t):\n        return t[:, None] * torch.tensor([1.0, 2.0, -1.0], dtype=t.dtype)\n"
    ),
    "noise": "def noise(count):\n    return torch.randn(count, dtype=torch.float64)\n",
}
"""Right answers to the unit `target`."""

PEACE = "def mischief():\n    pass\n"
REMARKS = {"seen", "answers", "layer", "not against nbgrader"}


HandIn = Callable[[Path, bytes, Mapping[str, Any]], None]
"""(the folder to hand in, the honest notebook, what a cell would know as `place`) → nothing; it writes into the folder."""


@dataclass(frozen=True)
class Attack:
    """One hostile submission."""

    name: str
    family: str
    title: str
    story: str
    """What it tries, a paragraph."""
    seen: str = ""
    """Words that the report on it must hold."""
    answers: tuple[str, ...] = tuple(ANSWERS)
    first: tuple[str, ...] = ()
    """Cells before the answers."""
    last: tuple[str, ...] = ()
    twin: tuple[str, ...] = ()
    """What stands in their place in the benign twin."""
    layer: str = ""
    """The layer of the sandbox without which it succeeds."""
    not_against_nbgrader: str = ""
    """Why it would mean nothing in a kernel."""
    student: str = ""
    """An id that belongs to the attack; else it gets a harmless one."""
    hand_in: HandIn | None = None
    """Writes the submission, where what is wrong is the file and not its cells."""


@cache
def attacks() -> tuple[Attack, ...]:
    """Every attack, family by family, by name."""
    from autograder.attacks.handed_in import HANDED_IN

    here = Path(__file__).parent
    read = [parsed(path) for family in FAMILIES for path in sorted((here / family).glob("*.py"))]
    order = list(FAMILIES)
    return tuple(sorted([*read, *HANDED_IN], key=lambda attack: (order.index(attack.family), attack.name)))


def chosen(names: Iterable[str]) -> list[Attack]:
    """The attacks of these names or families; all if none is named. Raises LookupError for a name that nobody has."""
    wanted = list(names)
    known = {attack.name for attack in attacks()} | set(FAMILIES)
    for name in wanted:
        if name not in known:
            raise LookupError(f"There is no attack and no family called {name!r}. `dlvm attack --list` names them.")
    return [attack for attack in attacks() if not wanted or attack.name in wanted or attack.family in wanted]


def parsed(path: Path) -> Attack:
    """The attack in a file."""
    text = path.read_text(encoding="utf-8")
    head, *rest = re.split(r"^# %% (.*)\n", text, flags=re.MULTILINE)
    documentation = ast.get_docstring(ast.parse(head))
    if not documentation or "\n\n" not in documentation:
        raise ValueError(f"{path}: expected a docstring with a title and a paragraph on what the attack tries.")
    title, story = documentation.split("\n\n", 1)
    remarks = dict(re.findall(r"^# ([a-z ]+): (.*)$", head, flags=re.MULTILINE))
    if unknown := remarks.keys() - REMARKS:
        raise ValueError(f"{path}: the remark {min(unknown)!r} is none of {', '.join(sorted(REMARKS))}.")
    cells: dict[str, list[str]] = {"attack": [], "attack, last": [], "twin": []}
    for kind, source in zip(rest[::2], rest[1::2], strict=True):
        if kind not in cells:
            raise ValueError(f"{path}: `# %% {kind}` is none of {', '.join(cells)}.")
        cells[kind].append(source.strip() + "\n")
    answers = remarks.get("answers", ", ".join(ANSWERS))
    return Attack(
        path.stem, path.parent.name, title.strip().rstrip("."), " ".join(story.split()), remarks.get("seen", ""),
        tuple(name for name in answers.split(", ") if name in ANSWERS), tuple(cells["attack"]), tuple(cells["attack, last"]),
        tuple(cells["twin"]), remarks.get("layer", ""), remarks.get("not against nbgrader", ""),
    )  # fmt: skip
