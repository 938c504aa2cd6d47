"""Where the parameters sit: in the samples, or in their weights."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy
import torch
from torch import Tensor
from torch.special import ndtri

from lab.style import GREEN, GREY, INK, PURPLE, SKY, Q, canvas, picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Sampler = Callable[[Tensor, Tensor, Tensor], Tensor]


@picture
def two_ways(mean: float = 1.0, std: float = 1.0, step: float = 0.6) -> tuple[Figure, str]:
    """The same change of E_q[f], seen in samples that move and in samples that are weighed anew; f(z) = z²."""
    if std <= 0:
        raise ValueError(f"expected a standard deviation above 0; got {std:g}")
    z = torch.linspace(mean - 3.4 * std, mean + 3.4 * std + max(step, 0), 401, dtype=torch.float64)
    eps = ndtri((torch.arange(7, dtype=torch.float64) + 0.5) / 7)
    samples = mean + std * eps

    def bell(centre: float) -> Tensor:
        return (-(((z - centre) / std) ** 2) / 2).exp() / (std * math.sqrt(2 * math.pi))

    figure, axes = canvas(2, height=3.7)
    top = 0.46 / std
    for ax in axes:
        ax.plot(z, bell(mean), color=Q, label="$q$")
        ax.plot(z, bell(mean + step), color=Q, lw=1.4, ls="--", label="$q$, moved")
        ax.plot(z, z**2 * (0.55 * top / float((z**2).max())), color=GREY, lw=1.4, label="$f(z) = z^2$, not to scale")
        ax.set(yticks=[], ylim=(-0.34 * top, 1.22 * top), xlabel="z", xlim=(float(z[0]), float(z[-1])))
        ax.spines["left"].set_visible(False)
    path, score = axes
    low = -0.17 * top
    for place, x in enumerate(samples.tolist()):
        height = (-0.1 - 0.07 * (place % 3)) * top  # one above the other, so that arrows stay apart
        path.annotate("", (x + step, height), (x, height), arrowprops={"arrowstyle": "->", "color": GREEN, "lw": 1.8})
        path.plot(x, height, "o", color=GREEN, ms=6)
    path.set_title("Along the path: samples move, each counts as before")
    weights = (((samples - mean) ** 2 - (samples - mean - step) ** 2) / (2 * std**2)).exp()
    heights = torch.full_like(samples, low)
    score.scatter(samples, heights, s=(80 * weights).numpy(), color=PURPLE, zorder=4)
    score.scatter(samples, heights, s=80, facecolors="none", edgecolors=INK, lw=0.9, zorder=5)
    score.set_title("By the score: samples stay, their weights change")
    path.legend(loc="upper left", ncols=3, columnspacing=1.0, handlelength=1.3, fontsize=9.5)
    return figure, (
        f"Twice a Gaussian of mean {mean:g} and the same moved by {step:g}, with f(z) = z² behind. Left, seven samples move with "
        "it. Right, they stay in their places; those on the right gain weight and those on the left lose it."
    )


@picture
def noise_to_samples(
    reparameterise: Sampler,
    mean: tuple[float, float] = (2.0, 0.0),
    std: tuple[float, float] = (1.0, 0.4),
    seed: int = 0,
) -> tuple[Figure, str]:
    """A cloud of noise and the samples that it becomes, joined for a few of them."""
    if min(std) <= 0:
        raise ValueError(f"expected two standard deviations above 0; got {std}")
    generator = torch.Generator().manual_seed(seed)
    eps = torch.randn(300, 2, generator=generator, dtype=torch.float64)
    mu = torch.tensor(mean, dtype=torch.float64).expand_as(eps).contiguous()
    log_var = (2 * torch.tensor(std, dtype=torch.float64).log()).expand_as(eps).contiguous()
    z = reparameterise(mu, log_var, eps).detach()
    figure, (ax,) = canvas(height=4.2)
    ax.scatter(*eps.numpy().T, s=11, color=GREY, alpha=0.6, label="noise ε, which knows no parameter")
    ax.scatter(*z.numpy().T, s=11, color=Q, alpha=0.7, label="samples z = μ + σ·ε of q")
    for a, b in zip(eps[:6].tolist(), z[:6].tolist(), strict=True):
        ax.annotate(
            "", tuple(b), tuple(a), arrowprops={"arrowstyle": "->", "color": INK, "lw": 1.1, "shrinkA": 2, "shrinkB": 2}
        )
    ax.plot(*mean, "P", color=SKY, ms=11, mec=INK, label="μ")
    ax.set(xlabel="first dimension", ylabel="second dimension", ylim=(-3.4, 3.4))
    ax.set_aspect("equal", adjustable="datalim")
    ax.legend(loc="upper right")
    spread = numpy.round(z.std(0).numpy(), 2)
    return figure, (
        f"A round cloud of noise and the cloud of samples that it becomes, around {mean} with standard deviations near "
        f"{spread[0]:g} and {spread[1]:g}; arrows join six points of noise with their samples."
    )
