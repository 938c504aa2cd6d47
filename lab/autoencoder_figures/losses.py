"""Two prices for a wrong pixel, and what they make of the digits."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from lab.autoencoder_figures.training import deep, one_of_each, part, trained
from lab.figures.images import strip
from lab.style import BLUE, GREY, ORANGE, canvas, picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Losses = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]


@picture
def price_of_a_pixel(reconstruction_losses: Losses, x: float = 1.0) -> tuple[Figure, str]:
    """Both losses of one pixel by its logit, and their slopes: what training feels."""
    if not 0 <= x <= 1:
        raise ValueError(f"expected a pixel between 0 and 1; got x={x:g}")
    logits = torch.linspace(-12, 12, 241, dtype=torch.float64)[:, None].requires_grad_()
    losses = reconstruction_losses(logits, torch.full_like(logits, x))
    figure, (left, right) = canvas(2)
    told = []
    for loss, name, color in zip(losses, ("squared error", "cross-entropy, nats"), (BLUE, ORANGE), strict=True):
        (slope,) = torch.autograd.grad(loss.sum(), logits, retain_graph=True)
        at = logits.detach()[:, 0]
        left.plot(at, loss.detach(), color=color, label=name)
        right.plot(at, slope[:, 0], color=color)
        told.append(
            f"the {name.split(',')[0]} is {float(loss.detach()[0]):.1f} with the slope {abs(float(slope[0, 0])):.2f}"
        )
    for ax in (left, right):
        ax.axvline(0, color=GREY, lw=0.8, ls=":")
        ax.set_xlabel("logit")
    left.set_title(f"What a pixel costs, x = {x:g}")
    right.set_title("and its slope")
    left.legend()
    return (
        figure,
        f"Losses of one pixel x = {x:g} against its logit, and their slopes. At −12, in absolute numbers, {' and '.join(told)}.",
    )


@picture
def reconstructions(reconstruction_losses: Losses, code: int = 10, epochs: int = 30) -> tuple[Figure, str]:
    """Ten digits that were not trained on, and what comes back through a narrow code, trained with either loss."""
    digits, (pictures, _) = one_of_each(), part("test")
    rows = {"x": digits}
    for loss, name in (("squared", "squared error"), ("cross-entropy", "cross-entropy")):
        model = trained(deep, code, loss, reconstruction_losses, epochs=epochs)
        with torch.no_grad():
            squared, nats = (float(one.mean()) for one in reconstruction_losses(model(pictures), pictures))
        rows[f"{name}:\n{squared:.1f} squared,\n{nats:.0f} nats"] = model.again(digits)
    figure, _ = strip(rows)
    named = "; ".join(name.replace("\n", " ") for name in rows if name != "x")
    return figure, f"Ten digits and their reconstructions from {code} numbers. Trained on the {named} an image."
