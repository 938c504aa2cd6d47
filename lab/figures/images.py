"""Images side by side: samples, an image and what became of it, strips such as a noising or a walk."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor

from lab.style import INK, canvas, picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

GAP = 2
"""Pixels of paper between two images."""
WIDTH = 9.6
"""Inches."""


def square(images: Float[Tensor, "n d"]) -> Float[Tensor, "n side side"]:
    """Rows of pixels as square images, or images as they are."""
    images = images.detach().float().cpu()
    if images.dim() == 2:
        side = math.isqrt(images.shape[1])
        if side * side != images.shape[1]:
            raise ValueError(f"{images.shape[1]} pixels are no square image; expected a square number such as 784")
        images = images.reshape(-1, side, side)
    if images.dim() != 3:
        raise ValueError(f"expected images of shape [n, pixels] or [n, height, width]; got {list(images.shape)}")
    return images


def sheet(images: Float[Tensor, "n h w"], columns: int) -> Float[Tensor, "height width"]:
    """All images on one sheet, row by row, with paper between them and where one is missing."""
    count, height, width = images.shape
    lines = -(-count // columns)
    page = torch.full((lines * (height + GAP) - GAP, columns * (width + GAP) - GAP), torch.nan)
    for place, image in enumerate(images):
        top, left = place // columns * (height + GAP), place % columns * (width + GAP)
        page[top : top + height, left : left + width] = image
    return page


def paint(ax: Axes, page: Float[Tensor, "height width"]) -> None:
    """Ink on paper: 0 is nearly white, 1 is black, and what is no image is the page itself."""
    from matplotlib import colormaps

    ax.imshow(page.numpy(), cmap=colormaps["gray_r"], vmin=-0.06, vmax=1, interpolation="nearest")
    ax.set(xticks=[], yticks=[])
    for spine in ax.spines.values():
        spine.set_visible(False)


def on_paper(page: Float[Tensor, "height width"], *, wide: float = WIDTH) -> tuple[Figure, Axes]:
    """A figure with just the height that the sheet needs."""
    figure, (ax,) = canvas(height=0.35 + wide * page.shape[0] / page.shape[1])
    paint(ax, page)
    return figure, ax


@picture
def samples(images: Float[Tensor, "n d"], title: str = "", columns: int = 12) -> tuple[Figure, str]:
    """A sheet of images, such as samples from a model."""
    found = square(images)
    figure, ax = on_paper(sheet(found, min(columns, len(found))))
    ax.set_title(title)
    return figure, f"{len(found)} images{f': {title}' if title else ''}."


@picture
def compared(
    before: Float[Tensor, "n d"], after: Float[Tensor, "n d"], names: tuple[str, str] = ("image", "reconstruction")
) -> tuple[Figure, str]:
    """Each image above what became of it."""
    if len(before) != len(after):
        raise ValueError(f"expected as many images before as after; got {len(before)} and {len(after)}")
    return strip({names[0]: before, names[1]: after})


@picture
def rows(images: Mapping[str, Float[Tensor, "n d"]]) -> tuple[Figure, str]:
    """Rows of images with a name beside each: a walk between two points, a noising and its way back, several models."""
    return strip(images)


def strip(images: Mapping[str, Tensor]) -> tuple[Figure, str]:
    found = {name: square(row) for name, row in images.items()}
    columns = max(len(row) for row in found.values())
    height, width = next(iter(found.values())).shape[1:]
    lines = [torch.cat([row, torch.full((columns - len(row), height, width), torch.nan)]) for row in found.values()]
    figure, ax = on_paper(sheet(torch.cat(lines), columns))
    ax.set_yticks([place * (height + GAP) + height / 2 for place in range(len(found))], list(found), color=INK)
    ax.tick_params(length=0)
    return figure, f"{columns} images in each of {len(found)} rows: {', '.join(found)}."
