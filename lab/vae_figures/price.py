"""What the two terms ask, one latent and one pixel at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from lab.style import BLUE, GREEN, GREY, INK, PURPLE, beside, canvas, picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Pair = Callable[[Tensor, Tensor], Tensor]


@picture
def price_of_a_code(gaussian_kl_to_standard: Pair) -> tuple[Figure, str]:
    """The cost of one latent, over all (μ, σ): free at (0, 1), dear where it is far away or very sure."""
    mu = torch.linspace(-3, 3, 121, dtype=torch.float64)
    log_sigma = torch.linspace(-4, 1, 101, dtype=torch.float64)
    at = torch.cartesian_prod(log_sigma, mu)
    cost = gaussian_kl_to_standard(at[:, 1:], 2 * at[:, :1]).detach().reshape(len(log_sigma), len(mu))
    figure, (ax,) = canvas(height=3.8)
    levels = [0.1, 0.5, 1, 2, 3, 4, 6]
    ax.contourf(mu, log_sigma.exp(), cost, levels=[0, *levels, 9], cmap="Oranges", vmax=12, extend="max")
    lines = ax.contour(mu, log_sigma.exp(), cost, levels=levels, colors=INK, linewidths=0.8)
    ax.clabel(lines, fmt="%g", fontsize=9)
    ax.plot(0, 1, "o", color=BLUE)
    ax.set(
        yscale="log", xlabel="μ", ylabel="σ", title="KL[N(μ, σ²) ‖ N(0, 1)], nats; at the dot, the prior, it is free"
    )
    ax.set_yticks([0.02, 0.05, 0.1, 0.2, 0.5, 1, 2], ["0.02", "0.05", "0.1", "0.2", "0.5", "1", "2"])
    ax.minorticks_off()
    sure = float(gaussian_kl_to_standard(torch.zeros(1, 1).double(), torch.tensor([[0.1]]).double().log() * 2)[0])
    far = float(gaussian_kl_to_standard(torch.full((1, 1), 2.0).double(), torch.zeros(1, 1).double())[0])
    return figure, (
        "Contours of the KL of one latent over μ and σ: 0 at μ = 0 and σ = 1, "
        f"{far:.2f} nats at μ = 2 and σ = 1, {sure:.2f} nats at μ = 0 and σ = 0.1."
    )


@picture
def price_of_a_pixel(bernoulli_log_likelihood: Pair) -> tuple[Figure, str]:
    """What one pixel costs, −log p(x|z), by its logit, for a pixel that is on and for one that is off."""
    logit = torch.linspace(-8, 8, 161, dtype=torch.float64).unsqueeze(-1)
    figure, (ax,) = canvas(height=3.2)
    for value, colour, name in ((1.0, GREEN, "pixel is on"), (0.0, PURPLE, "pixel is off")):
        cost = -bernoulli_log_likelihood(logit, torch.full_like(logit, value)).detach()
        ax.plot(logit[:, 0], cost, color=colour)
        end = 8 if value == 0 else -8
        beside(
            ax,
            name,
            (end * 0.8, 6.6),
            (-10 if value == 0 else 10, 0),
            ha="right" if value == 0 else "left",
            color=colour,
        )
    ax.axhline(0.6931, color=GREY, lw=1, ls=":")
    beside(ax, "a coin: log 2", (6, 0.6931), (0, 5), color=GREY, ha="center")
    ax.set(xlabel="logit", ylabel="−log p(x | z), nats", ylim=(-0.2, 8.4))
    sure = -float(bernoulli_log_likelihood(torch.full((1, 1), -8.0).double(), torch.ones(1, 1).double())[0])
    return figure, (
        "What a pixel costs by its logit. At logit 0 it is log 2, on or off; a pixel that is on costs "
        f"{sure:.2f} nats at logit −8, and nearly nothing at logit 8. For one that is off it is the other way round."
    )
