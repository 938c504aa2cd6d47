"""`check`, as a notebook's cells call it: the verdict on one answer, and its points as a number."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from autograder.answer import Answer, LocalTransport, usable_device
from autograder.exercise import Exercise, Unit
from autograder.judge import check_exercise
from autograder.session import Session
from autograder.verdict import ExerciseVerdict

STUDENT_SEED = 0
"""Students' own checks draw these inputs; an instructor's course has a seed of its own, which nobody knows."""


class Checked(float):
    """The points, as a number that also carries the verdict: a notebook shows it as a card, nbgrader reads it as the score."""

    verdict: ExerciseVerdict
    _answer: Answer | None

    def __new__(cls, verdict: ExerciseVerdict, answer: Answer | None = None) -> Checked:
        self = super().__new__(cls, verdict.points)
        self.verdict, self._answer = verdict, answer
        return self

    def __reduce__(self) -> tuple[type[float], tuple[float]]:
        return float, (float(self),)

    def _repr_html_(self) -> str:
        return self.verdict.as_html()

    def plot(self) -> Any:
        """The answer drawn against the truth, where a picture says more than numbers."""
        if self._answer is None or self._answer.exercise.picture is None:
            print(f"{self.verdict.name} has no picture.")
            return None
        if self.verdict.status in ("not_yet", "missing"):
            print(f"This picture waits for {self.verdict.name}.")
            return None
        notebooks_show_figures()
        return self._answer.exercise.picture(self._answer)


def formula(derivation: Any) -> Any:
    """The formulas of a derivation that you are writing: `formula(elbo_by_jensen)`. Nothing is checked here."""
    from autograder.derivation.show import formula as drawn

    return drawn(derivation)


def check(answer: Any, *, device: str | None = None) -> Checked:
    """Check an exercise: `check(kl_gaussian)` or `check("kl_gaussian")`, in the folder of the unit's notebook.

    Shows each law with its mark, and for a broken one the smallest input that breaks it. Returns the points.
    """
    name = answer if isinstance(answer, str) else getattr(answer, "__name__", "")
    exercise = find_exercise(name)
    session = Session(given=exercise.unit.given)
    if not isinstance(answer, str):
        session.names[exercise.name] = answer
    else:
        session.names.update(callers_names())
    runs_on = usable_device(device or os.environ.get("DLVM_DEVICE", "cpu"))
    judged = Answer(exercise, LocalTransport(session), runs_on)
    verdict = check_exercise(exercise, judged.transport, seed=STUDENT_SEED, device=runs_on)
    if not shows_html():
        print(verdict.as_text())
    return Checked(verdict, judged)


def callers_names() -> dict[str, Any]:
    """The notebook's own names, or those of the module that called `check`."""
    frame = sys._getframe(2)
    return {key: value for key, value in frame.f_globals.items() if not key.startswith("__")}


def find_exercise(name: str) -> Exercise:
    """The exercise of that name in the laws.py beside the notebook, or in a unit's folder below or beside it."""
    here = Path.cwd()
    folders = [here, *sorted(here.glob("*/")), *sorted(here.glob("exercises/*/"))]
    known: list[str] = []
    for folder in folders:
        if not (folder / "laws.py").exists():
            continue
        unit = Unit.load(folder)
        if name in unit.exercises:
            return unit.exercises[name]
        known += unit.exercises
    if not known:
        raise FileNotFoundError(
            f"check looked for laws.py in {here} and found none. "
            "Run the notebook in its own folder, where laws.py lies beside it."
        )
    raise LookupError(f"There is no exercise called {name!r} here. There are: {', '.join(known)}.")


def notebooks_show_figures() -> None:
    """A kernel shows a figure that a cell returns as a picture only once it is told so, which pyplot would do on import."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is not None:
        from IPython.core.pylabtools import select_figure_formats

        select_figure_formats(shell, {"png"})


def shows_html() -> bool:
    """Whether this is a notebook, which shows the returned value as a card."""
    module = sys.modules.get("IPython")
    shell = module.get_ipython() if module is not None else None
    return shell is not None and type(shell).__name__ == "ZMQInteractiveShell"
