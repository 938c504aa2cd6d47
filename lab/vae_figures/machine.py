"""The variational autoencoder as a drawing: what goes where, and where the two terms of the bound are read off."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.style import BLUE, GREEN, GREY, INK, ORANGE, canvas, picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def box(ax: Axes, at: tuple[float, float], words: str, colour: str, wide: float = 1.5, high: float = 0.9) -> None:
    """A rounded box around its middle, with words in it."""
    from matplotlib.patches import FancyBboxPatch

    corner = (at[0] - wide / 2, at[1] - high / 2)
    ax.add_patch(FancyBboxPatch(corner, wide, high, "round,pad=0.06", facecolor="white", edgecolor=colour, lw=2))
    ax.text(*at, words, ha="center", va="center", fontsize=10.5, color=INK)


def arrow(
    ax: Axes, start: tuple[float, float], end: tuple[float, float], colour: str = INK, dashed: bool = False
) -> None:
    style = {"arrowstyle": "-|>", "color": colour, "lw": 1.4, "ls": "--" if dashed else "-", "shrinkA": 0, "shrinkB": 0}
    ax.annotate("", end, start, arrowprops=style)


@picture
def machine() -> tuple[Figure, str]:
    """From an image to a code and back, with both terms of the bound."""
    figure, (ax,) = canvas(height=3.5)
    ax.set(xlim=(-0.3, 13.3), ylim=(-2.45, 2.3))
    ax.axis("off")
    box(ax, (0.7, 0.6), "image\nx", GREY, 1.3)
    box(ax, (3.1, 0.6), "encoder\nq(z | x)", ORANGE, 1.7)
    box(ax, (5.6, 0.6), "μ\nlog σ²", ORANGE, 1.2)
    box(ax, (7.9, 0.6), "z = μ + σ·ε", GREEN, 1.7)
    box(ax, (7.9, 2.0), "noise ε", GREY, 1.3, 0.45)
    box(ax, (10.4, 0.6), "decoder\np(x | z)", BLUE, 1.7)
    box(ax, (12.6, 0.6), "logits", BLUE, 1.0)
    for start, end in ((1.42, 2.18), (4.02, 4.93), (6.27, 6.98), (8.82, 9.48), (11.32, 12.03)):
        arrow(ax, (start, 0.6), (end, 0.6))
    arrow(ax, (7.9, 1.7), (7.9, 1.13), GREY)
    box(ax, (5.6, -1.5), "KL[q(z | x) ‖ p(z)]\nwhat the code costs", ORANGE, 2.7)
    box(ax, (11.6, -1.5), "log p(x | z)\nwhat it explains", BLUE, 2.7)
    arrow(ax, (5.6, 0.07), (5.6, -0.97), ORANGE)
    arrow(ax, (12.4, 0.07), (11.9, -0.97), BLUE)
    ax.plot([0.7, 0.7, 9.2], [0.07, -2.3, -2.3], color=GREY, lw=1.2, ls="--")
    arrow(ax, (9.2, -2.3), (10.17, -1.8), GREY, dashed=True)
    ax.text(8.6, -1.45, "bound =\nright − left", ha="center", va="center", fontsize=10.5, color=INK)
    return figure, (
        "A drawing: an image x goes through the encoder to μ and log σ², which with noise ε make a code z; the decoder turns z "
        "into logits. The KL is read off μ and log σ², log p(x | z) off the logits and the image; the bound is the second less "
        "the first."
    )
