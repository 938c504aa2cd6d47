"""Jensen's inequality for the logarithm."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from lab.style import GREEN, GREY, INK, P, Q, beside, canvas, picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def format_signed(value: float) -> str:
    return f"({value:.3f})".replace("-", "−") if value < 0 else f"{value:.3f}"


@picture
def chord(low: float = 0.3, high: float = 4.0, weight: float = 0.5) -> tuple[Figure, str]:
    """The logarithm and a chord below it: the log of an average above the average of the logs."""
    if not (0 < low < high and 0 <= weight <= 1):
        raise ValueError(f"expected 0 < low < high and 0 ≤ weight ≤ 1; got low={low}, high={high}, weight={weight}")
    figure, (ax,) = canvas(height=3.7)
    v = torch.linspace(0.15, 1.15 * high, 400)
    mean = (1 - weight) * low + weight * high
    above, below = math.log(mean), (1 - weight) * math.log(low) + weight * math.log(high)
    ax.plot(v, v.log(), color=P, label="log v")
    ax.plot([low, high], [math.log(low), math.log(high)], color=Q, label="the chord")
    ax.plot([low, high], [math.log(low), math.log(high)], "o", color=INK, ms=5)
    ax.plot([mean, mean], [below, above], color=GREEN, lw=3, solid_capstyle="butt")
    ax.plot([mean, mean], [below, above], "o", color=GREEN, ms=5)
    beside(ax, f"log of the average = {above:.3f}", (mean, above), (-8, 7), ha="right")
    beside(ax, f"average of the logs = {below:.3f}", (mean, below), (10, -12))
    top = math.log(1.15 * high)
    ax.set(xlim=(0, 1.15 * high), ylim=(min(math.log(low), -1.3) - 0.3, top + 0.5), xlabel="v")
    ax.set_title(f"gap = {above:.3f} − {format_signed(below)} = {above - below:.3f} nats", color=GREEN)
    ax.legend(loc="lower right")
    return figure, (
        f"The curve log v and the chord between v = {low:g} and v = {high:g}. At the weighted average {mean:.3g} the curve "
        f"lies {above - below:.3f} nats above the chord."
    )


@picture
def gap_against_spread(jensen_gap: Callable[[Tensor, Tensor], Tensor]) -> tuple[Figure, str]:
    """The gap of log-normal values v = exp(σ ε), which is σ²/2, and what half their relative variance predicts."""
    eps = torch.linspace(-8, 8, 401, dtype=torch.float64)
    weights = (-(eps**2) / 2).softmax(0)
    sigma = torch.linspace(0, 1.6, 81, dtype=torch.float64)
    values = (sigma.unsqueeze(-1) * eps).exp()
    gap = jensen_gap(weights.expand_as(values), values)
    mean = (weights * values).sum(-1)
    variance = (weights * (values / mean.unsqueeze(-1) - 1) ** 2).sum(-1)
    figure, (ax,) = canvas(height=3.3)
    ax.plot(sigma, gap, color=GREEN, lw=6, alpha=0.5, label="your jensen_gap")
    ax.plot(sigma, variance / 2, color=GREY, ls="--", label="½ Var[v] / E[v]²: good while values are alike")
    ax.plot(sigma, sigma**2 / 2, color=INK, lw=1.2, label="σ²/2, exact for these values")
    ax.set(xlim=(0, 1.6), ylim=(0, 2.0), xlabel="σ, the spread of log v", ylabel="gap in nats")
    ax.legend(loc="upper left")
    return figure, (
        "Jensen's gap of log-normal values against the spread σ of their logarithms: it starts at zero and grows as σ²/2; half "
        "the relative variance agrees while σ is small and overshoots later."
    )
