"""Every hostile submission there is gets what honest work gets, or less; and the command that shows it tells the truth."""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from autograder import cli
from autograder.attacks import ANSWERS, FAMILIES, Attack, attacks, chosen, parsed
from autograder.attacks.place import Outcome, Place
from autograder.attacks.report import failures
from autograder.sandbox import find_bwrap

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux") or find_bwrap() is None, reason="attacks need walls"
)

ELSEWHERE = ["tampering", "reading", "writing", "network"]
"""Families whose cells are tried in test_users.py."""
TRIED = [attack for attack in attacks() if attack.family not in ELSEWHERE or attack.hand_in is not None]

GIVES_ITSELF_AWAY = '''"""Reads a secret that it was told.

It has it from nowhere, and prints it.
"""
# seen: here it is

# %% attack
def mischief():
    print("here it is: {secret}")
'''


@pytest.mark.parametrize("attack", TRIED, ids=lambda attack: attack.name)
def test_it_is_held_and_seen(tried: Callable[[Attack], Outcome], attack: Attack) -> None:
    outcome = tried(attack)
    assert outcome.breaches == ()
    assert failures(outcome) == []
    assert outcome.held


@pytest.mark.parametrize("attack", attacks(), ids=lambda attack: attack.name)
def test_it_says_what_it_tries_and_what_an_instructor_will_see(attack: Attack) -> None:
    assert len(attack.story.split()) >= 20, "a paragraph on what it tries"
    assert attack.title
    assert attack.seen
    assert bool(attack.hand_in) != bool(attack.first or attack.last), "cells, or a file"


def test_there_are_attacks_of_every_family_and_no_two_of_one_name() -> None:
    assert len(attacks()) >= 50
    assert {attack.family for attack in attacks()} == set(FAMILIES)
    assert [name for name, count in Counter(attack.name for attack in attacks()).items() if count > 1] == []


def test_an_attack_that_shows_a_secret_is_no_attack_that_was_held(place: Place, tmp_path: Path) -> None:
    """The place is not blind: the same file is held where what it prints is no secret."""
    family = tmp_path / "reading"
    family.mkdir()
    outcomes = {}
    for name, secret in (("a_secret", place.secrets["the environment"]), ("no_secret", "nothing")):
        (family / f"{name}.py").write_text(GIVES_ITSELF_AWAY.format(secret=secret), encoding="utf-8")
        outcomes[name] = place.attempt(parsed(family / f"{name}.py"))
    assert outcomes["no_secret"].held
    assert not outcomes["a_secret"].held
    assert any("the environment" in breach for breach in outcomes["a_secret"].breaches)


def test_an_attack_of_which_the_report_says_nothing_is_not_held(place: Place, tmp_path: Path) -> None:
    quiet = GIVES_ITSELF_AWAY.format(secret="nothing").replace("# seen: here it is", "# seen: words that nobody says")
    (tmp_path / "quiet.py").write_text(quiet, encoding="utf-8")
    outcome = place.attempt(parsed(tmp_path / "quiet.py"))
    assert outcome.breaches == ()
    assert not outcome.held
    assert "words that nobody says" in failures(outcome)[0]


def test_a_changed_file_is_noticed(place: Place) -> None:
    before = place.look()
    stranger = place.course.root / "solutions" / "left_behind"
    stranger.write_text("x", encoding="utf-8")
    try:
        assert any("left_behind" in sentence for sentence in place.changed(before, "nobody"))
    finally:
        stranger.unlink()
    assert list(place.changed(before, "nobody")) == []


def test_more_points_than_the_twin_are_a_breach(place: Place, tmp_path: Path) -> None:
    text = GIVES_ITSELF_AWAY.format(secret="nothing").replace("# %% attack", "# answers: none\n\n# %% attack")
    text += f"\n\nimport torch\n\n{ANSWERS['square_sum']}"
    (tmp_path / "more.py").write_text(text, encoding="utf-8")
    outcome = place.attempt(parsed(tmp_path / "more.py"))
    assert outcome.breaches == ("It got 6 points, and its benign twin 0.",)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('"""A title."""\n# %% attack\nx = 1\n', "title and a paragraph"),
        ('"""A title.\n\nA story.\n"""\n# sees: x\n# %% attack\nx = 1\n', "'sees' is none of"),
        ('"""A title.\n\nA story.\n"""\n# %% attacks\nx = 1\n', "`# %% attacks` is none of"),
    ],
)
def test_a_file_that_is_no_attack_is_told_why(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "wrong.py"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=re.escape(problem)):
        parsed(path)


# ---- the command ---------------------------------------------------------------------------------------------------------


def test_the_command_lists_without_trying_anything() -> None:
    said = CliRunner().invoke(cli.app, ["attack", "network", "--list", "--json"])
    assert said.exit_code == 0, said.output
    listed = json.loads(said.stdout)["attacks"]
    assert {attack["name"] for attack in listed} == {attack.name for attack in chosen(["network"])}
    shown = CliRunner().invoke(cli.app, ["attack", "network", "--list"])
    assert all(attack["name"] in shown.stdout for attack in listed)


def test_a_name_that_nobody_has_is_refused_with_a_sentence() -> None:
    said = CliRunner().invoke(cli.app, ["attack", "everything"])
    assert said.exit_code == 2
    assert "There is no attack and no family called 'everything'" in said.output


@pytest.fixture
def one_place(place: Place, monkeypatch: pytest.MonkeyPatch) -> Place:
    """The command, too, uses the place that is there."""

    class Borrowed:
        def __enter__(self) -> Place:
            return place

        def __exit__(self, *error: object) -> None: ...

    monkeypatch.setattr("autograder.attacks.place.Place", Borrowed)
    return place


def test_the_command_says_that_all_were_held(one_place: Place) -> None:
    said = CliRunner().invoke(cli.app, ["attack", "vsock_to_the_host", "a_link_to_anothers_notebook"])
    assert said.exit_code == 0, said.output
    assert "2 attacks, all held" in " ".join(said.output.split())
    told = json.loads(CliRunner().invoke(cli.app, ["attack", "vsock_to_the_host", "--json"]).stdout)
    assert (told["schema"], told["attacks"], told["held"]) == ("dlvm-attack/1", 1, 1)
    assert told["outcomes"][0]["points"] <= told["outcomes"][0]["twin"] == 14


def test_the_command_ends_with_1_where_a_wall_is_missing(one_place: Place) -> None:
    with one_place.behind(without=("system calls",)):
        said = CliRunner().invoke(cli.app, ["attack", "vsock_to_the_host"])
    assert said.exit_code == 1, said.output
    told = " ".join(said.output.split())  # the terminal may be narrow
    assert "0 of 1 attacks held" in told
    assert "`dlvm doctor` says which walls stand" in told
