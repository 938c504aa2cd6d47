"""The figures of the unit on probabilistic PCA, one file for each question that they ask."""

from lab.ppca_figures.fitting import climb, spectrum
from lab.ppca_figures.likelihood import directions, monte_carlo
from lab.ppca_figures.marginal import ellipse_and_line, generate
from lab.ppca_figures.missing import fill_in
from lab.ppca_figures.posterior import shrinkage, sums_and_integrals

__all__ = [
    "climb",
    "directions",
    "ellipse_and_line",
    "fill_in",
    "generate",
    "monte_carlo",
    "shrinkage",
    "spectrum",
    "sums_and_integrals",
]
