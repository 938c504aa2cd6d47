"""Gumbel-softmax samples on the simplex, and what they trade: bias against variance."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from lab.small_model import posterior
from lab.style import BLUE, GREEN, GREY, INK, ORANGE, PURPLE, SKY, Q, beside, canvas, picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Relaxed = Callable[[Tensor, Tensor, Tensor], Tensor]

CORNERS = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.5, 3**0.5 / 2]], dtype=torch.float64)
"""Where the triangle draws z = 0, 1 and 2."""


@picture
def simplex(
    gumbel_softmax: Relaxed, temperatures: tuple[float, ...] = (5.0, 1.0, 0.2), samples: int = 600, seed: int = 0
) -> tuple[Figure, str]:
    """The same noise at several temperatures, for the small model's posterior (3, 4, 3)/10. Colours are the winners."""
    if not 1 <= len(temperatures) <= 5 or min(temperatures) <= 0:
        raise ValueError(f"expected one to five temperatures above 0; got {temperatures}")
    u = torch.rand(samples, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).clamp(
        1e-12, 1 - 1e-12
    )
    logits = posterior(1).log().expand(samples, 3).contiguous()
    figure, axes = canvas(len(temperatures), height=3.5)
    shares = torch.zeros(3)
    outline = CORNERS[[0, 1, 2, 0]]
    for ax, tau in zip(axes, temperatures, strict=True):
        y = gumbel_softmax(logits, u, torch.full((samples,), tau, dtype=torch.float64)).detach()
        winners = y.argmax(-1)
        shares = torch.bincount(winners, minlength=3) / samples
        ax.plot(outline[:, 0], outline[:, 1], color=GREY, lw=1)
        for z, color in enumerate((BLUE, ORANGE, SKY)):
            points = y[winners == z] @ CORNERS
            ax.scatter(points[:, 0].numpy(), points[:, 1].numpy(), s=9, color=color, alpha=0.6, clip_on=False)
        for z, (x, height) in enumerate(CORNERS.tolist()):
            beside(ax, f"z = {z}", (x, height), (0, 7 if z == 2 else -15), ha="center")
        ax.set(aspect="equal", xlim=(-0.08, 1.08), ylim=(-0.14, 1.0), title=f"τ = {tau:g}")
        ax.axis("off")
    told = ", ".join(f"{float(share):.2f}" for share in shares)
    return figure, (
        f"{samples} relaxed draws on a triangle at τ = {', '.join(f'{tau:g}' for tau in temperatures)}. Hot ones gather in the "
        f"middle, cold ones in the corners; at each temperature the same outcomes win, with the shares {told}."
    )


@picture
def bias_and_variance(
    gumbel_softmax: Relaxed, discrete_gradient: Callable[[Tensor, Tensor], Tensor], target: float = 0.45,
    chance: float = 0.5,
) -> tuple[Figure, str]:  # fmt: skip
    """Bias and spread of one relaxed slope of E[(z − target)²], z a coin, over τ: exact, by a fine grid over the noise."""
    if not 0 < chance < 1:
        raise ValueError(f"expected a chance strictly between 0 and 1; got {chance:g}")
    count = 20_000
    v = (torch.arange(count, dtype=torch.float64) + 0.5) / count
    # Only the difference of two Gumbels counts. It is logistic, and u is such that it has its quantiles one after the other.
    waiting = ((1 - v) / v).sqrt()
    u = torch.stack([-1 / waiting, -waiting], -1).exp()
    log_odds = torch.tensor([0.0, chance / (1 - chance)], dtype=torch.float64)
    log_odds[1] = log_odds[1].log()
    outcomes = torch.tensor([0.0, 1.0], dtype=torch.float64)
    exact = float(discrete_gradient(log_odds.unsqueeze(0), ((outcomes - target) ** 2).unsqueeze(0))[0, 1])
    q = torch.tensor([1 - chance, chance], dtype=torch.float64)
    scored = (outcomes - target) ** 2 * (outcomes - chance)
    by_score = float((q * (scored - exact) ** 2).sum().sqrt())
    temperatures = torch.logspace(-1.5, 1, 26, dtype=torch.float64)
    biases, spreads = [], []
    for tau in temperatures:
        logits = log_odds.expand(count, 2).clone().requires_grad_()
        y = gumbel_softmax(logits, u, tau.expand(count).contiguous())
        (slopes,) = torch.autograd.grad(((y[:, 1] - target) ** 2).sum(), logits)
        biases.append(abs(float(slopes[:, 1].mean()) - exact))
        spreads.append(float(slopes[:, 1].std(correction=0)))
    figure, (ax,) = canvas(height=3.6)
    ax.plot(temperatures, biases, color=Q, marker="o", ms=4, label="bias of the relaxed slope (absolute value)")
    ax.plot(temperatures, spreads, color=GREEN, marker="s", ms=4, label="its standard deviation, one sample")
    ax.axhline(by_score, color=PURPLE, ls="--", lw=1.4, label="standard deviation by the score, no bias")
    ax.axhline(abs(exact), color=INK, ls=":", lw=1.4, label=f"size of the exact slope, {abs(exact):.4f}")
    ax.set(xscale="log", yscale="log", xlabel="temperature τ", ylabel="per unit of logit", xlim=(0.03, 10.5))
    ax.set_xticks([0.03, 0.1, 0.3, 1, 3, 10], ["0.03", "0.1", "0.3", "1", "3", "10"])
    ax.legend(loc="lower right")
    ax.set_title(f"The slope of E[(z − {target:g})²] along the logit of a coin with chance {chance:g}")
    return figure, (
        f"Bias and standard deviation of a Gumbel-softmax slope over τ. The exact slope is {exact:.4f}. "
        f"At τ = {temperatures[0]:.2f} the bias is {biases[0]:.5f} and the standard deviation {spreads[0]:.2f}; "
        f"at τ = 10 they are {biases[-1]:.4f} and {spreads[-1]:.4f}. By the score the standard deviation is {by_score:.3f}."
    )
