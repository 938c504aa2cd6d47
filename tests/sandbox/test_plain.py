"""The same session in a plain process: no walls, but apart, with what limits the system has."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from autograder.sandbox import Limits, Sandbox, open_sandbox
from autograder.sandbox.plain import PlainConnection
from tests.sandbox.conftest import Inside, Opener, opener

PACKAGE = Path(__file__).parents[2] / "autograder" / "sandbox"


@pytest.fixture(scope="module")
def plain() -> Iterator[Sandbox]:
    with open_sandbox(trust=True) as opened:
        yield opened


@pytest.fixture(scope="module")
def session(plain: Sandbox) -> Iterator[Inside]:
    transport = plain.session(Limits(call_seconds=0.5, reply_bytes=1 << 20))
    yield Inside(transport, """
        import os, sys, torch
        def add(x, y): return {"sum": x + y, "nan": float("nan"), "pair": (1, "two")}
        def chatter():
            for _ in range(20_000): print("x" * 50)
            sys.__stdout__.write("y" * 1_000_000)
            sys.__stdout__.flush()
            os.write(1, b"z" * 1_000_000)
            os.system("echo hello")
            return 1
        def loop():
            while True: pass
        def huge(): return torch.zeros(2 << 20)
        def where(): return os.getcwd()
        def read(): return sys.stdin.read()
    """)  # fmt: skip
    transport.close()


def test_it_answers_like_the_sandbox(session: Inside) -> None:
    value = session.call("add", torch.ones(3), 1.0)
    assert torch.equal(value["sum"], torch.full((3,), 2.0))
    assert value["nan"] != value["nan"]
    assert value["pair"] == [1, "two"]


def test_what_is_printed_at_any_level_does_not_get_between_the_frames(session: Inside) -> None:
    assert session.call("chatter") == 1
    assert session.call("chatter") == 1


def test_nobody_can_read_the_requests_from_standard_input(session: Inside) -> None:
    assert session.call("read") == ""


def test_friendly_limits_are_kept(session: Inside) -> None:
    assert session.fault("loop") == "cpu_limit"
    assert session.fault("huge") == "refused"
    assert session.call("chatter") == 1


def test_it_works_in_a_folder_of_its_own_that_is_gone_afterwards(plain: Sandbox) -> None:
    transport = plain.session()
    assert isinstance(transport, PlainConnection)
    inside = Inside(transport, "import os\ndef leave():\n    open('x', 'w').close()\n    os._exit(7)")
    assert inside.fault("leave") == "died"
    assert inside.fault("leave") == "died"
    assert not os.path.exists(transport.folder.name)


def test_a_sleeper_and_a_stubborn_loop_are_ended(plain: Sandbox) -> None:
    open_one: Opener = opener(plain)
    source = """
        import signal, time
        def sleep(): time.sleep(1e6)
        def stubborn():
            signal.setitimer(signal.ITIMER_PROF, 0)
            while True:
                try:
                    while True: pass
                except BaseException: pass
    """
    with open_one(source, Limits(wall_seconds=0.2, call_seconds=0.1)) as session:
        assert session.fault("sleep") == "wall_limit"
    with open_one(source, Limits(cpu_seconds=1)) as session:
        assert session.fault("stubborn") == "cpu_limit"


@pytest.mark.parametrize("module", ["__init__", "base", "limits", "plain", "wire", "worker"])
def test_importing_it_needs_nothing_that_only_linux_has(module: str) -> None:
    tree = ast.parse((PACKAGE / f"{module}.py").read_text())
    imported = [alias.name for node in tree.body if isinstance(node, ast.Import) for alias in node.names]
    imported += [node.module or "" for node in tree.body if isinstance(node, ast.ImportFrom)]
    unix = {"fcntl", "resource", "pwd", "grp", "termios", "select", "ctypes"}
    ours = {f"autograder.sandbox.{name}" for name in ("kernel", "warm", "view", "bubblewrap")}
    assert not (unix | ours) & set(imported)
