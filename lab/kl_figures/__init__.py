"""The figures of the unit on the Kullback–Leibler divergence, one file for each kind of distribution."""

from lab.kl_figures.discrete import bernoulli, maximum_likelihood, small_model
from lab.kl_figures.gaussian import directions, half_on_the_first_term, integrand, mean_field
from lab.kl_figures.jensen import chord, gap_against_spread
from lab.kl_figures.mixture import as_modes_part, forward_and_reverse, reverse_landscape, two_modes
from lab.kl_figures.monte_carlo import clamped, convergence

__all__ = [
    "as_modes_part",
    "bernoulli",
    "chord",
    "clamped",
    "convergence",
    "directions",
    "forward_and_reverse",
    "gap_against_spread",
    "half_on_the_first_term",
    "integrand",
    "maximum_likelihood",
    "mean_field",
    "reverse_landscape",
    "small_model",
    "two_modes",
]
