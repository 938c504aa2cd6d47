"""How far a code moves when the picture does, in its steepest direction and in all others."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch

from lab.autoencoder_figures.training import part, tied, trained
from lab.style import BLUE, GREEN, canvas, picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@picture
def stretching(
    reconstruction_losses: Callable[..., Any], contractive_penalty: Callable[..., Any], strength: float = 1.0, code: int = 32,
    epochs: int = 20,
) -> tuple[Figure, str]:  # fmt: skip
    """The singular values of the encoder's Jacobian, averaged over digits that it has not seen: without and with the penalty."""
    if not strength > 0:
        raise ValueError(f"expected a strength above 0; got {strength:g}")
    pictures, _ = part("test")
    figure, (ax,) = canvas(height=3.6)
    told = []
    for amount, name, color in ((0.0, "plain", BLUE), (strength, f"contractive, weight {strength:g}", GREEN)):
        model = trained(
            tied,
            code,
            "contractive",
            reconstruction_losses,
            contractive_penalty,
            amount=amount,
            epochs=epochs,
            rate=5e-3,
        )
        jacobians = torch.func.vmap(torch.func.jacrev(model.encoder))(pictures)
        values = torch.linalg.svdvals(jacobians).mean(0)
        with torch.no_grad():
            nats = float(reconstruction_losses(model(pictures), pictures)[1].mean())
        paid = float(contractive_penalty(model.encoder, pictures).mean())
        ax.plot(
            range(1, len(values) + 1),
            values,
            "o-",
            color=color,
            ms=3,
            lw=1.4,
            label=f"{name}: {nats:.0f} nats, penalty {paid:.2f}",
        )
        told.append(f"{name}: {nats:.0f} nats, penalty {paid:.2f}, largest value {float(values[0]):.2f}")
    ax.set(
        xlabel="direction of the picture, the steepest first",
        ylabel="how far the code moves",
        ylim=(0, None),
        xlim=(0.5, 20.5),
    )
    ax.set_xticks([1, 5, 10, 15, 20])
    ax.set_title("Singular values of ∂h/∂x, averaged over unseen digits")
    ax.legend()
    return (
        figure,
        f"Mean singular values of the Jacobian of two encoders with {code} numbers of code. {'; '.join(told)}.",
    )
