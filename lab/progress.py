"""A progress bar for a training: epochs, the bound as it stands, the best so far. Nothing where nobody watches."""

from __future__ import annotations

from types import TracebackType
from typing import Any

from torch import Tensor

from lab.history import History

EVERY = 10
"""Read the loss once in so many steps: reading it makes a GPU wait."""


class Watch:
    """Shown in a terminal and in a notebook; silent into a file or a pipe, but for the sentence at the end."""

    def __init__(self, examples: int, epochs: int, *, enabled: bool) -> None:
        self.examples, self.epochs, self.enabled = examples, epochs, enabled
        self.bar: Any = None
        self.steps = 0
        self.task: Any = None
        self.so_far = ""

    def __enter__(self) -> Watch:
        if self.enabled:
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

            console = Console()
            columns = (
                TextColumn("epoch {task.fields[epoch]}"),
                BarColumn(24),
                TextColumn("{task.fields[bound]}"),
                TimeRemainingColumn(),
            )
            watched = console.is_terminal or console.is_jupyter
            self.bar = Progress(*columns, console=console, disable=not watched, transient=True)
            self.bar.start()
            self.task = self.bar.add_task("", total=self.examples * self.epochs, epoch="", bound="")
        return self

    def epoch(self, number: int, history: History) -> None:
        if self.bar is not None:
            best = f"best {history.best():.2f}" if history.epochs else ""
            self.bar.update(
                self.task, completed=number * self.examples, epoch=f"{number + 1}/{self.epochs}", bound=best
            )
            self.so_far = best

    def step(self, examples: int, loss: Tensor) -> None:
        if self.bar is not None:
            self.steps += 1
            self.bar.advance(self.task, examples)
            if self.steps % EVERY == 0 and not self.bar.disable:
                self.bar.update(self.task, bound=f"now {-loss.item():.2f} nats  {self.so_far}")

    def done(self, history: History) -> None:
        if self.bar is not None:
            self.bar.stop()
            self.bar = None
            print(history.summary())

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, where: TracebackType | None
    ) -> None:
        if self.bar is not None:
            self.bar.stop()
