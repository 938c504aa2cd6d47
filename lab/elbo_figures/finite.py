"""The bound in the small model, where log p(x) is known."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from lab.small_model import likelihood, posterior, prior
from lab.style import BLUE, GREEN, GREY, INK, ORANGE, PURPLE, SKY, beside, canvas, picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Terms = Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor, Tensor, Tensor]]
Gap = Callable[[Tensor, Tensor, Tensor], Tensor]


def log_evidence(x: int) -> float:
    """log p(x)."""
    if x not in (0, 1):
        raise ValueError(f"expected x = 0 or x = 1, which is all that the small model shows; got {x}")
    return float((prior() @ likelihood()[:, x]).log())


def rows(q: Tensor, x: int) -> tuple[Tensor, Tensor, Tensor]:
    """Beliefs about z, one a row, each with the small model beside it."""
    return q, prior().expand_as(q), likelihood()[:, x].expand_as(q)


def belief(values: Sequence[float]) -> Tensor:
    """A q that somebody typed: three numbers, none negative, brought to sum 1."""
    q = torch.tensor(values, dtype=torch.float64)
    if q.shape != (3,) or bool((q < 0).any()) or not float(q.sum()) > 0:
        raise ValueError(f"expected three numbers ≥ 0, not all 0; got {tuple(values)}")
    return q / q.sum()


@picture
def ratios(q: Sequence[float] = (0.6, 0.3, 0.1), x: int = 1) -> tuple[Figure, str]:
    """log p(x, z)/q(z) for each z, as wide as q(z): their average is the bound."""
    guide, evidence = belief(q), log_evidence(x)
    joint = prior() * likelihood()[:, x]
    height = torch.where(guide > 0, (joint / guide).log(), torch.zeros_like(guide))
    bound = float((guide * height).sum())
    right = guide.cumsum(0)
    figure, (ax,) = canvas(height=3.6)
    for z, colour in zip(range(3), (BLUE, SKY, PURPLE), strict=True):
        if guide[z] == 0:
            continue
        left, top = float(right[z] - guide[z]), float(height[z])
        ax.bar(left, top, float(guide[z]), align="edge", color=colour, alpha=0.75, edgecolor="white")
        words = f"z = {z}\n{top:.3f}" if guide[z] >= 0.06 else f"{z}"
        ax.annotate(
            words,
            (left + float(guide[z]) / 2, max(top, 0.0)),
            (0, 4),
            ha="center",
            textcoords="offset points",
            fontsize=9.5,
        )
    ax.axhline(evidence, color=INK, lw=1.4, ls="--", label=f"log p(x={x}) = {evidence:.3f}")
    ax.axhline(bound, color=ORANGE, lw=1.8, label=f"average height, the ELBO = {bound:.3f}")
    ax.axhline(0, color=GREY, lw=0.8)
    low = min(float(height.min()), bound, evidence)
    ax.set(xlim=(0, 1), ylim=(low - 0.5, max(float(height.max()), 0.0) + 0.85), ylabel="log p(x, z)/q(z), in nats")
    ax.set_xlabel("widths: q(0), q(1), q(2)")
    ax.legend(loc="upper right", ncols=2)
    heights = ", ".join(f"{float(value):.3f}" for value in height)
    widths = ", ".join(f"{float(value):.2f}" for value in guide)
    return figure, (
        f"Three bars, as wide as q = ({widths}) and as high as log p(x, z)/q(z) = ({heights}), for x = {x}. Their "
        "average height, the ELBO, "
        f"is {bound:.3f}; log p(x) is {evidence:.3f}."
    )


@picture
def two_ways(elbo_terms: Terms, q: Sequence[float] = (0.6, 0.3, 0.1), x: int = 1) -> tuple[Figure, str]:
    """How the bound is put together, both ways: from 0 down to one part, and from there by the other part to the bound."""
    evidence = log_evidence(x)
    energy, entropy, reconstruction, kl = (float(term[0]) for term in elbo_terms(*rows(belief(q).unsqueeze(0), x)))
    figure, axes = canvas(2, height=3.6)
    ways = [
        (axes[0], "energy", energy, "+ entropy", entropy, "energy + entropy"),
        (axes[1], "reconstruction", reconstruction, "− KL", -kl, "reconstruction − KL"),
    ]
    low = min(energy, reconstruction - kl, evidence)
    for ax, first, value, second, change, title in ways:
        bound = value + change
        ax.bar(0, value, 0.6, color=BLUE)
        ax.bar(1, change, 0.6, bottom=value, color=GREEN if change >= 0 else ORANGE)
        ax.bar(2, bound, 0.6, color=GREY)
        ax.plot([0.3, 0.7], [value, value], color=INK, lw=0.8)
        ax.plot([1.3, 1.7], [bound, bound], color=INK, lw=0.8)
        ax.axhline(evidence, color=INK, lw=1.2, ls="--", label=f"log p(x={x}) = {evidence:.3f}")
        ax.legend(loc="lower right")
        for place, height, number in ((0, value, value), (1, min(value, bound), change), (2, bound, bound)):
            beside(ax, f"{number:+.3f}" if place == 1 else f"{number:.3f}", (place, height), (0, -14), ha="center")
        ax.axhline(0, color=GREY, lw=0.8)
        ax.set_xticks([0, 1, 2], [first, second, "ELBO"])
        ax.set(ylim=(1.18 * low - 0.3, 0.12), ylabel="nats" if ax is axes[0] else "", title=title)
        ax.set_xlim(-0.5, 2.5)
    shown = ", ".join(f"{float(value):.2f}" for value in belief(q))
    return figure, (
        f"For q = ({shown}) and x = {x}: energy {energy:.3f} plus entropy {entropy:.3f} is {energy + entropy:.3f}; "
        "reconstruction "
        f"{reconstruction:.3f} less KL {kl:.3f} is {reconstruction - kl:.3f}; log p(x) is {evidence:.3f}."
    )


@picture
def bound_and_gap(elbo_terms: Terms, bound_gap: Gap, x: int = 1) -> tuple[Figure, str]:
    """The bound, and the gap on top of it, as q moves from one certainty over the posterior to another."""
    evidence = log_evidence(x)
    ends, middle = torch.eye(3, dtype=torch.float64)[[0, 2]], posterior(x)
    t = torch.linspace(0, 1, 9, dtype=torch.float64).unsqueeze(-1)
    q = torch.cat([torch.lerp(ends[0], middle, t), torch.lerp(middle, ends[1], t[1:])])
    energy, entropy, _, _ = elbo_terms(*rows(q, x))
    bound, gap = energy + entropy, bound_gap(*rows(q, x))
    places = range(len(q))
    floor = min(float(bound.min()), evidence) - 0.25
    figure, (ax,) = canvas(height=3.8)
    ax.bar(places, (bound - floor).tolist(), 0.72, bottom=floor, color=BLUE, label="ELBO = energy + entropy")
    ax.bar(places, gap.tolist(), 0.72, bottom=bound.tolist(), color=ORANGE, label="gap = KL[q‖p(z|x)]")
    ax.axhline(evidence, color=INK, lw=1.4, ls="--", label=f"log p(x={x}) = {evidence:.4f}")
    ticks = [0, 8, 16]
    after = ", ".join(f"{float(value):.2f}" for value in middle)
    ax.set_xticks(
        ticks, ["sure of z = 0\nq = (1, 0, 0)", f"the posterior\nq = ({after})", "sure of z = 2\nq = (0, 0, 1)"]
    )
    ax.set(ylim=(floor, evidence + 0.62), ylabel="nats", xlim=(-0.6, len(q) - 0.4))
    ax.legend(loc="upper center", ncols=3, handlelength=1.4, columnspacing=1.6)
    for place in (0, 4, 8, 12, 16):
        number = float(gap[place])
        beside(ax, "0" if math.isclose(number, 0, abs_tol=5e-4) else f"{number:.2f}", (place, evidence), (0, 4), ha="center",
               color=ORANGE)  # fmt: skip
    return figure, (
        f"Bars for q moving from (1, 0, 0) over the posterior to (0, 0, 1), with x = {x}. Every bar is the ELBO "
        "with the gap on top, and "
        f"all reach log p(x) = {evidence:.4f}; the gap is {float(gap[0]):.2f} at the left end, 0 at the posterior and "
        f"{float(gap[-1]):.2f} at the right end."
    )
