"""What an autoencoder with room for everything learns if nothing is hidden from it, and if something is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float
from torch import Tensor

from lab.autoencoder_figures.training import PIXELS, Coder, one_of_each, part, shallow, trained
from lab.figures.images import paint, sheet, square, strip
from lab.style import canvas, picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Loss = Callable[..., Any]


def hidden(x: Float[Tensor, "n d"], share: float, seed: int = 1) -> Float[Tensor, "n d"]:
    u = torch.rand(x.shape, generator=torch.Generator().manual_seed(seed))
    return torch.where(u < share, torch.zeros(()), x)


def pair(denoising_loss: Loss, code: int, share: float, epochs: int) -> tuple[Coder, Coder]:
    """(one that saw everything, one from which a share of the pixels was hidden)."""
    if not 0 < share < 1:
        raise ValueError(f"expected a share between 0 and 1; got {share:g}")
    return tuple(trained(shallow, code, "hidden", denoising_loss, amount=one, epochs=epochs) for one in (0.0, share))  # pyright: ignore[reportReturnType]


@picture
def guesses(denoising_loss: Loss, share: float = 0.5, code: int = 800, epochs: int = 20) -> tuple[Figure, str]:
    """Digits with holes, and what a plain and a denoising autoencoder make of them; the code is larger than the picture."""
    plain, denoising = pair(denoising_loss, code, share, epochs)
    digits, (pictures, _) = one_of_each(), part("test")
    holes, all_holes = hidden(digits, share), hidden(pictures, share)
    off = [
        [float((model.again(seen) - pictures).square().sum(-1).mean()) for seen in (pictures, all_holes)]
        for model in (plain, denoising)
    ]
    figure, _ = strip({
        "x": digits, "what is seen": holes, "plain": plain.again(holes), "denoising": denoising.again(holes),
    })  # fmt: skip
    return figure, (
        f"Ten digits, the same with {share:.0%} of their pixels hidden, and two guesses from {code} numbers of code for {PIXELS} "
        f"pixels. Squared error an image: the plain autoencoder {off[0][0]:.1f} on whole pictures and {off[0][1]:.1f} on those "
        f"with holes, the denoising one {off[1][0]:.1f} and {off[1][1]:.1f}."
    )


@picture
def filters(denoising_loss: Loss, share: float = 0.5, code: int = 800, epochs: int = 20) -> tuple[Figure, str]:
    """The strongest weights from the picture to the code, each as a picture: grey is 0, black adds and white takes away."""
    figure, axes = canvas(2, height=4.6)
    models = pair(denoising_loss, code, share, epochs)
    for ax, model, name in zip(axes, models, ("plain", f"denoising, {share:.0%} hidden"), strict=True):
        weight = model.get_parameter("encoder.0.weight").detach()
        strongest = weight[weight.norm(dim=1).argsort(descending=True)[: min(49, code)]]
        # Pixels at the edge are white in every digit: nothing is learned about them, and what stands there is the start.
        shown = strongest * (part("train")[0].std(0) > 0.02)
        scale = shown.abs().quantile(0.99, dim=1, keepdim=True).clamp_min(1e-9)
        paint(ax, sheet(square((0.5 + shown / scale / 2).clamp(0, 1)), 7))
        ax.set_title(name)
    return figure, f"The {min(49, code)} strongest filters of a plain autoencoder and of a denoising one, side by side."
