"""Points along a curve, noise around them, and the way back."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor

from lab.style import BLUE, GREY, ORANGE, canvas, picture
from lab.toys import two_moons

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Points = Float[Tensor, "n 2"]


def moons(count: int) -> Points:
    return two_moons(0.02).sample(count, torch.Generator().manual_seed(0)).double()


@picture
def spoilt_points(sigma: float = 0.3, count: int = 300) -> tuple[Figure, str]:
    """Points along two curves, and the same with noise: which curve was each of them on?"""
    if not 0 < sigma < 5 or count < 2:
        raise ValueError(f"expected 0 < sigma < 5 and at least two points; got {sigma:g} and {count}")
    points = moons(count)
    noisy = points + sigma * torch.randn(points.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    figure, (left, right) = canvas(2, height=3.6)
    for ax, x, color, title in ((left, points, BLUE, "points x"), (right, noisy, ORANGE, f"x + noise, σ = {sigma:g}")):
        ax.scatter(x[:, 0], x[:, 1], s=7, color=color, lw=0)
        ax.set(xlim=(-2.4, 2.4), ylim=(-1.7, 1.7), aspect="equal", title=title)
    return figure, f"{count} points along two half circles, and the same points with noise of deviation {sigma:g}."


@picture
def projection(
    best_denoiser: Callable[[Points, Points, float], Points], sigma: float = 0.15, more: float = 0.6, count: int = 300
) -> tuple[Figure, str]:
    """Where the best denoiser sends places of the plane: to the curve if there is little noise, towards the middle if there is
    much."""
    if not 0 < sigma < 5 or not 0 < more < 5 or count < 2:
        raise ValueError(f"expected noise between 0 and 5 and at least two points; got {sigma:g}, {more:g} and {count}")
    points = moons(count)
    x, y = torch.linspace(-2.2, 2.2, 18, dtype=torch.float64), torch.linspace(-1.5, 1.5, 12, dtype=torch.float64)
    places = torch.stack(torch.meshgrid(x, y, indexing="xy"), -1).reshape(-1, 2)
    figure, axes = canvas(2, height=3.8)
    told = []
    for ax, noise in zip(axes, (sigma, more), strict=True):
        ends = best_denoiser(places, points, noise)
        way = ends - places
        nearest = torch.cdist(ends, points).amin(1)
        told.append(f"with σ = {noise:g} they end {float(nearest.mean()):.2f} away from the nearest point on average")
        ax.scatter(points[:, 0], points[:, 1], s=5, color=BLUE, lw=0)
        ax.quiver(
            places[:, 0], places[:, 1], way[:, 0], way[:, 1], angles="xy", scale_units="xy", scale=1, width=0.0028,
            color=ORANGE, alpha=0.75,
        )  # fmt: skip
        ax.plot(ends[:, 0], ends[:, 1], "o", color=ORANGE, ms=2.5, mew=0)
        ax.plot(places[:, 0], places[:, 1], ".", color=GREY, ms=2)
        ax.set(xlim=(-2.4, 2.4), ylim=(-1.7, 1.7), aspect="equal", title=f"σ = {noise:g}")
    return figure, f"Arrows from a grid of places to their denoised positions: {', '.join(told)}."
