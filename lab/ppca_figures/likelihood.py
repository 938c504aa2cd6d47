"""How probable data are: exactly, and by drawing from the prior."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from lab.ppca_figures.model import draws, two_dimensional
from lab.style import BLUE, GREEN, GREY, INK, ORANGE, PURPLE, SKY, P, Q, canvas, picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LogMarginal = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]
MonteCarlo = Callable[[Tensor, Tensor, Tensor, Tensor, Tensor], Tensor]


@picture
def directions(
    log_marginal: LogMarginal, sigma2: Sequence[float] = (0.1, 0.3, 1.0), seed: int = 0
) -> tuple[Figure, str]:
    """A cloud, and its mean log-likelihood for W in every direction and some σ²; W is as long as is best for that σ²."""
    if not 1 <= len(sigma2) <= 5 or min(sigma2) <= 0:
        raise ValueError(f"expected one to five positive variances as sigma2; got {sigma2}")
    _, x = draws(400, *two_dimensional((1.5, 1.0), (0.0, 0.0), 0.3), seed)
    x = x - x.mean(0)
    cov = x.mT @ x / len(x)
    angles = torch.linspace(0, 180, 91, dtype=torch.float64)
    figure, (left, right) = canvas(2, height=3.8, widths=[1, 1.5])
    left.plot(x[:, 0], x[:, 1], "o", ms=3, color=P, alpha=0.4, mew=0)
    reach = 1.1 * float(x.abs().max())
    left.set(
        aspect="equal", xlabel="$x_1$", ylabel="$x_2$", xlim=(-reach, reach), ylim=(-reach, reach), title="The data"
    )
    colours, best = (BLUE, GREEN, PURPLE, SKY, ORANGE), 0.0
    ends = []
    for colour, variance in zip(colours, sigma2, strict=False):
        noise = torch.tensor(variance, dtype=torch.float64)
        curve = []
        for angle in angles:
            u = torch.stack([(angle * math.pi / 180).cos(), (angle * math.pi / 180).sin()])
            W = u.unsqueeze(1) * (u @ cov @ u - noise).clamp_min(1e-6).sqrt()
            curve.append(log_marginal(x, W, torch.zeros(2, dtype=torch.float64), noise).detach().mean())
        values = torch.stack(curve)
        right.plot(angles, values, color=colour, label=f"σ² = {variance:g}")
        best = float(angles[values.argmax()])
        right.plot(best, float(values.max()), "o", color=colour)
        ends.append((float(values.max()), float(values.min())))
    long = torch.linalg.eigh(cov)[1][:, -1]
    slope = math.degrees(math.atan2(float(long[1]), float(long[0]))) % 180
    left.axline((0, 0), (float(long[0]), float(long[1])), color=Q, lw=1.2)
    right.axvline(slope, color=Q, lw=1.2)
    high, low = max(top for top, _ in ends), min(bottom for _, bottom in ends)
    right.set(ylim=(max(low, high - 12) - 0.5, high + 0.2 * (high - max(low, high - 12)) + 0.5), xlim=(0, 180))
    right.set_xticks([0, 45, 90, 135, 180], ["0°", "45°", "90°", "135°", "180°"])
    right.set(
        xlabel="direction of W", ylabel="nats per point", title=f"Mean log-likelihood. PCA's direction: {slope:.0f}°"
    )
    right.legend(loc="upper right", ncols=3, handlelength=1.2, columnspacing=1.2)
    return figure, (
        f"Left: a cloud of points, longest in the direction of {slope:.0f} degrees. Right: for each of "
        f"{', '.join(f'{v:g}' for v in sigma2)} as σ², the mean log-likelihood against the direction of W. All curves are "
        "highest at PCA's direction; the smaller σ² is, the deeper they fall at right angles to it."
    )


@picture
def monte_carlo(
    log_marginal: LogMarginal, log_marginal_monte_carlo: MonteCarlo, q: int = 5, draws: int = 1000, seed: int = 0
) -> tuple[Figure, str]:
    """Estimates of log p(x) from draws of the prior, minus the exact value, for more and more visible dimensions D."""
    if q < 1 or draws < 1:
        raise ValueError(f"expected q ≥ 1 and draws ≥ 1; got {q=}, {draws=}")
    generator = torch.Generator().manual_seed(seed)
    dimensions, repeats = (1, 2, 3, 5, 10, 20, 30, 50, 70, 100), 24

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    everything, sigma2 = normal(max(dimensions), q), torch.tensor(1.0, dtype=torch.float64)
    figure, (ax, spread) = canvas(2, height=3.8, widths=[1.6, 1])
    means, deviations = [], []
    for D in dimensions:
        W, b = everything[:D], torch.zeros(D, dtype=torch.float64)
        x = normal(repeats, q) @ W.mT + normal(repeats, D)
        exact = log_marginal(x, W, b, sigma2)
        estimates = [log_marginal_monte_carlo(row.unsqueeze(0), normal(draws, q), W, b, sigma2)[0] for row in x]
        error = (torch.stack(estimates) - exact).detach()
        means.append(float(error.mean()))
        deviations.append(float(error.std()))
        ax.plot(torch.full((repeats,), float(D)), error, "o", ms=4, color=Q, alpha=0.45, mew=0)
    ax.axhline(0, color=INK, lw=1.2, ls="--")
    ax.plot(dimensions, means, color=Q, lw=1.4)
    ax.set(xscale="log", xlabel="D, the number of visible dimensions", ylabel="nats")
    ax.set_title(f"estimate − exact, {draws:,} draws, q = {q}")
    spread.plot(dimensions, deviations, "o-", color=Q, ms=4)
    spread.set(xscale="log", yscale="log", xlabel="D", ylabel="nats", title="standard deviation of the error")
    for panel in (ax, spread):
        panel.set_xticks([1, 10, 100], ["1", "10", "100"])
        panel.tick_params(which="minor", color=GREY)
    return figure, (
        f"Left: errors of single estimates of log p(x) against D from 1 to 100; their mean falls from {means[0]:.2f} to "
        f"{means[-1]:.1f} nats. Right: their standard deviation, which grows from {deviations[0]:.2f} to "
        f"{deviations[-1]:.1f} nats."
    )
