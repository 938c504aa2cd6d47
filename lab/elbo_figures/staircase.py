"""Variational EM on the small model, tossed several times."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from lab.small_model import likelihood, prior
from lab.style import BLUE, GREY, ORANGE, canvas, picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Step = Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor, Tensor]]


def tosses(count: int, length: int, generator: torch.Generator) -> Tensor:
    """Draws from the small model: one hidden z for each row, and `length` values of x from it."""
    z = torch.multinomial(prior(), count, replacement=True, generator=generator)
    ones = likelihood()[z, 1].unsqueeze(-1).expand(count, length)
    return torch.bernoulli(ones, generator=generator).long()


def log_joint(x: Tensor, weights: Tensor, probs: Tensor) -> Tensor:
    """log p(x, z), a row for each observation."""
    ones = x.to(probs.dtype).unsqueeze(1)
    return weights.log() + (torch.xlogy(ones, probs) + torch.xlogy(1 - ones, 1 - probs)).sum(-1)


@picture
def staircase(
    variational_em: Step, steps: int = 6, observations: int = 60, length: int = 5, seed: int = 0
) -> tuple[Figure, str]:
    """The bound and log p(data), both for one observation, over the first steps from a poor start."""
    if min(steps, observations, length) < 1:
        raise ValueError(f"expected at least one step, observation and toss; got {steps}, {observations} and {length}")
    generator = torch.Generator().manual_seed(seed)
    x = tosses(observations, length, generator)
    weights = torch.full((3,), 1 / 3, dtype=torch.float64)
    probs = 0.4 + 0.2 * torch.rand(3, length, generator=generator, dtype=torch.float64)
    equal = torch.full((observations, 3), 1 / 3, dtype=torch.float64)
    joint = log_joint(x, weights, probs)
    bounds, evidence = [float((equal * (joint - equal.log())).sum(-1).mean())], [float(joint.logsumexp(-1).mean())]
    for _ in range(steps):
        weights, probs, bound = variational_em(x, weights, probs)
        bounds += [evidence[-1], float(bound)]
        evidence.append(float(log_joint(x, weights, probs).logsumexp(-1).mean()))
    figure, (ax,) = canvas(height=3.8)
    for step in range(steps):
        ax.axvspan(2 * step, 2 * step + 1, color=ORANGE, alpha=0.08, lw=0)
    ax.plot([0, *(2 * s + 2 for s in range(steps))], evidence, "o", color=BLUE, ms=5)
    level = [value for value in evidence for _ in range(2)]
    ax.plot(
        [0, *(at for s in range(steps) for at in (2 * s + 1.5, 2 * s + 1.5)), 2 * steps],
        level,
        color=BLUE,
        label="log p(data)",
    )
    ax.plot(range(2 * steps + 1), bounds, "o-", color=ORANGE, ms=4, lw=1.4, label="the bound")
    low, high = bounds[0], evidence[-1]
    ax.set(
        ylim=(low - 0.06 * (high - low), high + 0.1 * (high - low)),
        xlim=(-0.1, 2 * steps + 0.1),
        ylabel="nats for one observation",
    )
    names = ["start", *(f"{kind}{s + 1}" for s in range(steps) for kind in "EM")]
    ax.set_xticks(range(2 * steps + 1), names)
    ax.set_title("E lifts the bound up to log p(data), M lifts both", color=GREY)
    ax.legend(loc="lower right")
    return figure, (
        f"A staircase over {steps} steps of EM. The bound starts at {bounds[0]:.3f} nats; each E-step lifts it to "
        "log p(data), each M-step "
        f"lifts both, log p(data) by more. log p(data) rises from {evidence[0]:.3f} to {evidence[-1]:.3f} and never falls."
    )
