"""A figure says which answer it waits for, and never shows a traceback of a student's own doing."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from lab import show
from lab.style import Picture, canvas, picture
from lab.waiting import Notice


def unwritten(x: Tensor) -> Tensor:
    raise NotImplementedError()


def failing(x: Tensor) -> Tensor:
    raise ValueError("sizes differ")


def forgetful(x: Tensor) -> None:
    return None


def double(x: Tensor) -> Tensor:
    return 2 * x


@picture
def curve(first, second, *, slope: float = 1.0):
    figure, (ax,) = canvas(height=2)
    x = slope * torch.linspace(0, 1, 5)
    ax.plot(x, first(x) + second(x))
    return figure, f"A line of slope {slope:g} & more."


def test_a_figure_of_finished_answers_is_drawn_with_its_settings() -> None:
    drawn = show(curve, double, double, slope=3.0)
    assert isinstance(drawn, Picture)
    assert drawn.png.startswith(b"\x89PNG")
    assert "A line of slope 3" in repr(drawn)


def test_the_figure_names_the_answer_that_is_not_written_yet() -> None:
    waiting = show(curve, double, unwritten)
    assert repr(waiting) == "This figure waits for unwritten."
    assert isinstance(waiting, Notice)
    assert "This figure waits for unwritten." in waiting._repr_html_()


def test_an_answer_that_raises_is_named_with_what_it_said() -> None:
    assert repr(show(curve, failing, double)).startswith(
        "This figure needs failing, which raised ValueError: sizes differ"
    )


def test_an_answer_whose_output_cannot_be_drawn_is_named() -> None:
    assert "could not be drawn from what double and forgetful returned" in repr(show(curve, double, forgetful))


def test_a_wrong_setting_of_a_figure_without_answers_is_an_error() -> None:
    from lab import kl_figures

    with pytest.raises(ValueError, match="expected std > 0; got -1"):
        show(kl_figures.integrand, std=-1.0)


def test_the_description_is_the_alternative_text_and_cannot_break_out_of_it() -> None:
    drawn = Picture(canvas()[0], 'a "quoted" <b>')
    assert 'alt="a &quot;quoted&quot; &lt;b&gt;"' in drawn._repr_html_()
