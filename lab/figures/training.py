"""How a training went."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.history import History
from lab.style import BLUE, GREY, ORANGE, beside, canvas, picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@picture
def training(history: History, name: str = "") -> tuple[Figure, str]:
    """The bound by epoch, on what was trained on and on what was not; the epoch that was kept is marked."""
    if not history.epochs:
        raise ValueError("no epoch was finished: there is nothing to draw yet")
    figure, (ax,) = canvas(height=3.2)
    number = [epoch.number for epoch in history.epochs]
    valid = [epoch.valid for epoch in history.epochs if epoch.valid is not None]
    ax.plot(number, [epoch.train for epoch in history.epochs], color=BLUE, lw=1.6, label="trained on")
    if valid:
        ax.plot(number, valid, color=ORANGE, lw=1.6, label="validation")
    growing = [epoch.number for epoch in history.epochs if epoch.beta < 1]
    if growing:
        ax.axvspan(number[0], growing[-1], color=GREY, alpha=0.12, lw=0, label="β is still growing")
    kept = history.best_epoch()
    ax.plot(kept, history.best(), "o", color=ORANGE if valid else BLUE, zorder=5, clip_on=False)
    beside(ax, f"{history.best():.1f}", (kept, history.best()), (0, -14), ha="center")
    low = sorted([epoch.train for epoch in history.epochs] + valid)[len(number) // 5]
    ax.set(xlabel="epoch", ylabel="bound, nats an image", title=name)
    ax.set_ylim(bottom=low - 0.6 * (history.best() - low) - 1)
    ax.legend(loc="lower right")
    return (
        figure,
        f"The bound by epoch{f' on {name}' if name else ''}: {history.best():.1f} nats in epoch {kept}, which was kept.",
    )
