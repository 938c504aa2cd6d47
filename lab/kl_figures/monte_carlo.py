"""Estimating a divergence from samples."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from lab.style import GREEN, INK, P, Q, beside, canvas, picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Estimator = Callable[[Tensor, Tensor, Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]


@picture
def convergence(kl_monte_carlo: Estimator, shift: float = 1.0, seed: int = 0) -> tuple[Figure, str]:
    """Estimates of KL[N(shift, 1)‖N(0, 1)] = shift²/2 from more and more samples, each with two standard errors."""
    generator = torch.Generator().manual_seed(seed)
    z = shift + torch.randn(20_000, 1, generator=generator, dtype=torch.float64)
    exact = shift**2 / 2
    mu_q, zero = torch.full((1, 1), shift, dtype=torch.float64), torch.zeros(1, 1, dtype=torch.float64)
    sizes = [int(size) for size in torch.logspace(1, math.log10(len(z)), 28)]
    estimates, errors = zip(*(kl_monte_carlo(z[None, :size], mu_q, zero, zero, zero) for size in sizes), strict=True)
    estimate, error = torch.cat(estimates), torch.cat(errors)
    figure, (ax,) = canvas(height=3.4)
    ax.axhline(exact, color=INK, lw=1.2, ls="--", label=f"exact, {exact:.3g} nats")
    ax.errorbar(sizes, estimate, 2 * error, fmt="o", ms=4, lw=1.4, color=P, label="estimate ± 2 standard errors")
    ax.set(xscale="log", xlabel="s, the number of samples", ylabel="nats", xlim=(8, 26_000))
    ax.set_xticks([10, 100, 1000, 10_000], ["10", "100", "1,000", "10,000"])
    ax.legend(loc="upper right")
    return figure, (
        "Monte-Carlo estimates with bars of two standard errors for 10 to 20,000 samples; they close in on the exact "
        f"{exact:.3g} nats, the bars shrinking as one over the square root of the number of samples."
    )


@picture
def clamped(kl_monte_carlo: Estimator, shift: float = 0.1, samples: int = 2, seed: int = 0) -> tuple[Figure, str]:
    """Many estimates of a small divergence: about half are negative, and setting those to zero ruins the average."""
    generator = torch.Generator().manual_seed(seed)
    repeats = 40_000
    if samples < 2:
        raise ValueError(f"expected at least 2 samples, which a standard error needs; got {samples}")
    z = shift + torch.randn(repeats, samples, 1, generator=generator, dtype=torch.float64)
    mu_q, zero = torch.full((repeats, 1), shift, dtype=torch.float64), torch.zeros(repeats, 1, dtype=torch.float64)
    estimate = kl_monte_carlo(z, mu_q, zero, zero, zero)[0]
    exact, honest, cut = shift**2 / 2, float(estimate.mean()), float(estimate.clamp_min(0).mean())
    below = float((estimate < 0).double().mean())
    figure, (ax,) = canvas(height=3.4)
    edges = torch.linspace(float(estimate.quantile(0.001)), float(estimate.quantile(0.999)), 61)
    edges = edges - edges[edges.abs().argmin()]
    heights, _, bars = ax.hist(estimate.numpy(), bins=edges.tolist(), color=P, alpha=0.75)
    for edge, bar in zip(edges[:-1], bars, strict=True):  # pyright: ignore[reportArgumentType]
        if edge < -1e-9:
            bar.set_facecolor(Q)
    top = float(max(heights))  # pyright: ignore[reportArgumentType]
    ax.axvline(exact, color=INK, lw=1.2, ls="--")
    ax.axvline(cut, color=GREEN, lw=2)
    ax.set(xlim=(float(edges[0]), float(edges[-1])), ylim=(0, 1.3 * top), yticks=[])
    ax.set_xlabel("estimate from one set of samples, in nats")
    ax.spines["left"].set_visible(False)
    ax.annotate(f"{below:.0%} are negative", (float(edges[0]), 1.12 * top), color=Q)
    beside(ax, f"exact: {exact:.4f}\naverage of all: {honest:.4f}", (exact, 1.12 * top), (-6, 0), ha="right")
    beside(ax, f"average after setting\nnegatives to zero: {cut:.4f}", (cut, 1.12 * top), (6, 0), color=GREEN)
    return figure, (
        f"Histogram of {repeats:,} estimates of a divergence of {exact:.4f} nats; {below:.0%} are negative. Their average is "
        f"{honest:.4f}; with negative ones set to zero it would be {cut:.4f}."
    )
