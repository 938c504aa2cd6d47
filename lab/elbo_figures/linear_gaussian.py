"""The best diagonal Gaussian where the posterior is tilted."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from lab.style import GREY, INK, P, Q, beside, canvas, picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Best = Callable[[Tensor, Tensor, Tensor, Tensor], tuple[Tensor, Tensor, Tensor]]


def columns(angle: float, length: float) -> Tensor:
    """Two columns of W, this many degrees apart and equally long."""
    half = math.radians(angle) / 2
    return length * torch.tensor(
        [[math.cos(half), math.cos(half)], [math.sin(half), -math.sin(half)]], dtype=torch.float64
    )


def ellipse(ax: Axes, mean: Tensor, cov: Tensor, colour: str, label: str, style: str = "-") -> None:
    """Where a Gaussian has Mahalanobis distance 2."""
    turn = torch.linspace(0, 2 * math.pi, 200, dtype=torch.float64)
    points = mean.unsqueeze(-1) + 2 * torch.linalg.cholesky(cov) @ torch.stack([turn.cos(), turn.sin()])
    ax.plot(points[0], points[1], color=colour, label=label, ls=style)


@picture
def diagonal_in_a_tilted_posterior(
    optimal_q: Best, angle: float = 35.0, length: float = 2.0, sigma2: float = 1.0
) -> tuple[Figure, str]:
    """The posterior over two hidden causes whose columns of W are `angle` degrees apart, and the best diagonal q."""
    if not 0 < angle < 180 or length <= 0 or sigma2 <= 0:
        raise ValueError(f"expected 0 < angle < 180, length > 0 and sigma2 > 0; got {angle}, {length}, {sigma2}")
    noise = torch.tensor(sigma2, dtype=torch.float64)
    x, b = torch.tensor([[3.0, 0.5]], dtype=torch.float64), torch.zeros(2, dtype=torch.float64)
    W = columns(angle, length)
    mean, variances, gap = optimal_q(x, W, b, noise)
    cov = torch.linalg.inv(torch.eye(2, dtype=torch.float64) + W.T @ W / noise)
    figure, (left, right) = canvas(2, height=4.6, widths=[1.1, 1.1])
    ellipse(left, mean[0], cov, P, "posterior p(z|x)")
    ellipse(left, mean[0], torch.diag(variances), Q, "best diagonal q")
    ellipse(left, mean[0], torch.diag(cov.diagonal()), GREY, "the posterior's own variances", "--")
    reach = 2.8 * float(cov.diagonal().max().sqrt())
    x0, y0 = (float(value) for value in mean[0])
    left.set(
        aspect="equal",
        xlabel="$z_1$",
        ylabel="$z_2$",
        xlim=(x0 - reach, x0 + reach),
        ylim=(y0 - reach, y0 + 1.75 * reach),
    )
    left.legend(loc="upper center", handlelength=1.2)
    angles = torch.linspace(4, 176, 87, dtype=torch.float64).tolist()
    gaps = [float(optimal_q(x, columns(value, length), b, noise)[2]) for value in angles]
    right.plot(angles, gaps, color=Q)
    right.plot(angle, float(gap), "o", color=INK, zorder=5)
    right.plot(90, 0, "o", color=GREY, clip_on=False)
    beside(right, "orthogonal:\nnothing is lost", (90, 0), (0, 36), ha="center", color=GREY)
    right.set(xlim=(0, 180), ylim=(0, None), xlabel="angle between the columns of W, in degrees", ylabel="nats")
    right.set_xticks([0, 45, 90, 135, 180])
    right.set_title(f"What the bound lacks: {float(gap):.3f} nats at {angle:g}°")
    return figure, (
        f"Left: the tilted ellipse of the posterior, with standard deviations {float(cov[0, 0].sqrt()):.2f} and "
        f"{float(cov[1, 1].sqrt()):.2f}; with the same centre the upright one of the best diagonal q, with "
        f"{float(variances[0].sqrt()):.2f} and "
        f"{float(variances[1].sqrt()):.2f}; around both a dashed one with the posterior's own variances. Right: "
        "the gap over the angle "
        f"between the columns of W, 0 at 90 degrees and {float(gap):.3f} nats at {angle:g}."
    )
