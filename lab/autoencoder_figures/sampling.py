"""Codes that no picture has: what the decoder makes of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch

from lab.autoencoder_figures.training import deep, one_of_each, part, trained
from lab.figures.images import strip
from lab.figures.latent import CLASSES
from lab.style import INK, beside, canvas, picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Losses = Callable[..., Any]


@picture
def code_plane(reconstruction_losses: Losses, epochs: int = 30) -> tuple[Figure, str]:
    """Where an encoder with two numbers of code puts the digits, and where N(0, I) would be."""
    from matplotlib.patches import Circle

    model = trained(deep, 2, "cross-entropy", reconstruction_losses, epochs=epochs)
    pictures, labels = part("train")
    codes = model.codes(pictures)
    figure, (ax,) = canvas(height=5.2)
    for digit in range(10):
        cloud = codes[labels == digit]
        ax.scatter(cloud[:, 0], cloud[:, 1], s=8, color=CLASSES[digit], alpha=0.6, lw=0)
    for digit in range(10):
        middle = codes[labels == digit].median(0).values
        box = {"facecolor": "white", "alpha": 0.85, "edgecolor": CLASSES[digit], "boxstyle": "round,pad=0.2"}
        beside(ax, str(digit), (float(middle[0]), float(middle[1])), ha="center", va="center", bbox=box, zorder=5)
    for radius in (1, 2):
        circle = Circle(
            (0, 0), radius, fill=False, color=INK, lw=1.2, ls="--", label="N(0, I)" if radius == 1 else None
        )
        ax.add_patch(circle)
    ax.legend(loc="upper right")
    ax.set(xlabel="first number of the code", ylabel="second", aspect="equal")
    spread = codes.std(0)
    inside = float((codes.norm(dim=1) < 2).float().mean())
    return figure, (
        f"Codes of {len(codes)} digits in the plane, by class, with deviations of {float(spread[0]):.1f} and "
        f"{float(spread[1]):.1f}; {inside:.0%} of them lie within two deviations of N(0, I), where a draw would be in 86% of all "
        "cases."
    )


@picture
def not_digits(reconstruction_losses: Losses, code: int = 10, seed: int = 0, epochs: int = 30) -> tuple[Figure, str]:
    """What the decoder makes of the codes of digits, of draws from N(0, I), and of draws from the box that holds all codes."""
    model = trained(deep, code, "cross-entropy", reconstruction_losses, epochs=epochs)
    codes = model.codes(part("train")[0])
    generator = torch.Generator().manual_seed(seed)
    low, high = codes.amin(0), codes.amax(0)
    normal = torch.randn(12, code, generator=generator)
    box = low + (high - low) * torch.rand(12, code, generator=generator)
    figure, _ = strip({
        "codes of digits": model.again(torch.cat([one_of_each(), one_of_each(which=1)[:2]])),
        "from N(0, I)": model.pictures(normal), "from the box\nof all codes": model.pictures(box),
    })  # fmt: skip
    return figure, (
        f"Twelve pictures each, decoded from codes of digits, from N(0, I) and from the box that holds all {len(codes)} codes; "
        f"the codes have a deviation of {float(codes.std(0).mean()):.1f} on average."
    )
