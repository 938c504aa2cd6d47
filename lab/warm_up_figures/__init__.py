"""The figures of the warm-up, one file for each kind of model."""

from lab.warm_up_figures.bending import bent_grid
from lab.warm_up_figures.finite import beliefs, mosaic
from lab.warm_up_figures.gaussian import mixture, slice_through, two_opinions
from lab.warm_up_figures.logarithms import overflow

__all__ = ["beliefs", "bent_grid", "mixture", "mosaic", "overflow", "slice_through", "two_opinions"]
