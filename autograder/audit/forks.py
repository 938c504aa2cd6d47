"""Tasks in forks of this warm process: everything is imported and drawn already, and what a task breaks dies with it.

Only code of the course's own runs here: solutions, their mutants, misconceptions. What students hand in never does.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any, TypeVar

import torch

T = TypeVar("T")


@dataclass(frozen=True)
class Ended:
    """What is left of a task that brought no result: it met its limit of processor time, or a signal ended it."""

    reason: str


class TaskFailed(RuntimeError):
    """A task raised: a mistake of the audit's own, with the traceback of the fork in its message."""


def cores() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_forks(
    tasks: Sequence[Callable[[], T]], jobs: int | None = None, cpu_seconds: int | None = None
) -> Iterator[tuple[int, T | Ended]]:
    """(place, result) of every task as they come, `jobs` at a time, each in a fork of its own.

    A task that uses more than `cpu_seconds` of processor time, or sleeps thirty times as long, gives `Ended`. Where a system
    has no fork, tasks run here one after the other and no limit holds.
    """
    if "fork" not in multiprocessing.get_all_start_methods():
        for place, task in enumerate(tasks):
            yield place, task()
        return
    running: dict[Connection, tuple[int, Any]] = {}
    waiting = iter(enumerate(tasks))
    with one_thread():
        try:
            while True:
                while len(running) < (jobs or cores()) and (following := next(waiting, None)) is not None:
                    place, task = following
                    connection, process = start(task, cpu_seconds)
                    running[connection] = (place, process)
                if not running:
                    return
                ready = wait(list(running), timeout=None if cpu_seconds is None else 30 * cpu_seconds)
                for connection in ready or list(running):  # nobody ready for so long: all of them sleep
                    assert isinstance(connection, Connection)
                    place, process = running.pop(connection)
                    yield place, outcome(connection, process, bool(ready))
        finally:
            for connection, (_, process) in running.items():
                end(connection, process)


def start(task: Callable[[], Any], cpu_seconds: int | None) -> tuple[Connection, Any]:
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=work, args=(task, there, cpu_seconds), daemon=True)
    with warnings.catch_warnings():
        # A progress bar's thread may be alive beside us, of which Python 3.12 warns: the fork neither prints nor waits for it.
        warnings.simplefilter("ignore", DeprecationWarning)
        process.start()
    there.close()
    return here, process


def work(task: Callable[[], Any], connection: Connection, cpu_seconds: int | None) -> None:
    """In the fork: run the task and send what comes of it."""
    if cpu_seconds is not None:
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds))
    try:
        message: tuple[str, Any] = ("done", task())
    except KeyboardInterrupt:  # Ctrl-C reaches the whole group: the parent says it
        os._exit(1)
    except BaseException:
        message = ("failed", traceback.format_exc())
    connection.send_bytes(pickle.dumps(message))


def outcome(connection: Connection, process: Any, in_time: bool) -> Any:
    if not in_time:
        end(connection, process)
        return Ended("it slept")
    try:
        how, result = pickle.loads(connection.recv_bytes())
    except EOFError:
        process.join()
        connection.close()
        return Ended("it met its limit of processor time" if process.exitcode in (-9, -24) else "its process ended")
    process.join()
    connection.close()
    if how == "failed":
        raise TaskFailed(f"A task of the audit failed in its fork:\n{result}")
    return result


def end(connection: Connection, process: Any) -> None:
    process.kill()
    process.join()
    connection.close()


@contextmanager
def one_thread() -> Iterator[None]:
    """Small tensors are faster on one thread, and a fork of a process that computes on several may hang."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
