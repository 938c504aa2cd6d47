"""Where a submission runs. `open_sandbox` gives the walls there are; see `bubblewrap` for them and `plain` for none.

with open_sandbox(given=unit_folder / "given.py") as sandbox:
    transport = sandbox.session()       # one submission's own process; ends with everything it started
    transport.request({"op": "load", "cells": [...], "unit": "kl_divergence"})
    transport.close()
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from autograder.sandbox.base import Sandbox, SandboxUnavailable
from autograder.sandbox.limits import Limits

__all__ = ["Limits", "Sandbox", "SandboxUnavailable", "find_bwrap", "open_sandbox"]

NOT_LINUX = (
    "Submissions that nobody has vetted are graded only behind walls that Linux has. Grade on a Linux machine (or in WSL 2 "
    "or a Linux virtual machine), or say `--trust` if you trust every one of these submissions."
)


def open_sandbox(
    given: Path | None = None,
    preload: Sequence[str] = (),
    limits: Limits | None = None,
    trust: bool = False,
    plain: bool = False,
    without: Sequence[str] = (),
) -> Sandbox:
    """A sandbox whose sessions see the unit's `given`. Use it in a `with` statement.

    `preload` names modules to import once for all submissions. `trust` (the instructor's word) or `plain` (one's own
    notebook) asks for plain processes without walls. Where there are no walls and neither was said: SandboxUnavailable.
    `without` leaves out some of `limits.LAYERS`, for those who want to see what each of them is good for.
    """
    if trust or plain:
        from autograder.sandbox.plain import PlainSandbox

        return PlainSandbox(given, limits)
    if not sys.platform.startswith("linux"):
        raise SandboxUnavailable(NOT_LINUX)
    from autograder.sandbox.bubblewrap import BubblewrapSandbox

    return BubblewrapSandbox(given, preload, limits, without)


def find_bwrap() -> str | None:
    """The path of the `bwrap` that would be used, or None."""
    from autograder.sandbox import bubblewrap

    return bubblewrap.find_bwrap()
