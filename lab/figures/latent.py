"""A latent space of two dimensions: where images go, what comes back from each place, and what the prior expected."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from lab.figures.images import paint, sheet, square
from lab.style import BLUE, GREEN, GREY, INK, ORANGE, PURPLE, SKY, beside, canvas, picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CLASSES = (BLUE, ORANGE, GREEN, PURPLE, SKY, INK, "#E69F00", GREY, "#7A4419", "#9C9600")
"""A colour for each digit; each cloud has its digit written on it too, so no colour need be told from another."""
Points = Float[Tensor, "n 2"]


def plane(*points: Points) -> tuple[Figure, Axes, float]:
    """A square stage around all points and the prior, and how far it reaches."""
    edge = max(3.2, *(float(one.abs().quantile(0.995)) * 1.05 for one in points))
    figure, (ax,) = canvas(height=5.4)
    ax.set(xlim=(-edge, edge), ylim=(-edge, edge), aspect="equal", xlabel="z₁", ylabel="z₂")
    return figure, ax, edge


def prior_contours(ax: Axes) -> None:
    """Circles that hold 39, 86 and 99 percent of N(0, I): one, two and three standard deviations."""
    from matplotlib.patches import Circle

    for radius in (1, 2, 3):
        ax.add_patch(Circle((0, 0), radius, fill=False, color=GREY, lw=1, ls=":"))
    beside(ax, "prior", (0, 3), (0, 3), color=GREY, ha="center", fontsize=9)


@picture
def latent_plane(means: Points, labels: Int64[Tensor, "n"]) -> tuple[Figure, str]:
    """Where the encoder puts each image: posterior means, by class, over the prior's circles."""
    means, labels = means.detach().float().cpu(), labels.cpu()
    if means.shape != (len(labels), 2):
        raise ValueError(f"expected one point of the plane for each of {len(labels)} labels; got {list(means.shape)}")
    figure, ax, _ = plane(means)
    prior_contours(ax)
    for label in labels.unique().tolist():
        cloud = means[labels == label]
        ax.scatter(cloud[:, 0], cloud[:, 1], s=9, color=CLASSES[label % len(CLASSES)], alpha=0.6, lw=0)
    for label in labels.unique().tolist():
        middle = means[labels == label].median(0).values
        box = {
            "facecolor": "white",
            "alpha": 0.85,
            "edgecolor": CLASSES[label % len(CLASSES)],
            "boxstyle": "round,pad=0.2",
        }
        ax.annotate(str(label), (float(middle[0]), float(middle[1])), ha="center", va="center", bbox=box, zorder=5)
    spread = ", ".join(f"{value:.2f}" for value in means.std(0).tolist())
    return (
        figure,
        f"Posterior means of {len(means)} images of {len(labels.unique())} classes; their deviations are {spread}.",
    )


@picture
def manifold(
    decode: Callable[[Points], Float[Tensor, "n d"]], side: int = 18, reach: float = 0.98
) -> tuple[Figure, str]:  # fmt: skip
    """What the decoder makes of the plane, at even quantiles of the prior: each place is as probable as any other."""
    if not 0 < reach < 1 or side < 2:
        raise ValueError(f"expected side ≥ 2 and 0 < reach < 1; got {side} and {reach}")
    quantiles = torch.linspace((1 - reach) / 2, (1 + reach) / 2, side, dtype=torch.float64)
    z = math.sqrt(2) * torch.erfinv(2 * quantiles - 1)
    places = torch.stack(torch.meshgrid(-z, z, indexing="ij"), -1).flip(-1).reshape(-1, 2).float()
    with torch.no_grad():
        found = square(decode(places))
    figure, (ax,) = canvas(height=7.2)
    paint(ax, sheet(found, side))
    edge = float(z[-1])
    ax.set_title(f"decoder(z) for z₁ and z₂ from −{edge:.2f} to {edge:.2f}, at even steps of probability")
    return (
        figure,
        f"A board of {side} by {side} images, decoded from quantiles of the prior from −{edge:.2f} to {edge:.2f}.",
    )


@picture
def aggregate(means: Points, log_vars: Points) -> tuple[Figure, str]:
    """The aggregate posterior, the average of q(z | x) over images, against the prior: places that only one of them knows."""
    means, log_vars = means.detach().double().cpu(), log_vars.detach().double().cpu()
    figure, ax, edge = plane(means.float())
    at = torch.linspace(-edge, edge, 161, dtype=torch.float64)
    places = torch.stack(torch.meshgrid(at, at, indexing="xy"), -1).reshape(-1, 1, 2)
    log_q = torch.full((len(places),), -math.inf, dtype=torch.float64)
    for mean, log_var in zip(means.split(50), log_vars.split(50), strict=True):  # a few at a time: memory stays bounded
        logs = -0.5 * ((places - mean) ** 2 / log_var.exp() + log_var + math.log(2 * math.pi)).sum(-1)
        log_q = torch.logaddexp(log_q, logs.logsumexp(-1))
    density = (log_q - math.log(len(means))).exp().reshape(161, 161)
    highest = float(density.max())
    ax.contourf(
        at,
        at,
        density,
        levels=[highest * share for share in (0.02, 0.1, 0.25, 0.5, 0.75, 1)],
        cmap="Blues",
        extend="max",
    )
    prior_contours(ax)
    inside = (places.squeeze(1).norm(dim=1) < 2).reshape(161, 161)
    share = float((density * inside).sum() * (at[1] - at[0]) ** 2)
    ax.set_title(f"within two standard deviations: {share:.0%} of the aggregate, 86% of the prior")
    return (
        figure,
        f"Density of the aggregate posterior of {len(means)} images, {share:.0%} of it within two deviations of the prior.",
    )
