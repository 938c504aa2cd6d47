"""The figures of the unit on gradients of expectations, one file for each idea."""

from lab.gradient_figures.discrete import own_sample, small_model
from lab.gradient_figures.estimators import baselines, dimensions, per_sample
from lab.gradient_figures.noise import noise_to_samples, two_ways
from lab.gradient_figures.relaxed import bias_and_variance, simplex

__all__ = [
    "baselines",
    "bias_and_variance",
    "dimensions",
    "noise_to_samples",
    "own_sample",
    "per_sample",
    "simplex",
    "small_model",
    "two_ways",
]
