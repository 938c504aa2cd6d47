"""How much a code of k numbers can hold: planes, and bent surfaces."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float
from torch import Tensor

from lab.autoencoder_figures.training import deep, part, trained
from lab.data import Rows
from lab.fit import fit, made
from lab.style import BLUE, GREEN, INK, ORANGE, beside, canvas, picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def lost(parts: tuple[Tensor, Tensor, Tensor], x: Float[Tensor, "m d"]) -> float:
    """The mean squared error of a linear autoencoder."""
    mean, encode, decode = parts
    return float((x - mean - (x - mean) @ encode.mT @ decode.mT).square().sum(-1).mean())


class Plain(torch.nn.Module):
    """decode @ encode @ x, with all weights learned, for x with mean 0."""

    def __init__(self, d: int, k: int) -> None:
        super().__init__()
        self.encode, self.decode = torch.nn.Linear(d, k), torch.nn.Linear(k, d)

    def forward(self, x: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
        return self.decode(self.encode(x))


def descended(x: Float[Tensor, "m d"], k: int, epochs: int) -> Plain:
    """A linear autoencoder that nobody told about eigenvectors, after gradient descent on the squared error."""

    def terms(model: torch.nn.Module, x: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        del generator
        off = (model(x) - x).square().sum(-1)
        return -off, torch.zeros_like(off)

    model = made(lambda: Plain(x.shape[1], k), seed=0)
    fit(model, terms, Rows(x), epochs=epochs, batch=128, rate=5e-3, quiet=True)
    assert isinstance(model, Plain)
    return model


@picture
def widths(
    linear_autoencoder: Callable[[Tensor, int], tuple[Tensor, Tensor, Tensor]], reconstruction_losses: Callable[..., Any],
    code: int = 10, epochs: int = 60,
) -> tuple[Figure, str]:  # fmt: skip
    """The squared error on the digits by the size of the code: the best linear one, one found by descent, and a deep one."""
    x, _ = part("train")
    fresh, _ = part("test")
    if not 1 <= code <= 64:
        raise ValueError(f"expected a code of 1 to 64 numbers; got {code}")
    sizes = sorted({1, 2, 3, 5, 8, 12, 16, 24, 32, 48, 64, code})
    best = {k: linear_autoencoder(x.double(), k) for k in sizes}
    errors = [lost(best[k], x.double()) for k in sizes]
    figure, (ax,) = canvas(height=3.9)
    ax.plot(sizes, errors, "o-", color=BLUE, ms=4, label="best linear, the digits it was made from")
    ax.plot(
        sizes, [lost(best[k], fresh.double()) for k in sizes], "o--", color=BLUE, ms=4, lw=1.2, alpha=0.6,
        label="best linear, digits it has not seen",
    )  # fmt: skip
    centred = x - x.mean(0)
    found = descended(centred, code, epochs)
    model = trained(deep, code, "squared", reconstruction_losses)
    with torch.no_grad():
        by_descent = float((found(centred) - centred).square().sum(-1).mean())
        bent = [float((model.again(one) - one).square().sum(-1).mean()) for one in (x, fresh)]
    # Two planes are the same where the singular values of one orthonormal basis times the other are all 1.
    basis = torch.linalg.qr(found.decode.weight.detach().double())[0]
    yours = torch.linalg.qr(best[code][2])[0]
    overlap = float(torch.linalg.svdvals(basis.mT @ yours).square().mean())
    ax.plot(code, by_descent, "D", color=GREEN, ms=8, mfc="none", mew=1.8, label="linear, by gradient descent")
    ax.plot(code, bent[0], "s", color=ORANGE, ms=7, label="one hidden layer, seen")
    ax.plot(code, bent[1], "s", color=ORANGE, ms=7, mfc="none", mew=1.6, label="one hidden layer, not seen")
    beside(ax, f"its plane and yours overlap by {overlap:.1%}", (code, by_descent), (14, 8), color=INK)
    ax.set(xscale="log", xlabel="numbers in the code", ylabel="squared error, an image", ylim=(0, None))
    ax.set_xticks([1, 2, 5, 10, 20, 50], ["1", "2", "5", "10", "20", "50"])
    ax.minorticks_off()
    ax.legend(loc="upper right")
    return figure, (
        f"Squared error against the size of the code. With {code} numbers the best linear autoencoder loses "
        f"{errors[sizes.index(code)]:.1f}, one found by descent {by_descent:.1f}, their planes overlap by {overlap:.1%}; a deep "
        f"one loses {bent[0]:.1f} on digits it has seen and {bent[1]:.1f} on others. With 64 the linear one loses "
        f"{errors[-1]:.2f}."
    )
