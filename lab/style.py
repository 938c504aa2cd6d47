"""How every figure looks: one palette that colour-blind readers can tell apart, large labels, little ink.

A drawing function is decorated with `picture` and returns the matplotlib figure with a sentence that says what it shows.
Matplotlib is loaded when the first figure is drawn: whoever only imports a notebook's helpers does not wait for it.
"""

from __future__ import annotations

import base64
import functools
import html
import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ParamSpec

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, ORANGE, GREEN, PURPLE, SKY = "#0072B2", "#D55E00", "#00805F", "#AA4A86", "#56B4E9"  # after Okabe and Ito
INK, GREY, PALE = "#222222", "#767676", "#E3E3E3"
P, Q = BLUE, ORANGE
"""In every figure of the course p is blue and q is orange."""
FORWARD, REVERSE = GREEN, ORANGE
"""What is fitted by KL[p‖q] is green, what is fitted by KL[q‖p] is orange."""

STYLE: dict[str, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.labelsize": 11,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 11.5,
    "axes.titlepad": 10,
    "figure.facecolor": "white",
    "font.family": "DejaVu Sans",
    "font.size": 10.5,
    "legend.fontsize": 10,
    "legend.frameon": False,
    "lines.linewidth": 2.0,
    "mathtext.fontset": "dejavusans",
    "text.color": INK,
    "xtick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.color": GREY,
    "ytick.labelcolor": INK,
}
DOTS_PER_INCH = 150
SHOWN_PER_INCH = 88
"""Drawn at twice the size or nearly so, and shown smaller: sharp on fine screens too."""

Settings = ParamSpec("Settings")


class Picture:
    """A drawn figure that a notebook shows on a white card, in light themes and dark, with a text for who cannot see it."""

    def __init__(self, figure: Figure, alt: str) -> None:
        self.figure, self.alt = figure, " ".join(alt.split())
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=DOTS_PER_INCH)
        self.png = buffer.getvalue()

    def _repr_html_(self) -> str:
        width = round(self.figure.get_figwidth() * SHOWN_PER_INCH)
        source = base64.b64encode(self.png).decode("ascii")
        card = "max-width: 100%; background: white; border-radius: 6px"
        alt = html.escape(self.alt)
        return f'<img alt="{alt}" width="{width}" style="{card}" src="data:image/png;base64,{source}">'

    def __repr__(self) -> str:
        return f"[Figure: {self.alt}]"


def picture(draw: Callable[Settings, tuple[Figure, str]]) -> Callable[Settings, Picture]:
    """Draw in the course's style, and nowhere else: nobody's own matplotlib settings are changed."""

    @functools.wraps(draw)
    def drawn(*args: Settings.args, **kwargs: Settings.kwargs) -> Picture:
        import matplotlib

        with matplotlib.rc_context(STYLE):  # pyright: ignore[reportArgumentType]
            return Picture(*draw(*args, **kwargs))

    return drawn


def beside(ax: Axes, text: str, at: tuple[float, float], offset: tuple[float, float] = (0, 0), **style: Any) -> None:
    """Write next to a point of the plot, so many points to the right of it and above it."""
    ax.annotate(text, at, offset, textcoords="offset points", **style)


def canvas(columns: int = 1, *, height: float = 3.4, widths: list[float] | None = None) -> tuple[Figure, list[Axes]]:
    """A figure as wide as a notebook's page, with so many panels side by side."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.6, height), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.14, h_pad=0.14)  # pyright: ignore[reportOptionalMemberAccess, reportCallIssue]
    axes = figure.subplots(1, columns, squeeze=False, width_ratios=widths)
    return figure, list(axes[0])
