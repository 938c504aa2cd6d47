"""What tests of every room share."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from autograder.sandbox import Sandbox, open_sandbox


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """One warm sandbox for all tests: it takes seconds to start, a session of it milliseconds."""
    if not sys.platform.startswith("linux"):
        pytest.skip("the sandbox needs Linux")
    with open_sandbox() as opened:
        yield opened
