"""How single samples scatter: the slope of E[z²] along μ at N(1, 1), estimated along the path and by the score."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from lab.gradient_figures.quadrature import mean_and_variance, normal_nodes
from lab.style import GREEN, GREY, INK, PURPLE, SKY, beside, canvas, picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Pathwise = Callable[[Tensor, Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]
Score = Callable[[Tensor, Tensor, Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]

SQUARE = torch.tensor([[0.0, 0.0, 1.0]], dtype=torch.float64)
"""The coefficients of f(z) = z²."""


def along_path(pathwise_gradient: Pathwise, eps: Tensor, mean: float) -> Tensor:
    """The slopes along μ of z² at N(mean, 1), one for every eps."""
    mu = torch.tensor([mean], dtype=torch.float64)
    return pathwise_gradient(mu, torch.zeros_like(mu), eps.unsqueeze(0), SQUARE)[0][0].detach()


def by_score(score: Score, eps: Tensor, values: Tensor, baseline: float, mean: float) -> Tensor:
    """The same from the score, for any values of f at z = mean + eps."""
    mu = torch.tensor([mean], dtype=torch.float64)
    b = torch.tensor([baseline], dtype=torch.float64)
    return score((mean + eps).unsqueeze(0), values.unsqueeze(0), mu, torch.zeros_like(mu), b)[0][0].detach()


@picture
def per_sample(
    pathwise_gradient: Pathwise, score_function_gradient: Score, mean: float = 1.0, baseline: float = 4.0, seed: int = 0
) -> tuple[Figure, str]:
    """Histograms of single slopes, over many samples, with the exact mean and variance of each kind."""
    eps = torch.randn(20_000, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    nodes, weights = normal_nodes()
    kinds = [
        ("along the path", GREEN, lambda e: along_path(pathwise_gradient, e, mean)),
        ("by the score", PURPLE, lambda e: by_score(score_function_gradient, e, (mean + e) ** 2, 0.0, mean)),
        (f"by the score, baseline {baseline:g}", SKY,
         lambda e: by_score(score_function_gradient, e, (mean + e) ** 2, baseline, mean)),
    ]  # fmt: skip
    figure, axes = canvas(3, height=3.3)
    told, drawn = [], [slopes(eps) for _, _, slopes in kinds]
    low, high = (float(end) for end in torch.stack(drawn).aminmax())
    edges = torch.linspace(low - 1, high + 1, 81).tolist()
    for ax, found, (name, color, slopes) in zip(axes, drawn, kinds, strict=True):
        average, variance = mean_and_variance(slopes(nodes), weights)
        ax.hist(found.numpy(), bins=edges, color=color, alpha=0.85)
        ax.axvline(average, color=INK, lw=1.2, ls="--")
        ax.set_title(f"{name}\nmean {average:.2f}, variance {variance:.2f}")
        ax.set(xlim=(edges[0], edges[-1]), yscale="log", ylim=(0.7, 20_000), xlabel="slope along μ from one sample")
        told.append(f"{name}: mean {average:.2f}, variance {variance:.2f}")
    axes[0].set_ylabel("samples of 20,000")
    return figure, f"Histograms of 20,000 single slopes of E[z²] along μ at N({mean:g}, 1). {'; '.join(told)}."


@picture
def baselines(score_function_gradient: Score, mean: float = 1.0) -> tuple[Figure, str]:
    """The variance of a single slope against the constant that is subtracted from f."""
    nodes, weights = normal_nodes()
    square = (mean + nodes) ** 2
    constants = torch.linspace(-4, 12, 81, dtype=torch.float64)
    found = [
        mean_and_variance(by_score(score_function_gradient, nodes, square, float(b), mean), weights)
        for b in constants
    ]  # fmt: skip
    variances = torch.tensor([variance for _, variance in found], dtype=torch.float64)
    best, plain = int(variances.argmin()), float(variances[constants.abs().argmin()])
    expected = mean**2 + 1
    at_mean = float(variances[(constants - expected).abs().argmin()])
    figure, (ax,) = canvas(height=3.5)
    ax.plot(constants, variances, color=PURPLE)
    points = (
        (0.0, plain, f"no baseline: {plain:.1f}", (8, 8), "left"),
        (expected, at_mean, f"b = E[f] = {expected:g}: {at_mean:.1f}", (10, 6), "left"),
        (float(constants[best]), float(variances[best]), f"the best, b = {float(constants[best]):.1f}: {variances[best]:.1f}",
         (10, -17), "left"),
    )  # fmt: skip
    for x, y, text, offset, ha in points:
        ax.plot(x, y, "o", color=INK, ms=6, zorder=5)
        beside(ax, text, (x, y), offset, ha=ha)
    floor = 4.0 if mean == 1 else None
    if floor is not None:
        ax.axhline(floor, color=GREEN, lw=1.4, ls="--")
        beside(ax, "along the path: 4", (12, floor), (-2, 5), ha="right", color=GREEN)
    ax.set(
        xlabel="b, the constant that is subtracted from f",
        ylabel="variance",
        xlim=(-4, 12),
        ylim=(0, float(variances.max())),
    )
    ax.set_title(f"One slope of E[z²] along μ at N({mean:g}, 1): every b has the mean {found[best][0]:.2f}")
    return figure, (
        f"The variance of a single score-function slope over the baseline b, a parabola: {plain:.1f} without, {at_mean:.1f} at "
        f"b = E[f] = {expected:g}, and least, {variances[best]:.1f}, at b = {float(constants[best]):.1f}."
    )


@picture
def dimensions(
    pathwise_gradient: Pathwise, score_function_gradient: Score, most: int = 100, seed: int = 0
) -> tuple[Figure, str]:
    """The variance of the slope along one mean as f(z) = z₁² + … + z_D² depends on more and more numbers."""
    if most < 2:
        raise ValueError(f"expected f to depend on up to 2 numbers or more; got {most}")
    sizes = [size for size in (1, 2, 5, 10, 20, 50, 100, 200, 500) if size <= most]
    generator = torch.Generator().manual_seed(seed)
    first = torch.randn(40_000, generator=generator, dtype=torch.float64)
    others, done = torch.zeros_like(first), 1
    path, plain, based = [], [], []
    for size in sizes:
        for _ in range(size - done):
            others += (1 + torch.randn(len(first), generator=generator, dtype=torch.float64)) ** 2
        done = size
        values = (1 + first) ** 2 + others
        path.append(float(along_path(pathwise_gradient, first, 1.0).var()))
        plain.append(float(by_score(score_function_gradient, first, values, 0.0, 1.0).var()))
        based.append(float(by_score(score_function_gradient, first, values, 2.0 * size + 2, 1.0).var()))
    figure, (ax,) = canvas(height=3.5)
    for row, color, marker, label in (
        (plain, PURPLE, "v", "by the score"), (based, SKY, "s", "by the score, best baseline"),
        (path, GREEN, "o", "along the path"),
    ):  # fmt: skip
        ax.plot(sizes, row, color=color, marker=marker, ms=6, label=label)
    ax.set(
        xscale="log", yscale="log", xlabel="D, how many numbers f depends on", ylabel="variance of a slope along $μ_1$"
    )
    ax.set_xticks(sizes, [str(size) for size in sizes])
    ax.minorticks_off()
    ax.grid(axis="y", color=GREY, alpha=0.25)
    ax.legend(loc="upper left")
    return figure, (
        f"Variances from 40,000 samples, D from 1 to {sizes[-1]}, on logarithmic axes. Along the path {path[0]:.1f} and "
        f"{path[-1]:.1f}; by the score {plain[0]:.0f} and {plain[-1]:.0f}; with the best baseline {based[0]:.0f} and "
        f"{based[-1]:.0f}."
    )
