"""A short way to run some code in a session and call it."""

from __future__ import annotations

import contextlib
import textwrap
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest

from autograder.answer import Fault, Transport
from autograder.sandbox import Limits, Sandbox


class Inside:
    """A session in which some code was loaded. Faults that the code reports about itself are raised like all others."""

    def __init__(self, transport: Transport, source: str) -> None:
        self.transport = transport
        cell = {"index": 0, "source": textwrap.dedent(source), "locked": False}
        self.loaded = transport.request({"op": "load", "cells": [cell], "unit": "test"})

    def call(self, name: str, *args: Any) -> Any:
        reply = self.transport.request({"op": "call", "target": name, "args": list(args), "kwargs": {}})
        if "fault" in reply:
            raise Fault(reply["fault"]["kind"], reply["fault"]["message"])
        return reply["value"]

    def fault(self, name: str, *args: Any) -> str:
        """The kind of fault that calling it ends in."""
        with pytest.raises(Fault) as caught:
            self.call(name, *args)
        return caught.value.kind


Opener = Callable[..., AbstractContextManager[Inside]]


def opener(sandbox: Sandbox) -> Opener:
    @contextlib.contextmanager
    def open_one(source: str, limits: Limits | None = None) -> Iterator[Inside]:
        transport = sandbox.session(limits)
        try:
            yield Inside(transport, source)
        finally:
            transport.close()

    return open_one


@pytest.fixture
def inside(sandbox: Sandbox) -> Opener:
    """`with inside(source) as session: session.call("name", …)`, in the sandbox."""
    return opener(sandbox)
