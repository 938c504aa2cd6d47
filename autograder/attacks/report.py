"""What `dlvm attack` prints: a line an attack, and what to do where one was not held."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from autograder.attacks import FAMILIES, Attack
from autograder.attacks.place import Outcome
from autograder.feedback.terminal import printable

SCHEMA = "dlvm-attack/1"


def outcomes_table(outcomes: Sequence[Outcome]) -> Group:
    """A line an attack, family by family, then a sentence for everything that was achieved."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("attack", ratio=4)
    table.add_column("points", justify="right", no_wrap=True)
    table.add_column("s", justify="right", no_wrap=True)
    table.add_column("what the report says of it", ratio=5)
    family = ""
    for outcome in outcomes:
        if outcome.attack.family != family:
            family = outcome.attack.family
            table.add_row(Text(f"{family}: {FAMILIES[family]}", style="bold"), "", "", "")
        mark = Text("✓ ", style="green") if outcome.held else Text("✗ ", style="red")
        table.add_row(
            mark + Text(outcome.attack.title), f"{outcome.points:g}/{outcome.twin:g}", f"{outcome.seconds:.2f}",
            Text(printable(outcome.seen), style="dim", overflow="ellipsis", no_wrap=True),
        )  # fmt: skip
    told = [
        Text(f"\n{outcome.attack.name}: {sentence}", style="red")
        for outcome in outcomes
        for sentence in failures(outcome)
    ]
    return Group(table, *told, Text(f"\n{summary(outcomes)}"))


def failures(outcome: Outcome) -> list[str]:
    """What was achieved; or that nobody would have seen what was tried."""
    if outcome.held or outcome.breaches:
        return [printable(breach) for breach in outcome.breaches]
    return [f"Its report does not say what was seen: expected the words “{outcome.attack.seen}”."]


def summary(outcomes: Sequence[Outcome]) -> str:
    held = sum(outcome.held for outcome in outcomes)
    seconds = sum(outcome.seconds for outcome in outcomes)
    if held == len(outcomes):
        return (
            f"{held} attacks, all held, {seconds:.0f} s. Points are the attack's and those of its benign twin; nobody else's "
            "grade changed, and nothing outside was read, changed or reached."
        )
    return (
        f"{held} of {len(outcomes)} attacks held. Do not grade on this machine what nobody has vetted: `dlvm doctor` says which "
        "walls stand. Please report this page."
    )


def attacks_table(attacks: Sequence[Attack]) -> Table:
    """Every attack with what it tries."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 1, 0))
    table.add_column("attack", no_wrap=True)
    table.add_column("family", no_wrap=True)
    table.add_column("what it tries")
    for attack in attacks:
        table.add_row(
            attack.name, attack.family, Text(f"{attack.title}. ", style="bold") + Text(attack.story, style="default")
        )
    return table


def outcomes_json(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    return {
        "schema": SCHEMA, "attacks": len(outcomes), "held": sum(outcome.held for outcome in outcomes),
        "outcomes": [outcome.to_json() | {"failures": failures(outcome)} for outcome in outcomes],
    }  # fmt: skip


def attacks_json(attacks: Sequence[Attack]) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "attacks": [
            {"name": a.name, "family": a.family, "title": a.title, "story": a.story, "layer": a.layer} for a in attacks
        ],
    }
