"""Gaussians mixed, cut and multiplied."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from lab.small_model import prior
from lab.style import GREEN, GREY, INK, P, Q, canvas, picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Pair = tuple[Tensor, Tensor]


def normal(x: Tensor, mean: float, var: float) -> Tensor:
    """The density N(x; mean, var)."""
    return torch.exp(-((x - mean) ** 2) / (2 * var)) / math.sqrt(2 * math.pi * var)


def number(value: float) -> Tensor:
    """One row with one entry."""
    return torch.full((1, 1), value, dtype=torch.float64)


@picture
def mixture(
    log_density_of_all: Callable[[Tensor, Tensor, Tensor], Tensor], log_sum_and_mean_exp: Callable[[Tensor], Pair],
    means: tuple[float, float, float] = (-2.0, 0.5, 3.0), std: float = 0.6,
) -> tuple[Figure, str]:  # fmt: skip
    """A mixture of three Gaussians with the small model's weights: its density and its log-density."""
    if std <= 0:
        raise ValueError(f"expected std > 0; got {std}")
    low, high = min(means) - 6 * std, max(means) + 6 * std
    x = torch.linspace(low, high, 801, dtype=torch.float64)
    mu = torch.tensor(means, dtype=torch.float64).unsqueeze(-1)
    log_var = torch.full_like(mu, 2 * math.log(std))
    log_joint = log_density_of_all(x.unsqueeze(-1), mu, log_var) + prior().log()
    log_p, _ = log_sum_and_mean_exp(log_joint)
    figure, axes = canvas(2, height=3.5)
    colours = ("#56B4E9", "#00805F", "#AA4A86")
    for ax, scale in zip(axes, (torch.exp, lambda value: value), strict=True):
        for z, colour in enumerate(colours):
            label = f"$p(z{{=}}{z})\\,p(x\\,|\\,z{{=}}{z})$"
            ax.plot(x, scale(log_joint[:, z]), color=colour, lw=1.4, ls="--", label=label)
        ax.plot(x, scale(log_p), color=INK, lw=2.2, label="$p(x)$")
        ax.set(xlim=(low, high), xlabel="x")
    axes[0].set_title("Densities add up")
    axes[1].set_title("Their logarithms: nearly the largest one")
    axes[1].set_ylabel("nats")
    axes[1].set_ylim(float(log_p.min()) - 4, float(log_p.max()) + 1.5)
    axes[0].set_ylim(0, float(log_p.max().exp()) * 1.15)
    axes[0].legend(loc="upper right", handlelength=1.6)
    return figure, (
        f"A mixture of three Gaussians with means {', '.join(f'{mean:g}' for mean in means)} and standard deviation {std:g}, "
        "weighted 1/2, 1/3 and 1/6. Left: the three weighted densities and their sum. Right: the logarithms; that of the sum "
        "follows whichever is largest."
    )


@picture
def slice_through(
    condition_gaussian: Callable[[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor], Pair],
    x_b: float = 1.0, correlation: float = 0.8,
) -> tuple[Figure, str]:  # fmt: skip
    """The joint density of two standard normals with a correlation, cut at b = x_b, and the slice scaled to area 1."""
    if not -1 < correlation < 1:
        raise ValueError(f"expected a correlation between -1 and 1; got {correlation}")

    def given(value: float) -> tuple[float, float]:
        blocks = (number(1.0)[None], number(correlation)[None], number(1.0)[None])
        mean, cov = condition_gaussian(number(0.0), number(0.0), *blocks, number(value))
        return float(mean[0, 0]), float(cov[0, 0, 0])

    mean, var = given(x_b)
    figure, (left, right) = canvas(2, height=4.8, widths=[1, 1.15])
    factor = torch.linalg.cholesky(torch.tensor([[1.0, correlation], [correlation, 1.0]], dtype=torch.float64))
    angle = torch.linspace(0, 2 * math.pi, 200, dtype=torch.float64)
    circle = torch.stack([angle.cos(), angle.sin()])
    for radius in (0.5, 1.0, 1.5, 2.0, 2.5):
        a, b = radius * factor @ circle
        left.plot(b, a, color=P, lw=1.2, alpha=0.9 - 0.25 * radius)
    ends = torch.tensor([-3.2, 3.2], dtype=torch.float64)
    line = [given(float(end))[0] for end in ends]
    left.plot(ends, line, color=INK, lw=1.2, ls="--", label="E[a | b], for every b")
    axis = math.copysign(1.0, correlation)
    left.plot(ends, axis * ends, color=GREY, lw=0.9, ls=":", label="the ellipse's axis")
    left.plot([x_b, x_b], [-3.2, 3.2], color=Q, lw=2, label=f"the slice b = {x_b:g}")
    std = math.sqrt(var)
    left.plot([x_b, x_b], [mean - 2 * std, mean + 2 * std], color=Q, lw=7, alpha=0.35, solid_capstyle="butt")
    left.plot(x_b, mean, "o", color=Q)
    left.set(aspect="equal", xlim=(-3.2, 3.2), ylim=(-3.2, 3.2), xlabel="b", ylabel="a")
    left.set(xticks=[-2, 0, 2], yticks=[-2, 0, 2])
    left.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=1, handlelength=1.6)
    grid = torch.linspace(-4, 4, 801, dtype=torch.float64)
    right.plot(grid, normal(grid, 0.0, 1.0), color=P, label="p(a), before: N(0, 1)")
    density = normal(grid, mean, var)
    right.plot(grid, density, color=Q, label=f"p(a | b = {x_b:g}): N({mean:.2f}, {var:.2f})")
    right.fill_between(grid, 0, density, color=Q, alpha=0.15, lw=0)
    right.set(xlim=(-4, 4), ylim=(0, max(0.4, float(density.max())) * 1.4), xlabel="a", ylabel="density")
    right.legend(loc="upper center")
    return figure, (
        f"Left: ellipses of two standard normals with correlation {correlation:g}, cut at b = {x_b:g}; the conditional mean "
        f"lies on a dashed line less steep than the ellipse's axis. Right: the density of a before, N(0, 1), and after, of "
        f"mean {mean:.2f} and variance {var:.2f}."
    )


@picture
def two_opinions(
    gaussian_product: Callable[[Tensor, Tensor, Tensor, Tensor], tuple[Tensor, Tensor, Tensor]],
    mu_2: float = 1.5, var_2: float = 0.5,
) -> tuple[Figure, str]:  # fmt: skip
    """N(0, 1) and a second opinion: their product, whose area is Z, and the Gaussian that it is proportional to."""
    if var_2 <= 0:
        raise ValueError(f"expected var_2 > 0; got {var_2}")
    mu, var, log_z = (
        float(value.squeeze()) for value in gaussian_product(number(0.0), number(1.0), number(mu_2), number(var_2))
    )
    z, reach = math.exp(log_z), 3.5 * max(1.0, math.sqrt(var_2))
    x = torch.linspace(min(-3.5, mu_2 - reach), max(3.5, mu_2 + reach), 1601, dtype=torch.float64)
    one, two, both = normal(x, 0.0, 1.0), normal(x, mu_2, var_2), normal(x, mu, var)
    figure, (ax,) = canvas(height=3.7)
    ax.plot(x, one, color=P, label="$\\mathcal{N}(0, 1)$")
    ax.plot(x, two, color=Q, label=f"$\\mathcal{{N}}({mu_2:g}, {var_2:g})$")
    ax.plot(x, both, color=GREEN, ls="--", label=f"$\\mathcal{{N}}({mu:.2f}, {var:.2f})$, area 1")
    ax.fill_between(x, 0, one * two, color=GREEN, alpha=0.35, lw=0, label=f"the product, area Z = {z:.3g}")
    top = max(float(curve.max()) for curve in (one, two, both))
    ax.set(xlim=(float(x[0]), float(x[-1])), ylim=(0, 1.35 * top), xlabel="x", ylabel="density")
    ax.legend(loc="upper center", ncols=4, columnspacing=1.4, handlelength=1.6)
    return figure, (
        f"The densities N(0, 1) and N({mu_2:g}, {var_2:g}). Their product has the area {z:.3g} and is proportional to a "
        f"Gaussian of mean {mu:.2f} and variance {var:.2f}, narrower than both."
    )
