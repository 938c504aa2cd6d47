"""Walks among the codes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from lab.autoencoder_figures.training import deep, part, trained
from lab.figures.images import on_paper, sheet, square, strip
from lab.style import picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def some(digit: int, which: int = 0) -> Tensor:
    pictures, labels = part("test")
    if not 0 <= digit <= 9:
        raise ValueError(f"expected a digit from 0 to 9; got {digit}")
    return pictures[labels == digit][which : which + 1]


@picture
def walks(
    reconstruction_losses: Callable[..., Any], interpolate: Callable[..., Tensor], start: int = 3, end: int = 8,
    steps: int = 10, code: int = 10,
) -> tuple[Figure, str]:  # fmt: skip
    """From one digit to another: the pixels mixed, and the codes; for two pairs."""
    if steps < 2:
        raise ValueError(f"expected at least two steps; got {steps}")
    model = trained(deep, code, "cross-entropy", reconstruction_losses)
    share = torch.linspace(0, 1, steps)[:, None]
    rows = {}
    for which, mark in ((0, ""), (2, " ")):
        a, b = some(start, which), some(end, which)
        rows[f"pixels mixed{mark}"] = (1 - share) * a + share * b
        with torch.no_grad():
            rows[f"codes mixed{mark}"] = interpolate(model.encoder, model.decoder, a, b, steps)[0]
    figure, _ = strip(rows)
    return (
        figure,
        f"Two walks from a {start} to an {end} in {steps} steps: in the pixels one fades into the other, "
        "among the codes one becomes the other.",
    )


@picture
def corners(
    reconstruction_losses: Callable[..., Any], digits: tuple[int, int, int, int] = (0, 1, 4, 7), side: int = 9, code: int = 10
) -> tuple[Figure, str]:  # fmt: skip
    """Four digits in the corners of a sheet; the code at each place between is the mean of theirs, the nearer the heavier."""
    if side < 2 or len(digits) != 4:
        raise ValueError(f"expected four digits and at least two places a side; got {digits} and {side}")
    model = trained(deep, code, "cross-entropy", reconstruction_losses)
    codes = model.codes(torch.cat([some(digit) for digit in digits]))
    t = torch.linspace(0, 1, side)
    down, across = (way.reshape(-1, 1) for way in torch.meshgrid(t, t, indexing="ij"))
    weights = torch.cat([(1 - down) * (1 - across), (1 - down) * across, down * (1 - across), down * across], 1)
    figure, _ = on_paper(sheet(square(model.pictures(weights @ codes)), side), wide=6.2)
    return (
        figure,
        f"A sheet of {side} by {side} decoded codes, with the digits {', '.join(map(str, digits))} in its corners.",
    )
