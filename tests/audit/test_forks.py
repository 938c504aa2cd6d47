"""Tasks in forks: results come back in any order, and what goes wrong in one stays in it."""

from __future__ import annotations

import os
import signal
from functools import partial

import pytest
import torch

from autograder.audit.forks import Ended, TaskFailed, in_forks


def square(number: int) -> int:
    return number * number


def test_every_task_brings_its_result() -> None:
    assert dict(in_forks([partial(square, number) for number in range(7)], jobs=3)) == {n: n * n for n in range(7)}


def test_a_task_changes_nothing_here() -> None:
    kept = [1]
    assert dict(in_forks([lambda: kept.append(2)], jobs=1)) == {0: None}
    assert kept == [1]


def test_a_loop_that_never_ends_meets_its_limit_and_the_others_go_on() -> None:
    def loop() -> int:
        while True:
            pass

    found = dict(in_forks([loop, partial(square, 3)], jobs=2, cpu_seconds=1))
    assert found[1] == 9
    assert found[0] == Ended("it met its limit of processor time")


def test_a_task_whose_process_ends_brings_no_result() -> None:
    found = dict(in_forks([lambda: os._exit(0), lambda: os.kill(os.getpid(), signal.SIGTERM)], jobs=1))
    assert found == {0: Ended("its process ended"), 1: Ended("its process ended")}


def test_an_exception_of_a_task_is_ours_and_says_where() -> None:
    with pytest.raises(TaskFailed, match="ZeroDivisionError"):
        list(in_forks([lambda: 1 / 0], jobs=1))


def test_gradients_and_large_products_work_after_they_were_taken_here() -> None:
    def slope() -> float:
        x = torch.ones(600, 600, dtype=torch.float64, requires_grad=True)
        (x @ x).sum().backward()
        assert x.grad is not None
        return float(x.grad[0, 0])

    here = slope()
    assert dict(in_forks([slope] * 2, jobs=2, cpu_seconds=20)) == {0: here, 1: here}


def test_stopping_early_leaves_no_process_behind() -> None:
    def loop() -> int:
        while True:
            pass

    reader, held = os.pipe()  # every process that is left behind holds on to the end it inherited
    os.set_blocking(reader, False)
    tasks = in_forks([partial(square, 1), loop], jobs=2)
    assert next(tasks) == (0, 1)
    os.close(held)
    with pytest.raises(BlockingIOError):
        os.read(reader, 1)
    tasks.close()  # type: ignore[attr-defined]
    assert os.read(reader, 1) == b""
    os.close(reader)
