"""A session in a plain process of its own: no walls, on every system.

For one's own notebook, and for the submissions of people whom the instructor trusts in so many words (`--trust`). The
process is apart from the one that decides, so a law, a seed or a score is no more in its memory than in the sandbox's,
and the same limits hold as far as the system has them; but it may read and write whatever its user may.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from autograder.answer import Fault
from autograder.sandbox.base import Connection, Sandbox, SandboxUnavailable, how_it_ended
from autograder.sandbox.limits import Limits
from autograder.sandbox.wire import PipeChannel

START_SECONDS = 300.0
"""How long a new process may take to import torch, on a cold disk."""


class PlainSandbox(Sandbox):
    """Starts one process a session."""

    kind = "plain"

    def __init__(self, given: Path | None = None, limits: Limits | None = None) -> None:
        self.given = None if given is None else Path(given).resolve()
        self.limits = limits or Limits()
        self._open: weakref.WeakSet[PlainConnection] = weakref.WeakSet()

    def session(self, limits: Limits | None = None) -> PlainConnection:
        connection = PlainConnection(self.given, limits or self.limits)
        self._open.add(connection)
        return connection

    def close(self) -> None:
        for connection in list(self._open):
            connection.close()


class PlainConnection(Connection):
    """The pipes to one process. A timer that kills the process is what bounds the waiting: every system has that."""

    def __init__(self, given: Path | None, limits: Limits) -> None:
        self.limits = limits
        self.late = False
        self.folder = tempfile.TemporaryDirectory(prefix="dlvm-", ignore_cleanup_errors=True)
        configuration = {"given": None if given is None else str(given), "limits": limits.to_json()}
        packages = os.pathsep.join(entry for entry in (str(Path(__file__).parents[2]), *sys.path) if entry)
        environment = {
            **os.environ, "PYTHONPATH": packages, "PYTHONHASHSEED": "0", "PYTHONWARNINGS": "ignore", "MPLBACKEND": "Agg",
            # One thread, as in the sandbox: sums come out the same to the last bit.
            "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1",
        }  # fmt: skip
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "autograder.sandbox.worker", json.dumps(configuration)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0,
            cwd=self.folder.name, env=environment, start_new_session=True,
        )  # fmt: skip
        super().__init__(PipeChannel(self.process.stdout, self.process.stdin, limits.reply_bytes))
        try:
            with self._at_most(START_SECONDS):
                self.channel.receive()
        except BaseException as problem:
            self.close()
            if isinstance(problem, Fault):
                raise SandboxUnavailable(
                    f"A plain process for the answers did not start (exit code {self.process.returncode}). "
                    f"Try `{sys.executable} -c 'import torch, autograder.session'` to see why."
                ) from None
            raise

    def request(self, request: dict[str, Any]) -> dict[str, Any]:
        # There is no telling here whether a process sleeps or works: so all of its working time is allowed besides.
        with self._at_most(self.limits.wall_seconds + (self.limits.call_seconds or self.limits.cpu_seconds)):
            return super().request(request)

    def patience(self) -> None:
        return None

    @contextlib.contextmanager
    def _at_most(self, seconds: float) -> Iterator[None]:
        def end() -> None:
            self.late = True
            self._kill()

        timer = threading.Timer(seconds, end)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def why(self, fault: Fault) -> Fault:
        if self.late:
            return Fault("wall_limit", "It did not answer in time. Does it wait for something that never comes?")
        if fault.kind != "died":
            return fault
        self._kill()  # how a process ended was decided when its pipe closed; this is for the others in its group
        try:
            code = self.process.wait(5)
        except subprocess.TimeoutExpired:
            return fault
        ended_by_limit = hasattr(signal, "SIGXCPU") and code == -signal.SIGXCPU
        return how_it_ended(
            fault, signal=max(-code, 0), code=max(code, 0), cpu_seconds=0, limits=self.limits,
            reason="cpu" if ended_by_limit else "",
        )  # fmt: skip

    def _kill(self) -> None:
        if hasattr(os, "killpg"):
            with contextlib.suppress(ProcessLookupError, PermissionError):  # also whatever the process started
                os.killpg(self.process.pid, signal.SIGKILL)
        self.process.kill()

    def close(self) -> None:
        if self.over is None:
            self.over = Fault("died", "The session is closed.")
        if self.process.returncode is None:
            self._kill()
            self.process.wait()
        self.channel.close()
        self.folder.cleanup()
