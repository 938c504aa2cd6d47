"""A planar map, drawn as what it does to a grid."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from lab.style import GREY, INK, canvas, picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Planar = Callable[[Tensor, Tensor, Tensor, Tensor], tuple[Tensor, Tensor, Tensor]]


@picture
def bent_grid(
    planar: Planar, u: tuple[float, float] = (1.2, 0.6), w: tuple[float, float] = (1.5, 0.0), b: float = 0.0
) -> tuple[Figure, str]:
    """A grid over [−2, 2]² and its image, each cell coloured by log|det J| at its middle, hatched where det J < 0."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.collections import PolyCollection
    from matplotlib.colors import LinearSegmentedColormap, Normalize

    if len(u) != 2 or len(w) != 2:
        raise ValueError(f"expected u and w with two entries each; got {u} and {w}")
    cells = 20
    edge = torch.linspace(-2, 2, cells + 1, dtype=torch.float64)
    corners = torch.stack(torch.meshgrid(edge, edge, indexing="ij"), -1)
    middles = ((corners[:-1, :-1] + corners[1:, 1:]) / 2).reshape(-1, 2)
    to, across = torch.tensor(u, dtype=torch.float64), torch.tensor(w, dtype=torch.float64)
    offset = torch.tensor(b, dtype=torch.float64)
    moved = planar(corners.reshape(-1, 2), to, across, offset)[0].reshape(corners.shape)
    _, jacobian, log_abs_det = planar(middles, to, across, offset)
    turned = torch.linalg.det(jacobian) < 0

    def outlines(points: Tensor) -> Tensor:
        quads = torch.stack([points[:-1, :-1], points[1:, :-1], points[1:, 1:], points[:-1, 1:]], -2)
        return quads.reshape(-1, 4, 2)

    colours = LinearSegmentedColormap.from_list("squeezed to stretched", ["#0072B2", "#F7F7F7", "#D55E00"])
    scale = Normalize(-1.5, 1.5)
    figure, axes = canvas(2, height=4.4, widths=[1, 1.3])
    for ax, points, name in ((axes[0], corners, "z"), (axes[1], moved, "x")):
        shapes = outlines(points)
        faces = colours(scale(log_abs_det.numpy()))
        ax.add_collection(
            PolyCollection(list(shapes.numpy()), facecolors=faces, edgecolors=GREY, linewidths=0.5, alpha=0.85)
        )
        if bool(turned.any()):
            hatched = PolyCollection(
                list(shapes[turned].numpy()), facecolors="none", edgecolors=INK, linewidths=0.0, hatch="////"
            )
            ax.add_collection(hatched)
        low, high = shapes.reshape(-1, 2).amin(0).clamp_max(-2), shapes.reshape(-1, 2).amax(0).clamp_min(2)
        pad = 0.06 * (high - low)
        ax.set(
            xlim=(float(low[0] - pad[0]), float(high[0] + pad[0])), ylim=(float(low[1] - pad[1]), float(high[1] + pad[1])),
            aspect="equal", xlabel=f"${name}_1$", ylabel=f"${name}_2$",
        )  # fmt: skip
    folded = bool(turned.any())
    axes[0].set_title("A grid" + (" (hatched: det J < 0)" if folded else ""))
    axes[1].set_title("Where it goes")
    bar = figure.colorbar(ScalarMappable(scale, colours), ax=axes[1], shrink=0.85, extend="both")
    bar.set_label("log |det J|, nats")
    least, most = float(log_abs_det.min()), float(log_abs_det.max())
    told = "it folds: in some cells the determinant is negative" if folded else "nowhere is the determinant negative"
    return figure, (
        f"A square grid and its image under the planar map with u = ({u[0]:g}, {u[1]:g}), w = ({w[0]:g}, {w[1]:g}) and "
        f"b = {b:g}, coloured by log|det J|, which ranges from {least:.2f} to {most:.2f}; {told}."
    )
