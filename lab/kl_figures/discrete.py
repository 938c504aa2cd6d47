"""Distributions on finite sets: the small model, the bent coin, and maximum likelihood."""

from __future__ import annotations

from collections.abc import Callable
from math import comb
from typing import TYPE_CHECKING

import numpy
import torch
from torch import Tensor

from lab.small_model import posterior, prior
from lab.style import FORWARD, GREEN, GREY, INK, REVERSE, P, Q, canvas, picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Divergence = Callable[[Tensor, Tensor], Tensor]


def nats(value: Tensor) -> str:
    return "∞" if value.isinf() else f"{float(value):.3f} nats"


@picture
def small_model(kl_discrete: Divergence) -> tuple[Figure, str]:
    """Two pieces of news about z in the small model: x = 1 was seen, or z is not 2. Before and after, side by side."""
    before = prior()
    without_two = before * torch.tensor([1.0, 1.0, 0.0], dtype=torch.float64)
    news = [
        ("$p(z\\,|\\,x = 1)$", "seeing x = 1", posterior(1)),
        ("$p(z\\,|\\,z \\neq 2)$", "hearing that z is not 2", without_two / without_two.sum()),
    ]
    figure, axes = canvas(2, height=3.3)
    places = numpy.arange(3)
    told = []
    for ax, (label, event, after) in zip(axes, news, strict=True):
        ax.bar(places - 0.2, after.numpy(), 0.38, color=P, label=f"after, {label}")
        ax.bar(places + 0.2, before.numpy(), 0.38, color=Q, label="before, $p(z)$")
        ax.set(xticks=places, xlabel="z", ylim=(0, 0.82), ylabel="probability" if ax is axes[0] else "")
        there = kl_discrete(after.unsqueeze(0), before.unsqueeze(0))[0]
        back = kl_discrete(before.unsqueeze(0), after.unsqueeze(0))[0]
        ax.set_title(f"KL[after‖before] = {nats(there)}\nKL[before‖after] = {nats(back)}")
        ax.legend(loc="upper center", ncols=2, handlelength=1, columnspacing=1.2)
        told.append(f"After {event}: KL[after‖before] = {nats(there)}, KL[before‖after] = {nats(back)}.")
    return figure, "Beliefs about z before and after two pieces of news, as bars. " + " ".join(told)


@picture
def bernoulli(kl_discrete: Divergence, p: float = 0.2) -> tuple[Figure, str]:
    """Both divergences between a coin with chance p and one with chance θ, for every θ."""
    theta = torch.linspace(-25, 25, 1001, dtype=torch.float64).sigmoid()  # close to both ends, too
    theta = torch.cat([theta.new_zeros(1), theta, theta.new_ones(1)])
    moving = torch.stack([1 - theta, theta], -1)
    fixed = torch.tensor([1 - p, p], dtype=torch.float64).expand_as(moving)
    forward, reverse = kl_discrete(fixed, moving), kl_discrete(moving, fixed)
    figure, (ax,) = canvas(height=3.4)
    ax.plot(theta, forward, color=FORWARD, label="KL[p‖θ]: infinite where θ rules out what p does")
    ax.plot(theta, reverse, color=REVERSE, label="KL[θ‖p]: finite up to both ends")
    ax.plot(p, 0, "o", color=INK, clip_on=False, zorder=5)
    ax.annotate(f"θ = p = {p:g}", (p, 0), (p + 0.012, 0.11), color=INK)
    ax.set(xlim=(0, 1), ylim=(0, 2.6), xlabel="θ, the chance that the other coin gives to heads", ylabel="nats")
    ax.legend(loc="upper center")
    return figure, (
        f"KL from a coin with p = {p:g} to one with θ, and back, over θ from 0 to 1. Both are zero at θ = p only; the first "
        "grows without bound at both ends, the second stays finite."
    )


@picture
def maximum_likelihood(
    entropy_and_cross_entropy: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]],
    counts: tuple[int, ...] = (3, 10, 15, 19, 13),
) -> tuple[Figure, str]:
    """Fit a binomial to counts: the negative log-likelihood and the KL from the data, against the parameter."""
    data = torch.tensor(counts, dtype=torch.float64)
    data = data / data.sum()
    tosses, outcome = len(counts) - 1, torch.arange(len(counts), dtype=torch.float64)
    theta = torch.linspace(0.02, 0.98, 481, dtype=torch.float64).unsqueeze(-1)
    ways = torch.tensor([float(comb(tosses, k)) for k in range(tosses + 1)], dtype=torch.float64)
    model = ways * theta**outcome * (1 - theta) ** (tosses - outcome)
    entropy, cross_entropy = entropy_and_cross_entropy(data.expand_as(model), model)
    kl = cross_entropy - entropy
    best = int(cross_entropy.argmin())

    figure, (bars, curves) = canvas(2, height=3.5, widths=[1, 1.35])
    bars.bar(outcome.numpy() - 0.2, data.numpy(), 0.38, color=P, label="data, $\\hat{p}$")
    bars.bar(outcome.numpy() + 0.2, model[best].numpy(), 0.38, color=Q, label=f"model, θ = {float(theta[best]):.2f}")
    bars.set(xlabel=f"heads in {tosses} tosses", ylabel="share", title="The data and the best model", ylim=(0, 0.5))
    bars.legend(loc="upper left")
    curves.plot(theta, cross_entropy, color=Q)
    curves.plot(theta, kl, color=GREEN)
    curves.axvline(float(theta[best]), color=GREY, lw=1, ls=":")
    for curve in (cross_entropy, kl):
        curves.plot(theta[best], curve[best], "o", color=INK, ms=5)
    place = float(theta[best]) - (0.3 if theta[best] > 0.5 else -0.1)
    at = int((theta.squeeze(-1) - place).abs().argmin())
    low, high = float(kl[at]), float(cross_entropy[at])
    curves.annotate("", (place, low), (place, high), arrowprops={"arrowstyle": "<->", "color": GREY})
    curves.text(place + 0.015, low + 0.28 * (high - low), "$H(\\hat{p})$, for every θ", va="center", color=GREY)
    above = {"ha": "center", "bbox": {"facecolor": "white", "edgecolor": "none", "pad": 1.5}}
    curves.text(float(theta[best]), float(cross_entropy[best]) + 1.05, "mean negative log-likelihood", color=Q, **above)
    curves.text(float(theta[best]), float(kl[best]) + 0.7, "KL from the data", color=GREEN, **above)
    top = float(cross_entropy[best]) + 1.6
    curves.set(xlim=(0, 1), ylim=(0, top), xlabel="θ", ylabel="nats for one observation")
    curves.set_title("Two curves, one minimum")
    return figure, (
        "Left: shares of the counts and of the best binomial. Right: the mean negative log-likelihood and the KL from the data "
        f"over θ, a constant distance H = {float(entropy[best]):.3f} nats apart, both smallest at θ = {float(theta[best]):.2f}."
    )
