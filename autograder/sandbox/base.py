"""What every sandbox is to those who use it: something that gives sessions, and is closed in the end."""

from __future__ import annotations

import abc
from types import TracebackType
from typing import Any, Self

from autograder.answer import Fault, Transport
from autograder.sandbox.limits import Limits
from autograder.sandbox.wire import Channel, Patience


class SandboxUnavailable(RuntimeError):
    """There is no sandbox, or it broke through no fault of a submission. The sentence says what to do."""


class Sandbox(abc.ABC):
    """Gives each submission a session of its own. Use it in a `with` statement: leaving ends everything it started."""

    kind: str
    """"bubblewrap" (walls) or "plain" (a process of its own, no walls)."""
    limits: Limits

    @abc.abstractmethod
    def session(self, limits: Limits | None = None) -> Transport:
        """A fresh session for one submission; `limits` other than the sandbox's own if given."""

    @abc.abstractmethod
    def close(self) -> None:
        """End every session, and the sandbox. Closing twice is fine."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Connection(abc.ABC):
    """A transport to a session in another process.

    Once that process failed, it stays failed: every later request raises the same fault without trying again.
    """

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.over: Fault | None = None

    def request(self, request: dict[str, Any]) -> dict[str, Any]:
        if self.over is not None:
            raise Fault(self.over.kind, self.over.message)
        patience = self.patience()
        try:
            self.send(request, patience)
            reply = self.channel.receive(patience)
            if not isinstance(reply, dict):
                raise Fault("refused", "What came back is not a reply.")
            return reply
        except _NotSent as problem:
            raise problem.fault from None
        except Fault as fault:
            self.over = self.why(fault)
            self.close()
            raise self.over from None
        except BaseException:  # Ctrl-C in the middle: what comes next on the channel would answer the wrong request
            self.over = Fault("died", "Its process was ended from outside.")
            self.close()
            raise

    def send(self, request: dict[str, Any], patience: Patience | None) -> None:
        try:
            self.channel.send(request, patience)
        except Fault as fault:
            if fault.kind == "refused":  # our own value, of which nothing went out: the session is still there
                raise _NotSent(fault) from None
            raise

    @abc.abstractmethod
    def patience(self) -> Patience | None:
        """Watches one request's time."""

    @abc.abstractmethod
    def why(self, fault: Fault) -> Fault:
        """A better fault for `fault`, now that the other side can be asked how it ended."""

    @abc.abstractmethod
    def close(self) -> None: ...


class _NotSent(Exception):
    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault


def how_it_ended(
    fault: Fault, *, signal: int, code: int, cpu_seconds: float, limits: Limits, reason: str = ""
) -> Fault:
    """What a student reads when their process ended: by which limit, or by its own doing."""
    if reason == "memory":
        return Fault(
            "memory_limit", f"It used more than {limits.data_bytes >> 20:,} MiB of memory, all processes together."
        )
    if reason == "cpu" or (signal and cpu_seconds >= limits.cpu_seconds):
        return Fault(
            "cpu_limit", f"It used more than {limits.cpu_seconds} s of processor time. Is there an endless loop?"
        )
    if fault.kind != "died":
        return fault
    if signal:
        return Fault("died", f"Its process ended by signal {signal} before it answered.")
    return Fault("died", f"Its process ended with exit code {code} before it answered: does the code leave Python?")
