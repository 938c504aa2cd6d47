"""What tampers, reads, writes or calls is held whoever started the grading: root, or an ordinary user."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from autograder.attacks import Attack, chosen
from autograder.attacks.place import Outcome
from autograder.sandbox import find_bwrap

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the sandbox needs Linux")

ROOT = Path(__file__).parents[2]
SOMEBODY = 1234
FAMILIES = ["tampering", "reading", "writing", "network"]
TRIED = [attack for attack in chosen(FAMILIES) if attack.hand_in is None]

AS_SOMEBODY = """
import json, os, sys
os.setgroups([]); os.setresgid({0}, {0}, {0}); os.setresuid({0}, {0}, {0})
sys.path.insert(0, {1!r})
from autograder.attacks import chosen
from autograder.attacks.place import Place
with Place() as place:
    outcomes = [place.attempt(attack, alone=True) for attack in chosen(sys.argv[1:])]
print(json.dumps([[os.geteuid(), outcome.to_json()] for outcome in outcomes]))
"""


@pytest.fixture(scope="module", autouse=True)
def by_somebody() -> Iterator[subprocess.Popen[str] | None]:
    """An ordinary user tries them all, while the tests here do."""
    bwrap = find_bwrap()
    if bwrap is None or os.geteuid() != 0:
        yield None
        return
    with tempfile.TemporaryDirectory() as home:
        os.chmod(home, 0o777)
        process = subprocess.Popen(
            [bwrap, "--die-with-parent", *neighbour("sandbox/test_users.py").opened_up(), "--chdir", home, "--",
             sys.executable, "-c", AS_SOMEBODY.format(SOMEBODY, str(ROOT)), *(attack.name for attack in TRIED)],
            env={"HOME": home, "PATH": os.environ.get("PATH", ""), "PYTHONDONTWRITEBYTECODE": "1", "USER": "somebody"},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            yield process
        finally:
            process.kill()
            process.communicate()


@pytest.mark.parametrize("attack", TRIED, ids=lambda attack: attack.name)
def test_it_is_held_for_whoever_runs_the_tests(tried: Callable[[Attack], Outcome], attack: Attack) -> None:
    outcome = tried(attack)
    assert outcome.breaches == ()
    assert outcome.seen


@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() != 0, reason="the test above is already an ordinary user's")
def test_they_are_held_for_an_ordinary_user(by_somebody: subprocess.Popen[str]) -> None:
    said, complained = by_somebody.communicate()
    assert by_somebody.returncode == 0, complained[-3000:]
    outcomes = json.loads(said.splitlines()[-1])
    assert [outcome["name"] for _, outcome in outcomes] == [attack.name for attack in TRIED]
    assert {user for user, _ in outcomes} == {SOMEBODY}
    assert [outcome for _, outcome in outcomes if not outcome["held"]] == []


def neighbour(name: str) -> ModuleType:
    """Another file of tests, as a module: tests are no package."""
    path = Path(__file__).parents[1] / name
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
