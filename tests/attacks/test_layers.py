"""Each layer of the sandbox is there for a reason: without it, and with all others, some attack succeeds."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from autograder.answer import Fault, Transport
from autograder.attacks import Attack, attacks
from autograder.attacks.place import Outcome, Place, Reported
from autograder.sandbox import Limits, open_sandbox
from autograder.sandbox.limits import LAYERS, MIB

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the sandbox needs Linux")

WALLS = "walls"
"""What an attack's remark says where any wall would hold it. It is then tried without one, on this machine: so it must touch
nothing but the place's own course, home, doors and victim where `os.getpid()` is not that of a sandbox's first process."""


def with_layer(layer: str) -> list[Attack]:
    return [attack for attack in attacks() if attack.layer == layer]


def test_every_layer_has_an_attack_that_needs_it() -> None:
    named = {attack.layer for attack in attacks()} - {""}
    assert named == {*LAYERS, WALLS}


@pytest.mark.parametrize("layer", LAYERS)
def test_without_a_layer_its_attacks_succeed(
    place: Place, tried: Callable[[Attack], Outcome], layer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = with_layer(layer)
    if layer == "watch":  # whose attacks take what memory there is: as telling, and sooner over, where that is little
        monkeypatch.setattr(place.grader.sandbox, "limits", Limits(data_bytes=400 * MIB))
    held = [place.attempt(attack, alone=True) if layer == "watch" else tried(attack) for attack in chosen]
    with place.behind(without=(layer,)):
        if layer == "watch":
            monkeypatch.setattr(place.grader.sandbox, "limits", Limits(data_bytes=400 * MIB))
        escaped = [place.attempt(attack, alone=True) for attack in chosen]
    assert [outcome.attack.name for outcome in held if not outcome.held] == []
    assert [outcome.attack.name for outcome in escaped if not outcome.breaches] == []


def test_a_layer_that_is_unknown_cannot_be_left_out() -> None:
    with pytest.raises(ValueError, match="no layer 'walls' to leave out"):
        open_sandbox(without=("walls",))


@pytest.fixture(scope="module")
def unwalled() -> Iterator[tuple[Place, Transport]]:
    """A place to harm, and a plain process for one attack after another: starting each of them takes seconds."""
    with Place(trust=True) as place, closing(place.grader.sandbox.session()) as session:
        yield place, session


@pytest.mark.parametrize("attack", with_layer(WALLS), ids=lambda attack: attack.name)
def test_without_walls_an_attack_succeeds(unwalled: tuple[Place, Transport], attack: Attack) -> None:
    place, session = unwalled
    before = place.look()
    place.hits.clear()
    cells = [place.prelude(), *attack.first]
    loaded = [{"index": index, "source": source, "locked": False} for index, source in enumerate(cells)]
    assert session.request({"op": "load", "cells": loaded, "unit": "target"})["problems"] == []
    try:
        reply = session.request({"op": "call", "target": "mischief", "args": [], "kwargs": {}})
    except Fault as fault:
        reply = {"printed": fault.message}
    told = Reported(0.0, [reply.get("printed", ""), "", ""])
    assert [*place.achieved(told, told), *place.changed(before, "nobody")]
