"""The small model: its joint table as areas, and what seeing x does to beliefs about z."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from lab.small_model import ONE_GIVEN_Z, PRIOR, likelihood
from lab.style import BLUE, GREY, INK, ORANGE, SKY, canvas, picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Enumeration = Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor, Tensor]]

SEEN = (SKY, ORANGE)
"""What goes with x = 0 is light blue, what goes with x = 1 is orange."""


def written(value: Fraction) -> str:
    return f"{value.numerator}/{value.denominator}"


@picture
def mosaic() -> tuple[Figure, str]:
    """The unit square, cut into columns as wide as p(z), and each column into x = 1 below and x = 0 above."""
    figure, (ax,) = canvas(height=4.4)
    left = Fraction(0)
    told = []
    for z, (width, one) in enumerate(zip(PRIOR, ONE_GIVEN_Z, strict=True)):
        for x, (bottom, height) in enumerate(((one, 1 - one), (Fraction(0), one))):
            ax.bar(
                float(left), float(height), float(width), float(bottom),
                align="edge", color=SEEN[x], edgecolor="white", lw=3, alpha=0.75,
            )  # fmt: skip
            middle = float(left + width / 2), float(bottom + height / 2)
            ax.text(*middle, f"p(x={x}, z={z})\n= {written(width * height)}", ha="center", va="center", color=INK)
        ax.text(float(left + width / 2), 1.03, f"z = {z}", ha="center", color=INK, fontsize=12)
        told.append(f"z = {z}: {written(width * (1 - one))} with x = 0 and {written(width * one)} with x = 1")
        left += width
    edges = [Fraction(0), PRIOR[0], PRIOR[0] + PRIOR[1], Fraction(1)]
    ax.set_xticks([float(edge) for edge in edges], ["0", "1/2", "5/6", "1"])
    ax.set(xlim=(0, 1.28), ylim=(0, 1.1), yticks=[0, 0.25, 0.5, 0.75, 1])
    ax.set_xlabel("width: p(z)", loc="left")
    ax.set_ylabel("height: p(x | z)")
    for x, height in ((1, 0.35), (0, 0.75)):
        ax.text(1.03, height, f"x = {x}", color=SEEN[x] if x else BLUE, fontsize=12)
    ax.text(1.03, 0.29, "heads", color=GREY)
    ax.text(1.03, 0.69, "tails", color=GREY)
    ax.spines["bottom"].set_bounds(0, 1)
    ax.spines["left"].set_bounds(0, 1)
    return figure, "The joint table of the small model as areas of a square. " + "; ".join(told) + "."


@picture
def beliefs(
    enumerate_model: Enumeration, prior: tuple[float, float, float] = (1 / 2, 1 / 3, 1 / 6)
) -> tuple[Figure, str]:  # fmt: skip
    """Beliefs about z before anything is seen, and after each x: bars, with the evidence and the mean of z."""
    before = torch.tensor(prior, dtype=torch.float64)
    if bool((before < 0).any()) or abs(float(before.sum()) - 1) > 1e-6:
        raise ValueError(f"expected three probabilities that add up to 1; got {prior}")
    values = torch.arange(3, dtype=torch.float64)
    marginal, posterior, mean = enumerate_model(before, likelihood(), values)
    figure, axes = canvas(2, height=3.5)
    told = []
    for x, ax in enumerate(axes):
        ax.bar((values - 0.2).tolist(), before.tolist(), 0.38, color="#B8B8B8", label="before, $p(z)$")
        ax.bar(
            (values + 0.2).tolist(), posterior[x].tolist(), 0.38, color=SEEN[x], label=f"after, $p(z\\,|\\,x = {x})$"
        )
        for z in range(3):
            ax.text(z + 0.2, float(posterior[x, z]) + 0.015, f"{float(posterior[x, z]):.2f}", ha="center")
            ax.text(z - 0.2, float(before[z]) + 0.015, f"{float(before[z]):.2f}", ha="center", color=GREY)
        ax.set(xticks=[0, 1, 2], xlabel="z", ylim=(0, 1.25), yticks=[0, 0.5, 1])
        ax.set_title(f"x = {x}: p(x) = {float(marginal[x]):.3f}, E[z | x] = {float(mean[x]):.2f}")
        ax.legend(loc="upper right", ncols=2, handlelength=1, columnspacing=1.2)
        after = ", ".join(f"{float(value):.2f}" for value in posterior[x])
        told.append(
            f"After x = {x}, of probability {float(marginal[x]):.3f}, they are {after}, with mean {float(mean[x]):.2f}."
        )
    axes[0].set_ylabel("probability")
    start = ", ".join(f"{float(value):.2f}" for value in before)
    return figure, f"Probabilities of z = 0, 1, 2 as bars. Before, they are {start}. " + " ".join(told)
