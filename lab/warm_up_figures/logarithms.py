"""What floats can hold, and what their logarithms can."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from lab.style import BLUE, GREY, INK, ORANGE, beside, canvas, picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@picture
def overflow(log_sum_and_mean_exp: Callable[[Tensor], tuple[Tensor, Tensor]]) -> tuple[Figure, str]:
    """log(exp a + exp(a + 1)) in float32, as it stands and by the student's function, over a from −200 to 200."""
    a = torch.linspace(-200, 200, 1601)
    pairs = torch.stack([a, a + 1], 1)
    naive = pairs.exp().sum(1).log()
    stable, _ = log_sum_and_mean_exp(pairs)
    works = a[naive.isfinite()]
    low, high = float(works.min()), float(works.max())
    figure, (ax,) = canvas(height=3.8)
    ax.axvspan(-200, low, color=ORANGE, alpha=0.10, lw=0)
    ax.axvspan(high, 200, color=ORANGE, alpha=0.10, lw=0)
    ax.plot(a, stable, color=BLUE, lw=5, alpha=0.45, label="your function")
    ax.plot(a, naive, color=ORANGE, lw=1.8, label="log(exp(a) + exp(a + 1)), typed in as it stands")
    ax.plot([low, high], [low + math.log(1 + math.e), high + math.log(1 + math.e)], "o", color=ORANGE, ms=5)
    ax.axhline(0, color=GREY, lw=0.6)
    beside(ax, f"every exp is 0,\nits log −∞\n(a < {low:.0f})", (-152, 60), ha="center", color=INK)
    beside(ax, f"exp is ∞,\nits log ∞\n(a > {high:.0f})", (145, -90), ha="center", color=INK)
    ax.set(xlim=(-200, 200), ylim=(-205, 260), xlabel="a", ylabel="nats")
    ax.legend(loc="upper left", ncols=2)
    return figure, (
        "The logarithm of exp(a) + exp(a + 1) in float32, for a from -200 to 200. Your function is a straight line; the "
        f"formula as it stands is minus infinity below {low:.0f} and plus infinity above {high:.0f}."
    )
