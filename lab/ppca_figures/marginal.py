"""How the model makes data, and what they look like on the whole."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from lab.ppca_figures.model import draws, two_dimensional
from lab.style import GREY, INK, PALE, P, Q, canvas, picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Marginal = Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]


def line(ax: Axes, W: Tensor, b: Tensor, label: str | None = None) -> None:
    """b + Wz for z from −4 to 4."""
    ends = b + torch.tensor([[-4.0], [4.0]], dtype=torch.float64) @ W.mT
    ax.plot(ends[:, 0], ends[:, 1], color=Q, lw=1.4, label=label)


@picture
def generate(
    W: tuple[float, float] = (2.0, 1.0), b: tuple[float, float] = (1.0, 0.0), sigma2: float = 0.3, seed: int = 0
) -> tuple[Figure, str]:
    """z is drawn; b + Wz puts it on a line; noise of the variance σ² moves it away in every direction."""
    matrix, offset, variance = two_dimensional(W, b, sigma2)
    z, x = draws(250, matrix, offset, variance, seed)
    on_line = z @ matrix.mT + offset
    figure, (first, second, third) = canvas(3, height=3.5)
    grid = torch.linspace(-4, 4, 201, dtype=torch.float64)
    first.plot(grid, (-(grid**2) / 2).exp() / math.sqrt(2 * math.pi), color=Q)
    first.plot(z[:, 0], torch.full((len(z),), -0.025), "|", color=Q, ms=8, mew=0.8)
    first.set(xlabel="z", ylim=(-0.05, 0.45), yticks=[], title="z, drawn from N(0, 1)")
    first.spines["left"].set_visible(False)
    reach = 1.1 * float(torch.cat([x - offset, on_line - offset]).abs().max()) + 1e-9
    for ax, points, title in ((second, on_line, "b + Wz"), (third, x, "x = b + Wz + noise")):
        line(ax, matrix, offset)
        ax.plot(points[:, 0], points[:, 1], "o", ms=3, color=P, alpha=0.6, mew=0)
        ax.plot(*offset.tolist(), "o", color=INK, ms=5)
        ax.set(
            aspect="equal", title=title, xlabel="$x_1$", ylabel="$x_2$",
            xlim=(b[0] - reach, b[0] + reach), ylim=(b[1] - reach, b[1] + reach),
        )  # fmt: skip
    second.annotate("b", (b[0], b[1]), (5, -13), textcoords="offset points")
    return figure, (
        f"Left: draws of z from the standard normal density. Middle: the points b + Wz, all on one line through b along {W}. "
        f"Right: the same points after noise of the variance {sigma2:g} in both dimensions, a cloud along the line."
    )


@picture
def ellipse_and_line(
    marginal: Marginal, W: tuple[float, float] = (2.0, 1.0), b: tuple[float, float] = (1.0, 0.0), sigma2: float = 0.3,
    seed: int = 0,
) -> tuple[Figure, str]:  # fmt: skip
    """Draws of x, and the ellipse in which p(x) has 86 % of its mass: two standard deviations along each of its axes."""
    matrix, offset, variance = two_dimensional(W, b, sigma2)
    _, x = draws(1000, matrix, offset, variance, seed)
    mean, cov = marginal(matrix, offset, variance)
    mean, cov = mean.detach().double(), cov.detach().double()
    angle = torch.linspace(0, 2 * math.pi, 200, dtype=torch.float64)
    variances, axes = torch.linalg.eigh(cov)
    roots = 2 * variances.clamp_min(0).sqrt()
    curve = mean + torch.stack([angle.cos(), angle.sin()], 1) @ (axes * roots).mT
    inside = float(
        ((torch.linalg.solve(cov + 1e-12 * torch.eye(2), (x - mean).mT) * (x - mean).mT).sum(0) < 4).double().mean()
    )
    figure, (ax,) = canvas(height=4.3)
    ax.plot(x[:, 0], x[:, 1], "o", ms=3, color=P, alpha=0.25, mew=0, label="draws of x")
    line(ax, matrix, offset, "b + Wz")
    ax.plot(curve[:, 0], curve[:, 1], color=P, label="two standard deviations of your p(x)")
    for k in (0, 1):
        ends = torch.stack([mean - roots[k] * axes[:, k], mean + roots[k] * axes[:, k]])
        ax.plot(ends[:, 0], ends[:, 1], color=P, lw=1, ls=":")
    ax.plot(*mean.tolist(), "o", color=INK, ms=5)
    reach = 1.1 * float((x - offset).abs().max())
    ax.set(
        aspect="equal", xlabel="$x_1$", ylabel="$x_2$", title=f"{inside:.0%} of the draws lie inside",
        xlim=(b[0] - reach, b[0] + reach), ylim=(b[1] - reach, b[1] + reach),
    )  # fmt: skip
    ax.legend(loc="center left", bbox_to_anchor=(1.02, 0.5))
    ax.grid(color=PALE)
    ax.tick_params(color=GREY)
    return figure, (
        f"A cloud of draws of x with the line b + Wz through it, and the ellipse of the marginal, centred at "
        f"({float(mean[0]):.2f}, {float(mean[1]):.2f}), with half-axes of {float(roots[1]):.2f} and {float(roots[0]):.2f}, which "
        f"are two standard deviations; {inside:.0%} of the draws lie inside."
    )
