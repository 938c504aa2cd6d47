"""One place for all attacks that are tried with every wall: making a course and a sandbox takes seconds."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from autograder.attacks import Attack
from autograder.attacks.place import Outcome, Place

Tried = Callable[[Attack], Outcome]


@pytest.fixture(scope="session")
def place() -> Iterator[Place]:
    with Place() as place:
        yield place


@pytest.fixture(scope="session")
def tried(place: Place) -> Tried:
    """What became of an attack behind all walls: each is tried once."""
    outcomes: dict[str, Outcome] = {}

    def outcome(attack: Attack) -> Outcome:
        if attack.name not in outcomes:
            outcomes[attack.name] = place.attempt(attack)
        return outcomes[attack.name]

    return outcome
