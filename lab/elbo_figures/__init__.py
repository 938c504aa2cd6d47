"""The figures of the unit on the evidence lower bound, one file for each kind of model."""

from lab.elbo_figures.aggregate import four_encoders
from lab.elbo_figures.finite import bound_and_gap, ratios, two_ways
from lab.elbo_figures.importance import tightening
from lab.elbo_figures.linear_gaussian import diagonal_in_a_tilted_posterior
from lab.elbo_figures.staircase import staircase

__all__ = [
    "bound_and_gap",
    "diagonal_in_a_tilted_posterior",
    "four_encoders",
    "ratios",
    "staircase",
    "tightening",
    "two_ways",
]
