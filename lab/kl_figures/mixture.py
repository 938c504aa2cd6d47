"""One Gaussian in the place of two."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from lab.kl_figures.gaussian import log_normal
from lab.style import FORWARD, INK, REVERSE, P, beside, canvas, picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PAPER = {"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 1.0}
"""Behind words that stand on lines."""

Fit = Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]


def mixture(separation: float, weight: float, std: float) -> tuple[Tensor, Tensor, Tensor]:
    """Weights, means and stds of weight·N(-separation/2, 1) + (1 - weight)·N(separation/2, std²)."""
    if separation < 0 or not 0 < weight < 1 or std <= 0:
        raise ValueError(f"expected separation ≥ 0, 0 < weight < 1, std > 0; got {separation}, {weight}, {std}")
    halves = [-separation / 2, separation / 2]
    rows = torch.tensor([[weight, 1 - weight], halves, [1.0, std]], dtype=torch.float64)
    return rows[0], rows[1], rows[2]


def log_mixture(x: Tensor, weights: Tensor, means: Tensor, stds: Tensor) -> Tensor:
    return (weights.log() + log_normal(x.unsqueeze(-1), means, stds)).logsumexp(-1)


def stage(ax: Axes, weights: Tensor, means: Tensor, stds: Tensor) -> Tensor:
    """Draw the mixture; returns the x at which it is drawn."""
    x = torch.linspace(float((means - 4.5 * stds).min()), float((means + 4.5 * stds).max()), 800, dtype=torch.float64)
    density = log_mixture(x, weights, means, stds).exp()
    ax.fill_between(x, 0, density, color=P, alpha=0.22, lw=0, label="p, the mixture")
    ax.plot(x, density, color=P, lw=1.2)
    ax.set(xlim=(float(x[0]), float(x[-1])), xlabel="x", yticks=[])
    ax.margins(y=0)
    ax.spines["left"].set_visible(False)
    return x


@picture
def two_modes(separation: float = 6.0, weight: float = 0.6, std: float = 1.0) -> tuple[Figure, str]:
    """The target of the last two exercises: a mixture of two Gaussians."""
    figure, (ax,) = canvas(height=2.7)
    weights, means, stds = mixture(separation, weight, std)
    stage(ax, weights, means, stds)
    ax.set_ylim(0, 1.15 * ax.get_ylim()[1])
    ax.legend(loc="upper left", bbox_to_anchor=(0.42, 1.0))
    return (
        figure,
        f"The density of two Gaussians mixed, {separation:g} apart, of weights {weight:g} and {1 - weight:g}.",
    )


@picture
def reverse_landscape(
    fit_forward: Fit, separation: float = 6.0, weight: float = 0.6, std: float = 1.0
) -> tuple[Figure, str]:  # fmt: skip
    """KL[q‖mixture] over the mean and the logarithm of the standard deviation of q, with its valleys."""
    weights, means, stds = mixture(separation, weight, std)
    eps = torch.linspace(-7, 7, 181, dtype=torch.float64)
    rule = (-(eps**2) / 2).softmax(0)
    reach = separation / 2 + 1.5
    mean = torch.linspace(-reach, reach, 111, dtype=torch.float64)
    log_std = torch.linspace(-1.0, math.log(reach) + 0.35, 91, dtype=torch.float64)
    x = mean[None, :, None] + log_std.exp()[:, None, None] * eps
    entropy = log_std.unsqueeze(-1) + math.log(2 * math.pi * math.e) / 2
    kl = -entropy - log_mixture(x, weights, means, stds) @ rule
    inner = kl[1:-1, 1:-1]
    rows, columns = inner.shape
    around = [kl[i : i + rows, j : j + columns] for i in range(3) for j in range(3) if (i, j) != (1, 1)]
    valleys = [(int(i) + 1, int(j) + 1) for i, j in torch.nonzero(inner < torch.stack(around).amin(0))]
    forward_mean, forward_std = (float(value[0]) for value in fit_forward(weights[None], means[None], stds[None]))

    figure, (left, right) = canvas(2, height=4.2, widths=[1, 1.25])
    x_axis = stage(left, weights, means, stds)
    for number, (i, j) in enumerate(valleys, 1):
        density = log_normal(x_axis, mean[j], log_std[i].exp()).exp()
        left.plot(x_axis, density, color=REVERSE, lw=1.6, ls=["-", "--", ":"][number % 3 - 1])
        top = int(density.argmax())
        beside(left, str(number), (float(x_axis[top]), float(density[top])), (0, 3), ha="center", weight="bold")
    left.set(title="p, and q at each valley", ylim=(0, 1.12 * left.get_ylim()[1]))
    levels = [0.1, 0.3, 0.6, 0.75, 1.0, 1.2, 1.4, 1.6, 1.8, 2.0, 2.5, 3, 4, 6, 9, 14, 20]
    lines = right.contour(mean, log_std, kl, levels=levels, colors=INK, linewidths=0.8, alpha=0.7)
    right.clabel(lines, fmt="%g", fontsize=8)
    for number, (i, j) in enumerate(valleys, 1):
        right.plot(mean[j], log_std[i], "o", color=REVERSE, ms=7)
        name = f"{number}: {float(kl[i, j]):.2f} nats"
        beside(right, name, (float(mean[j]), float(log_std[i])), (0, -17), ha="center", weight="bold", bbox=PAPER)
    right.plot(forward_mean, math.log(forward_std), "s", color=FORWARD, ms=8)
    beside(right, "forward fit", (forward_mean, math.log(forward_std)), (10, -3), color=FORWARD, bbox=PAPER)
    right.set(xlabel="mean of q", ylabel="log of the standard deviation of q", title="KL[q‖p] for every q, in nats")
    places = [(float(mean[j]), float(log_std[i].exp()), float(kl[i, j])) for i, j in valleys]
    told = "; ".join(f"mean {m:.1f}, std {s:.1f}: {value:.2f} nats" for m, s, value in places)
    return figure, (
        "Left: the mixture and the Gaussians at the valleys of KL[q‖p]. Right: contour lines of KL[q‖p] over the mean and "
        f"log std of q. The valleys: {told}. The forward fit, mean {forward_mean:.1f} and std {forward_std:.1f}, is marked."
    )


@picture
def forward_and_reverse(
    fit_forward: Fit, fit_reverse: Fit, separation: float = 6.0, weight: float = 0.6, std: float = 1.0
) -> tuple[Figure, str]:  # fmt: skip
    """The same mixture, fitted by one Gaussian in both directions."""
    weights, means, stds = mixture(separation, weight, std)
    forward_mean, forward_std = (value[0] for value in fit_forward(weights[None], means[None], stds[None]))
    reverse_mean, reverse_std = fit_reverse(weights, means, stds)
    figure, (ax,) = canvas(height=3.6)
    x = stage(ax, weights, means, stds)
    ax.plot(x, log_normal(x, forward_mean, forward_std).exp(), color=FORWARD, label="forward: smallest KL[p‖q], covers")
    ax.plot(
        x, log_normal(x, reverse_mean, reverse_std).exp(), color=REVERSE, label="reverse: small KL[q‖p], seeks a mode"
    )
    ax.set(ylim=(0, ax.get_ylim()[1] * 1.32))
    ax.legend(loc="upper center", ncols=3)
    return figure, (
        f"A mixture of two Gaussians {separation:g} apart. The forward fit has mean {float(forward_mean):.2f} and std "
        f"{float(forward_std):.2f}; the reverse fit has mean {float(reverse_mean):.2f} and std {float(reverse_std):.2f}."
    )


@picture
def as_modes_part(fit_forward: Fit, fit_reverse: Fit, weight: float = 0.6, std: float = 1.0) -> tuple[Figure, str]:
    """Both fits while the components move apart: mean ± std of each."""
    apart = torch.linspace(0, 8, 41, dtype=torch.float64)
    parts = [mixture(float(separation), weight, std) for separation in apart]
    weights, means, stds = (torch.stack(column) for column in zip(*parts, strict=True))
    forward_mean, forward_std = fit_forward(weights, means, stds)
    reverse_mean, reverse_std = (
        torch.stack(column) for column in zip(*(fit_reverse(*part) for part in parts), strict=True)
    )
    figure, axes = canvas(2, height=3.7)
    panels = [("forward", forward_mean, forward_std, FORWARD), ("reverse", reverse_mean, reverse_std, REVERSE)]
    for ax, (name, mean, spread, colour) in zip(axes, panels, strict=True):
        for component in range(2):
            label = "means of p's components" if component == 0 else None
            ax.plot(apart, means[:, component], color=P, lw=1.2, ls="--", label=label)
        ax.errorbar(apart, mean, spread, fmt=".", color=colour, ms=6, lw=1.2, label=f"{name} fit, mean ± std")
        ax.set(xlim=(-0.2, 8.2), ylim=(-6, 6), xlabel="distance between p's components", title=f"{name} fit")
        ax.legend(loc="upper left")
    axes[0].set(ylabel="x")
    return figure, (
        "Mean and standard deviation of both fits while the components of p move from 0 to 8 apart. The forward fit's mean "
        "follows the mixture's and its standard deviation keeps growing; the reverse fit starts the same and then jumps onto "
        "one component."
    )
