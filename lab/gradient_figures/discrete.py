"""Where everything can be enumerated: the small model's ELBO, and estimates from all samples that there can be."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy
import torch
from torch import Tensor

from lab.small_model import likelihood, posterior, prior
from lab.style import BLUE, GREEN, GREY, INK, ORANGE, PURPLE, SKY, P, Q, beside, canvas, picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def log_joint() -> Tensor:
    """log p(x = 1, z)."""
    return (prior() * likelihood()[:, 1]).log()


@picture
def small_model(
    discrete_gradient: Callable[[Tensor, Tensor], Tensor], start: tuple[float, float, float] = (0.05, 0.15, 0.8),
    rate: float = 1.0, steps: int = 60,
) -> tuple[Figure, str]:  # fmt: skip
    """Gradient ascent on the ELBO of the small model at x = 1: the first gradient, and where it leads."""
    if min(start) <= 0:
        raise ValueError(f"expected three probabilities above 0, which have logits; got {start}")
    if steps < 1:
        raise ValueError(f"expected at least one step; got {steps}")
    logits = torch.tensor(start, dtype=torch.float64).log()
    path, bounds, first = [], [], torch.zeros(3)
    for number in range(steps + 1):
        log_q = torch.log_softmax(logits, -1)
        values = log_joint() - log_q
        path.append(log_q.exp())
        bounds.append(float((log_q.exp() * values).sum()))
        slope = discrete_gradient(logits.unsqueeze(0), values.unsqueeze(0))[0].detach()
        first = slope if number == 0 else first
        logits = logits + rate * slope
    q, evidence = torch.stack(path), math.log(5 / 12)
    figure, (bars, chances, elbo) = canvas(3, height=3.5)
    places = numpy.arange(3)
    bars.bar(places, first.numpy(), 0.55, color=[GREEN if value > 0 else PURPLE for value in first.tolist()])
    bars.axhline(0, color=INK, lw=1)
    bars.set(xticks=places, xlabel="z", ylabel="nats per nat of logit", title="The gradient at the start")
    names, colors = ("z = 0", "z = 1", "z = 2"), (BLUE, ORANGE, SKY)
    offsets = (-11, 8, 8)
    for z, (name, color, offset) in enumerate(zip(names, colors, offsets, strict=True)):
        chances.plot(q[:, z], color=color, ls="--" if z == 2 else "-")
        chances.axhline(float(posterior(1)[z]), color=GREY, lw=0.8, ls=":")
        beside(chances, name, (steps, float(q[-1, z])), (-4, offset), ha="right", va="center")
    chances.set(xlabel="step", ylim=(0, 1), xlim=(0, steps), title="$q(z)$; dotted: $p(z\\,|\\,x = 1)$")
    elbo.axhline(evidence, color=P, lw=1.4, ls="--")
    elbo.plot(bounds, color=Q)
    beside(elbo, "log p(x = 1) = log 5/12", (steps, evidence), (-2, -13), ha="right", color=P)
    elbo.set(xlabel="step", ylabel="nats", xlim=(0, steps), title="The ELBO")
    return figure, (
        f"Gradient ascent on the small model's ELBO from q = {start}. Left, the first gradient: "
        f"{', '.join(f'{value:.3f}' for value in first.tolist())}. Middle, q over {steps} steps, ending at "
        f"{', '.join(f'{value:.3f}' for value in q[-1].tolist())}. Right, the ELBO rising to "
        f"{bounds[-1]:.4f} nats; log 5/12 = {evidence:.4f}."
    )


@picture
def own_sample(
    leave_one_out: Callable[[Tensor, Tensor], Tensor], constant: float = 0.0, most: int = 6
) -> tuple[Figure, str]:
    """Averages and spreads over *all* draws of s samples from the small model's prior, for three baselines."""
    if not 2 <= most <= 8:
        raise ValueError(f"expected between 2 and 8 samples, all draws of which can be listed; got {most}")
    q = prior()
    f = log_joint() - q.log() + constant
    score_of = torch.eye(3, dtype=torch.float64) - q  # one row for each z: what log q(z) gains when a logit is raised
    exact = float((q * f * score_of[:, 0]).sum())
    sizes = list(range(2, most + 1))
    labels = ("no baseline", "mean of all, its own too", "mean of the others")
    styles = ((GREY, "s", 7), (PURPLE, "v", 7), (GREEN, "o", 6))
    means: list[list[float]] = [[], [], []]
    spreads: list[list[float]] = [[], [], []]
    for s in sizes:
        draws = torch.cartesian_prod(*[torch.arange(3)] * s)
        chance, values, scores = q[draws].prod(-1), f[draws], score_of[draws]
        plain = (values.unsqueeze(-1) * scores).mean(1)
        with_own = ((values - values.mean(1, keepdim=True)).unsqueeze(-1) * scores).mean(1)
        for place, estimate in enumerate((plain, with_own, leave_one_out(values, scores).detach())):
            mean = (chance * estimate[:, 0]).sum()
            means[place].append(float(mean))
            spreads[place].append(float((chance * (estimate[:, 0] - mean) ** 2).sum().sqrt()))
    figure, (left, right) = canvas(2, height=3.5)
    left.axhline(exact, color=INK, lw=1.2, ls="--")
    for place, (label, (color, marker, size)) in enumerate(zip(labels, styles, strict=True)):
        left.plot(sizes, means[place], color=color, marker=marker, ms=size, lw=1.6, label=label)
        right.plot(sizes, spreads[place], color=color, marker=marker, ms=size, lw=1.6, label=label)
    left.set(xlabel="s, samples in an estimate", ylabel="nats per nat of logit", xticks=sizes)
    left.set_title(f"Average estimate; dashed: the exact {exact:.3f}")
    left.set_ylim(*sorted((0.0, 1.35 * exact)))
    right.set(xlabel="s, samples in an estimate", xticks=sizes, title="Standard deviation of an estimate")
    right.set_ylim(0, 1.1 * max(max(row) for row in spreads))
    right.legend(loc="upper right")
    told = ", ".join(f"{label}: {row[0]:.4f}" for label, row in zip(labels, means, strict=True))
    wide = ", ".join(f"{label}: {row[0]:.4f}" for label, row in zip(labels, spreads, strict=True))
    return figure, (
        f"The slope along the logit of z = 0, exactly {exact:.4f}, estimated from 2 to {most} samples. Averages over all draws "
        f"of two samples, {told}; standard deviations, {wide}. Only the baseline with its own sample has a wrong average."
    )
