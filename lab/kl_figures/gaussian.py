"""One Gaussian against another."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from lab.style import FORWARD, GREEN, GREY, INK, REVERSE, P, Q, canvas, picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

GaussianDivergence = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]


def log_normal(x: Tensor, mean: float | Tensor, std: float | Tensor) -> Tensor:
    return -(((x - mean) / std) ** 2) / 2 - torch.as_tensor(std, dtype=x.dtype).log() - math.log(2 * math.pi) / 2


@picture
def integrand(mean: float = 1.0, std: float = 1.5) -> tuple[Figure, str]:
    """p = N(0, 1) and q = N(mean, std²), and the function whose area is KL[p‖q]."""
    if std <= 0:
        raise ValueError(f"expected std > 0; got {std}")
    x = torch.linspace(-12, 12, 2401, dtype=torch.float64)
    log_p, log_q = log_normal(x, 0.0, 1.0), log_normal(x, mean, std)
    term = log_p.exp() * (log_p - log_q)
    kl = float(term.sum() * (x[1] - x[0]))
    figure, (left, right) = canvas(2, height=3.3)
    left.plot(x, log_p.exp(), color=P, label="p = N(0, 1)")
    left.plot(x, log_q.exp(), color=Q, label=f"q = N({mean:g}, {std:g}²)")
    left.set(xlim=(-5, 5), ylim=(0, 0.5), xlabel="x", title="Two densities")
    left.legend(loc="upper left", handlelength=1.2)
    positive = (term >= 0).numpy()
    right.plot(x, term, color=INK, lw=1.2)
    right.fill_between(x, 0, term, where=positive, color=P, alpha=0.45, lw=0)
    right.fill_between(x, 0, term, where=~positive, color=Q, alpha=0.45, lw=0)
    right.axhline(0, color=GREY, lw=0.8)
    right.set(xlim=(-5, 5), xlabel="x", title=f"p log(p/q), whose area is {kl:.3f} nats")
    return figure, (
        f"Left: the densities of N(0, 1) and N({mean:g}, {std:g}²). Right: p log p/q, positive where p is the larger, "
        f"negative where q is; its integral is {kl:.3f} nats."
    )


@picture
def directions(kl_gaussian: GaussianDivergence) -> tuple[Figure, str]:
    """Both divergences between N(μ, σ²) and N(0, 1) as maps over μ and log σ²."""
    mean, log_var = torch.linspace(-3, 3, 121), torch.linspace(-4, 3, 141)
    grid = torch.stack(torch.meshgrid(mean, log_var, indexing="xy"), -1).double().reshape(-1, 2)
    mu, lv, zero = grid[:, :1], grid[:, 1:], torch.zeros(len(grid), 1, dtype=torch.float64)
    figure, axes = canvas(2, height=4.0)
    levels = [0.05, 0.2, 0.5, 1, 2, 4, 8, 16]
    maps = [
        ("KL[q‖p], reverse: q = N(μ, σ²), p = N(0, 1)", kl_gaussian(mu, lv, zero, zero), REVERSE),
        ("KL[p‖q], forward: the same two, swapped", kl_gaussian(zero, zero, mu, lv), FORWARD),
    ]
    for ax, (title, kl, colour) in zip(axes, maps, strict=True):
        kl = kl.reshape(len(log_var), len(mean))
        lines = ax.contour(mean, log_var, kl, levels=levels, colors=colour, linewidths=1.3)
        ax.clabel(lines, fmt="%g", fontsize=9)
        ax.plot(0, 0, "o", color=INK)
        ax.set(title=title, xlabel="μ", ylabel="log σ²")
    return figure, (
        "Contour lines of the two divergences over the mean and log-variance of q. Both are zero at the black dot, μ = 0 and "
        "σ² = 1. The reverse one climbs gently for small variances and steeply for large ones; the forward one does the "
        "opposite."
    )


@picture
def half_on_the_first_term(kl_gaussian: GaussianDivergence) -> tuple[Figure, str]:
    """KL[N(0, σ²)‖N(0, 1)] against what a slide with its ½ in the wrong place says."""
    log_var = torch.linspace(-3.2, 2.2, 300, dtype=torch.float64).unsqueeze(-1)
    zero = torch.zeros_like(log_var)
    figure, (ax,) = canvas(height=3.3)
    var = log_var.exp()
    ax.plot(var, kl_gaussian(zero, log_var, zero, zero), color=GREEN, label="your kl_gaussian")
    ax.plot(var, -log_var / 2 + var - 1, color=GREY, ls="--", label="the slide: ½ on the first term only")
    ax.axhline(0, color=INK, lw=0.8)
    ax.plot(1, 0, "o", color=INK, zorder=5)
    ax.annotate("q = p: both are zero", (1, 0), (1.35, -0.24), arrowprops={"arrowstyle": "-", "color": GREY})
    ax.set(xlim=(0, 4), ylim=(-0.4, 1.6), xlabel="σ², the variance of q;  p = N(0, 1)", ylabel="nats")
    ax.legend(loc="upper center")
    return figure, (
        "Two curves over the variance of q. Yours touches zero at variance 1. The slide's is zero there too, but falls below "
        "zero between about 0.2 and 1, lowest at ½."
    )


def ellipse(ax: Axes, cov: Tensor, colour: str, label: str, **style: object) -> None:
    """Where a centred Gaussian with this covariance has Mahalanobis distance 2."""
    angle = torch.linspace(0, 2 * math.pi, 200, dtype=torch.float64)
    points = 2 * torch.linalg.cholesky(cov) @ torch.stack([angle.cos(), angle.sin()])
    ax.plot(points[0], points[1], color=colour, label=label, **style)  # pyright: ignore[reportArgumentType]


@picture
def mean_field(kl_gaussian_full: GaussianDivergence, correlation: float = 0.9) -> tuple[Figure, str]:
    """A correlated p, a round q = N(0, v·I), and both divergences against v."""
    if not -1 < correlation < 1:
        raise ValueError(f"expected a correlation between -1 and 1; got {correlation}")
    p_cov = torch.tensor([[1.0, correlation], [correlation, 1.0]], dtype=torch.float64)
    v = torch.logspace(-2.0, 1.0, 301, dtype=torch.float64)
    q_cov = v[:, None, None] * torch.eye(2, dtype=torch.float64)
    zero = torch.zeros(len(v), 2, dtype=torch.float64)
    reverse = kl_gaussian_full(zero, q_cov, zero, p_cov.expand_as(q_cov).contiguous())
    forward = kl_gaussian_full(zero, p_cov.expand_as(q_cov).contiguous(), zero, q_cov)
    narrow, wide = int(reverse.argmin()), int(forward.argmin())
    figure, (left, right) = canvas(2, height=3.9, widths=[1, 1.5])
    ellipse(left, p_cov, P, "p, correlated")
    ellipse(left, q_cov[wide], FORWARD, f"best forward, v = {float(v[wide]):.2f}")
    ellipse(left, q_cov[narrow], REVERSE, f"best reverse, v = {float(v[narrow]):.2f}")
    left.set(aspect="equal", xlabel="$z_1$", ylabel="$z_2$", xlim=(-2.6, 2.6), ylim=(-2.6, 4.6), yticks=[-2, 0, 2])
    left.legend(loc="upper center", handlelength=1.2)
    right.plot(v, forward, color=FORWARD)
    right.plot(v, reverse, color=REVERSE)
    right.plot(v[wide], forward[wide], "o", color=FORWARD)
    right.plot(v[narrow], reverse[narrow], "o", color=REVERSE)
    right.set(xscale="log", xlim=(0.01, 10), ylim=(0, 4.5), xlabel="v, the variance of q", ylabel="nats")
    right.set_xticks([0.01, 0.1, 1, 10], ["0.01", "0.1", "1", "10"])
    right.annotate("reverse, KL[q‖p]", (0.016, 2.75), color=REVERSE)
    right.annotate("forward, KL[p‖q]", (9, 2.45), color=FORWARD, ha="right")
    return figure, (
        f"Left: the ellipse of a Gaussian p with correlation {correlation:g}, the round q that minimises KL[p‖q], of variance "
        f"{float(v[wide]):.2f}, and the one that minimises KL[q‖p], of variance {float(v[narrow]):.2f}, which lies inside p. "
        "Right: both divergences against the variance of q."
    )
