"""Figures that are drawn from a student's answers, and wait for those that are not written yet."""

from __future__ import annotations

import functools
import html
from collections.abc import Callable
from typing import Any

from lab.style import Picture


class Notice:
    """One sentence in the place of a figure."""

    def __init__(self, sentence: str) -> None:
        self.sentence = sentence

    def __repr__(self) -> str:
        return self.sentence

    def _repr_html_(self) -> str:
        box = "padding: .6em 1em; border-left: 4px solid #767676; background: rgba(128, 128, 128, .12)"
        return f'<div style="{box}">{html.escape(self.sentence)}</div>'


class _Stopped(Exception):
    """An answer did not give what a figure needs; the message is the sentence to show."""


def show(figure: Callable[..., Picture], /, *answers: Callable[..., Any], **settings: Any) -> Picture | Notice:
    """The figure, drawn from these answers; or one sentence that says which answer it waits for.

    An answer that fails, or whose output cannot be drawn, is named too, without a traceback: its own check says more.
    """
    try:
        return figure(*(_named(answer) for answer in answers), **settings)
    except _Stopped as stopped:
        return Notice(str(stopped))
    except Exception as problem:
        if not answers:
            raise
        names = " and ".join(_name(answer) for answer in answers)
        return Notice(
            f"This figure could not be drawn from what {names} returned ({type(problem).__name__}: {problem}). "
            "Run the check of each to see what is missing."
        )


def _named(answer: Callable[..., Any]) -> Callable[..., Any]:
    """The answer, which says its own name when it stops a figure."""

    @functools.wraps(answer)
    def asked(*args: Any, **kwargs: Any) -> Any:
        try:
            return answer(*args, **kwargs)
        except NotImplementedError:
            raise _Stopped(f"This figure waits for {_name(answer)}.") from None
        except Exception as problem:
            raise _Stopped(
                f"This figure needs {_name(answer)}, which raised {type(problem).__name__}: {problem} Run its check to see more."
            ) from None

    return asked


def _name(answer: Callable[..., Any]) -> str:
    return getattr(answer, "__name__", type(answer).__name__)
