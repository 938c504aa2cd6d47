"""The figure that every new unit draws with: it shows what an answer returns, and says it in words."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from lab import show
from lab.curves import curve
from lab.style import Picture
from lab.waiting import Notice


def square(x: Tensor) -> Tensor:
    return (x * x).sum(-1)


def test_it_draws_an_answer_and_says_what_it_shows() -> None:
    drawn = curve(square, low=-1.0, high=3.0, at=0.5)
    assert isinstance(drawn, Picture)
    assert drawn.alt == "square as a curve, from 1 at -1 to 9 at 3, with 0.250 at 0.5 marked."
    assert 10_000 < len(drawn.png) < 400_000


def test_it_draws_a_function_of_torchs_own_and_one_that_is_nan_at_an_end() -> None:
    assert isinstance(curve(torch.log, low=0.01, high=1.0), Picture)
    assert "from nan at 0" in curve(lambda x: (x * x.log()).sum(-1)).alt


@pytest.mark.parametrize("settings", [{"at": 2.0}, {"low": 1.0, "high": 1.0, "at": 1.0}, {"low": 1.0, "high": 0.0}])
def test_settings_that_make_no_sense_are_refused_in_words(settings: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"expected .* got"):
        curve(square, **settings)


def test_it_waits_for_an_answer_that_is_not_written() -> None:
    def stub(x: Tensor) -> Tensor:
        raise NotImplementedError

    shown = show(curve, stub)
    assert isinstance(shown, Notice)
    assert shown.sentence == "This figure waits for stub."
